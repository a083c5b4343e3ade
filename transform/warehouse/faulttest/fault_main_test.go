// Package faulttest breaks ingest in every way it may break, with real processes on real sockets and disks, and counts
// what is lost and what is stored twice.
package faulttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"clew/ingest"
	"clew/ingest/stream"
	"clew/transform/warehouse"
	"clew/transform/warehouse/embedded"
)

// childVar holds, in the environment of a child process, what the child is to do, as JSON.
const childVar = "CLEW_FAULT_CHILD"

// child is a process under test: this binary again, in another role.
type child struct {
	Role string
	// Dir and Addr are for the roles broker and engine.
	Dir, Addr string
	// The others are for the role ingest.
	Brokers []string
	DSN     string
	MaxRows int
	Every   time.Duration
}

func TestMain(m *testing.M) {
	if text := os.Getenv(childVar); text != "" {
		var c child
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			panic(err)
		}
		if err := c.run(); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	printTable(os.Stdout)
	os.Exit(code)
}

func (c child) run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	fmt.Println("pid", os.Getpid())
	go func() { // the end of the input is the end of the test run
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	switch c.Role {
	case "broker":
		b, err := stream.StartBroker(stream.BrokerConfig{Dir: c.Dir, Addr: c.Addr})
		if err != nil {
			return err
		}
		fmt.Println("ready", b.Addr())
		<-ctx.Done()
		return b.Close()
	case "engine":
		return c.serveEngine(ctx)
	default:
		return c.ingest(ctx)
	}
}

// serveEngine puts the engine behind a socket, as a server.
func (c child) serveEngine(ctx context.Context) error {
	e, err := embedded.Open(embedded.Config{Path: c.Dir, Library: os.Getenv("CLEW_LIBCHDB")})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return errors.Join(err, e.Close())
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = impatient{r.Body, http.NewResponseController(w)}
		res, err := e.RoundTrip(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer res.Body.Close()
		maps.Copy(w.Header(), res.Header)
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	})}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Println("ready", listener.Addr())
	_ = server.Serve(listener)
	return e.Close()
}

// impatient is a body that breaks off where nothing of it comes for a while, as a server's http_receive_timeout has it.
type impatient struct {
	io.ReadCloser
	conn *http.ResponseController
}

const receiveTimeout = 5 * time.Second

func (b impatient) Read(p []byte) (int, error) {
	_ = b.conn.SetReadDeadline(time.Now().Add(receiveTimeout))
	defer func() { _ = b.conn.SetReadDeadline(time.Time{}) }()
	return b.ReadCloser.Read(p)
}

func (c child) ingest(ctx context.Context) (err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	db, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	fmt.Println("ready", os.Getpid())
	return ingest.Run(ctx, ingest.Config{
		Stream: stream.Config{Brokers: c.Brokers}, Group: group, Sink: db.Sink(), Now: time.Now, Log: log,
		MaxRows: c.MaxRows, FlushEvery: c.Every,
		OnFlush: func(p ingest.Progress) { fmt.Println("flush", p.Records+p.DeadLetters, p.Committed) },
	})
}

// open tries until the warehouse answers, as an operator's supervisor would.
func (c child) open(ctx context.Context, log *slog.Logger) (*warehouse.DB, error) {
	for {
		db, err := warehouse.Open(ctx, warehouse.Config{DSN: c.DSN, Library: os.Getenv("CLEW_LIBCHDB")})
		if err == nil {
			if err = db.Migrate(ctx); err == nil {
				return db, nil
			}
			err = errors.Join(err, db.Close())
		}
		if ctx.Err() != nil || errors.Is(err, embedded.ErrNoLibrary) {
			return nil, err
		}
		log.Warn("the warehouse cannot be opened", "error", err)
		time.Sleep(100 * time.Millisecond)
	}
}
