package ingest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/ingest/stream/kafkatest"
)

// shelf is an Auditor that holds some offsets of the behaviours' first partition, once each.
type shelf struct {
	offsets []uint64
	// before is called before each answer of Held.
	before func(Stretch)
	err    error
}

func (f *shelf) Reach(_ context.Context, s Stretch) (Stretch, error) {
	s.From, s.To = 0, 0
	if s.Topic == event.Topic(event.TypeBehavior) && s.Partition == 0 && len(f.offsets) > 0 {
		s.From, s.To = f.offsets[0], f.offsets[len(f.offsets)-1]+1
	}
	return s, nil
}

func (f *shelf) Held(_ context.Context, s Stretch) ([]Held, error) {
	if f.before != nil {
		f.before(s)
	}
	var held []Held
	for _, o := range f.offsets {
		if s.Topic == event.Topic(event.TypeBehavior) && s.Partition == 0 && o >= s.From && o < s.To {
			held = append(held, Held{o, o, 1})
		}
	}
	return held, f.err
}

// behaviors verifies, and returns what was found of the behaviours' first partition.
func behaviors(t *testing.T, cfg Config, audit Auditor, o VerifyOptions) Verified {
	t.Helper()
	all, err := Verify(t.Context(), cfg, audit, o)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(v Verified) bool { return v.Topic == event.Topic(event.TypeBehavior) })
	return all[i]
}

// More gaps than are listed are counted all the same, and repaired.
func TestVerifyListsABoundedNumberOfGaps(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	const messages = 2*maxRanges + 20
	send(t, kcfg, numbered(t, 0, messages)...)
	var r recorder
	cfg := Config{Stream: kcfg, Sink: &r, Now: now}
	drain(t, cfg)
	r = recorder{}
	var held shelf
	for o := uint64(1); o < messages; o += 2 {
		held.offsets = append(held.offsets, o)
	}
	v := behaviors(t, cfg, &held, VerifyOptions{})
	if v.Missing != messages/2 || v.Repaired != 0 || v.Right() || len(r.records()) != 0 {
		t.Errorf("missing %d, repaired %d, stored %d", v.Missing, v.Repaired, len(r.records()))
	}
	last := OffsetRange{2 * (maxRanges - 1), 2 * (maxRanges - 1)}
	if len(v.Gaps) != maxRanges || v.Gaps[0] != (OffsetRange{0, 0}) || v.Gaps[maxRanges-1] != last {
		t.Errorf("%d gaps are listed, the last %v", len(v.Gaps), v.Gaps[len(v.Gaps)-1])
	}
	v = behaviors(t, cfg, &held, VerifyOptions{Repair: true})
	if v.Missing != messages/2 || v.Repaired != messages/2 || !v.Right() {
		t.Errorf("missing %d, repaired %d", v.Missing, v.Repaired)
	}
	var offsets []uint64
	for _, rec := range r.records() {
		offsets = append(offsets, rec.Offset)
	}
	if len(offsets) != messages/2 || !slices.IsSorted(offsets) || slices.Contains(offsets, 1) {
		t.Errorf("%d messages were stored: %v", len(offsets), offsets)
	}
}

// Retention may delete what is about to be read: it is no gap, and the rest is verified.
func TestVerifyGoesOnWhereTheLogBeginsLater(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	send(t, kcfg, numbered(t, 0, 100)...)
	cfg := Config{Stream: kcfg, Sink: &recorder{}, Now: now}
	drain(t, cfg)
	p := stream.Partition{Topic: event.Topic(event.TypeBehavior)}
	var trimmed error
	held := shelf{before: func(s Stretch) {
		if s.Topic == p.Topic && s.From == 20 {
			trimmed = kafkatest.Trim(t.Context(), kcfg.Brokers[0], p.Topic, p.ID, 35)
		}
	}}
	v := behaviors(t, cfg, &held, VerifyOptions{Window: 20})
	if trimmed != nil {
		t.Fatal(trimmed)
	}
	want := []OffsetRange{{0, 99}}
	if v.Missing != 85 || v.Messages != 85 || !slices.Equal(v.Gaps, want) {
		t.Errorf("missing %d of %d, gaps %v", v.Missing, v.Messages, v.Gaps)
	}
}

