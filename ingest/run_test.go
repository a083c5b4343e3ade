package ingest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/ingest/stream/kafkatest"
)

func TestAllTopicsReachTheSink(t *testing.T) {
	kcfg, _ := kafka(t, 4)
	for _, e := range oneOfEach() {
		send(t, kcfg, message(t, e))
	}
	var r recorder
	drain(t, Config{Stream: kcfg, Sink: &r, FlushEvery: 10 * time.Millisecond})
	got := r.records()
	slices.SortFunc(got, func(a, b Record) int { return cmp.Compare(a.Event.Kind(), b.Event.Kind()) })
	want := oneOfEach()
	slices.SortFunc(want, func(a, b event.Event) int { return cmp.Compare(a.Kind(), b.Kind()) })
	if len(got) != len(want) || len(r.deadLetters()) != 0 {
		t.Fatalf("got %d records and the dead letters %v", len(got), r.deadLetters())
	}
	sources := make(map[uint64]bool)
	for i, g := range got {
		if fmt.Sprintf("%+v", g.Event) != fmt.Sprintf("%+v", want[i]) {
			t.Errorf("got %+v, want %+v", g.Event, want[i])
		}
		if !g.ReceivedAt.Equal(arrived) || g.Clamped || g.Offset != 0 || g.Row != 0 {
			t.Errorf("%s arrived as %+v", g.Event.Kind(), g)
		}
		sources[g.Source] = true
	}
	if len(sources) != len(want) {
		t.Errorf("the topics have %d sources", len(sources))
	}
}

// badMessages are messages of which each makes one dead letter of the reason.
func badMessages() map[string]stream.Message {
	good := `{"event_id":"x","occurred_at":"2026-03-01T08:00:00Z","lead_id":"l",`
	bad := func(t event.Type, value string) stream.Message {
		return stream.Message{Topic: event.Topic(t), Key: []byte("k"), Value: []byte(value), Time: arrived}
	}
	return map[string]stream.Message{
		event.ReasonMalformedJSON: bad(event.TypeBehavior, good+`"name":`),
		event.ReasonUnknownType:   bad(event.TypeBehavior, good+`"name":"n","type":"visit"}`),
		event.ReasonMissingField:  bad(event.TypeTouchpoint, good+`"touch":"click"}`),
		event.ReasonWrongType:     bad(event.TypeCost, good+`"date":"2026-03-01","channel":"c","amount":"12"}`),
		event.ReasonInvalidValue:  bad(event.TypeStage, good+`"stage":"fresh"}`),
		event.ReasonUnknownField:  bad(event.TypeAssignment, good+`"action":"assigned","ovner":"li"}`),
		event.ReasonTooLarge:      bad(event.TypeLead, good+`"company":"`+strings.Repeat("a", event.MaxSize)+`"}`),
	}
}

