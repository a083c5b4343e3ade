package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
)

// claimer is a sink whose claims write and reach as told.
type claimer struct {
	recorder
	claims  atomic.Int32
	claim   func(n int32) error
	write   func(n int32, b Batch) (Outcome, error)
	reached func(done map[Log]Span) map[Log]uint64
}

type numberedClaim struct {
	*claimer
	n int32
}

func (c *claimer) Claim(_ context.Context, logs []Log) (Claim, error) {
	n := c.claims.Add(1)
	if len(logs) == 0 {
		return nil, errors.New("nothing is claimed")
	}
	if c.claim != nil {
		if err := c.claim(n); err != nil {
			return nil, err
		}
	}
	return numberedClaim{c, n}, nil
}

func (c numberedClaim) Write(ctx context.Context, b Batch) (Outcome, error) {
	if c.write != nil {
		if out, err := c.write(c.n, b); err != nil {
			return out, err
		}
	}
	return Outcome{Repeated: 3, Rejected: 2, Ambiguous: 1}, c.recorder.Write(ctx, b)
}

func (c numberedClaim) Reached(_ context.Context, done map[Log]Span) (map[Log]uint64, error) {
	all := c.held(done)
	if c.reached != nil {
		maps.Copy(all, c.reached(done))
	}
	return all, nil
}

// held answers as the contract wants it, by what was written.
func (c *claimer) held(done map[Log]Span) map[Log]uint64 {
	offsets := make(map[Log]map[uint64]bool)
	for l := range done {
		offsets[l] = make(map[uint64]bool)
	}
	for _, r := range c.records() {
		if of := offsets[Log{r.Source, r.Partition}]; of != nil {
			of[r.Offset] = true
		}
	}
	all := make(map[Log]uint64)
	for l, s := range done {
		at := s.First
		for offsets[l][at] {
			at++
		}
		for offset := range offsets[l] {
			if offset+1 >= s.Next {
				at = s.Next
			}
		}
		all[l] = min(at, s.Next)
	}
	return all
}

// A writer that lost the fence gives up, joins anew and claims again; nothing is lost and nothing committed unwritten.
func TestFencedWriterBeginsAnew(t *testing.T) {
	kcfg, _ := kafka(t, 2)
	send(t, kcfg, numbered(t, 0, 100)...)
	stats := &Stats{}
	sink := &claimer{
		claim: func(n int32) error {
			if n == 2 {
				return fmt.Errorf("claimed by another: %w", ErrFenced)
			}
			return nil
		},
		write: func(n int32, _ Batch) (Outcome, error) {
			if n == 1 {
				return Outcome{Ambiguous: 1}, fmt.Errorf("log 1: %w", ErrFenced)
			}
			return Outcome{}, nil
		},
	}
	flushed := make(chan Snapshot, 10)
	stop := start(t, Config{
		Stream: kcfg, Sink: sink, FlushEvery: time.Hour, MaxRows: 100, Stats: stats,
		OnFlush: func(p Progress) {
			if p.Records > 0 {
				flushed <- stats.Snapshot()
			}
		},
	})
	defer stop()
	got := <-flushed
	wantOnce(t, sink.records(), 100)
	if got.FenceAborts != 2 || got.SinkRetries != 1 || got.AmbiguousInserts != 2 || got.Repeated != 3 ||
		got.PoisonRows != 2 || got.Rows != 98 || got.DeadLetters[ReasonRejected] != 2 || sink.claims.Load() != 3 {
		t.Errorf("%d claims, %+v", sink.claims.Load(), got)
	}
}

