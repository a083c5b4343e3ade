package ingest

import (
	"testing"
	"time"
)

// TestBacklogFillsBatches reads a backlog that arrives in pieces smaller than a batch: as long as the logs can fill it,
// a batch is not written when it is FlushEvery old.
func TestBacklogFillsBatches(t *testing.T) {
	kcfg, _ := kafka(t, 4)
	send(t, kcfg, numbered(t, 0, 4000)...)
	var r recorder
	drain(t, Config{Stream: kcfg, Sink: &r, FlushEvery: time.Nanosecond, MaxRows: 3000})
	wantOnce(t, r.records(), 4000)
	if n := len(r.batches[0].Records); n < 3000 {
		t.Errorf("the first batch has %d rows", n)
	}
}