func TestEachBadMessageBecomesOneDeadLetter(t *testing.T) {
	kcfg, _ := kafka(t, 2)
	send(t, kcfg, numbered(t, 0, 50)...)
	for _, m := range badMessages() {
		send(t, kcfg, m)
	}
	send(t, kcfg, numbered(t, 50, 100)...)
	var r recorder
	drain(t, Config{Stream: kcfg, Sink: &r, FlushEvery: 10 * time.Millisecond})
	wantOnce(t, r.records(), 100)
	got := make(map[string]int)
	for _, d := range r.deadLetters() {
		got[d.Reason]++
		m := badMessages()[d.Reason]
		if d.Topic != m.Topic || !bytes.Equal(d.Raw, m.Value) || !bytes.Equal(d.Key, m.Key) || d.Detail == "" ||
			!d.ReceivedAt.Equal(arrived) || d.Source == 0 {
			t.Errorf("dead letter %s: topic %s, key %s, detail %q, received %v, %+v, %d bytes",
				d.Reason, d.Topic, d.Key, d.Detail, d.ReceivedAt, d.Position, len(d.Raw))
		}
	}
	want := make(map[string]int)
	for reason := range badMessages() {
		want[reason] = 1
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTimesThatCannotBe(t *testing.T) {
	lead := func(id string, occurred, sent time.Time) stream.Message {
		m := message(t, &event.Lead{Header: event.Header{EventID: id, LeadID: "l", OccurredAt: occurred}})
		m.Time = sent
		return m
	}
	kcfg, _ := kafka(t, 1)
	send(t, kcfg,
		lead("in time", arrived.Add(24*time.Hour), arrived),
		lead("early", arrived.Add(24*time.Hour+time.Millisecond), arrived),
		lead("old", arrived.AddDate(-40, 0, 0), arrived),
		lead("sent in a year", happened, present.AddDate(1, 0, 0)),
		lead("sent in 1970", happened, time.Unix(0, 0)),
		lead("fine", happened, arrived.Add(1234567*time.Nanosecond)))
	var r recorder
	drain(t, Config{Stream: kcfg, Sink: &r, FlushEvery: 10 * time.Millisecond})
	type row struct {
		id                 string
		occurred, received time.Time
		clamped            bool
	}
	want := []row{
		{"in time", arrived.Add(24 * time.Hour), arrived, false},
		{"early", arrived, arrived, true},
		{"old", arrived.AddDate(-40, 0, 0), arrived, false},
		{"sent in a year", happened, present, false},
		{"sent in 1970", happened, present, false},
		{"fine", happened, arrived.Add(time.Millisecond), false},
	}
	var got []row
	for _, rec := range r.records() {
		got = append(got, row{rec.Event.Head().EventID, rec.Event.Head().OccurredAt, rec.ReceivedAt, rec.Clamped})
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// Rows of one partition come in the order of its offsets, over batches that are cut by rows.
func TestBatchesKeepOrderAndSize(t *testing.T) {
	kcfg, _ := kafka(t, 3)
	send(t, kcfg, numbered(t, 0, 5000)...)
	var r recorder
	drain(t, Config{Stream: kcfg, Sink: &r, MaxRows: 700, FlushEvery: 10 * time.Millisecond})
	wantOnce(t, r.records(), 5000)
	last := make(map[uint32]int64)
	for p := range uint32(3) {
		last[p] = -1
	}
	for _, rec := range r.records() {
		if int64(rec.Offset) != last[rec.Partition]+1 {
			t.Fatalf("partition %d: offset %d came after %d", rec.Partition, rec.Offset, last[rec.Partition])
		}
		last[rec.Partition] = int64(rec.Offset)
	}
	for _, b := range r.batches {
		if n := len(b.Records); n == 0 || n >= 700+chunkRows {
			t.Errorf("a batch has %d rows", n)
		}
	}
}

func TestBatchesAreCutByBytes(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	send(t, kcfg, numbered(t, 0, 3000)...)
	var r recorder
	drain(t, Config{Stream: kcfg, Sink: &r, MaxBytes: 10_000, FlushEvery: time.Hour, MaxRows: 3000})
	wantOnce(t, r.records(), 3000)
	if len(r.batches) < 3 {
		t.Errorf("%d batches", len(r.batches))
	}
}

func TestSinkThatFailsLosesNothing(t *testing.T) {
	kcfg, _ := kafka(t, 2)
	send(t, kcfg, numbered(t, 0, 1000)...)
	var r recorder
	var offered []Batch
	sink := writerFunc(func(ctx context.Context, b Batch) error {
		offered = append(offered, b)
		if len(offered) <= 2 {
			return errors.New("no space left")
		}
		return r.Write(ctx, b)
	})
	var log bytes.Buffer
	drain(t, Config{
		Stream: kcfg, Sink: sink, FlushEvery: 10 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	wantOnce(t, r.records(), 1000)
	for i := 1; i < 3; i++ {
		if !slices.Equal(positions(offered[0].Records), positions(offered[i].Records)) {
			t.Errorf("attempt %d offered other rows", i)
		}
	}
	if n := strings.Count(log.String(), "no space left"); n != 2 {
		t.Errorf("the cause was logged %d times:\n%s", n, log.String())
	}
}

func positions(records []Record) []Position {
	var out []Position
	for _, r := range records {
		out = append(out, r.Position)
	}
	return out
}

func TestRestartResumesFromTheCommit(t *testing.T) {
	kcfg, _ := kafka(t, 2)
	var r recorder
	cfg := Config{Stream: kcfg, Sink: &r, FlushEvery: 10 * time.Millisecond}
	send(t, kcfg, numbered(t, 0, 300)...)
	drain(t, cfg)
	wantOnce(t, r.records(), 300)
	send(t, kcfg, numbered(t, 300, 500)...)
	drain(t, cfg)
	wantOnce(t, r.records(), 500)
}

func TestGroupsReadOnTheirOwn(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	send(t, kcfg, numbered(t, 0, 10)...)
	for _, group := range []string{"one", "other"} {
		var r recorder
		drain(t, Config{Stream: kcfg, Group: group, Sink: &r, FlushEvery: 10 * time.Millisecond})
		wantOnce(t, r.records(), 10)
	}
}

func TestProgress(t *testing.T) {
	kcfg, _ := kafka(t, 2)
	send(t, kcfg, numbered(t, 0, 100)...)
	send(t, kcfg, badMessages()[event.ReasonMissingField])
	var seen []Progress
	var r recorder
	drain(t, Config{
		Stream: kcfg, Sink: &r, FlushEvery: 10 * time.Millisecond, MaxRows: 101,
		OnFlush: func(p Progress) { seen = append(seen, p) },
	})
	if first := (Progress{End: 101}); seen[0] != first {
		t.Errorf("at the start %+v, want %+v", seen[0], first)
	}
	records, dead := 0, 0
	for _, p := range seen[1:] {
		records += p.Records
		dead += p.DeadLetters
		if p.Behind != 2*time.Second {
			t.Errorf("behind by %v", p.Behind)
		}
	}
	if last := seen[len(seen)-1]; records != 100 || dead != 1 || last.Committed != 101 || last.End != 101 {
		t.Errorf("%d records, %d dead letters, at the end %+v", records, dead, last)
	}
}

func TestCaughtUpTellsWhatIsMissing(t *testing.T) {
	kcfg, _ := kafka(t, 2)
	send(t, kcfg, numbered(t, 0, 7)...)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := CaughtUp(ctx, Config{Stream: kcfg})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), " 7 ") {
		t.Errorf("got %v", err)
	}
}

// An empty log is caught up at once: nobody waits for the group to form.
func TestCaughtUpOnAnEmptyLog(t *testing.T) {
	kcfg, _ := kafka(t, 4)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := CaughtUp(ctx, Config{Stream: kcfg}); err != nil {
		t.Error(err)
	}
}

// A broker that restarts is waited for.
func TestCaughtUpOutlastsARestart(t *testing.T) {
	dir := t.TempDir()
	b, err := stream.StartBroker(stream.BrokerConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	kcfg := stream.Config{Brokers: []string{b.Addr()}}
	if err := stream.EnsureTopics(t.Context(), kcfg, event.Topics(), 1); err != nil {
		t.Fatal(err)
	}
	closed(t, b)
	down, err := net.Listen("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextOf(t)
	defer cancel()
	caught := make(chan error, 1)
	go func() { caught <- CaughtUp(ctx, Config{Stream: kcfg}) }()
	for range 2 { // it has begun, was turned away, and tries again
		conn, err := down.Accept()
		if err != nil {
			t.Fatal(err)
		}
		closed(t, conn)
	}
	closed(t, down)
	again, err := stream.StartBroker(stream.BrokerConfig{Dir: dir, Addr: b.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, again)
	if err := <-caught; err != nil {
		t.Error(err)
	}
}

// What does not pass is not waited for.
func TestCaughtUpNeedsItsTopics(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	if err := kafkatest.DeleteTopics(t.Context(), kcfg.Brokers[0]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextOf(t)
	defer cancel()
	if err := CaughtUp(ctx, Config{Stream: kcfg}); err == nil || ctx.Err() != nil ||
		!strings.Contains(err.Error(), "clew.touchpoints") {
		t.Errorf("got %v", err)
	}
}

// What the sink lacks of what the group has committed is stored when Drain returns.
func TestDrainWaitsForARefill(t *testing.T) {
	kcfg, _ := kafka(t, 2)
	send(t, kcfg, numbered(t, 0, 1000)...)
	sink := &claimer{}
	cfg := Config{Stream: kcfg, Sink: sink, Now: now, FlushEvery: 10 * time.Millisecond}
	drainOnce(t, cfg)
	sink.batches = nil
	drainOnce(t, cfg)
	wantOnce(t, sink.records(), 1000)
}

func TestDrainTellsWhyItCannot(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	if err := Drain(t.Context(), Config{Stream: kcfg, Sink: &recorder{}}); err == nil || !strings.Contains(err.Error(), "Now") {
		t.Errorf("got %v", err)
	}
}

func TestRunNeedsItsTopics(t *testing.T) {
	b, err := stream.StartBroker(stream.BrokerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, b)
	var r recorder
	err = Run(t.Context(), Config{Stream: stream.Config{Brokers: []string{b.Addr()}}, Sink: &r, Now: now})
	if err == nil || !strings.Contains(err.Error(), "clew.touchpoints") {
		t.Errorf("got %v", err)
	}
}

func TestRunNeedsItsConfig(t *testing.T) {
	kcfg := stream.Config{Brokers: []string{"127.0.0.1:1"}}
	for name, cfg := range map[string]Config{
		"sink":   {Stream: kcfg, Now: now},
		"now":    {Stream: kcfg, Sink: &recorder{}},
		"broker": {Sink: &recorder{}, Now: now},
	} {
		if err := Run(t.Context(), cfg); err == nil {
			t.Errorf("without %s Run began", name)
		}
	}
}
