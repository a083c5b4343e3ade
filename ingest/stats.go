package ingest

import (
	"maps"
	"slices"
	"sync"
	"time"

	"clew/ingest/stream"
)

// freshnessFlushes is over how many of the last flushes Snapshot.FreshnessP50 and P99 are taken.
const freshnessFlushes = 512

// Stats counts what Run does, for those who watch it. The zero value is ready; one Stats may serve several Runs in
// turn, and goes on counting. It may be read while Run runs.
type Stats struct {
	mu sync.Mutex
	// now holds the counters; its partitions and freshness are made when a Snapshot is taken.
	now        Snapshot
	partitions map[stream.Partition]PartitionStats
	// freshness is a ring of the last flushes.
	freshness []time.Duration
	flushes   int
}

// Snapshot is what Stats held at one moment. The counters begin at 0 with the process.
type Snapshot struct {
	// Rows are the events that the sink took; Repeated of them it held already, so they were not written again.
	Rows, Repeated uint64
	// DeadLetters are the dead letters that the sink took, by reason.
	DeadLetters map[string]uint64
	// Batches are the batches that the sink took. BatchRows and BatchBytes are what they held: rows of both kinds, and
	// the memory they took, roughly.
	Batches, BatchRows, BatchBytes uint64
	// SinkRetries are the attempts to write a batch that failed. AmbiguousInserts are those among the statements of the
	// sink that left open whether rows were stored, so that the tables were asked.
	SinkRetries, AmbiguousInserts uint64
	// PoisonRows are valid events that the sink could never store, and turned into dead letters.
	PoisonRows uint64
	// FenceAborts counts the writes that were given up because another process owns the partitions now.
	FenceAborts uint64
	// Rebalances counts how often partitions were assigned to this process.
	Rebalances uint64
	// Stalls counts how often the group was left because nothing went on.
	Stalls uint64
	// Rewinds counts the partitions that were read again because the tables held less than the group had committed.
	Rewinds uint64
	// Partitions are those of this process, in order.
	Partitions []PartitionStats
	// FreshnessP50 and P99 are how old the oldest row of a flush was when it was stored: its age since Kafka took it,
	// over the last 512 flushes. 0 when there was none.
	FreshnessP50, FreshnessP99 time.Duration
}

// PartitionStats is how far one partition is.
type PartitionStats struct {
	stream.Partition
	// Committed is the offset to read on at and End that of the next message to come: their difference is the lag.
	Committed, End int64
	// OldestUnflushed is when Kafka took the oldest message that was read and is not stored; zero when there is none.
	OldestUnflushed time.Time
}

// Snapshot returns a copy of what is counted.
func (s *Stats) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.now
	out.DeadLetters = map[string]uint64{}
	maps.Copy(out.DeadLetters, s.now.DeadLetters)
	for _, p := range slices.SortedFunc(maps.Keys(s.partitions), stream.ComparePartitions) {
		out.Partitions = append(out.Partitions, s.partitions[p])
	}
	if n := len(s.freshness); n > 0 {
		ordered := slices.Sorted(slices.Values(s.freshness))
		out.FreshnessP50, out.FreshnessP99 = ordered[(n-1)/2], ordered[(n-1)*99/100]
	}
	return out
}

// count changes counters.
func (s *Stats) count(change func(now *Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.now)
}

// assigned forgets the partitions there were and begins with these.
func (s *Stats) assigned(done, end map[stream.Partition]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Rebalances++
	s.partitions = make(map[stream.Partition]PartitionStats, len(done))
	for p, offset := range done {
		s.partitions[p] = PartitionStats{Partition: p, Committed: offset, End: end[p]}
	}
}

// released forgets the partitions: they are another process's to report.
func (s *Stats) released() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partitions = nil
}

// read notes what was read and is not stored yet.
func (s *Stats) read(c chunk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.partitions[c.partition]
	p.Partition, p.End = c.partition, max(p.End, c.end, c.next)
	if p.OldestUnflushed.IsZero() {
		p.OldestUnflushed, _ = c.received()
	}
	if s.partitions != nil {
		s.partitions[c.partition] = p
	}
}

// flushed notes a batch that was stored and committed, age being that of its oldest row.
func (s *Stats) flushed(b *pending, age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for partition, next := range b.next {
		if p, ok := s.partitions[partition]; ok {
			p.Committed, p.OldestUnflushed = next, time.Time{}
			s.partitions[partition] = p
		}
	}
	if b.rows == 0 {
		return
	}
	s.now.Batches++
	s.now.Rows += uint64(len(b.Records))
	s.now.BatchRows += uint64(b.rows)
	s.now.BatchBytes += uint64(b.size)
	for _, d := range b.DeadLetters {
		s.now.reject(d.Reason, 1)
	}
	if len(s.freshness) < freshnessFlushes {
		s.freshness = append(s.freshness, age)
	} else {
		s.freshness[s.flushes%freshnessFlushes] = age
	}
	s.flushes++
}

// lag is how many messages are not committed.
func (s *Stats) lag() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.partitions {
		n += max(0, p.End-p.Committed)
	}
	return n
}
