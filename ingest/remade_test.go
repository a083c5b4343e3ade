package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/ingest/stream/kafkatest"
)

// remake deletes the topics and makes them again.
func remake(t *testing.T, kcfg stream.Config) {
	t.Helper()
	if err := kafkatest.DeleteTopics(t.Context(), kcfg.Brokers[0]); err != nil {
		t.Fatal(err)
	}
	if err := stream.EnsureTopics(t.Context(), kcfg, event.Topics(), 1); err != nil {
		t.Fatal(err)
	}
}

// drainOnce is a Drain within the patience of a test.
func drainOnce(t *testing.T, cfg Config) {
	t.Helper()
	ctx, cancel := contextOf(t)
	defer cancel()
	if err := Drain(ctx, cfg); err != nil {
		t.Fatal(err)
	}
}

// wantPlaces checks that the ids 0 to n-1 were each written once, and each to a position of its own: a sink takes two
// rows of one position for one.
func wantPlaces(t *testing.T, records []Record, n int) {
	t.Helper()
	wantOnce(t, records, n)
	at := make(map[Position]bool)
	for _, r := range records {
		at[r.Position] = true
	}
	if len(at) != n {
		t.Errorf("%d events are at %d positions", n, len(at))
	}
}

// A topic that was deleted and made again is read from its beginning, whatever the group's offset says, and its rows are
// not taken for those of the topic before.
func TestTopicMadeAgainIsReadFromItsBeginning(t *testing.T) {
	const old = 500
	p := stream.Partition{Topic: event.Topic(event.TypeBehavior)}
	for _, fresh := range []int{300, 500, 800} {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d after %d, group's offset kept %v", fresh, old, kept), func(t *testing.T) {
				kcfg, _ := kafka(t, 1)
				sink, stats := &claimer{}, &Stats{}
				cfg := Config{Stream: kcfg, Sink: sink, Now: now, FlushEvery: 10 * time.Millisecond, Stats: stats}
				send(t, kcfg, numbered(t, 0, old)...)
				drainOnce(t, cfg)
				remake(t, kcfg)
				if kept {
					if err := kafkatest.Commit(t.Context(), kcfg.Brokers[0], DefaultGroup, p.Topic, p.ID, old); err != nil {
						t.Fatal(err)
					}
				}
				send(t, kcfg, numbered(t, old, old+fresh)...)
				drainOnce(t, cfg)
				wantPlaces(t, sink.records(), old+fresh)
				wantCommitted(t, kcfg, p, int64(fresh))
				if got := stats.Snapshot().Rewinds; kept && got != 1 {
					t.Errorf("%d rewinds", got)
				}
				drainOnce(t, cfg) // and there is nothing more to do
				wantPlaces(t, sink.records(), old+fresh)
			})
		}
	}
}

func wantCommitted(t *testing.T, kcfg stream.Config, p stream.Partition, want int64) {
	t.Helper()
	client, err := stream.NewClient(kcfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got, err := client.Committed(t.Context(), DefaultGroup, []stream.Partition{p})
	if err != nil || got[p] != want {
		t.Errorf("committed %v, %v; want %d", got, err, want)
	}
}

// While ingest runs: what was read and not written when the topic went is written, with the old log's positions, and
// the new topic is read when it comes.
func TestTopicMadeAgainUnderWay(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	sink, stats := &claimer{}, &Stats{}
	gone := make(chan string, 1)
	stop := start(t, Config{
		Stream: kcfg, Sink: sink, FlushEvery: time.Hour, MaxRows: 1000, Stats: stats,
		Log: slog.New(slog.NewTextHandler(writeFunc(func(line string) {
			if !strings.Contains(line, "a topic is gone") {
				return
			}
			select {
			case gone <- line:
			default: // it is said again and again
			}
		}), nil)),
	})
	defer stop()
	send(t, kcfg, numbered(t, 0, 500)...)
	await(t, func() bool { return isRead(stats) })
	if err := kafkatest.DeleteTopics(t.Context(), kcfg.Brokers[0]); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return len(sink.records()) == 500 })
	if line := <-gone; !strings.Contains(line, "clew.") || !strings.Contains(line, "create it") {
		t.Errorf("the log does not name the topic and the remedy: %s", line)
	}
	if err := stream.EnsureTopics(t.Context(), kcfg, event.Topics(), 1); err != nil {
		t.Fatal(err)
	}
	send(t, kcfg, numbered(t, 500, 1500)...)
	await(t, func() bool { return len(sink.records()) == 1500 })
	stop()
	wantPlaces(t, sink.records(), 1500)
}

