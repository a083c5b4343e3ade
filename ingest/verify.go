package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"clew/ingest/event"
	"clew/ingest/stream"
)

// Stretch is a part of a log: the offsets from From up to To, without To.
type Stretch struct {
	Topic string
	// Source and Partition name the log as positions do.
	Source    uint64
	Partition uint32
	From, To  uint64
}

// Held is a run of successive offsets of which a sink holds rows, each row Copies times.
type Held struct{ First, Last, Copies uint64 }

// Auditor tells what a sink holds. Both methods may be repeated, and see every row that was stored before the call.
type Auditor interface {
	// Reach returns the stretch from the first to after the last offset that is held of a log; From and To are equal where
	// nothing is. Those it is given do not matter.
	Reach(ctx context.Context, log Stretch) (Stretch, error)
	// Held returns what is held of a stretch, in the order of offsets.
	Held(ctx context.Context, s Stretch) ([]Held, error)
}

// OffsetRange is a run of offsets from First to Last.
type OffsetRange struct {
	First int64 `json:"first"`
	Last  int64 `json:"last"`
}

// maxRanges is how many ranges of each kind a Verified lists. The counts go on.
const maxRanges = 1000

// Verified is how one partition compares with what is stored of it.
type Verified struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	// First and End are what Kafka holds, without End. Committed is where the group reads on, -1 before its first commit.
	First     int64 `json:"first"`
	End       int64 `json:"end"`
	Committed int64 `json:"committed"`
	// Messages are those in Kafka. Offsets without a message, of transaction markers and compaction, are no messages.
	Messages int64 `json:"messages"`
	// Rows are those stored, dead letters included.
	Rows uint64 `json:"rows"`
	// Missing are the messages before Committed that are not stored, and Gaps where they are; from one missing message to
	// the next is one gap. Repaired of them were stored by this Verify.
	Missing  int64         `json:"missing"`
	Repaired int64         `json:"repaired"`
	Gaps     []OffsetRange `json:"gaps"`
	// Doubled are the offsets stored more than once, and Doubles where they are.
	Doubled int64         `json:"doubled"`
	Doubles []OffsetRange `json:"doubles"`
	// Kept are rows whose message Kafka has deleted since, by retention or compaction.
	Kept uint64 `json:"kept"`
	// Beyond are rows from after the log's end: the brokers lost messages, or gave the topic no id and it was made again.
	Beyond uint64 `json:"beyond"`
	// Lag are the messages at or after Committed that are not stored yet.
	Lag int64 `json:"lag"`
}

// Right says that nothing is missing, or nothing any more, and nothing is doubled.
func (v Verified) Right() bool { return v.Missing == v.Repaired && v.Doubled == 0 }

// VerifyOptions are what Verify may be told. All may be left out.
type VerifyOptions struct {
	// Repair stores what is missing, through the Sink.
	Repair bool
	// OnProgress is told how many offsets of how many are compared.
	OnProgress func(done, total int64)
	// Window is how many offsets are compared at a time; the memory needed grows with it. Default: 1,048,576.
	Window uint64
}

// Verify compares what Kafka holds of the event topics with what the sink holds of them, partition by partition, by
// reading both. It uses Stream, Group and, to repair, Sink, Now and Log of cfg. It may be repeated: a repair stores only
// what is missing, so the next finds nothing to do. It may run beside a Run when that has a Claimer for a sink.
//
// Only what the group has committed can be missing; the rest is on its way. What is doubled stays: the raw tables are
// only added to.
func Verify(ctx context.Context, cfg Config, audit Auditor, o VerifyOptions) ([]Verified, error) {
	cfg = cfg.withDefaults()
	if o.Repair && (cfg.Sink == nil || cfg.Now == nil) {
		return nil, errors.New("verify: a repair needs a Sink and Now")
	}
	if o.Window == 0 {
		o.Window = 1 << 20
	}
	client, err := stream.NewClient(cfg.Stream)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	defer client.Close()
	v := &verifier{share: share{consumer: &consumer{Config: cfg, client: client}}, audit: audit, VerifyOptions: o}
	found, err := v.all(ctx)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return found, nil
}

