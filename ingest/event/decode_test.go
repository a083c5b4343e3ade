package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	check "github.com/santhosh-tekuri/jsonschema/v6"
)

// The test data are messages, one a file. A good one is named <type>-<what>.json. A bad one has one fault and is named
// after it: <type>-<reason>-<field>@<what>.json, without field or what where there is none.

func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string][]byte)
	types := make(map[Type]bool)
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(filepath.Base(name), ".json")
		out[base] = raw
		types[typeOf(base)] = true
	}
	for _, typ := range Types() {
		if !types[typ] {
			t.Errorf("testdata/%s has no file of type %s", dir, typ)
		}
	}
	return out
}

func typeOf(base string) Type {
	typ, _, _ := strings.Cut(base, "-")
	return Type(typ)
}

func TestGoodMessages(t *testing.T) {
	schemas := compiled(t)
	for base, raw := range files(t, "good") {
		t.Run(base, func(t *testing.T) {
			e, err := Decode(Topic(typeOf(base)), raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := schemas[typeOf(base)].Validate(parsed(t, raw)); err != nil {
				t.Errorf("the schema refuses it: %v", err)
			}
			wantSame(t, e, raw)
			wantRoundTrip(t, e)
		})
	}
}

// wantSame compares with encoding/json, which reads the same message into the same event.
func wantSame(t *testing.T, e Event, raw []byte) {
	t.Helper()
	other := New(e.Kind())
	if err := json.Unmarshal(raw, other); err != nil {
		if strings.Contains(err.Error(), "of type uint64") { // we also take 12.0
			return
		}
		t.Fatal(err)
	}
	cutTimes(other)
	emptyMaps(other)
	if !reflect.DeepEqual(e, other) {
		t.Errorf("got  %+v\nwant %+v", e, other)
	}
}

// cutTimes brings the times of an event to milliseconds of UTC, as Decode does.
func cutTimes(e Event) {
	h := e.Head()
	h.OccurredAt = h.OccurredAt.UTC().Truncate(time.Millisecond)
	switch e := e.(type) {
	case *Lead:
		cutTime(e.CreatedAt)
	case *Activity:
		cutTime(e.NextAt)
	}
}

func cutTime(t *time.Time) {
	if t != nil {
		*t = t.UTC().Truncate(time.Millisecond)
	}
}

// emptyMaps makes empty maps nil, and leaves out identifiers that are null, as Decode does.
func emptyMaps(e Event) {
	h := e.Head()
	for name, v := range h.Identifiers {
		if v == "" {
			delete(h.Identifiers, name)
		}
	}
	if len(h.Identifiers) == 0 {
		h.Identifiers = nil
	}
	switch e := e.(type) {
	case *Behavior:
		if len(e.Properties) == 0 {
			e.Properties = nil
		}
	case *Lead:
		if len(e.Attributes) == 0 {
			e.Attributes = nil
		}
	}
}

func wantRoundTrip(t *testing.T, e Event) {
	t.Helper()
	raw, err := Encode(e)
	if err != nil {
		t.Fatalf("encode what was decoded: %v", err)
	}
	again, err := Decode(Topic(e.Kind()), raw)
	if err != nil {
		t.Fatalf("decode what was encoded: %v\n%s", err, raw)
	}
	if !reflect.DeepEqual(e, again) {
		t.Errorf("got  %+v\nwant %+v", again, e)
	}
}

// beyondSchema are the faults that JSON Schema has no words for.
func beyondSchema(base, reason string) bool {
	return reason == ReasonMalformedJSON || strings.HasSuffix(base, "@past") || strings.HasSuffix(base, "@future") ||
		strings.HasSuffix(base, "@huge")
}

func TestBadMessages(t *testing.T) {
	schemas := compiled(t)
	for base, raw := range files(t, "bad") {
		t.Run(base, func(t *testing.T) {
			name, _, _ := strings.Cut(base, "@")
			parts := append(strings.SplitN(name, "-", 3), "")
			reason, field := parts[1], parts[2]
			_, err := Decode(Topic(typeOf(base)), raw)
			wantFault(t, err, reason, field)
			if !beyondSchema(base, reason) && schemas[typeOf(base)].Validate(parsed(t, raw)) == nil {
				t.Error("the schema takes it")
			}
		})
	}
}

func wantFault(t *testing.T, err error, reason, field string) {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want %s of %s", err, reason, field)
	}
	if f.Reason != reason || f.Field != field {
		t.Errorf("got %s of %q, want %s of %q", f.Reason, f.Field, reason, field)
	}
	if !strings.Contains(f.Detail, field) || !strings.Contains(f.Detail, ": ") {
		t.Errorf("the detail does not name the field and the remedy: %s", f.Detail)
	}
}

