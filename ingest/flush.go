package ingest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"clew/ingest/stream"
)

const (
	// stopGrace is how long a write under way may take once Run is to end.
	stopGrace = time.Second
	// moveGrace is how long it may take once the group changes: the other members wait, for 30 s at most.
	moveGrace = 10 * time.Second
	// commitAttempts is how often a commit is tried before the group is joined anew. Rows already stored are then
	// read and written again.
	commitAttempts = 3
)

// backlogWait is how long a batch may wait to be full beyond Config.FlushEvery, while the logs hold enough to fill it.
const backlogWait = 5 * time.Second

// pending is the batch being gathered.
type pending struct {
	// Batch is empty until join has made one piece of the chunks.
	Batch
	chunks []Batch
	rows   int
	next   map[stream.Partition]int64
	end    map[stream.Partition]int64
	size   int64
	// oldest and newest are when Kafka took the first and the last of the rows; zero while there are none.
	oldest, newest time.Time
	// patient says that the batch has had FlushEvery and waits to be full.
	patient bool
}

func newPending() *pending {
	return &pending{next: make(map[stream.Partition]int64), end: make(map[stream.Partition]int64)}
}

func (b *pending) add(c chunk) {
	b.chunks = append(b.chunks, c.Batch)
	b.rows += len(c.Records) + len(c.DeadLetters)
	b.next[c.partition], b.end[c.partition] = c.next, c.end
	b.size += c.size
	if oldest, newest := c.received(); !oldest.IsZero() {
		if b.oldest.IsZero() || oldest.Before(b.oldest) {
			b.oldest = oldest
		}
		if newest.After(b.newest) {
			b.newest = newest
		}
	}
}

// join makes one piece of the chunks. To let it grow with each would take its memory several times over.
func (b *pending) join() {
	records, letters := make([][]Record, len(b.chunks)), make([][]DeadLetter, len(b.chunks))
	for i, c := range b.chunks {
		records[i], letters[i] = c.Records, c.DeadLetters
	}
	b.Records, b.DeadLetters, b.chunks = slices.Concat(records...), slices.Concat(letters...), nil
}

// flush gathers chunks into batches and writes them, until ctx ends. The last chunk of a log ends the generation: what
// was read of a topic that is gone cannot be read again.
func (s *share) flush(ctx context.Context) error {
	b := newPending()
	timer := time.NewTimer(s.FlushEvery)
	timer.Stop()
	for {
		full, last := false, false
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
			full = b.patient || !s.fills(b)
			b.patient = true
			timer.Reset(backlogWait)
		case c := <-s.chunks:
			if len(b.next) == 0 {
				timer.Reset(s.FlushEvery)
				s.poke()
			}
			b.add(c)
			s.Stats.read(c)
			last = c.last
			full = last || b.rows >= s.MaxRows || b.size >= int64(s.MaxBytes)
		}
		if !full {
			continue
		}
		timer.Stop()
		if err := s.write(ctx, b); err != nil {
			return err
		}
		if last {
			return errEndGeneration
		}
		b = newPending()
		s.poke()
	}
}

// fills says whether the logs hold enough beyond the batch to fill it. Then its rows are late already, and waiting for
// the others spares the warehouse more than it costs: see Config.MaxRows.
func (s *share) fills(b *pending) bool {
	left := int64(0)
	for p, end := range s.end {
		next, ok := b.next[p]
		if !ok {
			next = s.done[p]
		}
		left += max(0, max(end, b.end[p])-next)
	}
	return left >= int64(s.MaxRows-b.rows)
}

// write stores a batch and commits it. If the process dies before the commit, the rows are read and written again.
func (s *share) write(ctx context.Context, b *pending) error {
	b.join()
	if b.rows > 0 {
		writeCtx, cancel := s.graceful(ctx)
		defer cancel()
		err := s.retry(ctx, "the sink did not take a batch and is offered it again: see the cause, reading waits meanwhile",
			func() error { return s.offer(writeCtx, b.Batch) })
		if errors.Is(err, errEndGeneration) {
			return err
		}
		if err != nil {
			return nil // ctx has ended
		}
	}
	if err := s.commit(ctx, b); err != nil {
		return err
	}
	s.memory.Release(b.size)
	maps.Copy(s.done, b.next)
	maps.Copy(s.end, b.end)
	s.Stats.flushed(b, s.age(b.oldest))
	p := s.progress()
	p.Records, p.DeadLetters, p.Behind = len(b.Records), len(b.DeadLetters), s.age(b.newest)
	s.OnFlush(p)
	return nil
}

// offer hands a batch to the sink once.
func (s *share) offer(ctx context.Context, b Batch) error {
	err := s.store(ctx, b)
	if err != nil {
		s.Stats.count(func(now *Snapshot) { now.SinkRetries++ })
	}
	return err
}

// graceful returns a context that outlives ctx by a moment, so that a write under way need not be repeated.
func (s *share) graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		defer cancel()
		if errors.Is(context.Cause(ctx), errStalled) {
			return // it had its time
		}
		moved, done := context.WithTimeout(out, moveGrace)
		defer done()
		select {
		case <-moved.Done():
		case <-s.runCtx.Done():
			pause(moved, stopGrace)
		}
	})
	return out, func() { stop(); cancel() }
}

func (s *share) commit(ctx context.Context, b *pending) error {
	for attempt := 1; ; attempt++ {
		err := s.gen.Commit(b.next)
		if err == nil {
			return nil
		}
		s.Log.Warn("rows were stored and their offsets not committed: they may be read and stored again",
			"rows", b.rows, "attempt", attempt, "error", err)
		if attempt == commitAttempts || !pause(ctx, firstWait) {
			return errEndGeneration
		}
	}
}

func (s *share) progress() Progress {
	var p Progress
	for partition, first := range s.first {
		p.Committed += s.done[partition] - first
		p.End += max(s.end[partition], s.done[partition]) - first
	}
	return p
}

// age is how long ago t was; 0 when t is zero.
func (s *share) age(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(0, s.Now().Sub(t))
}
