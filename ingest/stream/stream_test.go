package stream

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestConfigNeedsAddresses(t *testing.T) {
	for _, brokers := range [][]string{nil, {"localhost"}, {"localhost:9092", "other:"}} {
		if _, err := NewClient(Config{Brokers: brokers}); err == nil {
			t.Errorf("brokers %q were taken", brokers)
		}
	}
}

func TestEnsureTopicsLeavesWhatIsThere(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	if err := EnsureTopics(t.Context(), cfg, []string{"a", "b"}, 2); err != nil {
		t.Fatal(err)
	}
	if err := EnsureTopics(t.Context(), cfg, []string{"b", "c"}, 3); err != nil {
		t.Fatal(err)
	}
	got, err := newClient(t, cfg).Partitions(t.Context(), []string{"c", "b", "a"})
	want := []Partition{{"a", 0}, {"a", 1}, {"b", 0}, {"b", 1}, {"c", 0}, {"c", 1}, {"c", 2}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("partitions %v, %v; want %v", got, err, want)
	}
}

func TestEnsureTopicsWithoutBroker(t *testing.T) {
	b, err := StartBroker(BrokerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Brokers: []string{b.Addr()}}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := EnsureTopics(t.Context(), cfg, []string{"a"}, 1); err == nil || !strings.Contains(err.Error(), b.Addr()) {
		t.Errorf("the error does not name the address: %v", err)
	}
}

func TestPartitionsNamesMissingTopics(t *testing.T) {
	c := newClient(t, startBroker(t, t.TempDir()))
	_, err := c.Partitions(t.Context(), []string{"nowhere"})
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got %v", err)
	}
}

func TestMessagesArriveAsWritten(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	topic := createTopic(t, cfg, 1)
	at := time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC)
	w := NewWriter(cfg)
	defer w.Close()
	err := w.Write(t.Context(),
		Message{Topic: topic, Key: []byte("k"), Value: []byte("one"), Time: at},
		Message{Topic: topic, Value: []byte("two"), Time: at.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	got := readAll(t, newClient(t, cfg), Partition{topic, 0})
	want := []Message{
		{Topic: topic, Key: []byte("k"), Value: []byte("one"), Time: at},
		{Topic: topic, Value: []byte("two"), Time: at.Add(time.Hour), Offset: 1},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d messages", len(got))
	}
	for i, g := range got {
		w := want[i]
		if g.Topic != w.Topic || !bytes.Equal(g.Key, w.Key) || !bytes.Equal(g.Value, w.Value) || !g.Time.Equal(w.Time) ||
			g.Offset != w.Offset || g.Partition != w.Partition {
			t.Errorf("message %d: got %+v, want %+v", i, g, w)
		}
	}
}

// A key keeps its messages together and in order, and in the partition Kafka's own clients would choose.
func TestWriterKeepsKeysTogether(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	topic := createTopic(t, cfg, 4)
	w := NewWriter(cfg)
	defer w.Close()
	var batch []Message
	for i := range 4000 {
		batch = append(batch, Message{Topic: topic, Key: fmt.Append(nil, "key", i%50), Value: fmt.Append(nil, i)})
	}
	if err := w.Write(t.Context(), batch...); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, cfg)
	order := make(map[string][]string)
	home := make(map[string]int)
	for p := range 4 {
		for _, m := range readAll(t, c, Partition{topic, p}) {
			order[string(m.Key)] = append(order[string(m.Key)], string(m.Value))
			if was, ok := home[string(m.Key)]; ok && was != p {
				t.Fatalf("key %s is in partitions %d and %d", m.Key, was, p)
			}
			home[string(m.Key)] = p
		}
	}
	for k := range 50 {
		var want []string
		for i := k; i < 4000; i += 50 {
			want = append(want, fmt.Sprint(i))
		}
		if got := order[fmt.Sprint("key", k)]; !slices.Equal(got, want) {
			t.Fatalf("key %d: got %v, want %v", k, got, want)
		}
	}
	for key, p := range home {
		java := kgo.StickyKeyPartitioner(nil).ForTopic(topic).Partition(&kgo.Record{Key: []byte(key)}, 4)
		if java != p {
			t.Errorf("key %s is in partition %d; Java's client would choose %d", key, p, java)
		}
	}
}

func TestWriterRefusesWhatIsTooLarge(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	topic := createTopic(t, cfg, 1)
	w := NewWriter(cfg)
	defer w.Close()
	err := w.Write(t.Context(), Message{Topic: topic, Value: []byte("small")},
		Message{Topic: topic, Key: []byte("big"), Value: make([]byte, 1_000_000)})
	if err == nil {
		t.Fatal("a message above the limit was taken")
	}
	for _, want := range []string{`"big"`, "1000131", "1000000", topic} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in the error: %v", want, err)
		}
	}
	if got := readAll(t, newClient(t, cfg), Partition{topic, 0}); len(got) != 0 {
		t.Errorf("%d messages of the refused call were written", len(got))
	}
}

