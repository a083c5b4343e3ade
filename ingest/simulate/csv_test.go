package simulate_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/ingest/event"
	"clew/ingest/simulate"
	"clew/ingest/source"
)

// TestWriteCSV reads the files back by the shipped mapping: the events must be those that were made up.
func TestWriteCSV(t *testing.T) {
	cfg := simulate.Config{Seed: 3, Leads: 400, To: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	dir := t.TempDir()
	var told int64
	if err := simulate.WriteCSV(dir, simulate.Events(cfg), func(n int64) { told = n }); err != nil {
		t.Fatal(err)
	}
	want := map[event.Type][]event.Event{}
	n := int64(0)
	for e := range simulate.Events(cfg) {
		want[e.Kind()] = append(want[e.Kind()], e)
		n++
	}
	if told != n || len(want) != len(event.Types()) {
		t.Fatalf("told of %d events of %d, in types %v", told, n, slices.Collect(maps.Keys(want)))
	}
	mapping, err := source.Load("simulated")
	if err != nil {
		t.Fatal(err)
	}
	got := map[event.Type][]event.Event{}
	for e, err := range source.Read(t.Context(), mapping, dir) {
		if err != nil {
			t.Fatal(err)
		}
		got[e.Kind()] = append(got[e.Kind()], e)
	}
	for _, kind := range event.Types() {
		if diff := cmp.Diff(want[kind], got[kind]); diff != "" {
			t.Errorf("%s, want (-), got (+):\n%.2000s", kind, diff)
		}
	}
}

func TestWriteCSVWithoutRoom(t *testing.T) {
	err := simulate.WriteCSV(t.TempDir()+"/absent", simulate.Events(simulate.Config{
		Leads: 1, To: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	}), func(int64) {})
	if err == nil {
		t.Error("wrote into a directory that is not there")
	}
}
