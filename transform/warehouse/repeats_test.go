package warehouse_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/ingest"
	"clew/ingest/event"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// TestRepeatedEvents sends some events twice, at two offsets as a producer's retry does.
func TestRepeatedEvents(t *testing.T) {
	db := warehousetest.Open(t)
	var batch ingest.Batch
	add := func(at time.Time, e event.Event) {
		batch.Records = append(batch.Records, ingest.Record{
			Event: e, ReceivedAt: at, Position: ingest.Position{Source: 9, Offset: uint64(len(batch.Records))},
		})
	}
	stage := func(id, workspace string) event.Event {
		return &event.Stage{
			Header: event.Header{EventID: id, LeadID: "L", OccurredAt: occurred, Workspace: workspace}, Stage: "mql",
		}
	}
	header := event.Header{EventID: "same", LeadID: "L", OccurredAt: occurred}
	add(received.Add(-time.Hour), stage("early", ""))
	for range 3 {
		add(received, stage("three times", ""))
	}
	add(received, stage("early", ""))
	add(received, stage("two workspaces", "a"))
	add(received, stage("two workspaces", "b"))
	add(received, &event.Touchpoint{Header: header, Channel: "seo", Touch: "visit"})
	add(received, &event.Behavior{Header: header, Name: "page_view"})
	add(received, &event.Behavior{Header: header, Name: "page_view"})
	if err := db.Sink().Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	got, err := db.RepeatedEvents(t.Context(), received)
	if err != nil {
		t.Fatal(err)
	}
	want := []warehouse.Repeats{
		{Table: "activities"},
		{Table: "assignments"},
		{Table: "costs"},
		{Table: "events", Rows: 3, Repeated: 1},
		{Table: "lead_updates"},
		{Table: "stage_changes", Rows: 6, Repeated: 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
