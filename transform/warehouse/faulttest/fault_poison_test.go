package faulttest

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"

	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/ingest/stream/kafkatest"
	"clew/transform/warehouse"
)

// poison are messages that are no events, by the reason they are to get.
func poison() map[string][]string {
	const good = `{"event_id":"p","occurred_at":"2026-03-01T08:00:00Z","lead_id":"l",`
	return map[string][]string{
		event.ReasonMalformedJSON: {"", "null", "[]", "{", good + `"name":`, good + "\"name\":\"\xff\xfe\"}", "\x00"},
		event.ReasonMissingField:  {"{}", good + `"page_group":"x"}`, good + `"name":null}`},
		event.ReasonWrongType:     {good + `"name":7}`, good + `"name":"n","value":"7"}`},
		event.ReasonInvalidValue:  {`{"event_id":"` + strings.Repeat("x", 65) + `","occurred_at":"2026-03-01T08:00:00Z","lead_id":"l","name":"n"}`},
		event.ReasonUnknownField:  {good + `"namen":"n"}`},
		event.ReasonUnknownType:   {good + `"name":"n","type":"visit"}`},
	}
}

// TestPoison mixes events with messages that are none, the largest message there may be, a batch over 120 months, and
// offsets that transactions take.
func TestPoison(t *testing.T) {
	n, rounds := size(t, 100_000, 20)
	brokers := []string{startBroker(t).addr}
	produce(t, brokers, 0, n)
	topic := event.Topic(event.TypeBehavior)
	w := stream.NewWriter(stream.Config{Brokers: brokers})
	defer w.Close()
	s, want := sent{events: n}, map[string]int{event.ReasonMalformedJSON: (n + poisonEvery - 1) / poisonEvery}
	write := func(value []byte) {
		t.Helper()
		if err := w.Write(t.Context(), stream.Message{Topic: topic, Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	for reason, values := range poison() {
		for _, v := range values {
			write([]byte(v))
			s.letters++
			want[reason]++
		}
	}
	months := 0
	for ; months < 120 || s.events%poisonEvery == 0; s.events++ {
		if s.events%poisonEvery == 0 {
			write(nth(t, s.events).Value)
			want[event.ReasonMalformedJSON]++
			continue
		}
		write(behavior(t, s.events, months, "x"))
		months++
	}
	write(behavior(t, s.events, 0, strings.Repeat("线", 4096)))
	s.events++
	for _, commit := range []bool{true, false} {
		if s.events%poisonEvery == 0 {
			t.Fatal("choose another number of events")
		}
		err := kafkatest.Transact(t.Context(), brokers[0], topic, 0, behavior(t, s.events, 0, "x"), commit)
		if err != nil {
			t.Fatal(err)
		}
		s.events++
		s.markers++
	}
	c := embeddedSink(brokers, t.TempDir())
	finish(t, c)
	for range min(rounds, 3) { // again from the start: nothing may come twice
		for p := range partitions {
			if err := kafkatest.Commit(t.Context(), brokers[0], group, topic, p, 0); err != nil {
				t.Fatal(err)
			}
		}
		finish(t, c)
	}
	judge(t, "poison of every kind", s.letters+want[event.ReasonMalformedJSON], c.DSN[len("embedded:"):], brokers, s)
	wantReasons(t, c, want)
}

// behavior is an event dated some months on.
func behavior(t *testing.T, i, months int, text string) []byte {
	t.Helper()
	properties := make(map[string]event.Scalar)
	for i := range 75 { // of the largest text about 920 kB
		properties[fmt.Sprint("text", i)] = event.Scalar(text)
	}
	raw, err := event.Encode(&event.Behavior{
		Header: event.Header{EventID: fmt.Sprint("e-", i), LeadID: "L", OccurredAt: begin.AddDate(0, months-130, 0)},
		Name:   "page_view", Properties: properties,
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(raw)
}

func wantReasons(t *testing.T, c child, want map[string]int) {
	t.Helper()
	var rows []struct {
		Reason string `ch:"reason"`
		N      uint64 `ch:"n"`
	}
	onEngine(t, c, func(db *warehouse.DB) {
		const sql = "SELECT reason, count() AS n FROM dead_letters GROUP BY reason"
		if err := db.Select(t.Context(), &rows, sql, nil); err != nil {
			t.Fatal(err)
		}
	})
	got := make(map[string]int)
	for _, r := range rows {
		got[r.Reason] = int(r.N)
	}
	if !maps.Equal(got, want) {
		t.Errorf("dead letters %v, want %v", got, want)
	}
}
