package main

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
)

// A server frees the disk of what is old and stored, and keeps what is not stored yet.
func TestRetention(t *testing.T) {
	needEngine(t)
	cfg := defaultConfig()
	cfg.DataDir, cfg.Kafka.Partitions, cfg.Kafka.Retention = t.TempDir(), 1, time.Hour
	s, _ := openTestSystem(t, cfg)
	p := stream.Partition{Topic: event.Topic(event.TypeStage)}
	send := func(id string, age time.Duration) {
		w := stream.NewWriter(s.kafka)
		err := w.Write(t.Context(), stream.Message{
			Topic: p.Topic, Value: []byte(strings.ReplaceAll(goodStage, "%", id)), Time: time.Now().Add(-age),
		})
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	send("1", 3*time.Hour)
	send("2", 2*time.Hour)
	send("3", time.Minute)
	if err := s.ingestAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	send("4", 2*time.Hour) // not stored, and after a younger one

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.retain(ctx) }()
	client, err := stream.NewClient(s.kafka)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	want := map[stream.Partition]stream.Range{p: {First: 2, End: 4}}
	got, err := client.Offsets(ctx, []stream.Partition{p})
	for ; err == nil && got[p].First == 0; time.Sleep(5 * time.Millisecond) {
		got, err = client.Offsets(ctx, []stream.Partition{p})
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
