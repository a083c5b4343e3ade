package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/ingest/event"
	"clew/transform/warehouse"
)

var sentAt = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// letterFake knows one letter, at clew.stages/1/7, and keeps what it was asked.
type letterFake struct {
	asked []string
	err   error
}

func (f *letterFake) letter() warehouse.Letter {
	return warehouse.Letter{
		Place: warehouse.Place{Topic: "clew.stages", Partition: 1, Offset: 7}, Reason: "malformed_json", Detail: "d",
		Key: warehouse.Bytes{Text: "L1"}, Size: 2, ReceivedAt: sentAt.Add(-time.Hour),
	}
}

func (f *letterFake) Letters(
	_ context.Context, filter warehouse.LetterFilter, limit int,
) ([]warehouse.Letter, uint64, error) {
	f.asked = append(f.asked, fmt.Sprintf("letters %q %q %d", filter.Reason, filter.Topic, limit))
	return []warehouse.Letter{f.letter()}, 12, f.err
}

func (f *letterFake) LetterCounts(_ context.Context, filter warehouse.LetterFilter) ([]warehouse.LetterCount, error) {
	f.asked = append(f.asked, fmt.Sprintf("counts %q %q", filter.Reason, filter.Topic))
	return []warehouse.LetterCount{{Topic: "clew.stages", Reason: "malformed_json", Letters: 12, Replayed: 3}}, f.err
}

func (f *letterFake) Letter(_ context.Context, at warehouse.Place) (warehouse.Letter, error) {
	l := f.letter()
	if at != l.Place {
		return l, fmt.Errorf("%s: %w", at, warehouse.ErrNoLetter)
	}
	l.Raw = &warehouse.Bytes{Base64: []byte("{\xff")}
	return l, f.err
}

func (f *letterFake) Replay(_ context.Context, at warehouse.Place, r Replay) (*Replayed, error) {
	f.asked = append(f.asked, fmt.Sprintf("replay %s with %q (%t) again %t", at, r.With, r.With != nil, r.Again))
	return &Replayed{Place: at, At: sentAt, EventID: "e1"}, f.err
}

func TestDeadLetterAnswers(t *testing.T) {
	const place = "/api/v1/deadletters/clew.stages/1/7"
	const letter = `{"topic":"clew.stages","partition":1,"offset":7,"reason":"malformed_json","detail":"d",` +
		`"key":{"text":"L1"},"size":2,"received_at":"2026-03-02T07:00:00Z","replays":0`
	const replayed = `{"topic":"clew.stages","partition":1,"offset":7,"replayed_at":"2026-03-02T08:00:00Z",` +
		`"replayed_event_id":"e1"}`
	get := func(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }
	for _, c := range []struct {
		request     *http.Request
		asked, body string
	}{
		{get("/api/v1/deadletters"), `letters "" "" 50`, `{"dead_letters":[` + letter + `}],"total":12}`},
		{
			get("/api/v1/deadletters?reason=r&topic=clew.costs&limit=3"), `letters "r" "clew.costs" 3`,
			`{"dead_letters":[` + letter + `}],"total":12}`,
		},
		{
			get("/api/v1/deadletters?count=true&reason=r"), `counts "r" ""`,
			`{"counts":[{"topic":"clew.stages","reason":"malformed_json","letters":12,"replayed":3}]}`,
		},
		{get(place), "", letter + `,"raw":{"base64":"e/8="}}`},
		{post(place+"/replay", ""), `replay clew.stages/1/7 with "" (false) again false`, replayed},
		{post(place+"/replay?again=true", "{}"), `replay clew.stages/1/7 with "{}" (true) again true`, replayed},
	} {
		var f letterFake
		app := New(Config{Log: quiet(), Service: fake{}, DeadLetters: &f})
		want(t, do(t, app, c.request), 200, typeJSON, c.body)
		if got := strings.Join(f.asked, "; "); got != c.asked {
			t.Errorf("%s asked %s, want %s", c.request.URL, got, c.asked)
		}
	}
}

