package ingest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"clew/ingest/event"
	"clew/ingest/stream"
)

// names are what the topics' logs go by in one generation, or in one Verify.
//
// A topic that is deleted and made again has its name and its offsets anew, so neither tells a row of the old log from
// one of the new. Its id does: it goes into every position. Ids are asked for at the start of each generation, once,
// and everything after goes by that answer: what is claimed, what the sink is asked for, and what each row is called.
// The topic may be made again at any moment in between. No row then bears the wrong name, because a Reader is bound to
// the id and returns no message of another log (but see there for a gap); whatever else was learnt by the topic's
// name, as the ends of the log or the group's offset, only decides where that Reader begins. When it finds the topic
// gone, what it had read before is written under the old name, the generation ends, and the next one asks again. The
// new log is then one of which the sink holds nothing, so it is read from its beginning whatever the group's offset
// says. The rows of the old log stay.
type names struct {
	ids     map[string]stream.TopicID
	sources map[string]uint64 // Position.Source by topic
}

// identify asks for the ids.
func (c *consumer) identify(ctx context.Context) (names, error) {
	ids, err := c.client.TopicIDs(ctx, event.Topics())
	if err != nil {
		return names{}, err
	}
	n := names{ids, make(map[string]uint64)}
	for topic, id := range ids {
		n.sources[topic] = source(c.cluster, topic, id)
	}
	return n, nil
}

// source hashes the cluster too: the same topic in another cluster is another log. It is stored with every row, so what
// it returns may never change. Without an id the name must do.
func source(cluster, topic string, id stream.TopicID) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(cluster + "\x00" + topic)) // never fails
	if id != (stream.TopicID{}) {
		_, _ = h.Write(id[:])
	}
	return h.Sum64()
}

// of names a partition as positions do.
func (n names) of(p stream.Partition) Log {
	return Log{Source: n.sources[p.Topic], Partition: uint32(p.ID)}
}

// name asks what the logs of this generation are.
func (s *share) name(ctx context.Context) error {
	err := s.retry(ctx, "kafka did not tell the ids of its topics: check that the brokers run", func() (err error) {
		s.logs, err = s.identify(ctx)
		return err
	})
	if err == nil && slices.Contains(slices.Collect(maps.Values(s.logs.ids)), stream.TopicID{}) {
		s.Log.Warn("the brokers give topics no ids, as before Kafka 2.8: if a topic is deleted and made again, its messages " +
			"are taken for those that stood at the same offsets before; do so only with a new group and a new database")
	}
	return err
}

// changed says whether a topic was made again since the generation began, or is gone.
func (s *share) changed(ctx context.Context, topic string) (bool, error) {
	ids, err := s.client.TopicIDs(ctx, []string{topic})
	if errors.Is(err, stream.ErrNoTopic) {
		return true, nil
	}
	return err == nil && ids[topic] != s.logs.ids[topic], err
}

// locate finds where to begin and checks that the logs still hold it.
func (s *share) locate(ctx context.Context) error {
	ranges, err := s.ranges(ctx)
	if err != nil {
		return err
	}
	for _, a := range s.gen.Assigned {
		r := ranges[a.Partition]
		begin := a.Offset
		if begin < 0 {
			begin = r.First
		}
		// Beyond the end, the group's offset may be that of a log that had this name before: see rewind.
		if begin < r.First || begin > r.End && s.claim == nil {
			return s.lost(ctx, a.Partition, begin, r)
		}
		s.first[a.Partition], s.done[a.Partition], s.end[a.Partition] = r.First, begin, r.End
	}
	return nil
}

// ranges asks what the assigned partitions hold, until it is told or ctx ends.
func (s *share) ranges(ctx context.Context) (ranges map[stream.Partition]stream.Range, err error) {
	if len(s.gen.Assigned) == 0 {
		return nil, nil
	}
	var partitions []stream.Partition
	for _, a := range s.gen.Assigned {
		partitions = append(partitions, a.Partition)
	}
	err = s.retry(ctx, "kafka did not tell what its topics hold: check that the brokers run", func() (err error) {
		ranges, err = s.client.Offsets(ctx, partitions)
		return err
	})
	return ranges, err
}

