package ingest

import (
	"cmp"
	"context"
	"errors"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
)

const (
	// chunkRows and chunkBytes are the most that goes from a fetcher to the flusher at once.
	chunkRows  = 1000
	chunkBytes = 1 << 20
	// chunksAhead is how many chunks may wait while the sink writes; Config.MaxBytes may allow fewer.
	chunksAhead = 512
	// rowOverhead is what a decoded row takes in memory beside its message's bytes, roughly.
	rowOverhead = 512
	// maxLead is how far after its arrival an event may be dated, for clocks that go wrong. It also keeps a table of
	// monthly partitions from growing one for each wrong clock.
	maxLead = 24 * time.Hour
)

// chunk is a run of rows of one partition.
type chunk struct {
	partition stream.Partition
	Batch
	// next is the offset to commit once the rows are stored; end is where the log ends.
	next, end int64
	// size is the memory the rows take, in bytes, roughly.
	size int64
	// last says that the topic is gone and nothing more comes of this log.
	last bool
}

// received is when Kafka took the oldest and the newest of the rows; zero when there are none.
func (c chunk) received() (oldest, newest time.Time) {
	see := func(t time.Time) {
		if oldest.IsZero() || t.Before(oldest) {
			oldest = t
		}
		if t.After(newest) {
			newest = t
		}
	}
	for i := range c.Records {
		see(c.Records[i].ReceivedAt)
	}
	for i := range c.DeadLetters {
		see(c.DeadLetters[i].ReceivedAt)
	}
	return oldest, newest
}

// fetch reads one partition and hands on its rows, until ctx ends. It starts where sent left off. Its error is
// errEndGeneration, or one with which Run must halt.
func (s *share) fetch(ctx context.Context, p stream.Partition, sent chunk) error {
	r := s.client.NewReader(p, s.logs.ids[p.Topic], sent.next)
	defer r.Close()
	var buf []stream.Message
	wait := firstWait
	for ctx.Err() == nil {
		messages, err := r.Fetch(ctx, buf[:0], chunkRows, chunkBytes)
		c := s.parse(p, messages)
		c.next, c.end = r.Next(), max(r.End(), sent.end)
		if c.next != sent.next || c.end != sent.end {
			if !s.send(ctx, c) {
				return nil
			}
			sent = chunk{next: c.next, end: c.end}
		}
		buf = messages
		switch {
		case err == nil:
			wait = firstWait
		case errors.Is(err, stream.ErrOffsetOutOfRange):
			return s.offsetOutOfRange(ctx, p, r.Next())
		case errors.Is(err, stream.ErrTopicGone):
			s.Log.Warn("a topic was deleted, and perhaps made again: what was read of it is stored, then ingest begins anew",
				"topic", p.Topic, "partition", p.ID, "offset", r.Next())
			s.send(ctx, chunk{partition: p, next: sent.next, end: sent.end, last: true})
			return nil
		case ctx.Err() == nil:
			s.Log.Warn("kafka cannot be read, ingest tries again: if this goes on, check the brokers", "topic", p.Topic,
				"partition", p.ID, "next_in", wait, "error", err)
			pause(ctx, wait)
			wait = min(2*wait, lastWait)
		}
	}
	return nil
}

func (s *share) offsetOutOfRange(ctx context.Context, p stream.Partition, offset int64) error {
	ranges, err := s.client.Offsets(ctx, []stream.Partition{p})
	if err != nil {
		s.Log.Warn("kafka does not hold what is to be read next and does not tell what it holds: ingest begins anew",
			"topic", p.Topic, "partition", p.ID, "offset", offset, "error", err)
		return errEndGeneration
	}
	if r := ranges[p]; offset < r.First || offset > r.End {
		return s.lost(ctx, p, offset, r)
	}
	// The broker's view has changed since, as when a partition moves to another leader: look again.
	return errEndGeneration
}

// send waits for memory, then for the flusher. False means that ctx ended first.
func (s *share) send(ctx context.Context, c chunk) bool {
	if err := s.memory.Acquire(ctx, c.size); err != nil {
		return false
	}
	select {
	case s.chunks <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *share) parse(p stream.Partition, messages []stream.Message) chunk {
	c := chunk{partition: p}
	if len(messages) == 0 {
		return c
	}
	c.Records = make([]Record, 0, len(messages))
	for _, m := range messages {
		c.size += int64(len(m.Key) + len(m.Value) + rowOverhead)
		s.parseOne(&c, m)
	}
	// A chunk larger than all the memory there is must still pass, alone.
	c.size = min(c.size, int64(s.MaxBytes))
	return c
}

func (s *share) parseOne(c *chunk, m stream.Message) {
	pos := Position{Source: s.logs.sources[m.Topic], Partition: uint32(m.Partition), Offset: uint64(m.Offset)}
	received := s.receivedAt(cmp.Or(m.ReceivedAt, m.Time))
	e, err := event.Decode(m.Topic, m.Value)
	if err != nil {
		d := DeadLetter{
			Topic: m.Topic, Detail: err.Error(), Key: m.Key, Raw: m.Value, ReceivedAt: received, Position: pos,
		}
		if fault, ok := errors.AsType[*event.Fault](err); ok {
			d.Reason, d.Detail = fault.Reason, fault.Detail
		}
		c.DeadLetters = append(c.DeadLetters, d)
		return
	}
	h := e.Head()
	clamped := h.OccurredAt.After(received.Add(maxLead))
	if clamped {
		h.OccurredAt = received
	}
	if s.Protect != nil {
		s.Protect(e)
	}
	c.Records = append(c.Records, Record{
		Event: e, Position: pos, ReceivedAt: received, Clamped: clamped, Key: m.Key, Raw: m.Value,
	})
}

// receivedAt is the message's time in Kafka, unless that is absent or, as a producer may set it, impossible.
func (s *share) receivedAt(t time.Time) time.Time {
	now := s.Now()
	if t.Unix() <= 0 || t.After(now.Add(maxLead)) {
		t = now
	}
	return t.UTC().Truncate(time.Millisecond)
}
