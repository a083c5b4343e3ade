package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
)

// serve serves a collector on loopback until the test ends, and returns its address.
func serve(t testing.TB, c *Collector) (addr string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, c, time.Minute, slog.New(slog.DiscardHandler)) }()
	stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return l.Addr().String(), stop
}

func send(t *testing.T, addr, body string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/v1/batch", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", basic(testKey))
	res, err := http.DefaultClient.Do(r)
	if err == nil {
		t.Cleanup(func() { _ = res.Body.Close() })
	}
	return res, err
}

// wait waits for a fact.
func wait(t *testing.T, what string, fact func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !fact(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func retryAfter(t *testing.T, r *http.Response) {
	t.Helper()
	if n, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || n < 1 || n > 10 {
		t.Errorf("Retry-After is %q", r.Header.Get("Retry-After"))
	}
}

// The answer comes after Kafka's, and not before.
func TestAnswerWaitsForKafka(t *testing.T) {
	asked, answered := make(chan struct{}), make(chan struct{})
	k := kafka{write: func(context.Context) error { close(asked); <-answered; return nil }}
	c := newCollector(t, &k)
	addr, stop := serve(t, c)
	done := make(chan *http.Response, 1)
	go func() {
		r, err := send(t, addr, `{"batch":[`+page+`]}`)
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	<-asked
	if s := c.Snapshot(); s.Pending != 1 || s.PendingBytes == 0 || s.Answers[200] != 0 {
		t.Errorf("while Kafka is asked: %+v", s)
	}
	// It is asked to end meanwhile, and answers first.
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	wait(t, "no new connections", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	select {
	case r := <-done:
		t.Fatalf("answered %d before Kafka", r.StatusCode)
	default:
	}
	close(answered)
	if r := <-done; r == nil || r.StatusCode != 200 {
		t.Errorf("answered %v", r)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	c.Close()
	if s := c.Snapshot(); s.Pending != 0 || s.PendingBytes != 0 || s.Events[event.TypeBehavior] != 1 {
		t.Errorf("at the end: %+v", s)
	}
}

// Whatever Kafka's writer reports, the sender is told to come again.
func TestKafkaFails(t *testing.T) {
	for name, write := range map[string]func(context.Context) error{
		"an error":       func(context.Context) error { return errors.New("no leader") },
		"some not taken": func(context.Context) error { return &stream.WriteError{Errs: []error{nil, errors.New("x")}} },
		"no answer":      func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			k := kafka{write: func(context.Context) error { return write(ctx) }}
			c := newCollector(t, &k, func(c *Config) { c.AckTimeout = 50 * time.Millisecond })
			r := post(t, c, "/v1/batch", `{"batch":[`+page+`]}`)
			if r.StatusCode != 503 {
				t.Errorf("answered %d", r.StatusCode)
			}
			retryAfter(t, r)
			if name == "no answer" && c.Snapshot().PendingBytes == 0 {
				t.Error("the memory of what still waits is given back")
			}
			cancel()
			c.Close()
			if s := c.Snapshot(); s.PendingBytes != 0 || s.KafkaFailures != 1 || len(s.Events) != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// A Kafka that is away and comes back: 503, then 200, and what was acknowledged is there.
func TestKafkaComesBack(t *testing.T) {
	cfg := stream.BrokerConfig{Dir: t.TempDir()}
	broker, err := stream.StartBroker(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Addr = broker.Addr()
	kcfg := stream.Config{Brokers: []string{broker.Addr()}}
	if err := stream.EnsureTopics(t.Context(), kcfg, event.Topics(), 1); err != nil {
		t.Fatal(err)
	}
	w := stream.NewWriter(kcfg)
	defer w.Close()
	c := newCollector(t, w, func(c *Config) { c.AckTimeout = 2 * time.Second })
	body := `{"batch":[` + page + `]}`
	wait(t, "200", func() bool { return post(t, c, "/v1/batch", body).StatusCode == 200 })
	if err := broker.Close(); err != nil {
		t.Fatal(err)
	}
	r := post(t, c, "/v1/batch", body)
	if r.StatusCode != 503 {
		t.Errorf("without a broker %d", r.StatusCode)
	}
	retryAfter(t, r)
	if broker, err = stream.StartBroker(cfg); err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	wait(t, "200 again", func() bool { return post(t, c, "/v1/batch", body).StatusCode == 200 })
	c.Close()
}

// When the memory is taken, senders are told to come again; when it is free, they are served.
func TestBusy(t *testing.T) {
	asked, answered := make(chan struct{}, 100), make(chan struct{})
	k := kafka{write: func(context.Context) error { asked <- struct{}{}; <-answered; return nil }}
	c := newCollector(t, &k, func(c *Config) { c.MaxPending = 1 << 20 })
	addr, _ := serve(t, c)
	body := `{"batch":[` + strings.TrimSuffix(strings.Repeat(page+",", 500), ",") + `]}` // half of it, while it waits
	first := make(chan int, 1)
	go func() {
		r, err := send(t, addr, body)
		if err != nil {
			t.Error(err)
			first <- 0
			return
		}
		first <- r.StatusCode
	}()
	<-asked
	for range 20 {
		r := post(t, c, "/v1/batch", strings.Repeat(" ", 500<<10)+body)
		if r.StatusCode != 429 {
			t.Fatalf("answered %d with %+v", r.StatusCode, c.Snapshot())
		}
		retryAfter(t, r)
	}
	close(answered)
	if status := <-first; status != 200 {
		t.Errorf("the first was answered %d", status)
	}
	wait(t, "memory free", func() bool { return c.Snapshot().PendingBytes == 0 })
	if r := post(t, c, "/v1/batch", `{"batch":[`+page+`]}`); r.StatusCode != 200 {
		t.Errorf("afterwards %d", r.StatusCode)
	}
}

// A body that breaks off can be sent again, so it is not the sender's fault.
func TestBodyBreaksOff(t *testing.T) {
	c := newCollector(t, &kafka{})
	addr, _ := serve(t, c)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /v1/batch HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: 100\r\n"+
		"\r\n{\"batch\":[", basic(testKey))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
		t.Errorf("%v, %s", err, answer)
	}
	if s := c.Snapshot(); s.PendingBytes != 0 || len(s.Rejected) != 0 {
		t.Errorf("%+v", s)
	}
}

// Who sends slowly on purpose is cut off: while the head comes without an answer, while the body comes by 408.
func TestSlowSenders(t *testing.T) {
	server := newServer(newCollector(t, &kafka{}), slog.New(slog.DiscardHandler))
	if server.ReadHeaderTimeout <= 0 || server.ReadTimeout <= 0 || server.WriteTimeout <= server.ReadTimeout+8*time.Second ||
		server.IdleTimeout <= 0 {
		t.Errorf("a limit is missing: %+v", server)
	}
	const head = "POST /v1/batch HTTP/1.1\r\nHost: x\r\n"
	for _, c := range []struct {
		sent, want string
		forHead    time.Duration // where the head comes whole, however slow the machine
	}{
		{head, "", 100 * time.Millisecond},
		{head + "Authorization: " + basic(testKey) + "\r\nContent-Length: 100\r\n\r\n{", "HTTP/1.1 408 ", time.Minute},
	} {
		server := newServer(server.Handler, slog.New(slog.DiscardHandler))
		server.ReadHeaderTimeout, server.ReadTimeout = c.forHead, 200*time.Millisecond
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { _ = server.Close() })
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte(c.sent)); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn) // until the server hangs up
		if err != nil || !strings.HasPrefix(string(answer), c.want) || (c.want == "" && len(answer) > 0) {
			t.Errorf("after %q: %v, %q", c.sent, err, answer)
		}
	}
}

// More connections than there may be wait, and are served when others have gone.
func TestConnectionsAreBounded(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &limited{Listener: inner, free: make(chan struct{}, 2)}
	defer l.Close()
	for range 3 {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	var open []net.Conn
	for range 2 {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
	}
	third := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			err = conn.Close()
		}
		third <- err
	}()
	select {
	case err := <-third:
		t.Fatalf("a third was accepted beside two: %v", err)
	default:
	}
	for range 2 { // closing twice frees one place
		_ = open[0].Close()
	}
	if err := <-third; err != nil {
		t.Error(err)
	}
	if len(l.free) != 1 {
		t.Errorf("%d places are taken, want 1", len(l.free))
	}
}

// The memory of hostile bodies is bounded: two hundred bombs at once, each of 32 MB, cost what the limits say.
func TestBombsCostLittle(t *testing.T) {
	bomb := zipped(t, make([]byte, 32<<20))
	c := newCollector(t, &kafka{}, func(c *Config) { c.MaxPending = 8 << 20 })
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	done := make(chan int)
	for range 200 {
		go func() { done <- post(t, c, "/v1/batch", bomb, "Content-Encoding", "gzip").StatusCode }()
	}
	most := uint64(0)
	for range 200 {
		if status := <-done; status != 413 && status != 429 {
			t.Errorf("answered %d", status)
		}
		runtime.ReadMemStats(&after)
		most = max(most, after.HeapInuse-min(after.HeapInuse, before.HeapInuse))
	}
	if most > 200<<20 {
		t.Errorf("%d MB in use", most>>20)
	}
	if s := c.Snapshot(); s.PendingBytes != 0 || s.Pending != 0 {
		t.Errorf("%+v", s)
	}
}
