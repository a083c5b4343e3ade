package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/query/api"
	"clew/transform/warehouse"
)

// letterbox is the dead letters of the warehouse, with Kafka to send them again.
type letterbox struct {
	*warehouse.DB
	kafka stream.Config
	// replaying keeps two replays of one letter apart.
	replaying sync.Mutex
}

var _ api.DeadLetters = (*letterbox)(nil)

func (s *system) letters() *letterbox { return &letterbox{DB: s.db, kafka: s.kafka} }

// Replay sends a letter to its topic under its key, as it came or corrected, and then notes that. If the process dies
// between the two, the letter stands as not sent: sending it again is safe, for an event_id counts once.
func (l *letterbox) Replay(ctx context.Context, at warehouse.Place, r api.Replay) (*api.Replayed, error) {
	l.replaying.Lock()
	defer l.replaying.Unlock()
	letter, err := l.Letter(ctx, at)
	if errors.Is(err, warehouse.ErrNoLetter) {
		return nil, api.NoDeadLetter(at)
	}
	if err != nil {
		return nil, err
	}
	if letter.Replays > 0 && !r.Again {
		return nil, api.AlreadyReplayed(letter)
	}
	value := letter.Raw.Raw()
	if r.With != nil {
		value = r.With
	}
	done := &api.Replayed{Place: at, At: time.Now().UTC().Truncate(time.Millisecond)}
	e, err := event.Decode(at.Topic, value)
	fault, _ := errors.AsType[*event.Fault](err)
	switch {
	case fault == nil:
		done.EventID = e.Head().EventID
	case r.With != nil:
		return nil, api.InvalidEvent(fault)
	default:
		done.Warning = "what was sent is still no valid event and will be a dead letter anew: " + fault.Error()
	}
	if err := l.send(ctx, stream.Message{Topic: at.Topic, Key: letter.Key.Raw(), Value: value}); err != nil {
		return nil, fmt.Errorf("%w: %w", api.ErrNotSent, err)
	}
	// What is sent cannot be taken back, so the note is made even where the caller has gone.
	return done, l.MarkReplayed(context.WithoutCancel(ctx), letter, done.At, done.EventID)
}

func (l *letterbox) send(ctx context.Context, m stream.Message) error {
	cfg := l.kafka
	// The topic took a message of this size before, or it says itself that it does not.
	const framing = 1 << 10
	cfg.MaxMessageBytes = max(cfg.MaxMessageBytes, 1_000_000, len(m.Key)+len(m.Value)+framing)
	w := stream.NewWriter(cfg)
	err := w.Write(ctx, m)
	return errors.Join(err, w.Close())
}
