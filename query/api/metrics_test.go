package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/query"
)

// watcher keeps what it is told.
type watcher struct {
	answered []string
	err      error
}

func (w *watcher) Answered(r Answered) {
	w.answered = append(w.answered, fmt.Sprintf("%s %s %d %s", r.Method, r.Route, r.Status, r.Took))
}

func (w *watcher) WriteMetrics(_ context.Context, out io.Writer) error {
	_, err := fmt.Fprintln(out, "clew_x 1")
	return errors.Join(err, w.err)
}

// Each request is told with its route, not its path, and with the status of its fault.
func TestRequestsAreMeasured(t *testing.T) {
	var w watcher
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	app := New(Config{Log: quiet(), DeadLetters: &letterFake{}, Metrics: &w, Service: fake{
		metrics: func(context.Context, query.Request) (*query.Answer, error) { panic("here") },
	}, Now: func() time.Time {
		now = now.Add(time.Second)
		return now
	}})
	get := func(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }
	for _, c := range []struct {
		request *http.Request
		status  int
	}{
		{get("/metrics"), 200},
		{get("/healthz"), 200},
		{get("/api/v1/deadletters/clew.stages/1/8"), 404},
		{get("/api/v1/query"), 405},
		{get("/api/v9/secret"), 404},
		{get("/some/page"), 404},
		{post("/api/v1/query", `{"measures":["x"]}`), 500},
	} {
		if r := do(t, app, c.request); r.status != c.status {
			t.Errorf("%s: %d %s", c.request.URL, r.status, r.body)
		}
	}
	if diff := cmp.Diff([]string{
		"GET /metrics 200 1s",
		"GET /healthz 200 1s",
		"GET /api/v1/deadletters/:topic/:partition/:offset 404 1s",
		"GET /api/v1/query 405 1s",
		"GET /api 404 1s",
		"GET /* 404 1s",
		"POST /api/v1/query 500 1s",
	}, w.answered); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestMetricsAreServed(t *testing.T) {
	w := &watcher{}
	app := New(Config{Log: quiet(), Service: fake{}, Metrics: w, Now: time.Now})
	want(t, do(t, app, httptest.NewRequest(http.MethodGet, "/metrics", nil)), 200,
		"text/plain; version=0.0.4; charset=utf-8", "clew_x 1\n")
	w.err = errors.New("secret")
	if r := do(t, app, httptest.NewRequest(http.MethodGet, "/metrics", nil)); r.status != 500 {
		t.Errorf("%d %s", r.status, r.body)
	}
}
