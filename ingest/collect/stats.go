package collect

import (
	"maps"
	"sync"
	"sync/atomic"

	"clew/ingest/event"
)

// stats counts what a collector does.
type stats struct {
	bytes, retries, kafkaFailures atomic.Uint64

	mu       sync.Mutex
	answers  map[int]uint64
	events   map[event.Type]uint64
	rejected map[string]uint64
}

// Snapshot is what a collector has counted since it was made.
type Snapshot struct {
	// Answers are requests by their status in HTTP.
	Answers map[int]uint64
	// Events are those that Kafka acknowledged, by type.
	Events map[event.Type]uint64
	// Rejected are requests and events of batches that can never be taken, by code.
	Rejected map[string]uint64
	// Bytes are those of the bodies, unpacked.
	Bytes uint64
	// Retries are requests that say that they are sent again.
	Retries uint64
	// KafkaFailures are requests that Kafka did not acknowledge.
	KafkaFailures uint64
	// Pending are the requests under way, PendingBytes the memory they hold, of MaxPending that they may.
	Pending, PendingBytes, MaxPending int64
}

// Snapshot returns the counts of this moment.
func (c *Collector) Snapshot() Snapshot {
	s := &c.stats
	s.mu.Lock()
	defer s.mu.Unlock()
	return Snapshot{
		Answers: maps.Clone(s.answers), Events: maps.Clone(s.events), Rejected: maps.Clone(s.rejected),
		Bytes: s.bytes.Load(), Retries: s.retries.Load(), KafkaFailures: s.kafkaFailures.Load(),
		Pending: c.budget.requests.Load(), PendingBytes: c.budget.used.Load(), MaxPending: c.budget.limit,
	}
}

func (s *stats) answered(status int, retry string) {
	if retry != "" && retry != "0" {
		s.retries.Add(1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	count(&s.answers, status, 1)
}

func (s *stats) reject(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	count(&s.rejected, code, 1)
}

func (s *stats) took(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind, n := range d.taken {
		count(&s.events, kind, n)
	}
}

func count[K comparable](m *map[K]uint64, key K, n uint64) {
	if *m == nil {
		*m = map[K]uint64{}
	}
	(*m)[key] += n
}
