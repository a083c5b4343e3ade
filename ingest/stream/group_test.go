package stream

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"testing"
)

func TestCommitGuardsTheGroup(t *testing.T) {
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 2)
	c := newClient(t, cfg)
	p0, p1, other := Partition{topic, 0}, Partition{topic, 1}, Partition{"other", 0}
	committed := func() map[Partition]int64 {
		t.Helper()
		got, err := c.Committed(t.Context(), "g", []Partition{p0, p1})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	withGeneration(t, c, "g", topic, func(_ context.Context, g *Generation) {
		if want := []Assignment{{p0, -1}, {p1, -1}}; !slices.Equal(g.Assigned, want) {
			t.Errorf("assigned %v, want %v", g.Assigned, want)
		}
		if err := g.Commit(map[Partition]int64{p0: 5}); err != nil {
			t.Error(err)
		}
		if err := g.Commit(map[Partition]int64{p0: 3, p1: 2}); err != nil {
			t.Error(err)
		}
		if got, want := committed(), map[Partition]int64{p0: 5, p1: 2}; !maps.Equal(got, want) {
			t.Errorf("committed %v, want %v", got, want)
		}
		if err := g.Commit(map[Partition]int64{p1: 9, other: 1}); !errors.Is(err, errNotAssigned) {
			t.Errorf("another's partition: %v", err)
		}
		if got, want := committed(), map[Partition]int64{p0: 5, p1: 2}; !maps.Equal(got, want) {
			t.Errorf("after a refused commit %v, want %v", got, want)
		}
	})
	withGeneration(t, c, "g", topic, func(_ context.Context, g *Generation) {
		if want := []Assignment{{p0, 5}, {p1, 2}}; !slices.Equal(g.Assigned, want) {
			t.Errorf("assigned again %v, want %v", g.Assigned, want)
		}
		if err := g.Commit(map[Partition]int64{p0: 4}); err != nil {
			t.Error(err)
		}
	})
	if got, want := committed(), map[Partition]int64{p0: 5, p1: 2}; !maps.Equal(got, want) {
		t.Errorf("at the end %v, want %v", got, want)
	}
}

// A commit of a generation that is over moves nothing.
func TestCommitAfterTheGenerationFails(t *testing.T) {
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 1)
	c := newClient(t, cfg)
	p := Partition{topic, 0}
	var old *Generation
	withGeneration(t, c, "g", topic, func(_ context.Context, g *Generation) { old = g })
	if err := old.Commit(map[Partition]int64{p: 7}); err == nil {
		t.Error("a commit after the end was taken")
	}
	if got, err := c.Committed(t.Context(), "g", []Partition{p}); err != nil || len(got) != 0 {
		t.Errorf("committed %v, %v", got, err)
	}
}

// Close does not wait for members that are slow to join again.
func TestGroupCloseBreaksAWaitingJoin(t *testing.T) {
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 1)
	c := newClient(t, cfg)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	withGeneration(t, c, "g", topic, func(ctx context.Context, _ *Generation) {
		second, err := c.Join(t.Context(), "g", []string{topic}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Error(err)
			return
		}
		<-ctx.Done() // the second member is joining, and the first does not return yet
		if _, err := second.Next(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("next: %v", err)
		}
		second.Close()
	})
}

// Rewind moves one assigned partition back, and Commit goes on from there.
func TestRewind(t *testing.T) {
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 2)
	c := newClient(t, cfg)
	p0, p1 := Partition{topic, 0}, Partition{topic, 1}
	withGeneration(t, c, "g", topic, func(_ context.Context, g *Generation) {
		if err := g.Commit(map[Partition]int64{p0: 9, p1: 9}); err != nil {
			t.Error(err)
		}
		if err := g.Rewind(Partition{"other", 0}, 1); !errors.Is(err, errNotAssigned) {
			t.Errorf("another's partition: %v", err)
		}
		if err := g.Rewind(p0, 3); err != nil {
			t.Error(err)
		}
	})
	withGeneration(t, c, "g", topic, func(_ context.Context, g *Generation) {
		if want := []Assignment{{p0, 3}, {p1, 9}}; !slices.Equal(g.Assigned, want) {
			t.Errorf("assigned %v, want %v", g.Assigned, want)
		}
		if err := g.Rewind(p1, 5); err != nil {
			t.Error(err)
		}
		if err := g.Commit(map[Partition]int64{p0: 4, p1: 7}); err != nil {
			t.Error(err)
		}
	})
	got, err := c.Committed(t.Context(), "g", []Partition{p0, p1})
	if want := map[Partition]int64{p0: 4, p1: 7}; err != nil || !maps.Equal(got, want) {
		t.Errorf("committed %v, want %v, %v", got, want, err)
	}
}

// What members read can be asked of the cluster, by anyone.
func TestAssigned(t *testing.T) {
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 3)
	c := newClient(t, cfg)
	withGeneration(t, c, "g", topic, func(ctx context.Context, _ *Generation) {
		got, err := c.Assigned(ctx, "g")
		want := map[Partition]bool{{topic, 0}: true, {topic, 1}: true, {topic, 2}: true}
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	})
	for _, group := range []string{"g", "nobody"} {
		if got, err := c.Assigned(t.Context(), group); got != nil || err != nil {
			t.Errorf("of %s, which has no members: %v, %v", group, got, err)
		}
	}
}
