package collect

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/ingest/event"
	"clew/ingest/stream"
)

const (
	testKey  = "test-key-1"
	otherKey = "test-key-2"
)

// received is the moment at which every request of these tests arrives.
var received = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// kafka is a Writer that keeps what it takes.
type kafka struct {
	mu       sync.Mutex
	messages []stream.Message
	write    func(context.Context) error
}

func (k *kafka) Write(ctx context.Context, messages ...stream.Message) error {
	if k.write != nil {
		if err := k.write(ctx); err != nil {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.messages = append(k.messages, messages...)
	return nil
}

// taken returns the messages as "topic key value".
func (k *kafka) taken() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []string
	for _, m := range k.messages {
		all = append(all, m.Topic+" "+string(m.Key)+" "+string(m.Value))
	}
	return all
}

func newCollector(t testing.TB, w Writer, change ...func(*Config)) *Collector {
	t.Helper()
	cfg := Config{
		Writer: w, Keys: map[string]string{testKey: "default", otherKey: "acme"},
		Now: func() time.Time { return received }, Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func basic(key string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":")) }

// post sends a body with the first key, unless headers say otherwise.
func post(t testing.TB, h http.Handler, path, body string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", basic(testKey))
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t testing.TB, r *http.Response) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func zipped(t testing.TB, body []byte) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const page = `{"type":"page","messageId":"m1","anonymousId":"a1","properties":{"title":"Prices"}}`

func TestPathsOfSDKs(t *testing.T) {
	one := map[string]string{
		"track": `"event":"demo_request"`, "identify": `"traits":{}`, "page": `"name":"x"`, "screen": `"name":"x"`,
		"group": `"groupId":"g"`, "alias": `"previousId":"p"`,
	}
	for kind, field := range one {
		for _, path := range []string{"/v1/" + kind, "/v1/" + kind[:1], "/" + kind[:1]} {
			var k kafka
			r := post(t, newCollector(t, &k), path, `{"messageId":"m1","userId":"u1",`+field+`}`)
			if got := text(t, r); r.StatusCode != 200 || got != `{"success":true}` || len(k.messages) != 1 {
				t.Errorf("%s: %d %s, %d messages", path, r.StatusCode, got, len(k.messages))
			}
		}
	}
	for _, path := range []string{"/v1/batch", "/v1/import", "/v1/b", "/b"} {
		var k kafka
		r := post(t, newCollector(t, &k), path, `{"batch":[`+page+`]}`)
		if got := text(t, r); r.StatusCode != 200 || got != `{"success":true}` || len(k.messages) != 1 {
			t.Errorf("%s: %d %s, %d messages", path, r.StatusCode, got, len(k.messages))
		}
	}
	for _, path := range []string{"/", "/v1/merge", "/x"} {
		if r := post(t, newCollector(t, &kafka{}), path, page); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

func TestWriteKeys(t *testing.T) {
	for _, c := range []struct {
		name, authorization, body string
		status                    int
		workspace                 string
	}{
		{"basic", basic(otherKey), `{"batch":[` + page + `]}`, 200, "acme"},
		{"body", "", `{"writeKey":"` + otherKey + `","batch":[` + page + `]}`, 200, "acme"},
		{"basic before body", basic(otherKey), `{"writeKey":"` + testKey + `","batch":[` + page + `]}`, 200, "acme"},
		{"wrong basic", basic("test-key-3"), `{"writeKey":"` + testKey + `","batch":[` + page + `]}`, 401, ""},
		{"wrong body", "", `{"writeKey":"test-key-3","batch":[` + page + `]}`, 401, ""},
		{"empty user, body", basic(""), `{"writeKey":"` + otherKey + `","batch":[` + page + `]}`, 200, "acme"},
		{"none", "", `{"batch":[` + page + `]}`, 401, ""},
		{"a part of a key", basic("test-key-"), `{"batch":[` + page + `]}`, 401, ""},
		{"no JSON and no key", "", `{`, 400, ""},
		{"no JSON and a wrong key", basic("test-key-3"), `{`, 401, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k kafka
			r := post(t, newCollector(t, &k), "/v1/batch", c.body, "Authorization", c.authorization)
			if r.StatusCode != c.status {
				t.Fatalf("%d %s, want %d", r.StatusCode, text(t, r), c.status)
			}
			if c.status != 200 {
				if len(k.messages) != 0 {
					t.Errorf("took %q", k.taken())
				}
				return
			}
			var got event.Header
			if err := json.Unmarshal(k.messages[0].Value, &got); err != nil || got.Workspace != c.workspace {
				t.Errorf("workspace %q, %v", got.Workspace, err)
			}
		})
	}
}

// Bodies come as SDKs send them: with any content type, packed or not, also where a header does not say so.
func TestBodies(t *testing.T) {
	batch := `{"batch":[` + page + `]}`
	for _, c := range []struct {
		name, body string
		headers    []string
		status     int
		code       string
	}{
		{"text/plain, as browsers", batch, []string{"Content-Type", "text/plain"}, 200, ""},
		{
			"gzip as a form, as RudderStack", zipped(t, []byte(batch)),
			[]string{"Content-Type", "application/x-www-form-urlencoded", "Content-Encoding", "gzip"},
			200, "",
		},
		{"gzip without a header", zipped(t, []byte(batch)), nil, 200, ""},
		{"white space around", " \n" + batch + "\t\r\n", nil, 200, ""},
		{"a header of gzip alone", batch, []string{"Content-Encoding", "gzip"}, 415, CodeEncoding},
		{"cut gzip", zipped(t, []byte(batch))[:40], []string{"Content-Encoding", "gzip"}, 415, CodeEncoding},
		{"two bytes of gzip", "\x1f\x8b", nil, 415, CodeEncoding},
		{"another packing", batch, []string{"Content-Encoding", "br"}, 415, CodeEncoding},
		{"empty", "", nil, 400, event.ReasonMalformedJSON},
		{"one byte", "{", nil, 400, event.ReasonMalformedJSON},
		{"cut JSON", batch[:50], nil, 400, event.ReasonMalformedJSON},
		{"no UTF-8", "{\"batch\":[\"\xff\"]}", nil, 400, event.ReasonMalformedJSON},
		{"an array", "[]", nil, 400, event.ReasonMissingField},
		{"no batch", "{}", nil, 400, event.ReasonMissingField},
		{"batch is no array", `{"batch":{}}`, nil, 400, event.ReasonMissingField},
		{"an empty batch", `{"batch":[]}`, nil, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			collector := newCollector(t, &kafka{})
			r := post(t, collector, "/v1/batch", c.body, c.headers...)
			var got refused
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			code := ""
			if got.Fault != nil {
				code = got.Code
			}
			if r.StatusCode != c.status || got.Success != (c.status == 200) || code != c.code {
				t.Errorf("%d %+v, want %d %s", r.StatusCode, got, c.status, c.code)
			}
			if n := collector.Snapshot().Rejected[c.code]; c.code != "" && n != 1 {
				t.Errorf("%s is counted %d times", c.code, n)
			}
		})
	}
}

func TestFaultsNameTheirPlace(t *testing.T) {
	for _, c := range []struct{ path, body, want string }{
		{
			"/v1/batch", `{"batch":[}`,
			`{"success":false,"code":"malformed_json","detail":"the body is not JSON: ` +
				`invalid character '}' looking for beginning of value at byte 11"}`,
		},
		{
			"/v1/track", `{"messageId":"m","event":"e"}`,
			`{"success":false,"code":"missing_field","at":"userId","detail":` +
				`"userId is missing: send userId or anonymousId, to say whose event this is"}`,
		},
		{
			"/v1/track", `{"messageId":"m","userId":"u","event":"e","timestamp":"yesterday"}`,
			`{"success":false,"code":"invalid_value","at":"timestamp","detail":` +
				`"timestamp is \"yesterday\": send a time in ISO 8601, such as 2026-01-31T08:00:00.000Z"}`,
		},
		{
			"/v1/batch", `{"batch":[` + page + `,{"type":"track","messageId":"m2","userId":"u"},7]}`,
			`{"success":true,"rejected":[` +
				`{"code":"missing_field","at":"batch[1].event","detail":"event is missing: send the name of what was done"},` +
				`{"code":"malformed_json","at":"batch[2]","detail":"the message is not a JSON object: send one"}]}`,
		},
	} {
		r := post(t, newCollector(t, &kafka{}), c.path, c.body)
		if diff := cmp.Diff(c.want, text(t, r)); diff != "" {
			t.Errorf("%s %s: want (-), got (+):\n%s", c.path, c.body, diff)
		}
	}
}

// What has no room under its own name is kept beside the rest.
func TestRestIsKept(t *testing.T) {
	long := strings.Repeat("x", event.MaxID)
	for _, c := range []struct{ path, body, want string }{
		{
			"/v1/track", `{"messageId":"m","userId":"u","event":"e","properties":{"_rest":"mine","` + long + `":1}}`,
			`{"_rest":"mine","` + long + `":1}`,
		},
		{
			"/v1/events", `{"specversion":"1.0","id":"1","source":"s","type":"x","subject":"L","` + long + `":1}`,
			`{"ce.` + long + `":1}`,
		},
	} {
		var k kafka
		r := post(t, newCollector(t, &k), c.path, c.body)
		if r.StatusCode != 200 || len(k.messages) != 1 {
			t.Fatalf("%s: %d, %d messages", c.path, r.StatusCode, len(k.messages))
		}
		var got event.Behavior
		if err := json.Unmarshal(k.messages[0].Value, &got); err != nil || string(got.Properties[restName]) != c.want {
			t.Errorf("%s: kept %s, %v; want %s", c.path, got.Properties[restName], err, c.want)
		}
	}
}

// In a batch the good messages are kept, and the bad ones are dead letters when ingest reads them.
func TestBadMessagesOfABatch(t *testing.T) {
	var k kafka
	long := `"` + strings.Repeat("x", 40<<10) + `"`
	huge := `"` + strings.Repeat("x", 600<<10) + `"`
	sneaky := `{"type":"behavior","event_id":"e","occurred_at":"2026-03-02T09:00:00Z","lead_id":"L","name":"n",` +
		`"workspace":"acme"}`
	r := post(t, newCollector(t, &k), "/v1/batch", `{"batch":[`+strings.Join([]string{
		page,
		`{"type":"track","messageId":"no-event","userId":"u1","properties":{"a":1}}`,
		`{"type":"track","messageId":"no-user","event":"e"}`,
		`{"type":"track","messageId":"bad-time","userId":"u1","event":"e","timestamp":"soon"}`,
		`{"type":"pageview","messageId":"bad-type","userId":"u1"}`,
		`{}`, `7`, sneaky,
		`{"type":"track","messageId":"long","userId":"u1","event":"e","x":` + long + `}`,
		`{"type":"track","messageId":"huge","userId":"u1","event":"e","x":` + huge + `}`,
		`{"type":"alias","messageId":"no-previous","userId":"u1"}`,
	}, ",")+`]}`)
	if r.StatusCode != 200 {
		t.Fatalf("%d %s", r.StatusCode, text(t, r))
	}
	var reasons []string
	for _, m := range k.messages {
		e, err := event.Decode(m.Topic, m.Value)
		if fault, ok := errors.AsType[*event.Fault](err); ok {
			reasons = append(reasons, fault.Reason+" "+fault.Field)
			continue
		}
		reasons = append(reasons, "valid "+e.Head().EventID+" "+e.Head().Workspace)
	}
	want := []string{
		"valid m1 default", "missing_field name", "missing_field lead_id", "missing_field occurred_at",
		"unknown_field messageId", "unknown_field collect_fault", "malformed_json ", "unknown_field collect_fault",
		// The one of 600 KB is not kept.
		"unknown_field messageId", "unknown_field messageId",
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("what ingest makes of it, want (-), got (+):\n%s", diff)
	}
	if got := string(k.messages[5].Value); got != `{"collect_fault":"type: type is missing: send track, identify, `+
		`page, screen, group or alias","workspace":"default"}` {
		t.Errorf("the empty message is kept as %s", got)
	}
	if got := listed(t, r); got != 10 {
		t.Errorf("the answer lists %d rejected messages", got)
	}
}

// listed counts the rejected messages of an answer.
func listed(t *testing.T, r *http.Response) int {
	t.Helper()
	var got accepted
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return len(got.Rejected) + got.More
}

func TestLimits(t *testing.T) {
	small := func(c *Config) { c.MaxBody = 100 << 10 }
	event := func(n int) string {
		return `{"messageId":"m","userId":"u","event":"e","x":"` + strings.Repeat("x", n) + `"}`
	}
	for _, c := range []struct {
		name, path, body string
		headers          []string
		status           int
	}{
		{"an event of 32 KB", "/v1/track", event(32<<10 - len(event(0))), nil, 200},
		{"one byte more", "/v1/track", event(32<<10 - len(event(0)) + 1), nil, 413},
		{"a batch at the limit", "/v1/batch", `{"batch":[],"x":"` + strings.Repeat("x", 100<<10-19) + `"}`, nil, 200},
		{"one byte more", "/v1/batch", `{"batch":[],"x":"` + strings.Repeat("x", 100<<10-18) + `"}`, nil, 413},
		{
			"packed at the limit", "/v1/batch", zipped(t, []byte(`{"batch":[],"x":"`+strings.Repeat("x", 100<<10-19)+`"}`)),
			nil, 200,
		},
		{"a bomb", "/v1/batch", zipped(t, make([]byte, 32<<20)), []string{"Content-Encoding", "gzip"}, 413},
		{"a bomb of members", "/v1/batch", strings.Repeat(zipped(t, nil), 10_000), nil, 413},
		{
			"a context of 32 KB for all", "/v1/batch",
			`{"context":"` + strings.Repeat("x", 32<<10-2) + `","batch":[` + page + `]}`, nil, 200,
		},
		{
			"one byte more", "/v1/batch",
			`{"context":"` + strings.Repeat("x", 32<<10-1) + `","batch":[` + page + `]}`, nil, 413,
		},
		{
			"a sending time without end", "/v1/batch",
			`{"sentAt":"` + strings.Repeat("x", 32<<10-1) + `","batch":[` + page + `]}`, nil, 413,
		},
		{"events without end", "/v1/batch", `{"batch":[` + strings.Repeat("1,", 20_000) + `1]}`, nil, 413},
		{"a million", "/v1/b", zipped(t, []byte(`{"batch":[`+strings.Repeat("1,", 1_000_000)+`1]}`)), nil, 413},
		{"depth", "/v1/batch", `{"batch":[` + strings.Repeat("[", 40_000) + strings.Repeat("]", 40_000) + `]}`, nil, 400},
	} {
		change := small
		if c.name == "a million" {
			change = func(*Config) {} // below the usual limit
		}
		r := post(t, newCollector(t, &kafka{}, change), c.path, c.body, c.headers...)
		if r.StatusCode != c.status {
			t.Errorf("%s: %d %.300s, want %d", c.name, r.StatusCode, text(t, r), c.status)
		}
	}
}

// Whoever has no key in the header may not make us read megabytes.
func TestUnknownSenderIsReadLess(t *testing.T) {
	body := `{"writeKey":"` + testKey + `","batch":[],"x":"` + strings.Repeat("x", unknownBody) + `"}`
	if r := post(t, newCollector(t, &kafka{}), "/v1/batch", body, "Authorization", ""); r.StatusCode != 413 {
		t.Errorf("without a header: %d", r.StatusCode)
	}
	if r := post(t, newCollector(t, &kafka{}), "/v1/batch", body); r.StatusCode != 200 {
		t.Errorf("with one: %d", r.StatusCode)
	}
}

func TestBrowsers(t *testing.T) {
	c := newCollector(t, &kafka{}, func(c *Config) { c.Origins = []string{"https://www.example.com"} })
	ask := func(method, origin string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), method, "/v1/p", strings.NewReader(page))
		r.Header.Set("Authorization", basic(testKey))
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "authorization,content-type,x-retry-count")
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		return w.Result()
	}
	r := ask(http.MethodOptions, "https://www.example.com")
	allowed := strings.ToLower(r.Header.Get("Access-Control-Allow-Headers"))
	for _, name := range []string{"authorization", "content-type", "x-retry-count"} {
		if !slices.Contains(strings.Split(allowed, ", "), name) {
			t.Errorf("%s is not allowed: %s", name, allowed)
		}
	}
	if r.StatusCode != 204 || r.Header.Get("Access-Control-Allow-Origin") != "https://www.example.com" {
		t.Errorf("preflight: %d %v", r.StatusCode, r.Header)
	}
	r = ask(http.MethodOptions, "https://evil.example")
	if r.StatusCode != 403 || r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight of another origin: %d %v", r.StatusCode, r.Header)
	}
	r = ask(http.MethodPost, "https://www.example.com")
	if r.StatusCode != 200 || r.Header.Get("Access-Control-Expose-Headers") != "Retry-After" ||
		r.Header.Get("Vary") != "Origin" {
		t.Errorf("post: %d %v", r.StatusCode, r.Header)
	}
	// A page below the same proxy has an origin too; the browser keeps the answer from a foreign one.
	r = ask(http.MethodPost, "https://evil.example")
	if r.StatusCode != 200 || r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("post of another origin: %d %v", r.StatusCode, r.Header)
	}
}

