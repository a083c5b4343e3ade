package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"clew/ingest/event"
	"clew/ingest/stream"
)

// DefaultGroup is the consumer group of a Config that names none.
const DefaultGroup = "clew"

// Config says where messages come from and where rows go. Stream, Sink and Now are required.
type Config struct {
	Stream stream.Config
	// Group is the consumer group: processes with one group share the partitions. Default: DefaultGroup.
	Group string
	Sink  Sink
	// Protect hides in an event what names a person, before it is stored; dead letters keep their bytes. It is called by
	// several goroutines at once. Nil: events are stored as they came.
	Protect func(event.Event)
	// Now dates messages that carry no time or an impossible one, and measures how far behind the rows are.
	Now func() time.Time
	// Log takes what an operator should know. Default: nothing is logged.
	Log *slog.Logger
	// OnFlush is called after each commit, and with an empty flush when partitions were assigned. It should return soon:
	// writing waits for it. It may be nil.
	OnFlush func(Progress)
	// Stats is where Run counts what it does. It may be nil.
	Stats *Stats
	// A batch is written when it has MaxRows rows (default a million), takes about MaxBytes bytes of memory (default
	// 768 MiB), or is FlushEvery old (default 0.75 s), or up to five seconds older while the logs hold enough to fill it.
	// Twice MaxBytes may be in memory: the batch being written and the next.
	//
	// The first two count only while there is a backlog, and are large because a batch becomes a part for each table and
	// month it touches: with a quarter of the rows, writing and merging the parts costs the warehouse twice the time.
	MaxRows    int
	MaxBytes   int
	FlushEvery time.Duration
	// StallAfter is how long nothing may be stored while messages wait. Then Run logs what it waits for and leaves the
	// group for a moment, so that another process can take over. Default 2 min, and at least twice FlushEvery.
	StallAfter time.Duration
}

// Progress says how far ingest is.
type Progress struct {
	// Records and DeadLetters are the rows of this flush.
	Records, DeadLetters int
	// Committed and End count the messages in the partitions of this process: those done, and all there are. Both include
	// what was done before this process started.
	Committed, End int64
	// Behind is the age of the newest row of this flush: how late the sink is.
	Behind time.Duration
}

func (cfg Config) withDefaults() Config {
	cfg.Group = cmp.Or(cfg.Group, DefaultGroup)
	cfg.MaxRows = cmp.Or(cfg.MaxRows, 1_000_000)
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 768<<20)
	cfg.FlushEvery = cmp.Or(cfg.FlushEvery, 750*time.Millisecond)
	cfg.StallAfter = max(cmp.Or(cfg.StallAfter, 2*time.Minute), 2*cfg.FlushEvery)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.OnFlush == nil {
		cfg.OnFlush = func(Progress) {}
	}
	if cfg.Stats == nil {
		cfg.Stats = &Stats{}
	}
	return cfg
}

// ErrLogLost says that a partition no longer holds what is to be read next. Going on would lose messages without a
// trace, so Run halts until an operator has decided.
var ErrLogLost = errors.New("the log does not hold what is to be read next")

// Run carries the messages of all event topics to the sink until ctx ends; it then returns nil. The topics must exist.
//
// While it runs, Kafka or the sink may fail for any time: Run keeps trying, and logs. It returns an error when it
// cannot begin, and ErrLogLost.
//
// When ctx ends, a write under way has one more second to succeed and be committed. What was read and not written is
// read again next time.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Sink == nil || cfg.Now == nil {
		return errors.New("ingest: the configuration has no Sink or no Now")
	}
	cfg = cfg.withDefaults()
	client, err := stream.NewClient(cfg.Stream)
	if err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	defer client.Close()
	c := &consumer{Config: cfg, client: client}
	if err := c.lookAround(ctx); err != nil {
		return endOr(ctx, err)
	}
	return endOr(ctx, c.run(ctx))
}

// endOr leaves out the error that only says that ctx has ended.
func endOr(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil && !errors.Is(err, ErrLogLost) {
		return nil
	}
	return fmt.Errorf("ingest: %w", err)
}

// Drain is a Run that ends when everything is stored that was in the event topics when it had begun, and also what the
// sink turned out to lack of what the group had committed: it looks at the group's offsets only after it has moved them
// to where the sink is. With other members in the group it waits for what they have, too.
func Drain(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	begun := make(chan struct{})
	began, onFlush := sync.OnceFunc(func() { close(begun) }), cfg.OnFlush
	cfg.OnFlush = func(p Progress) { onFlush(p); began() }
	group, running := errgroup.WithContext(ctx)
	running, stop := context.WithCancel(running)
	group.Go(func() error { return Run(running, cfg) })
	group.Go(func() error {
		defer stop()
		select {
		case <-begun:
			return CaughtUp(running, cfg)
		case <-running.Done():
			return nil // by ctx, or by Run, which says why
		}
	})
	return group.Wait()
}

// lookEvery is how often CaughtUp looks.
const lookEvery = 50 * time.Millisecond

// CaughtUp waits until the group has committed everything that was in the event topics when it was called. It reads
// nothing itself: a Run with the same Stream and Group must be under way, here or elsewhere, unless there is nothing to
// do. It uses only these two fields. Brokers may come and go meanwhile. The error is the one of ctx, with what was still
// missing, or one that does not pass by itself, as when a topic does not exist.
//
// It goes by the group's offsets alone. A Run that has not begun may yet find that the sink holds less, and move them
// back; a Drain waits for that.
func CaughtUp(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	client, err := stream.NewClient(cfg.Stream)
	if err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	defer client.Close()
	var goal map[stream.Partition]stream.Range
	for {
		var n int64
		if goal == nil {
			goal, err = ends(ctx, client)
		}
		if goal != nil {
			n, err = missing(ctx, client, cfg.Group, goal)
		}
		if err == nil && n == 0 {
			return nil
		}
		if err != nil && ctx.Err() == nil && !stream.Transient(err) {
			return fmt.Errorf("ingest: %w", err)
		}
		if !pause(ctx, lookEvery) {
			return fmt.Errorf("ingest: waiting for group %s to commit %d more messages: %w",
				cfg.Group, n, errors.Join(ctx.Err(), err))
		}
	}
}

// ends asks what the event topics hold.
func ends(ctx context.Context, c *stream.Client) (map[stream.Partition]stream.Range, error) {
	partitions, err := c.Partitions(ctx, event.Topics())
	if err != nil {
		return nil, err
	}
	return c.Offsets(ctx, partitions)
}

// missing counts the messages up to the goal that are not committed.
func missing(
	ctx context.Context, c *stream.Client, group string, goal map[stream.Partition]stream.Range,
) (int64, error) {
	var open []stream.Partition
	for p, r := range goal {
		if r.End > r.First {
			open = append(open, p)
		}
	}
	if len(open) == 0 {
		return 0, nil
	}
	committed, err := c.Committed(ctx, group, open)
	if err != nil {
		return 0, err
	}
	var n int64
	for _, p := range open {
		n += max(0, goal[p].End-max(committed[p], goal[p].First))
	}
	return n, nil
}