// Where the sink holds less than the group has committed, the partition is read again from there.
func TestRewindsToWhatTheSinkHolds(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	send(t, kcfg, numbered(t, 0, 100)...)
	sink := &claimer{}
	cfg := Config{Stream: kcfg, Sink: sink, FlushEvery: 10 * time.Millisecond}
	drain(t, cfg)
	sink.reached = func(done map[Log]Span) map[Log]uint64 {
		for l, s := range done {
			if s == (Span{0, 100}) {
				return map[Log]uint64{l: 40}
			}
		}
		return nil
	}
	// The group goes back before anything is written: a crash then finds it there.
	sink.write = func(int32, Batch) (Outcome, error) {
		client, err := stream.NewClient(kcfg)
		if err != nil {
			return Outcome{}, err
		}
		defer client.Close()
		p := stream.Partition{Topic: event.Topic(event.TypeBehavior)}
		got, err := client.Committed(t.Context(), DefaultGroup, []stream.Partition{p})
		if got[p] != 40 || err != nil {
			t.Errorf("committed %v, %v", got, err)
		}
		return Outcome{}, nil
	}
	var log bytes.Buffer
	stats := &Stats{}
	cfg.Log, cfg.Stats, cfg.MaxRows = slog.New(slog.NewTextHandler(&log, nil)), stats, 61
	cfg.FlushEvery = time.Hour
	send(t, kcfg, numbered(t, 100, 101)...)
	drain(t, cfg)
	got := counts(sink.records())
	for i := range 101 {
		want := 1
		if i >= 40 && i < 100 {
			want = 2
		}
		if got[fmt.Sprint(i)] != want {
			t.Errorf("event %d was written %d times, want %d", i, got[fmt.Sprint(i)], want)
		}
	}
	if text := log.String(); !strings.Contains(text, "committed=100") || !strings.Contains(text, "tables_end=40") {
		t.Errorf("the log says nothing of it:\n%s", text)
	}
	if stats.Snapshot().Rewinds != 1 {
		t.Errorf("%+v", stats.Snapshot())
	}
}

// A member whose sink hangs leaves, and another takes over what it had.
func TestStalledMemberLeaves(t *testing.T) {
	kcfg, _ := kafka(t, 2)
	send(t, kcfg, numbered(t, 0, 100)...)
	writing := make(chan struct{}, 100)
	var log bytes.Buffer
	stats := &Stats{}
	stopFirst := start(t, Config{
		Stream: kcfg, FlushEvery: 10 * time.Millisecond, StallAfter: 200 * time.Millisecond, Stats: stats,
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Sink: writerFunc(func(ctx context.Context, _ Batch) error {
			writing <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}),
	})
	<-writing
	var r recorder
	cfg := Config{Stream: kcfg, Sink: &r, FlushEvery: 10 * time.Millisecond}
	began := time.Now()
	drain(t, cfg)
	if took := time.Since(began); took > stallWait {
		t.Errorf("the other took over after %v", took)
	}
	wantOnce(t, r.records(), 100)
	stopFirst()
	if n := stats.Snapshot().Stalls; n != 1 {
		t.Errorf("%d stalls", n)
	}
	if !strings.Contains(log.String(), "check the warehouse") {
		t.Errorf("the log does not say what it waits for:\n%s", log.String())
	}
}

// A sink that cannot be claimed is no reason to keep the partitions.
func TestStalledClaimLeaves(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	stats := &Stats{}
	stalled := make(chan struct{}, 1)
	sink := &claimer{claim: func(int32) error { return errors.New("down") }}
	stop := start(t, Config{
		Stream: kcfg, Sink: sink, FlushEvery: 10 * time.Millisecond, StallAfter: 200 * time.Millisecond, Stats: stats,
		Log: slog.New(slog.NewTextHandler(writeFunc(func(line string) {
			if strings.Contains(line, "leaves its group") {
				stalled <- struct{}{}
			}
		}), nil)),
	})
	<-stalled
	stop()
	if n := stats.Snapshot().Stalls; n != 1 {
		t.Errorf("%d stalls", n)
	}
}

// Where there is nothing to do, nothing stalls.
func TestIdleMemberStays(t *testing.T) {
	s := &share{
		consumer: &consumer{Config: Config{StallAfter: time.Millisecond}.withDefaults()}, alive: make(chan struct{}, 1),
	}
	s.StallAfter = time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.watch(ctx); err != nil {
		t.Error(err)
	}
}

// writeFunc takes the lines of a log.
type writeFunc func(line string)

func (f writeFunc) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}
