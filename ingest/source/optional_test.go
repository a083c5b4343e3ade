package source

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOptionalFiles(t *testing.T) {
	m := parse(t, `
zone: UTC
inputs:
  - file: a.csv
    optional: true
    events: [{type: lead, fields: {event_id: "a{id}", occurred_at: "{at}", lead_id: "{id}"}}]
  - file: b.csv
    optional: true
    join: [{name: a, file: a.csv, key: id, optional: true}]
    events: [{type: lead, fields: {event_id: "b{id}", occurred_at: "{at}", lead_id: "{id}", company: "{a.at}"}}]
`)
	dir := t.TempDir()
	want := `mapping "crm" reads ["a.csv" "b.csv"], and "` + dir + `" has none of them: put one there or name another directory`
	if _, err := m.Open(dir); err == nil || err.Error() != want {
		t.Errorf("without files: %v", err)
	}
	put := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("id,at\n1,2026-01-05\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names := func() (out []string) {
		for e, err := range Read(t.Context(), m, dir) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, e.Head().EventID)
		}
		return out
	}
	put("a.csv")
	equal(t, names(), []string{"a1"})
	put("b.csv")
	equal(t, names(), []string{"a1", "b1"})
	if err := os.Remove(filepath.Join(dir, "a.csv")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Open(dir); err == nil {
		t.Error("a file to join is absent, and nobody says so")
	}
}
