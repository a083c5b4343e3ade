package ingest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
)

// Each counter is exact after a run with a sink that fails twice.
func TestStatsCount(t *testing.T) {
	kcfg, _ := kafka(t, 2)
	send(t, kcfg, numbered(t, 0, 100)...)
	send(t, kcfg, badMessages()[event.ReasonMissingField], badMessages()[event.ReasonWrongType])
	var r recorder
	failures := 0
	stats := &Stats{}
	during, flushed := make(chan Snapshot, 1), make(chan Snapshot, 1)
	stop := start(t, Config{
		Stream: kcfg, FlushEvery: time.Hour, MaxRows: 102, Stats: stats,
		OnFlush: func(p Progress) {
			if p.Records > 0 {
				flushed <- stats.Snapshot()
			}
		},
		Sink: writerFunc(func(ctx context.Context, b Batch) error {
			if failures++; failures <= 2 {
				return errors.New("no space left")
			}
			during <- stats.Snapshot()
			return r.Write(ctx, b)
		}),
	})
	defer stop()
	before, after := <-during, <-flushed
	if before.Batches != 0 || len(before.Partitions) != 14 {
		t.Errorf("before the batch was taken: %+v", before)
	}
	waiting := 0
	for _, p := range before.Partitions {
		if p.End > 0 && p.OldestUnflushed.Equal(arrived) {
			waiting++
		}
	}
	if waiting != 4 { // two of the behaviours, one of each bad message
		t.Errorf("%d partitions wait", waiting)
	}
	if after.Rows != 100 || after.Batches != 1 || after.BatchRows != 102 || after.SinkRetries != 2 ||
		after.Rebalances != 1 || after.BatchBytes < 102*rowOverhead {
		t.Errorf("%+v", after)
	}
	want := map[string]uint64{event.ReasonMissingField: 1, event.ReasonWrongType: 1}
	if !maps.Equal(after.DeadLetters, want) {
		t.Errorf("dead letters %v", after.DeadLetters)
	}
	if after.FreshnessP50 != 2*time.Second || after.FreshnessP99 != 2*time.Second {
		t.Errorf("fresh after %v and %v", after.FreshnessP50, after.FreshnessP99)
	}
	for _, p := range after.Partitions {
		if p.Committed != p.End || !p.OldestUnflushed.IsZero() {
			t.Errorf("%+v", p)
		}
	}
	stop()
	if left := stats.Snapshot(); len(left.Partitions) != 0 || left.Rows != 100 {
		t.Errorf("after the end: %+v", left)
	}
}

func TestFreshnessIsOfTheLastFlushes(t *testing.T) {
	var s Stats
	for i := range 2 * freshnessFlushes {
		b := newPending()
		b.add(chunk{partition: stream.Partition{Topic: "t"}, Batch: Batch{Records: make([]Record, 1)}})
		s.flushed(b, time.Duration(i)*time.Second)
	}
	got := s.Snapshot()
	if got.FreshnessP50 != 767*time.Second || got.FreshnessP99 != 1017*time.Second {
		t.Errorf("p50 %v, p99 %v", got.FreshnessP50, got.FreshnessP99)
	}
	if len(got.Partitions) != 0 || slices.Contains(s.freshness, 0) {
		t.Errorf("%+v", got)
	}
}