func TestDeadLetterProblems(t *testing.T) {
	const place = "/api/v1/deadletters/clew.stages/1/7"
	marked := (&letterFake{}).letter()
	marked.ReplayedAt = &sentAt
	foreign := post(place+"/replay", "")
	foreign.Header.Set("Origin", "https://elsewhere.example")
	get := func(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }
	for _, c := range []struct {
		name    string
		request *http.Request
		err     error
		status  int
		code    string
		detail  string
	}{
		{"an unknown key", get("/api/v1/deadletters?raeson=x"), nil, 400, "unknown_key", "raeson"},
		{"an unknown topic", get("/api/v1/deadletters?topic=stages"), nil, 400, "unknown_topic", "clew.stages"},
		{"a limit that is none", get("/api/v1/deadletters?limit=many"), nil, 400, "bad_limit", "many"},
		{"a limit out of range", get("/api/v1/deadletters?limit=0"), nil, 400, "bad_limit", "10000"},
		{"a count that is none", get("/api/v1/deadletters?count=3"), nil, 400, "wrong_type", "count"},
		{"a failure of the list", get("/api/v1/deadletters"), errors.New("secret"), 500, "internal", "log"},
		{"a place that is none", get("/api/v1/deadletters/clew.stages/1/x"), nil, 400, "bad_place", "OFFSET"},
		{"no such letter", get("/api/v1/deadletters/clew.stages/1/8"), nil, 404, "dead_letter_not_found", "clew.stages/1/8"},
		{"replay by GET", get(place + "/replay"), nil, 405, "method_not_allowed", "GET"},
		{"replay of a place that is none", post("/api/v1/deadletters/clew.stages/-1/7/replay", ""), nil, 400, "bad_place", "-1"},
		{"replay with an unknown key", post(place+"/replay?anew=true", ""), nil, 400, "unknown_key", "anew"},
		{"replay by a page of another site", foreign, nil, 403, "foreign_origin", "site"},
		{"a second replay", post(place+"/replay", ""), AlreadyReplayed(marked), 409, "already_replayed", "2026-03-02T08:00:00Z"},
		{
			"a wrong correction", post(place+"/replay", "{}"),
			InvalidEvent(&event.Fault{Reason: "missing_field", Detail: "stage is missing"}),
			422, "invalid_event", "missing_field: stage is missing",
		},
		{
			"a broker that is away", post(place+"/replay", ""), fmt.Errorf("%w: secret", ErrNotSent),
			503, "kafka_unavailable", "try again",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			app := New(Config{Log: loud(&log), Service: fake{}, DeadLetters: &letterFake{err: c.err}})
			r := do(t, app, c.request)
			if r.status != c.status || !strings.Contains(r.body, `"code":"`+c.code+`"`) ||
				!strings.Contains(r.body, c.detail) || strings.Contains(r.body, "secret") {
				t.Errorf("%d %s", r.status, r.body)
			}
			if c.status >= 500 && !strings.Contains(log.String(), "secret") {
				t.Errorf("the log does not say why: %s", log.String())
			}
		})
	}
}

// A browser names the origin with every POST; that of the server's own page is right.
func TestReplayByTheOwnPage(t *testing.T) {
	var f letterFake
	app := New(Config{Log: quiet(), Service: fake{}, DeadLetters: &f})
	own := post("/api/v1/deadletters/clew.stages/1/7/replay", "")
	own.Header.Set("Origin", "http://"+own.Host)
	if r := do(t, app, own); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if diff := cmp.Diff([]string{`replay clew.stages/1/7 with "" (false) again false`}, f.asked); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutDeadLetters(t *testing.T) {
	app := New(Config{Log: quiet(), Service: fake{}})
	r := do(t, app, httptest.NewRequest(http.MethodGet, "/api/v1/deadletters", nil))
	if r.status != 404 {
		t.Errorf("%d %s", r.status, r.body)
	}
}
