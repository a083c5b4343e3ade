package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/ingest/webhook"
	"clew/query/api"
	"clew/transform/warehouse"
)

// letterbox is the dead letters of the warehouse, with Kafka to send them again.
type letterbox struct {
	*warehouse.DB
	kafka stream.Config
	// sources are needed to map anew what they posted.
	sources SourcesConfig
	// replaying keeps two replays of one letter apart.
	replaying sync.Mutex
}

var _ api.DeadLetters = (*letterbox)(nil)

func (s *system) letters() *letterbox {
	return &letterbox{DB: s.db, kafka: s.kafka, sources: s.cfg.Sources}
}

// Replay sends a letter to its topic under its key, as it came or corrected, and then notes that. If the process dies
// between the two, the letter stands as not sent: sending it again is safe, for an event_id counts once. The payload of
// a webhook is mapped anew, by the mapping of today, and its events are sent.
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
	messages := []stream.Message{{Topic: at.Topic, Key: letter.Key.Raw(), Value: value}}
	if name, payload, ok := webhook.Reopen(value); ok {
		if messages, err = l.remap(name, payload); err != nil {
			return nil, err
		}
	}
	e, err := event.Decode(messages[0].Topic, messages[0].Value)
	fault, _ := errors.AsType[*event.Fault](err)
	switch {
	case fault == nil:
		done.EventID = e.Head().EventID
	case r.With != nil:
		return nil, api.InvalidEvent(fault)
	default:
		done.Warning = "what was sent is still no valid event and will be a dead letter anew: " + fault.Error()
	}
	if err := l.send(ctx, messages); err != nil {
		return nil, fmt.Errorf("%w: %w", api.ErrNotSent, err)
	}
	// What is sent cannot be taken back, so the note is made even where the caller has gone.
	return done, l.MarkReplayed(context.WithoutCancel(ctx), letter, done.At, done.EventID)
}

// remap makes the events of a webhook's payload. All of it must map: what can be left out is left out by a correction.
func (l *letterbox) remap(name string, payload []byte) ([]stream.Message, error) {
	refuse := func(format string, args ...any) error {
		return api.InvalidEvent(&event.Fault{Reason: event.ReasonInvalidValue, Detail: fmt.Sprintf(format, args...)})
	}
	senders, err := l.sources.senders()
	if err != nil {
		return nil, err
	}
	sender, ok := senders[name]
	if !ok {
		return nil, refuse("it came from source %q, which is not in the settings: name it under sources", name)
	}
	messages, reasons := sender.Messages(payload)
	if len(reasons) > 0 {
		return nil, refuse("the payload still does not map, correct the mapping of source %q: %s", name, reasons[0])
	}
	if len(messages) == 0 {
		return nil, refuse("the mapping of source %q makes no event of the payload", name)
	}
	return messages, nil
}

func (l *letterbox) send(ctx context.Context, messages []stream.Message) error {
	cfg := l.kafka
	// The topic took a message of this size before, or it says itself that it does not.
	const framing = 1 << 10
	cfg.MaxMessageBytes = max(cfg.MaxMessageBytes, 1_000_000)
	for _, m := range messages {
		cfg.MaxMessageBytes = max(cfg.MaxMessageBytes, len(m.Key)+len(m.Value)+framing)
	}
	w := stream.NewWriter(cfg)
	err := w.Write(ctx, messages...)
	return errors.Join(err, w.Close())
}