// rewind goes back where the sink holds less than the group has committed: an older backup was restored, a disk was
// lost, or the group's offset is that of a log that had this name before. What the tables hold decides; the group's
// offset only says where to look.
func (s *share) rewind(ctx context.Context) error {
	if s.claim == nil || len(s.gen.Assigned) == 0 {
		return nil
	}
	if err := s.beyond(ctx); err != nil {
		return err
	}
	done := make(map[Log]Span)
	for p, next := range s.done {
		if next > s.first[p] {
			done[s.logs.of(p)] = Span{uint64(s.first[p]), uint64(next)}
		}
	}
	reached, err := s.reached(ctx, done)
	if err != nil {
		return err
	}
	for p, next := range maps.Clone(s.done) {
		at, ok := reached[s.logs.of(p)]
		if !ok || int64(at) >= next {
			continue
		}
		if err := s.goBack(ctx, p, int64(at)); err != nil {
			return err
		}
	}
	return nil
}

// beyond halts where the sink holds rows from after the end of a log: new messages would get the offsets of rows that
// are stored, and be taken for them.
func (s *share) beyond(ctx context.Context) error {
	ends := make(map[Log]Span)
	for p, end := range s.end {
		ends[s.logs.of(p)] = Span{uint64(end), uint64(end) + 1} // is there one at the offset that comes next, or after it?
	}
	reached, err := s.reached(ctx, ends)
	if err != nil {
		return err
	}
	for p, end := range s.end {
		if int64(reached[s.logs.of(p)]) > end {
			return s.lost(ctx, p, max(s.done[p], end+1), stream.Range{First: s.first[p], End: end})
		}
	}
	return nil
}

// reached asks the sink until it is told or ctx ends.
func (s *share) reached(ctx context.Context, done map[Log]Span) (reached map[Log]uint64, err error) {
	if len(done) == 0 {
		return nil, nil
	}
	err = s.retry(ctx, "the sink did not tell what it holds: see the cause", func() (err error) {
		reached, err = s.claim.Reached(ctx, done)
		return err
	})
	return reached, err
}

// goBack moves the group's offset first: a batch of rows that are read again may be cut off by a crash with its last
// row stored and others not, and then only the group's offset tells that they are to be read once more.
func (s *share) goBack(ctx context.Context, p stream.Partition, at int64) error {
	s.Log.Error("the tables hold less than the group has committed, as after an older backup was restored or the topic was "+
		"made again: the partition is read again from where they end, nothing is to be done; messages that Kafka has "+
		"deleted since are lost",
		"topic", p.Topic, "partition", p.ID, "committed", s.done[p], "tables_end", at, "log_begins", s.first[p])
	err := s.retry(ctx, "the group's offset could not be moved back: check that the brokers run", func() error {
		return s.gen.Rewind(p, at)
	})
	if err != nil {
		return err
	}
	s.done[p] = at
	s.Stats.count(func(now *Snapshot) { now.Rewinds++ })
	return nil
}

// lost is for a log that does not hold what is to be read next. What a log holds was asked for by the topic's name, and
// may have been told of one made meanwhile. Its error is ErrLogLost, or errEndGeneration to begin anew.
func (s *share) lost(ctx context.Context, p stream.Partition, offset int64, r stream.Range) error {
	again, err := s.changed(ctx, p.Topic)
	if again || err != nil {
		s.Log.Warn("a log does not hold what is to be read next, because the topic was made again or Kafka does not answer: "+
			"ingest begins anew", "topic", p.Topic, "partition", p.ID, "offset", offset, "error", err)
		return errEndGeneration
	}
	return s.logLost(p, offset, r)
}

// logLost tells the two ways in which a log can lose what was to be read, for they have different remedies.
func (s *share) logLost(p stream.Partition, offset int64, r stream.Range) error {
	if offset < r.First {
		return fmt.Errorf("%s: %w: group %s reads on at offset %d and the log begins at %d: %d messages were deleted "+
			"before they were read; have them sent again if they can be, move the group to offset %d "+
			"(kafka-consumer-groups --reset-offsets), and lengthen the topic's retention",
			p, ErrLogLost, s.Group, offset, r.First, r.First-offset, r.First)
	}
	if s.claim == nil || s.logs.ids[p.Topic] == (stream.TopicID{}) {
		return fmt.Errorf("%s: %w: group %s reads on at offset %d and the log ends at %d: the topic was deleted and made "+
			"again, or the brokers lost messages; find out which, then move the group to where it should read on "+
			"(kafka-consumer-groups --reset-offsets), or give ingest another group to read everything from the start, and "+
			"another database, for new messages at the offsets of stored rows are taken for these",
			p, ErrLogLost, s.Group, offset, r.End)
	}
	return fmt.Errorf("%s: %w: rows are stored up to offset %d or beyond and the log ends at %d: the brokers lost messages, "+
		"as after an unclean election, and new ones at their offsets would be taken for those; stop the producers, delete "+
		"the topic and make it again, so that it has a new id, and have sent again what it held and was not stored: what "+
		"comes twice counts once", p, ErrLogLost, offset-1, r.End)
}
