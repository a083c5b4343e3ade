package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/ingest/stream"
)

// TestPipelineKeepsWhatItCannotRead sends wrong messages among right ones through the real broker and engine: each
// wrong one is kept with its reason and bytes, and the rest goes on.
func TestPipelineKeepsWhatItCannotRead(t *testing.T) {
	s, _ := openTestSystem(t, configIn(t.TempDir()))

	good := `{"event_id":"g%","occurred_at":"2026-03-02T09:30:00Z","lead_id":"L%","stage":"mql"}`
	at := func(n string) string { return strings.ReplaceAll(good, "%", n) }
	sendRaw(t, s, "clew.stages", at("1"), `{"event_id":`, at("2"),
		`{"type":"meeting","event_id":"x","occurred_at":"2026-03-02T09:30:00Z","lead_id":"L1"}`, at("3"),
		`{"occurred_at":"2026-03-02T09:30:00Z","lead_id":"L1","stage":"mql"}`, at("4"),
		`{"event_id":"x","occurred_at":"2026-03-02T09:30:00Z","lead_id":7,"stage":"mql"}`, at("5"),
		`{"event_id":"x","occurred_at":"2026-03-02T09:30:00Z","lead_id":"L1","stage":"mql","reason":"`+strings.Repeat("x", 2<<20)+`"}`,
		at("6"))
	if err := s.ingestAll(t.Context()); err != nil {
		t.Fatal(err)
	}

	var letters []struct {
		Reason string `ch:"reason"`
		Detail string `ch:"detail"`
		Size   uint64 `ch:"size"`
	}
	err := s.db.Select(t.Context(), &letters,
		"SELECT reason, detail, length(raw) AS size FROM dead_letters ORDER BY _offset", nil)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, l := range letters {
		reasons = append(reasons, l.Reason)
		if l.Size == 0 || l.Detail == "" {
			t.Errorf("%s keeps %d bytes and says %q", l.Reason, l.Size, l.Detail)
		}
	}
	want := []string{"malformed_json", "unknown_type", "missing_field", "wrong_type", "too_large"}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("dead letters, want (-), got (+):\n%s", diff)
	}

	var stored []struct {
		Lead string `ch:"lead_id"`
	}
	if err := s.db.Select(t.Context(), &stored, "SELECT lead_id FROM stage_changes ORDER BY lead_id", nil); err != nil {
		t.Fatal(err)
	}
	var leads []string
	for _, r := range stored {
		leads = append(leads, r.Lead)
	}
	if diff := cmp.Diff([]string{"L1", "L2", "L3", "L4", "L5", "L6"}, leads); diff != "" {
		t.Errorf("stored, want (-), got (+):\n%s", diff)
	}
}

// sendRaw sends messages as they are, all with one key so that they stay in order.
func sendRaw(t *testing.T, s *system, topic string, values ...string) {
	t.Helper()
	// A producer elsewhere may be allowed larger messages than ours.
	w := stream.NewWriter(stream.Config{Brokers: s.kafka.Brokers, MaxMessageBytes: 8 << 20})
	defer w.Close()
	for _, v := range values {
		err := w.Write(t.Context(), stream.Message{Topic: topic, Key: []byte("L"), Value: []byte(v)})
		if err != nil {
			t.Fatalf("send %.60s: %v", v, err)
		}
	}
}
