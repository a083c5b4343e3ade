package ingest

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/ingest/stream/kafkatest"
)

// Flags of the process that dies between writing and committing.
var (
	dieBroker = flag.String("die-broker", "", "consume from here and die after the first write, in place of the tests")
	dieFile   = flag.String("die-file", "", "where that process notes what it wrote")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *dieBroker != "" {
		consumeAndDie(*dieBroker, *dieFile)
	}
	os.Exit(kafkatest.Main(m))
}

// writerFunc makes a function a Sink.
type writerFunc func(context.Context, Batch) error

func (f writerFunc) Write(ctx context.Context, b Batch) error { return f(ctx, b) }

// recorder is a sink that remembers.
type recorder struct {
	mu      sync.Mutex
	batches []Batch
}

func (r *recorder) Write(_ context.Context, b Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches = append(r.batches, b)
	return nil
}

func (r *recorder) records() []Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Record
	for _, b := range r.batches {
		all = append(all, b.Records...)
	}
	return all
}

func (r *recorder) deadLetters() []DeadLetter {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []DeadLetter
	for _, b := range r.batches {
		all = append(all, b.DeadLetters...)
	}
	return all
}

// counts says how often each event id was written.
func counts(records []Record) map[string]int {
	n := make(map[string]int)
	for _, r := range records {
		n[r.Event.Head().EventID]++
	}
	return n
}

var (
	happened = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	arrived  = time.Date(2026, 3, 1, 8, 0, 1, 0, time.UTC)
	present  = time.Date(2026, 3, 1, 8, 0, 3, 0, time.UTC)
)

func now() time.Time { return present }

// kafka returns a broker with the event topics: Apache Kafka where the test run is to use it, and then no *stream.Broker,
// else an embedded one.
func kafka(t testing.TB, partitions int) (stream.Config, *stream.Broker) {
	t.Helper()
	var b *stream.Broker
	addr := kafkatest.Shared(t)
	if addr == "" {
		var err error
		if b, err = stream.StartBroker(stream.BrokerConfig{Dir: t.TempDir()}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closed(t, b) })
		addr = b.Addr()
	}
	cfg := stream.Config{Brokers: []string{addr}, MaxMessageBytes: 4 << 20}
	if err := stream.EnsureTopics(t.Context(), cfg, event.Topics(), partitions); err != nil {
		t.Fatal(err)
	}
	return cfg, b
}

func send(t testing.TB, cfg stream.Config, messages ...stream.Message) {
	t.Helper()
	w := stream.NewWriter(cfg)
	defer closed(t, w)
	if err := w.Write(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
}

func closed(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func message(t testing.TB, e event.Event) stream.Message {
	t.Helper()
	raw, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	return stream.Message{Topic: event.Topic(e.Kind()), Key: []byte(event.Key(e)), Value: raw, Time: arrived}
}

func header(id string) event.Header {
	return event.Header{EventID: id, OccurredAt: happened, LeadID: "lead-" + id}
}

func oneOfEach() []event.Event {
	return []event.Event{
		&event.Touchpoint{Header: header("t"), Channel: "search", Touch: "click"},
		&event.Behavior{Header: header("b"), Name: "page_view"},
		&event.Lead{Header: header("l"), Company: "Acme"},
		&event.Activity{Header: header("a"), Owner: "li", Method: "call", Effective: true},
		&event.Stage{Header: header("s"), Stage: event.LifecycleStageMQL},
		&event.Assignment{Header: header("g"), Owner: "li", Action: event.ActionAssigned},
		&event.Cost{
			Header: event.Header{EventID: "c", OccurredAt: happened}, Date: "2026-03-01", Channel: "search", Amount: 10,
			Currency: "CNY",
		},
	}
}

// numbered returns behaviours with the ids 0 to n-1 of many leads.
func numbered(t testing.TB, from, to int) []stream.Message {
	t.Helper()
	var out []stream.Message
	for i := from; i < to; i++ {
		h := header(fmt.Sprint(i))
		h.LeadID = fmt.Sprint("lead-", i%97)
		out = append(out, message(t, &event.Behavior{Header: h, Name: "page_view"}))
	}
	return out
}

// wantOnce checks that the ids 0 to n-1 were each written exactly once.
func wantOnce(t *testing.T, records []Record, n int) {
	t.Helper()
	got := counts(records)
	for i := range n {
		if got[fmt.Sprint(i)] != 1 {
			t.Fatalf("event %d was written %d times", i, got[fmt.Sprint(i)])
		}
	}
	if len(got) != n {
		t.Errorf("%d different events were written, want %d", len(got), n)
	}
}

// start runs ingest until stop is called, which also checks that it ended without an error.
func start(t *testing.T, cfg Config) (stop func()) {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = now
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, cfg) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

// drain runs ingest until everything is committed.
func drain(t *testing.T, cfg Config) {
	t.Helper()
	stop := start(t, cfg)
	defer stop()
	caughtUp(t, cfg)
}

// contextOf ends when a test has lost its patience.
func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 2*time.Minute)
}

func caughtUp(t *testing.T, cfg Config) {
	t.Helper()
	ctx, cancel := contextOf(t)
	defer cancel()
	if err := CaughtUp(ctx, cfg); err != nil {
		t.Fatal(err)
	}
}
