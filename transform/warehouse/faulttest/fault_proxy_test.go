package faulttest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"clew/transform/warehouse"
)

// cutter stands between the sink and the engine and cuts the connection of each third INSERT, in three ways in turn:
// after half of the data, after all data and before the engine has answered, and in place of the engine's answer.
type cutter struct {
	t             *testing.T
	engine        string
	db            *warehouse.DB
	inserts, cuts atomic.Int64
}

func (c *cutter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if !strings.Contains(strings.ToUpper(r.URL.Query().Get("query")), "INSERT INTO") || c.inserts.Add(1)%3 != 0 {
		c.forward(r.Context(), r, body, w)
		return
	}
	switch c.cuts.Add(1) % 3 {
	case 0:
		half, cancel := context.WithCancel(context.Background())
		defer cancel()
		c.forward(half, r, body[:len(body)/2], nil)
	case 1:
		answered := make(chan struct{})
		go func() { defer close(answered); c.forward(context.Background(), r, body, nil) }()
		c.running(r.URL.Query().Get("query_id"), answered)
	default:
		c.forward(context.Background(), r, body, nil)
	}
	panic(http.ErrAbortHandler)
}

func (c *cutter) forward(ctx context.Context, r *http.Request, body []byte, w http.ResponseWriter) {
	forward(ctx, c.t, r, c.engine+r.URL.RequestURI(), bytes.NewReader(body), w)
}

// forward sends a request on to a URL, with a body that may be another, and the answer back where somebody wants it.
func forward(
	ctx context.Context, t *testing.T, r *http.Request, to string, body io.Reader, w http.ResponseWriter,
) {
	t.Helper()
	out, err := http.NewRequestWithContext(ctx, r.Method, to, body)
	if err != nil {
		t.Error(err)
		return
	}
	out.Header = r.Header.Clone()
	res, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		if w != nil {
			panic(http.ErrAbortHandler)
		}
		return
	}
	defer res.Body.Close()
	if w == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		return
	}
	maps.Copy(w.Header(), res.Header)
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
}

// running waits until the engine runs the statement, or has run it.
func (c *cutter) running(id string, answered <-chan struct{}) {
	for {
		select {
		case <-answered:
			return
		default:
		}
		var got []struct {
			N uint64 `ch:"n"`
		}
		err := c.db.Select(context.Background(), &got, "SELECT count() AS n FROM system.processes WHERE query_id = {id:String}",
			warehouse.Params{"id": id})
		if err == nil && got[0].N > 0 {
			return
		}
	}
}

// TestAmbiguousInserts leaves open, for one INSERT in three, whether its rows are stored.
func TestAmbiguousInserts(t *testing.T) {
	n, _ := size(t, 150_000, 1)
	brokers := []string{startBroker(t).addr}
	engine := start(t, child{Role: "engine", Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: "http://" + engine.addr})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	cut := &cutter{t: t, engine: "http://" + engine.addr, db: db}
	proxy := httptest.NewServer(cut)
	defer proxy.Close()
	produce(t, brokers, 0, n)
	sink := start(t, servedSink(brokers, strings.TrimPrefix(proxy.URL, "http://")))
	caughtUp(t, brokers)
	sink.stop(t)
	if cut.cuts.Load() < 6 {
		t.Errorf("only %d INSERTs were cut", cut.cuts.Load())
	}
	judgeAt(t, "connection cut under an INSERT", int(cut.cuts.Load()), "http://"+engine.addr, brokers, sent{events: n})
}
