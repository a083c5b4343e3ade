package collect

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// The limits of connections. Clients that send slowly on purpose so cost little, and not for long.
const (
	headerTimeout = 5 * time.Second
	// readTimeout is for a whole request: a phone has 15 s for its few kilobytes.
	readTimeout = 15 * time.Second
	// writeTimeout is from the end of the header to the end of the answer; waiting for Kafka lies between.
	writeTimeout = 45 * time.Second
	// idleTimeout is longer than that of proxies that stand in front, which must not meet a closed connection.
	idleTimeout    = 90 * time.Second
	maxHeaderBytes = 16 << 10
	maxConnections = 4096
)

// Serve answers on a listener until ctx ends. Requests that are under way then are answered, within grace; no new ones
// are taken. It returns nil after that.
func Serve(ctx context.Context, l net.Listener, handler http.Handler, grace time.Duration, log *slog.Logger) error {
	server := newServer(handler, log)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(&limited{Listener: l, free: make(chan struct{}, maxConnections)}) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close() // who was not answered sends again
	}
	if failed := <-ended; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return err
}

func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// limited bounds how many connections are open. Further ones wait to be accepted.
type limited struct {
	net.Listener
	free chan struct{}
}

// Accept waits for a connection and for room for it.
func (l *limited) Accept() (net.Conn, error) {
	l.free <- struct{}{}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &counted{Conn: conn, free: sync.OnceFunc(func() { <-l.free })}, nil
}

// counted gives its room back when it is closed.
type counted struct {
	net.Conn
	free func()
}

// Close closes the connection.
func (c *counted) Close() error {
	defer c.free()
	return c.Conn.Close()
}
