package ingest

import (
	"context"
	"errors"
	"time"

	"clew/ingest/stream"
)

// stallWait is how long a member that left its group stays away, so that another can take over.
const stallWait = 10 * time.Second

// errStalled ends the membership in the group: nothing went on here, and another member may do better.
var errStalled = errors.New("nothing goes on")

// watch ends the generation when there is lag and nothing was stored for StallAfter. Kafka does not notice by itself:
// heartbeats go on while the sink hangs, so its partitions would stay here for ever.
func (s *share) watch(ctx context.Context) error {
	timer := time.NewTimer(s.StallAfter)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.alive:
		case <-timer.C:
			if s.Stats.lag() > 0 {
				return s.stalled(s.waitsFor())
			}
		}
		timer.Reset(s.StallAfter)
	}
}

// poke tells watch that something goes on.
func (s *share) poke() {
	select {
	case s.alive <- struct{}{}:
	default: // it will find the one before
	}
}

// waitsFor says in words where the rows are stuck.
func (s *share) waitsFor() string {
	for _, p := range s.Stats.Snapshot().Partitions {
		if !p.OldestUnflushed.IsZero() {
			return "the sink to store rows that were read: check the warehouse"
		}
	}
	return "kafka to give messages that it has: check the brokers"
}

func (s *share) stalled(waitsFor string) error {
	s.Stats.count(func(now *Snapshot) { now.Stalls++ })
	s.Log.Error("nothing went on, ingest leaves its group so that another member can take over, and joins it again later",
		"group", s.Group, "stalled_for", s.StallAfter, "waits_for", waitsFor, "lag", s.Stats.lag(), "joins_in", stallWait)
	return errStalled
}

// prepare takes the partitions and finds where to begin, within StallAfter.
func (s *share) prepare(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, s.StallAfter)
	defer cancel()
	for _, step := range []func(context.Context) error{s.name, s.take, s.locate, s.rewind} {
		err := step(limited)
		if errors.Is(err, stream.ErrNoTopic) || errors.Is(err, ErrLogLost) {
			return err
		}
		if err != nil && ctx.Err() == nil && limited.Err() != nil {
			return s.stalled("the warehouse and kafka to tell where to begin: see the warnings before")
		}
		if err != nil {
			return err
		}
	}
	return nil
}