func parsed(t *testing.T, raw []byte) any {
	t.Helper()
	v, err := check.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const start = `{"event_id":"e","occurred_at":"2026-03-01T08:00:00Z","lead_id":"l"`

// Faults of the whole message, and of JSON itself.
func TestMalformedMessages(t *testing.T) {
	for name, raw := range map[string]string{
		"empty":                             ``,
		"blank":                             ` `,
		"null":                              `null`,
		"a string":                          `"x"`,
		"a number":                          `5`,
		"two objects":                       start + `}{}`,
		"something after it":                start + `} x`,
		"a comma at the end":                start + `,}`,
		"a comma at the start":              `{,"a":1}`,
		"no comma":                          start + ` "source":"s"}`,
		"no colon":                          start + `,"source" "s"}`,
		"no value":                          start + `,"source":}`,
		"no quote":                          start + `,source:"s"}`,
		"an open string":                    start + `,"source":"s}`,
		"an open escape":                    start + `,"source":"\`,
		"a raw line feed":                   start + ",\"source\":\"a\nb\"}",
		"one after an escape":               start + ",\"source\":\"\\n\nb\"}",
		"an unknown escape":                 start + `,"source":"\x"}`,
		"a short unicode":                   start + `,"source":"\u00"}`,
		"a bad unicode":                     start + `,"source":"\u00zz"}`,
		"half a pair":                       start + `,"source":"\ud83d"}`,
		"half a pair and text":              start + `,"source":"\ud83d rocket"}`,
		"the other half":                    start + `,"source":"\ude80"}`,
		"two first halves":                  start + `,"source":"\ud83d\ud83d"}`,
		"half a pair in a name":             start + `,"\ud83d":"s"}`,
		"a word":                            start + `,"source":nil}`,
		"a long word":                       start + `,"source":nullify}`,
		"a short word":                      start + `,"contact":nul}`,
		"NaN":                               start + `,"attributes":{"a":NaN}}`,
		"a plus":                            start + `,"attributes":{"a":+1}}`,
		"a leading zero":                    start + `,"attributes":{"a":01}}`,
		"a bare point":                      start + `,"attributes":{"a":1.}}`,
		"a leading point":                   start + `,"attributes":{"a":.5}}`,
		"a bare exponent":                   start + `,"attributes":{"a":1e}}`,
		"a bare minus":                      start + `,"attributes":{"a":-}}`,
		"an open object":                    start + `,"attributes":{"a":1}`,
		"an unknown field, and an open end": start + `,"x":1`,
		"not UTF-8":                         start + ",\"source\":\"\xff\"}",
		"a byte order mark":                 "\ufeff" + start + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(Topic(TypeLead), []byte(raw))
			wantFault(t, err, ReasonMalformedJSON, "")
		})
	}
}

func TestSizeLimit(t *testing.T) {
	message := func(size int) []byte {
		return append(append([]byte(start), bytes.Repeat([]byte{' '}, size-len(start)-1)...), '}')
	}
	if _, err := Decode(Topic(TypeLead), message(MaxSize)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	_, err := Decode(Topic(TypeLead), message(MaxSize+1))
	wantFault(t, err, ReasonTooLarge, "")

	e := &Lead{Header: Header{EventID: "e", OccurredAt: minTime, LeadID: "l"}, Attributes: make(map[string]Scalar)}
	for i := range MaxEntries {
		e.Attributes[strings.Repeat("n", i+1)] = Scalar(strings.Repeat("客", MaxText))
	}
	_, err = Encode(e)
	wantFault(t, err, ReasonTooLarge, "")
}

func TestUnknownTopic(t *testing.T) {
	for _, topic := range []string{"", "clew.visits", "leads"} {
		_, err := Decode(topic, []byte(start+"}"))
		wantFault(t, err, ReasonUnknownTopic, "")
	}
}

func TestLongNamesAreClipped(t *testing.T) {
	_, err := Decode(Topic(TypeLead), []byte(start+`,"attributes":{"`+strings.Repeat("客", 257)+`":1}}`))
	wantFault(t, err, ReasonInvalidValue, "attributes."+strings.Repeat("客", 21)+"…")
}

func TestLastOfTwoFieldsWins(t *testing.T) {
	e, err := Decode(Topic(TypeLead), []byte(start+`,"company":"a","company":"b","source":"s","source":null,`+
		`"attributes":{"x":1,"y":2},"attributes":{"y":3},"contact":{"name":"n"},"contact":{"email":"m"},`+
		`"created_at":"2026-01-01T00:00:00Z","created_at":null,"identifiers":{"phone":"1","phone":null}}`))
	want := &Lead{
		Header:  Header{EventID: "e", OccurredAt: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), LeadID: "l"},
		Company: "b", Attributes: map[string]Scalar{"y": "3"}, Contact: &Contact{Email: "m"},
	}
	if err != nil || !reflect.DeepEqual(e, want) {
		t.Errorf("got  %+v, %v\nwant %+v", e, err, want)
	}
}

// Many encoders send null for what is not set.
func TestNullIsAbsent(t *testing.T) {
	for typ, fields := range map[Type]string{
		TypeTouchpoint: `"channel":"c","touch":"t","source":null,"url":null`,
		TypeBehavior:   `"name":"n","value":null,"properties":null,"session_id":null`,
		TypeLead:       `"created_at":null,"contact":null,"company":null,"attributes":null`,
		TypeActivity:   `"owner":"o","method":"m","effective":false,"duration_s":null,"next_at":null`,
		TypeStage:      `"stage":"won","amount":null,"currency":null`,
		TypeAssignment: `"action":"locked","owner":null`,
		TypeCost:       `"date":"2026-03-01","channel":"c","amount":1,"currency":"CNY","clicks":null`,
	} {
		with, err := Decode(Topic(typ), []byte(start+`,"type":null,"anonymous_id":null,"identifiers":null,`+fields+`}`))
		if err != nil {
			t.Errorf("%s: %v", typ, err)
			continue
		}
		e, err := Encode(with)
		if err != nil || bytes.Contains(e, []byte("null")) || bytes.Contains(e, []byte("anonymous_id")) {
			t.Errorf("%s: %s, %v", typ, e, err)
		}
		wantRoundTrip(t, with)
	}
}

func TestTimesBecomeMillisecondsOfUTC(t *testing.T) {
	e, err := Decode(Topic(TypeLead), []byte(
		`{"event_id":"e","occurred_at":"2026-03-01T08:00:00.1239999+08:00","lead_id":"l"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := e.Head().OccurredAt, time.Date(2026, 3, 1, 0, 0, 0, 123e6, time.UTC); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What no message can hold, a Go program can still build.
func TestEncodeRefusesWhatJSONCannotHold(t *testing.T) {
	h := Header{EventID: "e", OccurredAt: minTime, LeadID: "l"}
	bad := h
	bad.LeadID = "\xff"
	inf := 1e308 * float64(len(h.LeadID)*10)
	for field, e := range map[string]Event{
		"lead_id":      &Lead{Header: bad},
		"attributes.a": &Lead{Header: h, Attributes: map[string]Scalar{"a": "\xff"}},
		"attributes":   &Lead{Header: h, Attributes: map[string]Scalar{"\xff": "a"}},
		"value":        &Behavior{Header: h, Name: "n", Value: inf},
		"duration_s":   &Activity{Header: h, Owner: "o", Method: "m", DurationS: inf},
		"amount":       &Stage{Header: h, Stage: LifecycleStageWon, Amount: inf - inf, Currency: "CNY"},
	} {
		_, err := Encode(e)
		wantFault(t, err, ReasonInvalidValue, field)
	}
}

func TestFaultIsAnError(t *testing.T) {
	f := &Fault{Reason: ReasonMissingField, Field: "channel", Detail: "channel is missing: send it"}
	if got := f.Error(); got != "missing_field: channel is missing: send it" {
		t.Error(got)
	}
}

// FuzzDecode: whatever the bytes, Decode does not panic; what it takes is JSON, means the same to encoding/json, and
// survives Encode; what it refuses has a reason, and malformed_json where it is no JSON.
func FuzzDecode(f *testing.F) {
	for _, dir := range []string{"good", "bad"} {
		names, err := filepath.Glob(filepath.Join("testdata", dir, "*.json"))
		if err != nil {
			f.Fatal(err)
		}
		for i, name := range names {
			raw, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if dir == "good" || i%10 == 0 {
				f.Add(string(typeOf(filepath.Base(name))), raw)
			}
		}
	}
	f.Fuzz(func(t *testing.T, typ string, raw []byte) {
		e, err := Decode(Topic(Type(typ)), raw)
		if err != nil {
			wantReason(t, err, typ, raw)
			return
		}
		if !json.Valid(raw) || !utf8.Valid(raw) {
			t.Fatalf("took what is not JSON")
		}
		wantRoundTrip(t, e)
		if !hasDuplicates(t, raw) {
			wantSame(t, e, raw)
		}
	})
}

func wantReason(t *testing.T, err error, typ string, raw []byte) {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) || f.Reason == "" || f.Detail == "" || !utf8.ValidString(f.Detail) {
		t.Fatalf("got %#v", err)
	}
	if known := Topic(Type(typ)) != ""; known && len(raw) <= MaxSize && !json.Valid(raw) &&
		f.Reason != ReasonMalformedJSON {
		t.Fatalf("%s for what is not JSON", f.Reason)
	}
}

// hasDuplicates finds names that occur twice in an object: encoding/json merges what they hold.
func hasDuplicates(t *testing.T, raw []byte) bool {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	seen := []map[string]bool{}
	name := false
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'):
			seen, name = append(seen, map[string]bool{}), true
		case json.Delim('}'):
			seen, name = seen[:len(seen)-1], true
		default:
			if s, ok := token.(string); ok && name {
				if seen[len(seen)-1][s] {
					return true
				}
				seen[len(seen)-1][s] = true
				name = false
				continue
			}
			name = true
		}
	}
}
