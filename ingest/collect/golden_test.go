package collect

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/ingest/event"
)

var update = flag.Bool("update", false, "write the .golden files anew")

// TestMapping holds what requests become: testdata/NAME.json is a request, NAME.golden the answer and each message,
// with what ingest makes of it.
func TestMapping(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d requests, %v", len(files), err)
	}
	goldens, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(goldens) != len(files) {
		t.Errorf("%d .golden files for %d requests, %v", len(goldens), len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var request struct {
		Path    string            `json:"path"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	}
	if err := json.Unmarshal(text, &request); err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	if err := json.Compact(&body, request.Body); err != nil { // as SDKs send it
		t.Fatal(err)
	}
	var headers []string
	for name, v := range request.Headers {
		headers = append(headers, name, v)
	}
	var k kafka
	c := newCollector(t, &k, func(c *Config) { c.Origins = []string{"https://www.example.org"} })
	got := render(t, c, &k, request.Path, body.String(), headers)
	name := strings.TrimSuffix(file, ".json") + ".golden"
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func render(t *testing.T, c *Collector, k *kafka, path, body string, headers []string) string {
	t.Helper()
	var out strings.Builder
	r := post(t, c, path, body, headers...)
	fmt.Fprintf(&out, "%d %s\n", r.StatusCode, text(t, r))
	for _, m := range k.messages {
		fmt.Fprintf(&out, "\n%s  key %q\n", m.Topic, m.Key)
		if _, err := event.Decode(m.Topic, m.Value); err != nil {
			fmt.Fprintf(&out, "dead letter: %v\n", err)
		}
		var fields map[string]any
		if json.Unmarshal(m.Value, &fields) != nil {
			fmt.Fprintf(&out, "%s\n", m.Value)
			continue
		}
		pretty := json.NewEncoder(&out)
		pretty.SetEscapeHTML(false)
		pretty.SetIndent("", " ")
		if err := pretty.Encode(fields); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}
