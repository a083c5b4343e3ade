package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/go-cmp/cmp"

	"clew/query"
	"clew/query/catalog"
	"clew/query/clause"
	"clew/query/funnel"
)

// fake answers with its fields; a nil field must not be called.
type fake struct {
	metrics func(context.Context, query.Request) (*query.Answer, error)
	funnel  func(context.Context, funnel.Request) (*funnel.Answer, error)
	meta    func(context.Context) (*query.Meta, error)
	explain func(context.Context, query.Request) (*query.Explanation, error)
}

func (f fake) Metrics(ctx context.Context, r query.Request) (*query.Answer, error) {
	return f.metrics(ctx, r)
}

func (f fake) Funnel(ctx context.Context, r funnel.Request) (*funnel.Answer, error) {
	return f.funnel(ctx, r)
}

func (f fake) Meta(ctx context.Context) (*query.Meta, error) { return f.meta(ctx) }

func (f fake) Explain(ctx context.Context, r query.Request) (*query.Explanation, error) {
	return f.explain(ctx, r)
}

// quiet drops the log; loud keeps it.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func loud(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

type response struct {
	status int
	header http.Header
	body   string
}

func do(t *testing.T, app *fiber.App, r *http.Request) response {
	t.Helper()
	// No time limit of the test's own: the whole run has one.
	res, err := app.Test(r, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{res.StatusCode, res.Header, string(body)}
}

func post(path, body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
}

func want(t *testing.T, r response, status int, contentType, body string) {
	t.Helper()
	if r.status != status {
		t.Errorf("status %d, want %d", r.status, status)
	}
	if got := r.header.Get("Content-Type"); got != contentType {
		t.Errorf("content type %q, want %q", got, contentType)
	}
	if diff := cmp.Diff(body, r.body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

const (
	typeJSON    = "application/json; charset=utf-8"
	typeProblem = "application/problem+json; charset=utf-8"
)

func TestQuery(t *testing.T) {
	var asked query.Request
	metrics := func(_ context.Context, r query.Request) (*query.Answer, error) {
		asked = r
		return &query.Answer{
			Query: r,
			Data: query.Table{
				Keys: []string{"channel", "created_at.month", "leads", "cpl"},
				Rows: [][]any{{"social", "2026-01-01T00:00:00.000", uint64(1350), nil}, {"(none)", nil, uint64(0), 12.5}},
			},
			Annotation: query.Annotation{
				Measures: map[string]query.MemberNote{
					"leads": {Title: catalog.Text{ZH: "线索数", EN: "Leads"}, Type: "number", Unit: "count"},
				},
				Dimensions: map[string]query.MemberNote{}, TimeDimensions: map[string]query.MemberNote{},
			},
			AsOf:     &clause.Instant{Time: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)},
			Timezone: "Asia/Shanghai", Warnings: []string{},
		}, nil
	}
	app := New(Config{Log: quiet(), Service: fake{metrics: metrics}})
	r := do(t, app, post("/api/v1/query", `{"measures":["leads"],"order":{"leads":"desc"},"limit":5}`))
	want(t, r, 200, typeJSON, `{"query":{"measures":["leads"],"dimensions":null,"timeDimensions":null,"filters":null,`+
		`"order":[["leads","desc"]],"limit":5,"offset":0,"timezone":""},`+
		`"data":[{"channel":"social","created_at.month":"2026-01-01T00:00:00.000","leads":1350,"cpl":null},`+
		`{"channel":"(none)","created_at.month":null,"leads":0,"cpl":12.5}],`+
		`"annotation":{"measures":{"leads":{"title":{"zh":"线索数","en":"Leads"},"type":"number","unit":"count"}},`+
		`"dimensions":{},"timeDimensions":{}},`+
		`"as_of":"2026-11-21T00:00:00.000Z","timezone":"Asia/Shanghai","warnings":[]}`)
	if diff := cmp.Diff(query.Request{
		Measures: []string{"leads"}, Order: query.Order{{Member: "leads", Desc: true}}, Limit: 5,
	}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if r.header.Get("Cache-Control") != "no-store" || r.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", r.header)
	}
}

func TestTheOtherAnswers(t *testing.T) {
	app := New(Config{Log: quiet(), Service: fake{
		funnel: func(_ context.Context, r funnel.Request) (*funnel.Answer, error) {
			return &funnel.Answer{
				Steps: []funnel.StepCount{}, Groups: []funnel.Group{}, Warnings: []string{r.Steps[1].Stage},
			}, nil
		},
		meta: func(context.Context) (*query.Meta, error) {
			return &query.Meta{Timezone: "UTC", WeekStart: "monday", Stages: []string{"new"}}, nil
		},
		explain: func(_ context.Context, r query.Request) (*query.Explanation, error) {
			return &query.Explanation{SQL: "SELECT\n  1", Params: map[string]any{"limit": 1}, Cube: r.Measures[0]}, nil
		},
	}})
	steps := `{"steps":[{"stage":"new"},{"stage":"won"}],"window":"90d"}`
	want(t, do(t, app, post("/api/v1/funnels/query", steps)), 200, typeJSON,
		`{"steps":[],"groups":[],"as_of":null,"window_complete":false,"entrants_still_open":0,"out_of_order":0,`+
			`"meta":{"engine":"","why":"","window_ms":0,"order":""},"warnings":["won"]}`)
	want(t, do(t, app, httptest.NewRequest(http.MethodGet, "/api/v1/meta", nil)), 200, typeJSON,
		`{"timezone":"UTC","week_start":"monday","as_of":null,"stages":["new"],"measures":null,"dimensions":null,`+
			`"time_dimensions":null}`)
	want(t, do(t, app, post("/api/v1/query/sql", `{"measures":["leads"]}`)), 200, typeJSON,
		`{"sql":"SELECT\n  1","params":{"limit":1},"cube":"leads","query":{"measures":null,"dimensions":null,`+
			`"timeDimensions":null,"filters":null,"order":[],"limit":0,"offset":0,"timezone":""}}`)
}

func TestProblems(t *testing.T) {
	var log bytes.Buffer
	app := New(Config{Log: loud(&log), Service: fake{
		metrics: func(_ context.Context, r query.Request) (*query.Answer, error) {
			switch r.Measures[0] {
			case "slow":
				return nil, clause.Failed(clause.CodeTimeout, http.StatusGatewayTimeout, "narrow the dates", "too slow")
			case "panic":
				panic("secret of the panic")
			}
			return nil, errors.New("secret of the engine")
		},
		meta: func(context.Context) (*query.Meta, error) { return nil, errors.New("secret of meta") },
	}})
	internalText := `{"type":"urn:clew:problem:internal","title":"The query failed","status":500,"code":"internal",` +
		`"detail":"the request could not be answered","hint":"the server's log says why"}`
	for _, c := range []struct {
		name    string
		request *http.Request
		status  int
		body    string
	}{
		{
			"a fault of the body", post("/api/v1/query", `{"measure":["leads"]}`), 400,
			`{"type":"urn:clew:problem:unknown_key","title":"The request has a key that means nothing","status":400,` +
				`"code":"unknown_key","detail":"unknown key \"measure\"","hint":"remove it or correct its spelling"}`,
		},
		{
			"a fault of the funnel", post("/api/v1/funnels/query", `{"steps":[],"window":0}`), 400,
			`{"type":"urn:clew:problem:bad_window","title":"The window cannot be read","status":400,"code":"bad_window",` +
				`"detail":"window 0ms is not between 1 ms and 36600 days","hint":"give \"90d\", \"12h\", \"30m\", \"2w\" ` +
				`or a whole number of milliseconds above 0"}`,
		},
		{
			"no body", post("/api/v1/query", ""), 400,
			`{"type":"urn:clew:problem:bad_json","title":"The body is not one JSON object","status":400,"code":"bad_json",` +
				`"detail":"the body ends before the object does","hint":"send one JSON object"}`,
		},
		{
			"a problem of the service", post("/api/v1/query", `{"measures":["slow"]}`), 504,
			`{"type":"urn:clew:problem:timeout","title":"The query took too long","status":504,"code":"timeout",` +
				`"detail":"too slow","hint":"narrow the dates"}`,
		},
		{"an error of the service", post("/api/v1/query", `{"measures":["x"]}`), 500, internalText},
		{"an error of meta", httptest.NewRequest(http.MethodGet, "/api/v1/meta", nil), 500, internalText},
		{"a panic", post("/api/v1/query", `{"measures":["panic"]}`), 500, internalText},
		{
			"no such path", post("/api/v2/query", `{}`), 404,
			`{"type":"urn:clew:problem:not_found","title":"Not Found","status":404,"code":"not_found",` +
				`"detail":"there is nothing at \"/api/v2/query\"","hint":"the API is under /api/v1"}`,
		},
		{
			"no such method", httptest.NewRequest(http.MethodGet, "/api/v1/query", nil), 405,
			`{"type":"urn:clew:problem:method_not_allowed","title":"Method Not Allowed","status":405,` +
				`"code":"method_not_allowed","detail":"\"/api/v1/query\" does not take GET",` +
				`"hint":"the header Allow names what it takes"}`,
		},
		{
			"no web app", httptest.NewRequest(http.MethodGet, "/", nil), 404,
			`{"type":"urn:clew:problem:dashboard_not_built","title":"There is no web app in this program","status":404,` +
				`"code":"dashboard_not_built","detail":"the program was built without the dashboards",` +
				`"hint":"run ` + "`make dashboards`" + ` and build again"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := do(t, app, c.request)
			want(t, r, c.status, typeProblem, c.body)
			if r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", r.header)
			}
		})
	}
	for _, secret := range []string{"secret of the panic", "secret of the engine", "secret of meta"} {
		if !strings.Contains(log.String(), secret) {
			t.Errorf("the log does not hold %q", secret)
		}
	}
}

func TestAllowNamesTheMethods(t *testing.T) {
	app := New(Config{Log: quiet(), Service: fake{}})
	for path, allow := range map[string]string{
		"/api/v1/query": "POST", "/api/v1/query/sql": "POST", "/api/v1/funnels/query": "POST",
		"/api/v1/meta": "GET, HEAD", "/healthz": "GET, HEAD", "/readyz": "GET, HEAD", "/": "GET, HEAD",
	} {
		r := do(t, app, httptest.NewRequest(http.MethodDelete, path, nil))
		if got := r.header.Get("Allow"); r.status != 405 || got != allow {
			t.Errorf("%s: %d, allow %q, want %q", path, r.status, got, allow)
		}
	}
}

// TestCompressedBodiesAreRefused: a thousand bytes could otherwise become a million times as many.
func TestCompressedBodiesAreRefused(t *testing.T) {
	app := New(Config{Log: quiet(), Service: fake{}})
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(bytes.Repeat([]byte(" "), 10<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, coding := range []string{"gzip", "deflate", "br", "gzip, identity"} {
		request := post("/api/v1/query", bomb.String())
		request.Header.Set("Content-Encoding", coding)
		want(t, do(t, app, request), 415, typeProblem,
			`{"type":"urn:clew:problem:unsupported_encoding","title":"Unsupported Media Type","status":415,`+
				`"code":"unsupported_encoding","detail":"the body is compressed","hint":"send it without Content-Encoding"}`)
	}
}

func TestHealth(t *testing.T) {
	var fault error
	app := New(Config{Log: quiet(), Service: fake{}, Ready: func(context.Context) error { return fault }})
	want(t, do(t, app, httptest.NewRequest(http.MethodGet, "/healthz", nil)), 200, typeJSON, `{"status":"ok"}`)
	want(t, do(t, app, httptest.NewRequest(http.MethodGet, "/readyz", nil)), 200, typeJSON, `{"status":"ready"}`)
	fault = errors.New("secret path")
	want(t, do(t, app, httptest.NewRequest(http.MethodGet, "/readyz", nil)), 503, typeProblem,
		`{"type":"urn:clew:problem:not_ready","title":"The server cannot answer now","status":503,"code":"not_ready",`+
			`"detail":"the warehouse does not answer","hint":"the server's log says why; try again later"}`)
}