// The broker, not the writer, refuses one message; the other partition's message is taken.
func TestWriterTellsWhichMessagesFailed(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	topic := createTopic(t, cfg, 2)
	cfg.MaxMessageBytes = 4 << 20
	w := NewWriter(cfg)
	defer w.Close()
	noise := make([]byte, 2<<20)
	_, _ = rand.Read(noise)
	keys := keysOfPartitions(2)
	err := w.Write(t.Context(), Message{Topic: topic, Key: keys[0], Value: []byte("small")},
		Message{Topic: topic, Key: keys[1], Value: noise})
	var each *WriteError
	if !errors.As(err, &each) {
		t.Fatalf("got %v", err)
	}
	if len(each.Errs) != 2 || each.Errs[0] != nil || !errors.Is(each.Errs[1], kafka.MessageSizeTooLarge) {
		t.Errorf("got %v", each.Errs)
	}
	if !errors.Is(err, kafka.MessageSizeTooLarge) || !strings.Contains(err.Error(), "1 of 2") {
		t.Errorf("got %v", err)
	}
}

// keysOfPartitions returns a key for each of n partitions.
func keysOfPartitions(n int) [][]byte {
	keys := make([][]byte, n)
	for i, found := 0, 0; found < n; i++ {
		key := fmt.Append(nil, i)
		p := kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(&kgo.Record{Key: key}, n)
		if keys[p] == nil {
			keys[p] = key
			found++
		}
	}
	return keys
}

func TestReaderReadsInPieces(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	topic := createTopic(t, cfg, 1)
	var texts []string
	for i := range 2500 {
		texts = append(texts, fmt.Sprint(i))
	}
	write(t, cfg, topic, texts...)
	r := newClient(t, cfg).NewReader(Partition{topic, 0}, 7) // in the middle of a compressed batch
	defer r.Close()
	var got []string
	for r.Next() < 2500 {
		piece, err := r.Fetch(t.Context(), nil, 100, 1<<20)
		if err != nil || len(piece) > 100 {
			t.Fatalf("%d messages, %v", len(piece), err)
		}
		got = append(got, values(piece)...)
	}
	if !slices.Equal(got, texts[7:]) {
		t.Errorf("got %d messages from %s to %s", len(got), got[0], got[len(got)-1])
	}
	if r.End() != 2500 {
		t.Errorf("end %d", r.End())
	}
	piece, err := r.Fetch(t.Context(), nil, 100, 1<<20)
	if len(piece) != 0 || err != nil || r.Next() != 2500 {
		t.Errorf("at the end: %d messages, next %d, %v", len(piece), r.Next(), err)
	}
}

func TestReaderStopsAtABytesLimit(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	topic := createTopic(t, cfg, 1)
	write(t, cfg, topic, strings.Repeat("a", 1000), strings.Repeat("b", 1000), strings.Repeat("c", 1000))
	r := newClient(t, cfg).NewReader(Partition{topic, 0}, 0)
	defer r.Close()
	piece, err := r.Fetch(t.Context(), nil, 100, 1500)
	if err != nil || len(piece) != 2 || r.Next() != 2 {
		t.Errorf("%d messages, next %d, %v", len(piece), r.Next(), err)
	}
}

