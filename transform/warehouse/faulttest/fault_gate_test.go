package faulttest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// stage is a place that a sink's INSERT passes on its way.
type stage int32

const (
	nowhere stage = iota
	beforeInsert
	requestSent
	halfSent
	answered
)

// gate stands between a sink and the engine, and stops what passes.
type gate struct {
	t      *testing.T
	server *httptest.Server
	engine string
	// armed is where the next INSERT is stopped.
	armed           atomic.Int32
	reached, resume chan struct{}
	// settings are added to each INSERT.
	settings atomic.Pointer[url.Values]
}

func startGate(t *testing.T, engine string) *gate {
	t.Helper()
	g := &gate{t: t, engine: "http://" + engine, reached: make(chan struct{}), resume: make(chan struct{})}
	g.server = httptest.NewServer(g)
	t.Cleanup(g.server.Close)
	return g
}

func (g *gate) addr() string { return strings.TrimPrefix(g.server.URL, "http://") }

// stop holds up what has come to the stage, if that is the one armed.
func (g *gate) stop(s stage) {
	if s != nowhere && g.armed.CompareAndSwap(int32(s), int32(nowhere)) {
		g.reached <- struct{}{}
		<-g.resume
	}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	query := r.URL.Query()
	if !strings.HasPrefix(query.Get("query"), "INSERT INTO") || strings.Contains(query.Get("query"), "INTO ingest_fence") {
		if bytes.Contains(body, []byte("{first:UInt64}")) { // which rows are held: an INSERT follows
			g.stop(beforeInsert)
		}
		forward(r.Context(), g.t, r, g.engine+"/?"+query.Encode(), bytes.NewReader(body), w)
		return
	}
	g.stop(requestSent)
	if s := g.settings.Load(); s != nil {
		maps.Copy(query, *s)
	}
	half := io.MultiReader(bytes.NewReader(body[:len(body)/2]), stopReader{g}, bytes.NewReader(body[len(body)/2:]))
	answer := httptest.NewRecorder()
	forward(context.WithoutCancel(r.Context()), g.t, r, g.engine+"/?"+query.Encode(), half, answer)
	g.stop(answered)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// stopReader stops a body where it is reached.
type stopReader struct{ g *gate }

func (s stopReader) Read([]byte) (int, error) {
	s.g.stop(halfSent)
	return 0, io.EOF
}
