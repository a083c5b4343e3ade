package ingest

import (
	"context"
	"testing"

	"golang.org/x/sync/semaphore"

	"clew/ingest/stream"
)

// What is read ahead of a sink that hangs is bounded: the fetchers wait for memory.
func TestFetchersWaitForMemory(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &share{
		consumer: &consumer{Config: Config{MaxBytes: 1000, Now: now}},
		memory:   semaphore.NewWeighted(3000), chunks: make(chan chunk, chunksAhead),
	}
	messages := []stream.Message{{Value: make([]byte, 5000)}} // larger than all the memory
	for range 3 {
		if !s.send(ctx, s.parse(stream.Partition{}, messages)) {
			t.Fatal("a chunk was not taken")
		}
	}
	if s.memory.TryAcquire(1) {
		t.Error("there is memory left")
	}
	ended := make(chan bool)
	go func() { ended <- s.send(ctx, s.parse(stream.Partition{}, messages)) }()
	cancel()
	if <-ended || len(s.chunks) != 3 {
		t.Errorf("%d chunks were taken", len(s.chunks))
	}
}

func TestSourcesDiffer(t *testing.T) {
	seen := make(map[uint64]bool)
	for _, cluster := range []string{"a", "b", ""} {
		for _, topic := range []string{"clew.leads", "clew.costs", "bclew.leads"} {
			for _, id := range []stream.TopicID{{}, {1}, {2}, {15: 1}} {
				seen[source(cluster, topic, id)] = true
			}
		}
	}
	if len(seen) != 36 {
		t.Errorf("36 logs have %d sources", len(seen))
	}
	// It is stored with every row: it may never change.
	if got := source("cluster", "clew.leads", stream.TopicID{}); got != 0x2c48ea49ff4efe69 {
		t.Errorf("without an id %#x", got)
	}
	id := stream.TopicID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	if got := source("cluster", "clew.leads", id); got != 0xfe9fb92eb2eaba79 {
		t.Errorf("with an id %#x", got)
	}
}
