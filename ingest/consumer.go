package ingest

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"clew/ingest/event"
	"clew/ingest/stream"
)

// consumer is one Run.
type consumer struct {
	Config
	client  *stream.Client
	cluster string // its id
}

// lookAround learns what does not change while Run runs, and fails where Run could not work at all.
func (c *consumer) lookAround(ctx context.Context) (err error) {
	if c.cluster, err = c.client.ClusterID(ctx); err != nil {
		return err
	}
	_, err = c.client.Partitions(ctx, event.Topics())
	return err
}

// run is a member of the group until ctx ends, with breaks where nothing went on.
func (c *consumer) run(ctx context.Context) error {
	for {
		group, err := c.client.Join(ctx, c.Group, event.Topics(), c.Log)
		if err != nil {
			return err
		}
		err = c.follow(ctx, group)
		group.Close()
		if !errors.Is(err, errStalled) {
			return err
		}
		if !pause(ctx, stallWait) {
			return nil
		}
	}
}

// follow works through the generations of the group.
func (c *consumer) follow(ctx context.Context, group *stream.Group) error {
	wait := firstWait
	for {
		gen, err := group.Next(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of ctx is a success, whatever it interrupted
		}
		if err != nil {
			c.Log.Warn("ingest is not a member of its group and tries again: if this goes on, check that the brokers run",
				"group", c.Group, "next_in", wait, "error", err)
			pause(ctx, wait) // the group does not try either meanwhile
			wait = min(2*wait, lastWait)
			continue
		}
		var failed error
		gen.Run(ctx, func(genCtx context.Context) { failed = c.consume(ctx, genCtx, gen) })
		if errors.Is(failed, stream.ErrNoTopic) {
			c.Log.Error("a topic is gone and ingest waits until it is there again: nothing is read meanwhile",
				"group", c.Group, "next_in", wait, "error", failed)
			pause(ctx, wait)
			wait = min(2*wait, lastWait)
			continue
		}
		wait = firstWait
		if errors.Is(failed, errEndGeneration) {
			pause(ctx, firstWait) // two that take the partitions from each other do so at a bounded rate
			continue
		}
		if failed != nil {
			return failed
		}
	}
}

// share is the work of one generation: a fetcher for each partition and one flusher.
type share struct {
	*consumer
	gen    *stream.Generation
	runCtx context.Context // ends when Run is to end, not with the generation
	logs   names
	// memory bounds what is fetched and not yet written, in the unit of chunk.size.
	memory *semaphore.Weighted
	chunks chan chunk
	// alive takes a sign whenever something goes on: see watch.
	alive chan struct{}
	// claim is the right to write, where the sink knows of claims.
	claim Claim
	// Of each partition: where the log began, what is done and where it ends. After prepare only the flusher changes them.
	first, done, end map[stream.Partition]int64
}

// errEndGeneration ends a generation so that the group is joined anew and read on at its committed offsets.
var errEndGeneration = errors.New("end the generation")

// consume returns nil when the generation is over, errEndGeneration, errStalled or stream.ErrNoTopic when it is to be
// ended, and another error when Run must halt.
func (c *consumer) consume(runCtx, ctx context.Context, gen *stream.Generation) error {
	s := &share{
		consumer: c, gen: gen, runCtx: runCtx,
		memory: semaphore.NewWeighted(int64(2 * c.MaxBytes)),
		chunks: make(chan chunk, chunksAhead),
		alive:  make(chan struct{}, 1),
		first:  make(map[stream.Partition]int64),
		done:   make(map[stream.Partition]int64),
		end:    make(map[stream.Partition]int64),
	}
	err := s.prepare(ctx)
	if ctx.Err() != nil && !errors.Is(err, ErrLogLost) && !errors.Is(err, stream.ErrNoTopic) {
		return nil // the end of ctx is a success, whatever it interrupted
	}
	if err != nil {
		return err
	}
	c.Log.Info("partitions assigned", "group", c.Group, "partitions", len(gen.Assigned))
	c.Stats.assigned(s.done, s.end)
	defer c.Stats.released()
	c.OnFlush(s.progress())
	g, ctx := errgroup.WithContext(ctx)
	for _, a := range gen.Assigned {
		begin := chunk{next: s.done[a.Partition], end: s.end[a.Partition]}
		g.Go(func() error { return s.fetch(ctx, a.Partition, begin) })
	}
	g.Go(func() error { return s.flush(ctx) })
	g.Go(func() error { return s.watch(ctx) })
	g.Go(func() error { return s.cover(ctx) })
	return g.Wait()
}

// The waits between attempts: quick at first, then bounded so that a repaired service is noticed soon.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 5 * time.Second
)

// retry calls do until it succeeds. Each failure is logged with a message that says what to do. The error is that of
// ctx, when that ended first, or errEndGeneration or stream.ErrNoTopic from do.
func (c *consumer) retry(ctx context.Context, message string, do func() error) error {
	for attempt, wait := 1, firstWait; ; attempt, wait = attempt+1, min(2*wait, lastWait) {
		err := do()
		if err == nil {
			return nil
		}
		if errors.Is(err, errEndGeneration) || errors.Is(err, stream.ErrNoTopic) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.Log.Warn(message, "attempt", attempt, "next_in", wait, "error", err)
		if !pause(ctx, wait) {
			return ctx.Err()
		}
	}
}

// pause waits; false means that ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
