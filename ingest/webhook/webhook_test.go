package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
)

var noon = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// kafka keeps what it acknowledged, or fails.
type kafka struct {
	mu       sync.Mutex
	messages []stream.Message
	err      error
}

func (k *kafka) Write(ctx context.Context, messages ...stream.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := errors.Join(k.err, ctx.Err()); err != nil {
		return err
	}
	k.messages = append(k.messages, messages...)
	return nil
}

// echo makes one lead that holds the payload, so that a test sees what a mapping would.
func echo(payload []byte) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		yield(&event.Lead{
			Header:     event.Header{EventID: "e1", LeadID: "l1", OccurredAt: noon},
			Attributes: map[string]event.Scalar{"payload": event.Scalar(payload)},
		}, nil)
	}
}

func newHandler(t testing.TB, w Writer, now time.Time, sources map[string]Source) *Handler {
	t.Helper()
	h, err := New(Config{
		Sources: sources, Writer: w, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func post(target, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// payloads are what the echoed leads hold.
func payloads(t *testing.T, messages []stream.Message) []string {
	t.Helper()
	out := []string{}
	for _, m := range messages {
		e, err := event.Decode(m.Topic, m.Value)
		if err != nil {
			t.Fatalf("message %s of topic %s: %v", m.Value, m.Topic, err)
		}
		out = append(out, string(e.(*event.Lead).Attributes["payload"]))
	}
	return out
}

func tokenSource(events func([]byte) iter.Seq2[event.Event, error]) map[string]Source {
	return map[string]Source{"crm": {Proof: Proof{Scheme: "token", Secret: "secret-of-ours"}, Events: events}}
}

var authorized = []string{"Authorization", "Bearer secret-of-ours"}

func TestEventsAreWrittenBeforeTheAnswer(t *testing.T) {
	k := &kafka{}
	sources := tokenSource(echo)
	s := sources["crm"]
	s.Workspace = "north"
	sources["crm"] = s
	h := newHandler(t, k, noon, sources)
	if w := serve(h, post("/v1/sources/crm", `{"a":1}`, authorized...)); w.Code != 200 || w.Body.String() != "" {
		t.Fatalf("answered %d %q", w.Code, w.Body)
	}
	want := []stream.Message{{
		Topic: "clew.leads", Key: []byte("l1"),
		Value: []byte(`{"event_id":"e1","occurred_at":"2026-01-01T00:00:00Z","lead_id":"l1","workspace":"north",` +
			`"attributes":{"payload":"{\"a\":1}"}}`),
	}}
	if !reflect.DeepEqual(k.messages, want) {
		t.Errorf("wrote %s\nwant  %s", k.messages[0].Value, want[0].Value)
	}
	if got, want := h.Stats(), []Stat{{Source: "crm", Requests: 1, Events: 1}}; !reflect.DeepEqual(got, want) {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

func TestKafkaAwayIsTriedAgainLater(t *testing.T) {
	k := &kafka{err: errors.New("broker away")}
	h := newHandler(t, k, noon, tokenSource(func([]byte) iter.Seq2[event.Event, error] {
		return func(yield func(event.Event, error) bool) { yield(nil, errors.New("row 1: no")) }
	}))
	w := serve(h, post("/v1/sources/crm", `{}`, authorized...))
	if w.Code != 503 || w.Header().Get("Retry-After") != "5" {
		t.Fatalf("answered %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if strings.Contains(w.Body.String(), "broker away") {
		t.Errorf("the answer tells the sender of our inside: %q", w.Body)
	}
	k.err = nil
	if w := serve(h, post("/v1/sources/crm", `{}`, authorized...)); w.Code != 200 || len(k.messages) != 1 {
		t.Fatalf("answered %d with %d messages", w.Code, len(k.messages))
	}
	want := []Stat{{Source: "crm", Requests: 2, Unmapped: 1, Failed: 1}}
	if got := h.Stats(); !reflect.DeepEqual(got, want) {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

// TestWhatDoesNotMapIsKept: the good events are kept as events, the payload byte for byte as a message that ingest
// makes a dead letter of, and the sender is told that all is well, lest it send the same for a day.
func TestWhatDoesNotMapIsKept(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       unmapped
	}{
		{"text", "{\"stage\":\"<new>\"}\n", unmapped{Payload: "{\"stage\":\"<new>\"}\n"}},
		{"not UTF-8", "{\"name\":\"\xff\"}", unmapped{Base64: []byte("{\"name\":\"\xff\"}")}},
		{"much to escape", strings.Repeat("\x01", 200_000), unmapped{Base64: []byte(strings.Repeat("\x01", 200_000))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &kafka{}
			h := newHandler(t, k, noon, tokenSource(func([]byte) iter.Seq2[event.Event, error] {
				return func(yield func(event.Event, error) bool) {
					lead := &event.Lead{Header: event.Header{EventID: "e1", LeadID: "l1", OccurredAt: noon}}
					_ = yield(nil, errors.New("row 1: no")) && yield(lead, nil) && yield(&event.Lead{}, nil)
				}
			}))
			if w := serve(h, post("/v1/sources/crm", c.body, authorized...)); w.Code != 200 {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
			if len(k.messages) != 2 {
				t.Fatalf("wrote %d messages, want the good event and the letter", len(k.messages))
			}
			m := k.messages[1]
			if m.Topic != "clew.leads" || string(m.Key) != "webhook:crm" {
				t.Errorf("the letter went to %s under %s", m.Topic, m.Key)
			}
			var got unmapped
			if err := json.Unmarshal(m.Value, &got); err != nil {
				t.Fatal(err)
			}
			c.want.Webhook = "crm"
			c.want.Reasons = []string{"row 1: no", "missing_field: event_id is missing: send it, not empty"}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("letter %.200v\nwant   %.200v", got, c.want)
			}
			if source, payload, ok := Reopen(m.Value); !ok || source != "crm" || string(payload) != c.body {
				t.Errorf("the letter opens as %q, %.100q, %t", source, payload, ok)
			}
			fault, ok := errors.AsType[*event.Fault](decodeError(m))
			if !ok || fault.Reason != event.ReasonUnknownField {
				t.Errorf("ingest takes the letter for an event: %v", fault)
			}
			if got, want := h.Stats(), (Stat{Source: "crm", Requests: 1, Events: 1, Unmapped: 1}); got[0] != want {
				t.Errorf("stats %+v, want %+v", got[0], want)
			}
		})
	}
}

func TestReopenTakesLettersAlone(t *testing.T) {
	for _, value := range []string{
		`{"event_id":"e1","occurred_at":"2026-01-01T00:00:00Z","lead_id":"l1"}`, `{}`, ``, `{"webhook":`, `[]`,
		`{"webhook":"crm","reasons":[],"payload":"x","lead_id":"l1"}`,
	} {
		if source, payload, ok := Reopen([]byte(value)); ok {
			t.Errorf("%s opens as %q, %q", value, source, payload)
		}
	}
}

func decodeError(m stream.Message) error {
	_, err := event.Decode(m.Topic, m.Value)
	return err
}

func TestALetterOfTheLargestBodyFitsIntoAMessage(t *testing.T) {
	var reasons []string
	for range 100 {
		reasons = note(reasons, errors.New(strings.Repeat("<", 10_000))) // in JSON six bytes each
	}
	for _, char := range []string{"a", "\x01", "\xff"} {
		if m := letter("crm", reasons, []byte(strings.Repeat(char, maxBody))); len(m.Value) > 1_000_000-200 {
			t.Errorf("a body of %q becomes %d bytes, more than Kafka takes", char, len(m.Value))
		}
	}
}

func TestRefusedRequests(t *testing.T) {
	for _, c := range []struct {
		name string
		r    *http.Request
		code int
	}{
		{"no such source", post("/v1/sources/other", `{}`, authorized...), 404},
		{"no source", post("/v1/sources/", `{}`, authorized...), 404},
		{"path below a source", post("/v1/sources/crm/x", `{}`, authorized...), 404},
		{"no secret", post("/v1/sources/crm", `{}`), 401},
		{"empty secret", post("/v1/sources/crm", `{}`, "Authorization", "Bearer "), 401},
		{"wrong secret", post("/v1/sources/crm", `{}`, "Authorization", "Bearer secret-of-ourS"), 401},
		{"another kind", post("/v1/sources/crm", `{}`, "Authorization", "Digest secret-of-ours"), 401},
		{"wrong Basic", post("/v1/sources/crm", `{}`, "Authorization", "Basic c2VjcmV0LW9mLW91cnM6eA=="), 401},
		{"GET where no system asks", httptest.NewRequest(http.MethodGet, "/v1/sources/crm", nil), 405},
		{"too large", post("/v1/sources/crm", strings.Repeat(" ", maxBody+1), authorized...), 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &kafka{}
			h := newHandler(t, k, noon, tokenSource(echo))
			if w := serve(h, c.r); w.Code != c.code || strings.Contains(w.Body.String(), "secret-of-ours") {
				t.Errorf("answered %d %q, want %d", w.Code, w.Body, c.code)
			}
			if len(k.messages) != 0 {
				t.Errorf("wrote %d messages", len(k.messages))
			}
		})
	}
}

func TestTheLargestBodyIsTaken(t *testing.T) {
	k := &kafka{}
	h := newHandler(t, k, noon, tokenSource(func([]byte) iter.Seq2[event.Event, error] {
		return func(func(event.Event, error) bool) {}
	}))
	if w := serve(h, post("/v1/sources/crm", strings.Repeat(" ", maxBody), authorized...)); w.Code != 200 {
		t.Errorf("answered %d", w.Code)
	}
	if len(k.messages) != 0 {
		t.Errorf("a payload without events wrote %d messages", len(k.messages))
	}
	if got, want := h.Stats(), (Stat{Source: "crm", Requests: 1, Ignored: 1}); got[0] != want {
		t.Errorf("stats %+v, want %+v", got[0], want)
	}
}

// Kafka refuses what is larger than its limit however often it is sent, so such an event must not be tried.
func TestAnEventTooLargeForKafkaIsALetter(t *testing.T) {
	lead := &event.Lead{
		Header: event.Header{EventID: "e1", LeadID: "l1", OccurredAt: noon}, Attributes: map[string]event.Scalar{},
	}
	for i := range 42 { // in JSON six bytes for each
		lead.Attributes[strings.Repeat("k", i+1)] = event.Scalar(strings.Repeat("<", event.MaxText))
	}
	if value, err := event.Encode(lead); err != nil || len(value) < 1_000_000 {
		t.Fatalf("the event has %d bytes, %v", len(value), err)
	}
	k := &kafka{}
	h := newHandler(t, k, noon, tokenSource(func([]byte) iter.Seq2[event.Event, error] {
		return func(yield func(event.Event, error) bool) { yield(lead, nil) }
	}))
	w := serve(h, post("/v1/sources/crm", `{}`, authorized...))
	if w.Code != 200 || len(k.messages) != 1 || !strings.Contains(string(k.messages[0].Value), "map less into it") {
		t.Errorf("answered %d with %d messages", w.Code, len(k.messages))
	}
}

func TestTooManyRequestsAtOnce(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{})
	h := newHandler(t, &kafka{}, noon, tokenSource(func([]byte) iter.Seq2[event.Event, error] {
		return func(func(event.Event, error) bool) {
			entered <- struct{}{}
			<-release
		}
	}))
	var under sync.WaitGroup
	for range maxRequests {
		under.Go(func() { serve(h, post("/v1/sources/crm", `{}`, authorized...)) })
		<-entered
	}
	w := serve(h, post("/v1/sources/crm", `{}`, authorized...))
	close(release)
	under.Wait()
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d, want 503 with Retry-After", w.Code)
	}
}

func TestConfigurationFaultsAreToldAtOnce(t *testing.T) {
	_, err := New(Config{Sources: map[string]Source{
		"A b":   {Proof: Proof{Scheme: "token", Secret: "secret-of-ours"}},
		"blank": {},
		"hs":    {Proof: Proof{Scheme: "hubspot", Secret: "short", URL: "clew.example/x"}},
		"sf":    {Proof: Proof{Scheme: "salesforce", Secret: "secret-of-ours"}},
		"sign":  {Proof: Proof{Scheme: "hmac", Secret: "secret-of-ours", Encoding: "base32"}},
		"wx":    {Proof: Proof{Scheme: "wecom", AESKey: "abc"}},
	}})
	want := `sources: name "A b" is not usable: take 1 to 64 of a-z, 0-9, - and _
sources.blank: scheme: "" is not known: use one of hmac, hubspot, jiandaoyun, salesforce, token, wecom, weiling
sources.hs: secret: has 5 characters: take at least 8, at random
url: "clew.example/x" is no address: write it whole, as https://example.com/v1/sources/hubspot
sources.sf: receiver: is missing: set the corp id of WeCom, or the organization id of Salesforce
sources.sign: encoding: "base32" is not known: use hex or base64
sources.wx: secret: is missing: set the Token of the callback
receiver: is missing: set the corp id of WeCom, or the organization id of Salesforce
aes_key: is no EncodingAESKey: copy the 43 letters and digits from the callback's settings`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
