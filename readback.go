package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"clew/ingest/event"
	"clew/ingest/source"
	"clew/ingest/stream"
)

// identity is what a message is known by: an event by its topic and id, a dead letter by its topic and bytes.
type identity [16]byte

// identityOf is the same for a message to send and for it in the log, as it is made of its topic and bytes alone.
func identityOf(m stream.Message) identity {
	kind, text := "bytes", string(m.Value)
	if e, err := event.Decode(m.Topic, m.Value); err == nil {
		kind, text = "id", e.Head().EventID
	}
	sum := sha256.Sum256([]byte(m.Topic + "\x00" + kind + "\x00" + text))
	return identity(sum[:16])
}

// isSent says whether an item is in the log from before, and marks it as passed over: one that comes twice in the feed
// stands twice in the log.
func (r *importer) isSent(it item) bool {
	if len(r.pending) == 0 {
		return false
	}
	id := identityOf(it.Message)
	n, ok := r.pending[id]
	switch {
	case !ok:
		return false
	case n == 1:
		delete(r.pending, id)
	default:
		r.pending[id] = n - 1
	}
	return true
}

// readBack finds which messages behind the checkpoint were sent. Only the items that can have been sent since are looked
// for, so the memory is bounded however much others have written to the log.
func (r *importer) readBack(ctx context.Context) (map[identity]int, error) {
	wanted, err := r.nextItems(ctx)
	if err != nil {
		return nil, err
	}
	ranges, err := logEnds(ctx, r.client)
	if err != nil {
		return nil, err
	}
	ids, err := r.client.TopicIDs(ctx, event.Topics())
	if err != nil {
		return nil, err
	}
	sent := map[identity]int{}
	for p, held := range ranges {
		from := r.at.Ends[endName(p)]
		if from > held.End {
			return nil, fmt.Errorf("the import had reached offset %d of %s, and Kafka holds it up to %d: the topic was made "+
				"again, or the brokers lost messages; %s", from, p, held.End, restartRemedy)
		}
		err := eachMessage(ctx, r.client, p, ids[p.Topic], max(from, held.First), held.End, func(m stream.Message) {
			if id := identityOf(m); wanted[id] > sent[id] {
				sent[id]++
			}
		})
		if err != nil {
			return nil, fmt.Errorf("look for what was sent already: %w", err)
		}
	}
	return sent, nil
}

// nextItems counts the identities of the items that may have been sent behind the checkpoint.
func (r *importer) nextItems(ctx context.Context) (map[identity]int, error) {
	wanted := map[identity]int{}
	left := checkpointItems + batchItems
	for it, err := range r.feed.items(ctx) {
		if _, faulty := errors.AsType[*source.RowError](err); faulty {
			continue
		}
		if err != nil {
			return nil, err
		}
		wanted[identityOf(it.Message)]++
		if left--; left == 0 {
			break
		}
	}
	return wanted, nil
}

const (
	// readRows and readBytes bound what is read from the log at once.
	readRows  = 10_000
	readBytes = 8 << 20
)

// eachMessage reads a partition from one offset up to another.
func eachMessage(
	ctx context.Context, client *stream.Client, p stream.Partition, id stream.TopicID, from, to int64,
	do func(stream.Message),
) error {
	if from >= to {
		return nil
	}
	r := client.NewReader(p, id, from)
	defer r.Close()
	var buf []stream.Message
	for r.Next() < to {
		messages, err := r.Fetch(ctx, buf[:0], readRows, readBytes)
		if err != nil {
			return err
		}
		for _, m := range messages {
			if m.Offset < to {
				do(m)
			}
		}
		buf = messages
	}
	return nil
}
