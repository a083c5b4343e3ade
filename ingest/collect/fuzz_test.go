package collect

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"clew/ingest/event"
)

// seeds are the requests of testdata.
func seeds(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var request struct{ Body json.RawMessage }
		if err := json.Unmarshal(text, &request); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(request.Body))
	}
	for _, text := range []string{`{"batch":[{}]}`, `[]`, ` "\ud800" `, `{"a":{"b":[1,{"c":null}]},"a":2}`, `-1e5`, `{`} {
		f.Add([]byte(text))
	}
}

// FuzzValue compares the reader of JSON with encoding/json.
func FuzzValue(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := parse(text)
		if err != nil {
			return
		}
		var want any
		if err := json.Unmarshal(text, &want); err != nil {
			return // a number too large for a float64
		}
		if got := rebuilt(t, v); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, want %#v", text, got, want)
		}
	})
}

// rebuilt reads a value by the methods of value alone.
func rebuilt(t *testing.T, v value) any {
	switch {
	case v.isObject():
		all := map[string]any{}
		for name, m := range v.members() {
			all[name] = rebuilt(t, m)
		}
		return all
	case v.isArray():
		all := []any{}
		for e := range v.elements() {
			all = append(all, rebuilt(t, e))
		}
		return all
	case v.isNull():
		return nil
	}
	s, ok := v.text()
	if !ok {
		t.Errorf("%s has no text", v)
	}
	if v[0] == '"' {
		return s
	}
	var plain any
	if err := json.Unmarshal([]byte(s), &plain); err != nil {
		t.Errorf("%s: %v", s, err)
	}
	return plain
}

// FuzzBatch holds that each message of a batch becomes events, or a dead letter and a line of the answer; that events
// are valid and dead letters are not; and that nothing gets into another workspace.
func FuzzBatch(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) { fuzz(t, "/v1/batch", body) })
}

// FuzzEvents is the same for CloudEvents and events of our own.
func FuzzEvents(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) { fuzz(t, "/v1/events", body) })
}

// FuzzSingle is the same for one message.
func FuzzSingle(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range []string{"/v1/track", "/v1/identify", "/v1/page", "/v1/group", "/v1/alias"} {
			fuzz(t, path, body)
		}
	})
}

func fuzz(t *testing.T, path string, body []byte) {
	t.Helper()
	var k kafka
	c := newCollector(t, &k)
	r := post(t, c, path, string(body))
	var got accepted
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	switch r.StatusCode {
	case http.StatusOK:
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		if got.Success || len(k.messages) > 0 {
			t.Errorf("refused, and %d messages were sent", len(k.messages))
		}
		return
	default:
		t.Errorf("answered %d", r.StatusCode)
	}
	letters, events := 0, uint64(0)
	for _, m := range k.messages {
		e, err := event.Decode(m.Topic, m.Value)
		if err != nil {
			letters++
			continue
		}
		events++
		if e.Head().Workspace != "default" {
			t.Errorf("an event of workspace %q: %s", e.Head().Workspace, m.Value)
		}
	}
	if rejected := len(got.Rejected) + got.More; letters != rejected {
		t.Errorf("%d dead letters, %d rejected: %s", letters, rejected, body)
	}
	var counted uint64
	for _, n := range c.Snapshot().Events {
		counted += n
	}
	if counted != events {
		t.Errorf("%d valid events, %d counted", events, counted)
	}
	if c.Snapshot().PendingBytes != 0 || c.Snapshot().Pending != 0 {
		t.Errorf("%+v is held after the answer", c.Snapshot())
	}
}
