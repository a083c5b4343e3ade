package main

import (
	"context"
	"log/slog"
	"time"

	"clew/ingest/event"
)

// retainEvery is how often the log of the broker in this process is trimmed.
const retainEvery = time.Hour

// retain deletes messages older than kafka.retention from the broker in this process, where there is one, until ctx ends.
// What is not stored yet is kept. A failure is logged and tried again: it costs disk, and is no reason to stop a server.
func (s *system) retain(ctx context.Context) error {
	if s.broker == nil || s.cfg.Kafka.Retention == 0 {
		return nil
	}
	tick := time.NewTicker(retainEvery)
	defer tick.Stop()
	for {
		deleted, err := s.broker.Retain(ctx, event.Topics(), s.cfg.Kafka.Group, time.Now().Add(-s.cfg.Kafka.Retention))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			s.log.Warn("messages older than kafka.retention were not deleted and take up disk", slog.Any("error", err))
		case deleted > 0:
			s.log.Info("messages older than kafka.retention were deleted", slog.Int64("messages", deleted))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