// isRead says that the behaviours in Kafka were fetched: a write of up to 1000 messages is one answer.
func isRead(stats *Stats) bool {
	for _, p := range stats.Snapshot().Partitions {
		if !p.OldestUnflushed.IsZero() {
			return true
		}
	}
	return false
}

// await asks until a fact is true.
func await(t *testing.T, fact func() bool) {
	t.Helper()
	ctx, cancel := contextOf(t)
	defer cancel()
	for !fact() {
		if !pause(ctx, 5*time.Millisecond) {
			t.Fatal("waited in vain")
		}
	}
}

// Brokers that give topics no ids: a log that ends before what is stored of it is not the same log, so Run halts and
// does not take the new messages for the old.
func TestTopicMadeAgainWithoutIDs(t *testing.T) {
	c, err := kafkatest.StartOld("2.7")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	kcfg := stream.Config{Brokers: c.Addrs()}
	if err := stream.EnsureTopics(t.Context(), kcfg, event.Topics(), 1); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	sink := &claimer{}
	cfg := Config{
		Stream: kcfg, Sink: sink, Now: now, FlushEvery: 10 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}
	send(t, kcfg, numbered(t, 0, 500)...)
	drainOnce(t, cfg)
	if !strings.Contains(log.String(), "give topics no ids") {
		t.Errorf("the log does not say so:\n%s", log.String())
	}
	remake(t, kcfg)
	send(t, kcfg, numbered(t, 500, 800)...)
	ctx, cancel := contextOf(t)
	defer cancel()
	wantHalt(t, Run(ctx, cfg), event.Topic(event.TypeBehavior), "ends at 300", "another database")
	wantPlaces(t, sink.records(), 500)
}

// Brokers that lost messages: the same log ends before what is stored of it, and new messages must not be taken for
// those that were lost. The group's offset does not matter.
func TestRunHaltsWhenRowsAreBeyondTheLog(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	sink := &claimer{}
	cfg := Config{Stream: kcfg, Sink: sink, Now: now, FlushEvery: 10 * time.Millisecond}
	send(t, kcfg, numbered(t, 0, 500)...)
	drainOnce(t, cfg)
	beyond := sink.batches[0].Records[0]
	beyond.Offset = 500
	sink.batches = append(sink.batches, Batch{Records: []Record{beyond}})
	ctx, cancel := contextOf(t)
	defer cancel()
	wantHalt(t, Run(ctx, cfg), event.Topic(event.TypeBehavior), "ends at 500", "make it again", "offset 500 or beyond")
}

// Partitions that a topic is given while ingest runs are read too.
func TestPartitionsThatAreAddedAreRead(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	var r recorder
	stop := start(t, Config{Stream: kcfg, Sink: &r, FlushEvery: 10 * time.Millisecond})
	defer stop()
	send(t, kcfg, numbered(t, 0, 100)...)
	await(t, func() bool { return len(r.records()) == 100 })
	topic := event.Topic(event.TypeBehavior)
	if err := kafkatest.AddPartitions(t.Context(), kcfg.Brokers[0], topic, 3); err != nil {
		t.Fatal(err)
	}
	if err := stream.EnsureTopics(t.Context(), kcfg, []string{topic}, 3); err != nil { // until they have leaders
		t.Fatal(err)
	}
	send(t, kcfg, numbered(t, 100, 1000)...)
	await(t, func() bool { return len(r.records()) >= 1000 })
	stop()
	used := make(map[uint32]bool)
	for _, rec := range r.records() {
		used[rec.Partition] = true
	}
	if ids := counts(r.records()); len(ids) != 1000 || len(used) != 3 {
		t.Errorf("%d events of %d partitions", len(ids), len(used))
	}
}

// toldOf is a shelf that tells when it is asked how far a log reaches.
type toldOf struct {
	shelf
	reach func()
}

func (a *toldOf) Reach(ctx context.Context, s Stretch) (Stretch, error) {
	a.reach()
	return a.shelf.Reach(ctx, s)
}

// Verify says nothing of a log that is made again under it, whether it was still to read it or not.
func TestTopicMadeAgainUnderVerify(t *testing.T) {
	for _, reads := range []bool{true, false} {
		kcfg, _ := kafka(t, 1)
		send(t, kcfg, numbered(t, 0, 100)...)
		again := sync.OnceFunc(func() { remake(t, kcfg) })
		var audit Auditor = &toldOf{reach: again}
		if reads {
			audit = &shelf{before: func(Stretch) { again() }}
		}
		got, err := Verify(t.Context(), Config{Stream: kcfg}, audit, VerifyOptions{})
		if got != nil || !errors.Is(err, stream.ErrTopicGone) || !strings.Contains(err.Error(), "run verify again") {
			t.Errorf("reads %v: got %v, %v", reads, got, err)
		}
	}
}
