package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
)

func TestDashboard(t *testing.T) {
	app := New(Config{Log: quiet(), Service: fake{}, Dashboard: fstest.MapFS{
		"index.html":         {Data: []byte("<!doctype html>")},
		"assets/main-abc.js": {Data: []byte("main()")},
		"logo.svg":           {Data: []byte("<svg/>")},
		"strange.xyz":        {Data: []byte("?")},
		".keep":              {Data: []byte("")},
	}})
	for _, c := range []struct{ path, contentType, age, body string }{
		{"/", "text/html; charset=utf-8", "no-cache", "<!doctype html>"},
		{"/index.html", "text/html; charset=utf-8", "no-cache", "<!doctype html>"},
		{"/funnel/by-channel?x=1.5", "text/html; charset=utf-8", "no-cache", "<!doctype html>"},
		{"/assets/main-abc.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "main()"},
		{"/logo.svg", "image/svg+xml", "no-cache", "<svg/>"},
		{"/strange.xyz", "application/octet-stream", "no-cache", "?"},
	} {
		r := do(t, app, httptest.NewRequest(http.MethodGet, c.path, nil))
		want(t, r, 200, c.contentType, c.body)
		if got := r.header.Get("Cache-Control"); got != c.age {
			t.Errorf("%s: cache control %q, want %q", c.path, got, c.age)
		}
		if got := r.header.Get("Content-Security-Policy"); got !=
			"default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" {
			t.Errorf("%s: policy %q", c.path, got)
		}
		again := httptest.NewRequest(http.MethodGet, c.path, nil)
		again.Header.Set("If-None-Match", r.header.Get("ETag"))
		if r := do(t, app, again); r.status != http.StatusNotModified || r.body != "" {
			t.Errorf("%s: %d %q, want 304 and nothing", c.path, r.status, r.body)
		}
	}
	for _, path := range []string{"/assets/gone.js", "/.keep", "/../api.go", "/..%2fapi.go", "/%2e%2e/api.go"} {
		if r := do(t, app, httptest.NewRequest(http.MethodGet, path, nil)); r.status != http.StatusNotFound {
			t.Errorf("%s: %d %q, want 404", path, r.status, r.body)
		}
	}
	if r := do(t, app, httptest.NewRequest(http.MethodHead, "/", nil)); r.status != 200 || r.body != "" {
		t.Errorf("HEAD /: %d %q", r.status, r.body)
	}
}
