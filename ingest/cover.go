package ingest

import (
	"context"
	"slices"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
)

// coverEvery is how often it is looked whether all partitions are read.
const coverEvery = 5 * time.Second

// cover ends the generation when the partitions that were shared out are not those that there are. One member shares
// them out when the group forms, by what topics there are then; a topic may be made or given more partitions a moment
// later, and nobody would read them.
func (s *share) cover(ctx context.Context) error {
	for {
		p, others, err := s.uncovered(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end of ctx is a success, whatever it interrupted
		case err != nil:
			s.Log.Warn("kafka did not tell whether the group reads all partitions, it is asked again",
				"group", s.Group, "next_in", coverEvery, "error", err)
		case others:
			s.Log.Info("the topics have other partitions than those that the group reads: it shares them out anew",
				"group", s.Group, "topic", p.Topic, "partition", p.ID)
			return errEndGeneration
		}
		if !pause(ctx, coverEvery) {
			return nil
		}
	}
}

// uncovered returns a partition that is there and read by nobody, or read and not there.
func (s *share) uncovered(ctx context.Context) (p stream.Partition, found bool, _ error) {
	assigned, err := s.client.Assigned(ctx, s.Group)
	if assigned == nil || err != nil {
		return p, false, err
	}
	partitions, err := s.client.Partitions(ctx, event.Topics())
	if err != nil {
		return p, false, err
	}
	for _, p := range partitions {
		if !assigned[p] {
			return p, true, nil
		}
		delete(assigned, p)
	}
	for p := range assigned {
		if slices.Contains(event.Topics(), p.Topic) {
			return p, true, nil
		}
	}
	return p, false, nil
}