// verifier is one Verify. Its share decodes messages as Run does.
type verifier struct {
	share
	VerifyOptions
	audit Auditor
	// compared and total count offsets.
	compared, total int64
}

func (v *verifier) all(ctx context.Context) ([]Verified, error) {
	err := v.lookAround(ctx)
	if err == nil {
		v.logs, err = v.identify(ctx)
	}
	if err != nil {
		return nil, err
	}
	partitions, err := v.client.Partitions(ctx, event.Topics())
	if err != nil {
		return nil, err
	}
	ranges, err := v.client.Offsets(ctx, partitions)
	if err != nil {
		return nil, err
	}
	for _, r := range ranges {
		v.total += r.End - r.First
	}
	var all []Verified
	for _, p := range partitions {
		found, err := v.partition(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		all = append(all, found)
	}
	// What was asked for by a topic's name may have been told of another log.
	now, err := v.identify(ctx)
	if err == nil && !maps.Equal(now.ids, v.logs.ids) {
		err = fmt.Errorf("%w meanwhile: run verify again", stream.ErrTopicGone)
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

// partition compares one. The order of the questions keeps what goes on meanwhile from looking wrong: a row stored
// before the first question has its message before the end that is asked for last, and a message committed before
// the second has its row when the rows are asked for.
func (v *verifier) partition(ctx context.Context, p stream.Partition) (Verified, error) {
	log := Stretch{Topic: p.Topic, Source: v.logs.sources[p.Topic], Partition: uint32(p.ID)}
	reach, err := v.audit.Reach(ctx, log)
	if err != nil {
		return Verified{}, err
	}
	one := []stream.Partition{p}
	committed, err := v.client.Committed(ctx, v.Group, one)
	if err != nil {
		return Verified{}, err
	}
	ranges, err := v.client.Offsets(ctx, one)
	if err != nil {
		return Verified{}, err
	}
	c := &comparison{
		verifier: v, p: p, log: log,
		Verified: Verified{
			Topic: p.Topic, Partition: p.ID, First: ranges[p].First, End: ranges[p].End, Committed: -1,
			Gaps: []OffsetRange{}, Doubles: []OffsetRange{},
		},
	}
	if offset, ok := committed[p]; ok {
		c.Committed = offset
	}
	from, to := uint64(c.First), uint64(c.End)
	if reach.From < reach.To {
		from, to = min(from, reach.From), max(to, reach.To)
	}
	for ; from < to; from += v.Window {
		if err := c.window(ctx, from, min(from+v.Window, to)); err != nil {
			return Verified{}, err
		}
	}
	err = c.repair(ctx)
	return c.Verified, err
}

// comparison is one partition under way.
type comparison struct {
	*verifier
	Verified
	p   stream.Partition
	log Stretch
	// inGap says that the last message was missing; unlisted, that there were too many gaps to list.
	inGap, unlisted bool
	// found is what is to be stored, and owned the right to, from the first write on.
	found chunk
	owned Claim
}

// window compares the offsets from from up to to.
func (c *comparison) window(ctx context.Context, from, to uint64) error {
	s := c.log
	s.From, s.To = from, to
	held, err := c.audit.Held(ctx, s)
	if err != nil {
		return err
	}
	end := uint64(c.End)
	for _, h := range held {
		c.Rows += h.rows(0, to)
		c.Beyond += h.rows(end, to)
		c.Kept += h.rows(0, end)
		if h.Copies > 1 {
			c.Doubled += int64(h.Last - h.First + 1)
			c.doubled(int64(h.First), int64(h.Last))
		}
	}
	from, to = max(from, uint64(c.First)), min(to, end)
	if from >= to {
		return nil
	}
	if err := c.read(ctx, int64(from), int64(to), held); err != nil {
		return err
	}
	c.compared += int64(to - from)
	if c.OnProgress != nil {
		c.OnProgress(c.compared, max(c.total, c.compared))
	}
	return nil
}

// rows counts those with offsets from from up to to.
func (h Held) rows(from, to uint64) uint64 {
	from, to = max(from, h.First), min(to, h.Last+1)
	if from >= to {
		return 0
	}
	return (to - from) * h.Copies
}

// doubled lists a range, as part of the last one where it follows that.
func (c *comparison) doubled(first, last int64) {
	switch n := len(c.Doubles); {
	case n > 0 && c.Doubles[n-1].Last+1 == first:
		c.Doubles[n-1].Last = last
	case n < maxRanges:
		c.Doubles = append(c.Doubles, OffsetRange{first, last})
	}
}

// missing lists a message, in the range of the message before it where that is missing too.
func (c *comparison) missing(offset int64) {
	switch n := len(c.Gaps); {
	case !c.inGap && n == maxRanges:
		c.unlisted = true
	case !c.inGap:
		c.Gaps = append(c.Gaps, OffsetRange{offset, offset})
	case !c.unlisted:
		c.Gaps[n-1].Last = offset
	}
	c.Missing++
	c.inGap = true
}

const (
	// repairBytes is about the memory that one batch of a repair takes.
	repairBytes = 16 << 20
	// readAttempts is how often in a row Kafka may fail to be read.
	readAttempts = 5
	// writeAttempts is how often a partition may be taken back by its owner before a repair gives up.
	writeAttempts = 10
)

// read compares the messages from offset from up to to with what is held of them.
func (c *comparison) read(ctx context.Context, from, to int64, held []Held) error {
	r := c.client.NewReader(c.p, c.logs.ids[c.p.Topic], from)
	defer func() { r.Close() }()
	var buf []stream.Message
	for failed := 0; r.Next() < to; {
		messages, err := r.Fetch(ctx, buf[:0], chunkRows, chunkBytes)
		buf = messages
		for _, m := range messages {
			if m.Offset >= to {
				break
			}
			held = drop(held, uint64(m.Offset))
			if err := c.message(ctx, m, held); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
			failed = 0
		case errors.Is(err, stream.ErrOffsetOutOfRange):
			next, err := c.skip(ctx, r.Next())
			if err != nil {
				return err
			}
			r.Close()
			r = c.client.NewReader(c.p, c.logs.ids[c.p.Topic], next)
		case errors.Is(err, stream.ErrTopicGone):
			return fmt.Errorf("%w: run verify again", err)
		default:
			if failed++; failed == readAttempts || !pause(ctx, firstWait) {
				return errors.Join(err, ctx.Err())
			}
		}
	}
	return nil
}

// drop leaves out the runs before an offset.
func drop(held []Held, before uint64) []Held {
	for len(held) > 0 && held[0].Last < before {
		held = held[1:]
	}
	return held
}

// skip finds where the log begins now, when what was to be read was deleted meanwhile.
func (c *comparison) skip(ctx context.Context, next int64) (int64, error) {
	ranges, err := c.client.Offsets(ctx, []stream.Partition{c.p})
	if err != nil {
		return 0, err
	}
	if r := ranges[c.p]; r.First <= next {
		return 0, fmt.Errorf("%w: offset %d cannot be read and Kafka holds %d up to %d: the brokers lost "+
			"messages; run verify again", ErrLogLost, next, r.First, r.End)
	}
	return ranges[c.p].First, nil
}

// message compares one with the first run that does not end before it.
func (c *comparison) message(ctx context.Context, m stream.Message, held []Held) error {
	c.Messages++
	if len(held) > 0 && held[0].First <= uint64(m.Offset) {
		c.Kept -= held[0].Copies // its message is still there
		c.inGap = false
		return nil
	}
	if m.Offset >= c.Committed {
		c.Lag++
		c.inGap = false
		return nil
	}
	c.missing(m.Offset)
	if !c.Repair {
		return nil
	}
	c.parseOne(&c.found, m)
	c.found.size += int64(len(m.Key) + len(m.Value) + rowOverhead)
	if c.found.size < repairBytes {
		return nil
	}
	return c.repair(ctx)
}
