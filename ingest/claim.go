package ingest

import (
	"context"
	"errors"
)

// ErrFenced says that another owner has claimed a log since. The rows were not written, and must not be by this owner:
// they are the other's to read and write.
var ErrFenced = errors.New("another owner has claimed the partition since")

// ReasonRejected is the reason of a dead letter made of a valid event that the sink can never store.
const ReasonRejected = "rejected_by_warehouse"

// Log names a partition as positions do.
type Log struct {
	Source    uint64
	Partition uint32
}

// Span is what was done of a log: its messages from First, where the log begins now, up to Next, without Next.
type Span struct{ First, Next uint64 }

// Claimer is a Sink that several processes write to, each the rows of the partitions that it owns.
//
// Kafka alone cannot keep two processes from writing one partition: a process that was paused does not know yet that
// its partitions have moved. So the sink keeps a fence of its own: whoever claimed a log last owns it.
type Claimer interface {
	Sink
	// Claim makes the caller the owner of the logs, of all or none. When it returns, no write of an earlier owner is under
	// way, none that has begun can still store rows, and those to come give ErrFenced: what the sink holds of the logs
	// changes by this claim alone. It waits for writes under way, and after a while breaks them off.
	//
	// It is ErrFenced when another claimed a log at the same time and was given it. After any error the caller owns
	// nothing, and an earlier owner may have lost its logs. It may be repeated: each call makes another owner.
	Claim(ctx context.Context, logs []Log) (Claim, error)
}

// Claim is the right to write the rows of some logs. It is for one goroutine, and needs no end: a later claim ends it.
type Claim interface {
	// Write stores a batch as Sink.Write does. Its error is ErrFenced when the claim was lost: then it stored nothing
	// after the loss. What it returns counts what it did, also with an error.
	Write(ctx context.Context, b Batch) (Outcome, error)
	// Reached compares what the group says was done with what the sink holds. For each log it gives the offset to go on
	// at: Next when the sink holds a row at the last offset before it or later, and otherwise, as after an older backup was
	// restored, where the unbroken run of what it holds from First ends.
	Reached(ctx context.Context, done map[Log]Span) (map[Log]uint64, error)
}

// Outcome is what a Write did beside storing rows.
type Outcome struct {
	// Repeated are the rows that were held already.
	Repeated int
	// Rejected are the valid events that could not be stored and became dead letters.
	Rejected int
	// Ambiguous are the statements of which it stayed open whether they stored rows, so that the tables were asked.
	Ambiguous int
}

// take claims the partitions of the generation, where the sink knows of claims.
func (s *share) take(ctx context.Context) error {
	sink, ok := s.Sink.(Claimer)
	if !ok || len(s.gen.Assigned) == 0 {
		return nil
	}
	var logs []Log
	for _, a := range s.gen.Assigned {
		logs = append(logs, s.logs.of(a.Partition))
	}
	return s.retry(ctx, "the sink did not hand over the partitions and is asked again: see the cause", func() (err error) {
		s.claim, err = sink.Claim(ctx, logs)
		return s.fenced(err)
	})
}

// fenced turns the loss of a claim into the end of the generation, and counts it.
func (s *share) fenced(err error) error {
	if !errors.Is(err, ErrFenced) {
		return err
	}
	s.Stats.count(func(now *Snapshot) { now.FenceAborts++ })
	s.Log.Warn("another process has claimed the partitions: the write is given up, the group is joined anew; if this "+
		"goes on, two groups write to one warehouse: let each have its own database", "group", s.Group, "error", err)
	return errEndGeneration
}

// store hands a batch to the claim, or to a sink that has none, and counts what came of it.
func (s *share) store(ctx context.Context, b Batch) error {
	if s.claim == nil {
		return s.Sink.Write(ctx, b)
	}
	out, err := s.claim.Write(ctx, b)
	s.Stats.count(func(now *Snapshot) {
		now.AmbiguousInserts += uint64(out.Ambiguous)
		if err != nil {
			return
		}
		now.Repeated += uint64(out.Repeated)
		now.PoisonRows += uint64(out.Rejected)
		now.Rows -= uint64(out.Rejected) // the flush counts them among its records
		now.reject(ReasonRejected, out.Rejected)
	})
	return s.fenced(err)
}

// reject counts dead letters.
func (now *Snapshot) reject(reason string, n int) {
	if n == 0 {
		return
	}
	if now.DeadLetters == nil {
		now.DeadLetters = map[string]uint64{}
	}
	now.DeadLetters[reason] += uint64(n)
}
