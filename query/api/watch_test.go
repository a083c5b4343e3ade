package api

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"clew/query"
)

// listen serves on a free port of the loopback until the test ends.
func listen(t *testing.T, app *fiber.App) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(l) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr()
}

// TestAClientThatHangsUpStopsItsQuery: nobody may load the engine by asking and leaving.
func TestAClientThatHangsUpStopsItsQuery(t *testing.T) {
	started, stopped := make(chan struct{}), make(chan error)
	metrics := func(ctx context.Context, _ query.Request) (*query.Answer, error) {
		close(started)
		<-ctx.Done()
		stopped <- ctx.Err()
		return nil, ctx.Err()
	}
	app := New(Config{Log: quiet(), Service: fake{metrics: metrics}})
	conn, err := net.Dial("tcp", listen(t, app).String())
	if err != nil {
		t.Fatal(err)
	}
	head := "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 22\r\n\r\n"
	if _, err := conn.Write([]byte(head + `{"measures":["leads"]}`)); err != nil {
		t.Fatal(err)
	}
	<-started
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Errorf("the query ended with %v", err)
	}
}

// TestLookingTakesNothing: the look for a client that hung up must not eat its next request.
func TestLookingTakesNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	socket, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if hungUp(socket) {
		t.Error("a quiet client is taken for gone")
	}
	if _, err := client.Write([]byte("ab")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 1)
	for range 2 {
		// The second byte has arrived with the first, so the look sees it.
		if hungUp(socket) {
			t.Error("a client that sent its next request is taken for gone")
		}
		if _, err := io.ReadFull(conn, got); err != nil {
			t.Fatal(err)
		}
	}
	if string(got) != "b" {
		t.Errorf("read %q last, want b", got)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(got); !errors.Is(err, io.EOF) {
		t.Fatalf("read %v, want the end", err)
	}
	if !hungUp(socket) {
		t.Error("a client that is gone is not seen")
	}
}

func TestBrokenRequests(t *testing.T) {
	app := New(Config{Log: quiet(), Service: fake{}})
	address := listen(t, app).String()
	for _, c := range []struct{ name, request, want string }{
		{"no HTTP", "HELLO\r\n\r\n", `"code":"bad_request","detail":"the request is not valid HTTP"`},
		{
			"large headers", "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", headerLimit) + "\r\n\r\n",
			`"code":"headers_too_large"`,
		},
		{
			"a large body", "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n",
			`{"type":"urn:clew:problem:body_too_large","title":"Request Entity Too Large","status":413,` +
				`"code":"body_too_large","detail":"the body is larger than 1048576 bytes","hint":"ask in several requests"}`,
		},
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(c.request)); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(conn)
		if err != nil && !strings.Contains(string(got), c.want) {
			t.Fatal(err)
		}
		if !strings.Contains(string(got), c.want) || !strings.Contains(string(got), typeProblem) {
			t.Errorf("%s: %s", c.name, got)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
