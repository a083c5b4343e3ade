package faulttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"clew/ingest"
	"clew/ingest/event"
	"clew/ingest/stream"
)

const (
	group      = "clew-faults"
	partitions = 4
	// poisonEvery is how often a message is no event.
	poisonEvery = 997
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// nth is the message with number i: of four types, dated over eight months, so that a batch makes a part in each.
func nth(t *testing.T, i int) stream.Message {
	t.Helper()
	h := event.Header{
		EventID: fmt.Sprint("e-", i), LeadID: fmt.Sprint("L-", i%5003),
		OccurredAt: begin.AddDate(0, i%8, 0).Add(time.Duration(i) * time.Second),
	}
	if i%poisonEvery == 0 {
		return stream.Message{Topic: event.Topic(event.TypeBehavior), Key: []byte(h.LeadID), Value: fmt.Appendf(nil, `{"broken": %d`, i)}
	}
	var e event.Event
	switch i % 10 {
	case 7:
		e = &event.Lead{Header: h, Company: "Acme"}
	case 8:
		e = &event.Stage{Header: h, Stage: event.LifecycleStageMQL}
	case 9:
		e = &event.Activity{Header: h, Owner: "li", Method: "call", Effective: true}
	default:
		e = &event.Behavior{Header: h, Name: "page_view", Properties: map[string]event.Scalar{"device": "mobile"}}
	}
	raw, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	return stream.Message{Topic: event.Topic(e.Kind()), Key: []byte(event.Key(e)), Value: raw}
}

// produce writes the messages from to to-1. The topics are made at the first call.
func produce(t *testing.T, brokers []string, from, to int) {
	t.Helper()
	cfg := stream.Config{Brokers: brokers}
	if err := stream.EnsureTopics(t.Context(), cfg, event.Topics(), partitions); err != nil {
		t.Fatal(err)
	}
	w := stream.NewWriter(cfg)
	defer w.Close()
	for ; from < to; from += 10_000 {
		var batch []stream.Message
		for i := from; i < min(to, from+10_000); i++ {
			batch = append(batch, nth(t, i))
		}
		if err := w.Write(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	}
}

// caughtUp waits until the group has committed all there is. Brokers may not answer yet.
func caughtUp(t *testing.T, brokers []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := ingest.CaughtUp(ctx, ingest.Config{Stream: stream.Config{Brokers: brokers}, Group: group})
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// isCaughtUp looks for a moment.
func isCaughtUp(t *testing.T, brokers []string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	return ingest.CaughtUp(ctx, ingest.Config{Stream: stream.Config{Brokers: brokers}, Group: group}) == nil
}