// The records that end transactions take offsets and are no messages: nobody misses them, also at the log's end.
func TestVerifyMissesNoTransactionMarker(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	p := stream.Partition{Topic: event.Topic(event.TypeBehavior)}
	value := numbered(t, 0, 1)[0].Value
	for range 3 {
		if err := kafkatest.Transact(t.Context(), kcfg.Brokers[0], p.Topic, p.ID, value, true); err != nil {
			t.Fatal(err)
		}
	}
	var r recorder
	cfg := Config{Stream: kcfg, Sink: &r, Now: now}
	drain(t, cfg)
	var held shelf
	for _, rec := range r.records() {
		held.offsets = append(held.offsets, rec.Offset)
	}
	if !slices.Equal(held.offsets, []uint64{0, 2, 4}) {
		t.Fatalf("messages at %v", held.offsets)
	}
	for _, window := range []uint64{1, 2, 100} {
		v := behaviors(t, cfg, &held, VerifyOptions{Window: window})
		if v.End != 6 || v.Messages != 3 || v.Rows != 3 || v.Missing != 0 || v.Kept != 0 || v.Lag != 0 || !v.Right() {
			t.Errorf("window %d: %+v", window, v)
		}
	}
	// A gap spans the markers within it.
	held.offsets = held.offsets[:1]
	v := behaviors(t, cfg, &held, VerifyOptions{})
	if v.Missing != 2 || !slices.Equal(v.Gaps, []OffsetRange{{2, 4}}) {
		t.Errorf("missing %d, gaps %v", v.Missing, v.Gaps)
	}
}

// The offsets that compaction has emptied are no messages either, wherever they are: within what is read at once, between
// two readings and before the log's end. What was stored before is kept.
func TestVerifyMissesNothingThatWasCompacted(t *testing.T) {
	c, err := kafkatest.StartCluster()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.CreateCompacted(t.Context(), event.Topics()...); err != nil {
		t.Fatal(err)
	}
	kcfg := stream.Config{Brokers: c.Addrs()}
	var early recorder
	cfg := Config{Stream: kcfg, Group: "early", Sink: &early, Now: now, FlushEvery: 10 * time.Millisecond}
	const sent, keys = 3000, 97
	for from := 0; from < sent; from += 100 {
		send(t, kcfg, numbered(t, from, from+100)...)
	}
	drainOnce(t, cfg)
	wantOnce(t, early.records(), sent)
	c.Compact()
	var late recorder
	cfg.Group, cfg.Sink = "late", &late
	drainOnce(t, cfg)
	var held shelf
	for _, rec := range late.records() {
		held.offsets = append(held.offsets, rec.Offset)
	}
	// The last message of each key, and what came with the last of all: the end of a log is not compacted.
	if n := len(held.offsets); n < keys || n > keys+100 || held.offsets[n-1] != sent-1 || held.offsets[0] < 100 {
		t.Fatalf("%d messages are left: %v", n, held.offsets)
	}
	left := uint64(len(held.offsets))
	for _, window := range []uint64{1, 7, 1000, 1 << 20} {
		v := behaviors(t, cfg, &held, VerifyOptions{Window: window})
		if v.Messages != int64(left) || v.Rows != left || v.Missing != 0 || v.Kept != 0 || v.Lag != 0 || !v.Right() {
			t.Errorf("window %d: %+v", window, v)
		}
	}
	cfg.Group, held.offsets = "early", nil
	for o := range uint64(sent) {
		held.offsets = append(held.offsets, o)
	}
	v := behaviors(t, cfg, &held, VerifyOptions{})
	if v.Messages != int64(left) || v.Rows != sent || v.Kept != sent-left || v.Missing != 0 || !v.Right() {
		t.Errorf("of what was stored before: %+v", v)
	}
}

func TestVerifyRefuses(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	send(t, kcfg, numbered(t, 0, 3)...)
	cfg := Config{Stream: kcfg, Sink: &recorder{}, Now: now}
	drain(t, cfg)
	failing := writerFunc(func(context.Context, Batch) error { return errors.New("disk full") })
	for name, c := range map[string]struct {
		cfg   Config
		audit *shelf
		want  string
	}{
		"no broker":     {Config{}, &shelf{}, "no Kafka broker is configured"},
		"no sink":       {Config{Stream: kcfg}, &shelf{}, "a repair needs a Sink"},
		"a table away":  {cfg, &shelf{err: errors.New("no such table")}, "clew.behaviors partition 0: no such table"},
		"a failing one": {Config{Stream: kcfg, Sink: failing, Now: now}, &shelf{}, "store 3 missing messages: disk full"},
	} {
		_, err := Verify(t.Context(), c.cfg, c.audit, VerifyOptions{Repair: c.cfg.Sink != nil || name == "no sink"})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