func TestSettingsOfTheBrowsersSDK(t *testing.T) {
	get := func(key string) *http.Response {
		w := httptest.NewRecorder()
		newCollector(t, &kafka{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet,
			"http://collect.example/v1/projects/"+key+"/settings", nil))
		return w.Result()
	}
	want := `{"integrations":{"Segment.io":{"apiHost":"collect.example/v1","apiKey":"test-key-1","protocol":"http"}}}`
	if r := get(testKey); r.StatusCode != 200 || text(t, r) != want {
		t.Errorf("%d", r.StatusCode)
	}
	if r := get("test-key-9"); r.StatusCode != 401 {
		t.Errorf("a wrong key: %d", r.StatusCode)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	_, err := New(Config{
		Keys:    map[string]string{"short": "default", "long-enough": "", "no good key": "default"},
		Origins: []string{"www.example.com", "https://www.example.com/", "*", "https://ok.example:8443"},
	})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		"collect.keys: key 3 of 3", "collect.keys: the workspace of key 1", "collect.keys: key 2 of 3",
		`collect.origins: "www.example.com"`, `collect.origins: "https://www.example.com/"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in:\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 5 {
		t.Errorf("%d faults in:\n%v", n, err)
	}
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "collect.keys: is empty") {
		t.Errorf("without keys: %v", err)
	}
}
