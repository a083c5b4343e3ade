package stream

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"
)

// What is old and committed goes, and nothing else.
func TestRetain(t *testing.T) {
	b, err := StartBroker(BrokerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, b)
	cfg := Config{Brokers: []string{b.Addr()}}
	topic := createTopic(t, cfg, 4)
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	// Ten messages a partition, one a day; the last is empty.
	w := NewWriter(cfg)
	defer closed(t, w)
	for n, key := range keysOfPartitions(4)[:3] {
		for i := range 10 {
			m := Message{Topic: topic, Key: key, Value: fmt.Append(nil, n, i), Time: day.AddDate(0, 0, i)}
			if err := w.Write(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := newClient(t, cfg)
	all := []Partition{{topic, 0}, {topic, 1}, {topic, 2}, {topic, 3}}
	withGeneration(t, c, "g", topic, func(_ context.Context, g *Generation) {
		// The first is done, of the second a part, of the third nothing.
		if err := g.Commit(map[Partition]int64{all[0]: 10, all[1]: 3}); err != nil {
			t.Error(err)
		}
	})
	for _, step := range []struct {
		before  time.Time
		deleted int64
		want    [4]Range
	}{
		{day, 0, [4]Range{{0, 10}, {0, 10}, {0, 10}, {0, 0}}},
		{day.AddDate(0, 0, 2), 4, [4]Range{{2, 10}, {2, 10}, {0, 10}, {0, 0}}},
		{day.AddDate(0, 0, 2), 0, [4]Range{{2, 10}, {2, 10}, {0, 10}, {0, 0}}},
		{day.AddDate(0, 0, 7), 6, [4]Range{{7, 10}, {3, 10}, {0, 10}, {0, 0}}},
		{day.AddDate(1, 0, 0), 2, [4]Range{{9, 10}, {3, 10}, {0, 10}, {0, 0}}},
	} {
		deleted, err := b.Retain(t.Context(), []string{topic}, "g", step.before)
		if err != nil || deleted != step.deleted {
			t.Errorf("before %v: deleted %d, %v; want %d", step.before, deleted, err, step.deleted)
		}
		got, err := c.Offsets(t.Context(), all)
		want := make(map[Partition]Range)
		for i, r := range step.want {
			want[all[i]] = r
		}
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("before %v: got %v, %v; want %v", step.before, got, err, want)
		}
	}
	if deleted, err := b.Retain(t.Context(), []string{topic}, "nobody", day.AddDate(1, 0, 0)); err != nil || deleted != 0 {
		t.Errorf("of a group that has committed nothing: deleted %d, %v", deleted, err)
	}
}

// TestRetainKeepsOffsets deletes all that is old, closes the broker and opens it again: the next message's offset follows
// the last one's.
func TestRetainKeepsOffsets(t *testing.T) {
	dir := t.TempDir()
	b, err := StartBroker(BrokerConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Brokers: []string{b.Addr()}}
	topic := createTopic(t, cfg, 1)
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	w := NewWriter(cfg)
	for i := range 5 {
		if err := w.Write(t.Context(), Message{Topic: topic, Key: []byte("k"), Value: fmt.Append(nil, i), Time: day}); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, w)
	p := Partition{topic, 0}
	withGeneration(t, newClient(t, cfg), "g", topic, func(_ context.Context, g *Generation) {
		if err := g.Commit(map[Partition]int64{p: 5}); err != nil {
			t.Error(err)
		}
	})
	if _, err := b.Retain(t.Context(), []string{topic}, "g", day.AddDate(0, 0, 1)); err != nil {
		t.Error(err)
	}
	closed(t, b)
	got, err := newClient(t, startBroker(t, dir)).Offsets(t.Context(), []Partition{p})
	if err != nil || got[p].End != 5 {
		t.Errorf("after a restart the log holds %v, %v; want its end at 5", got[p], err)
	}
}