func TestReaderRefusesOffsetsTheLogDoesNotHold(t *testing.T) {
	b, err := StartBroker(BrokerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	cfg := Config{Brokers: []string{b.Addr()}}
	topic := createTopic(t, cfg, 1)
	write(t, cfg, topic, "a", "b", "c")
	if err := b.Trim(t.Context(), map[Partition]int64{{topic, 0}: 2}); err != nil {
		t.Fatal(err)
	}
	if err := b.Trim(t.Context(), map[Partition]int64{{"nowhere", 0}: 2}); err == nil {
		t.Error("a topic that does not exist was trimmed")
	}
	c := newClient(t, cfg)
	for offset, inRange := range map[int64]bool{0: false, 1: false, 2: true, 3: true, 4: false} {
		r := c.NewReader(Partition{topic, 0}, offset)
		_, err := r.Fetch(t.Context(), nil, 10, 1000)
		r.Close()
		if errors.Is(err, ErrOffsetOutOfRange) == inRange || inRange && err != nil {
			t.Errorf("offset %d: %v", offset, err)
		}
	}
}

func TestReaderEndsWithItsContext(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	topic := createTopic(t, cfg, 1)
	r := newClient(t, cfg).NewReader(Partition{topic, 0}, 0)
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error)
	go func() {
		for {
			if _, err := r.Fetch(ctx, nil, 10, 1000); err != nil {
				got <- err
				return
			}
		}
	}()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestReaderLeavesTransactionMarkersOut(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	topic := createTopic(t, cfg, 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.TransactionalID("tx"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("in")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	write(t, cfg, topic, "after")
	got := readAll(t, newClient(t, cfg), Partition{topic, 0})
	if !slices.Equal(values(got), []string{"in", "after"}) || got[1].Offset != 2 {
		t.Errorf("got %q, the last at offset %d", values(got), got[len(got)-1].Offset)
	}
}

func TestReaderReadsOnAfterABrokerRestart(t *testing.T) {
	dir := t.TempDir()
	b, err := StartBroker(BrokerConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Brokers: []string{b.Addr()}}
	topic := createTopic(t, cfg, 1)
	write(t, cfg, topic, "a")
	r := newClient(t, cfg).NewReader(Partition{topic, 0}, 0)
	defer r.Close()
	got, err := r.Fetch(t.Context(), nil, 10, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := StartBroker(BrokerConfig{Dir: dir, Addr: b.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	write(t, cfg, topic, "b")
	failed := false
	for len(got) < 2 {
		var ferr error
		got, ferr = r.Fetch(t.Context(), got, 10, 1000)
		failed = failed || ferr != nil
	}
	if !failed || !slices.Equal(values(got), []string{"a", "b"}) {
		t.Errorf("failed %v, got %q", failed, values(got))
	}
}

func TestCommitGuardsTheGroup(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	topic := createTopic(t, cfg, 2)
	c := newClient(t, cfg)
	p0, p1, other := Partition{topic, 0}, Partition{topic, 1}, Partition{"other", 0}
	committed := func() map[Partition]int64 {
		t.Helper()
		got, err := c.Committed(t.Context(), "g", []Partition{p0, p1})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	withGeneration(t, c, "g", topic, func(_ context.Context, g *Generation) {
		if want := []Assignment{{p0, -1}, {p1, -1}}; !slices.Equal(g.Assigned, want) {
			t.Errorf("assigned %v, want %v", g.Assigned, want)
		}
		if err := g.Commit(map[Partition]int64{p0: 5}); err != nil {
			t.Error(err)
		}
		if err := g.Commit(map[Partition]int64{p0: 3, p1: 2}); err != nil {
			t.Error(err)
		}
		if got, want := committed(), map[Partition]int64{p0: 5, p1: 2}; !maps.Equal(got, want) {
			t.Errorf("committed %v, want %v", got, want)
		}
		if err := g.Commit(map[Partition]int64{p1: 9, other: 1}); !errors.Is(err, errNotAssigned) {
			t.Errorf("another's partition: %v", err)
		}
		if got, want := committed(), map[Partition]int64{p0: 5, p1: 2}; !maps.Equal(got, want) {
			t.Errorf("after a refused commit %v, want %v", got, want)
		}
	})
	withGeneration(t, c, "g", topic, func(_ context.Context, g *Generation) {
		if want := []Assignment{{p0, 5}, {p1, 2}}; !slices.Equal(g.Assigned, want) {
			t.Errorf("assigned again %v, want %v", g.Assigned, want)
		}
		if err := g.Commit(map[Partition]int64{p0: 4}); err != nil {
			t.Error(err)
		}
	})
	if got, want := committed(), map[Partition]int64{p0: 5, p1: 2}; !maps.Equal(got, want) {
		t.Errorf("at the end %v, want %v", got, want)
	}
}

// A commit of a generation that is over moves nothing.
func TestCommitAfterTheGenerationFails(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	topic := createTopic(t, cfg, 1)
	c := newClient(t, cfg)
	p := Partition{topic, 0}
	var old *Generation
	withGeneration(t, c, "g", topic, func(_ context.Context, g *Generation) { old = g })
	if err := old.Commit(map[Partition]int64{p: 7}); err == nil {
		t.Error("a commit after the end was taken")
	}
	if got, err := c.Committed(t.Context(), "g", []Partition{p}); err != nil || len(got) != 0 {
		t.Errorf("committed %v, %v", got, err)
	}
}

// Close does not wait for members that are slow to join again.
func TestGroupCloseBreaksAWaitingJoin(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	topic := createTopic(t, cfg, 1)
	c := newClient(t, cfg)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	withGeneration(t, c, "g", topic, func(ctx context.Context, _ *Generation) {
		second, err := c.Join(t.Context(), "g", []string{topic}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Error(err)
			return
		}
		<-ctx.Done() // the second member is joining, and the first does not return yet
		if _, err := second.Next(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("next: %v", err)
		}
		second.Close()
	})
}
