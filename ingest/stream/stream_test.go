package stream

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
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

func TestTransient(t *testing.T) {
	for err, want := range map[error]bool{
		kafka.NotLeaderForPartition:                           true,
		kafka.LeaderNotAvailable:                              true,
		kafka.SASLAuthenticationFailed:                        false,
		kafka.TopicAuthorizationFailed:                        false,
		io.ErrUnexpectedEOF:                                   true,
		context.DeadlineExceeded:                              true,
		&net.OpError{Op: "dial", Err: errors.New("refused")}:  true,
		&net.OpError{Op: "remote error", Err: errors.New("")}: false,
		ErrNoTopic: false,
	} {
		if Transient(fmt.Errorf("ask: %w", err)) != want {
			t.Errorf("%v: want %v", err, want)
		}
	}
}

func TestEnsureTopicsLeavesWhatIsThere(t *testing.T) {
	cfg := anyBroker(t)
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
	c := newClient(t, anyBroker(t))
	_, err := c.Partitions(t.Context(), []string{"nowhere"})
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got %v", err)
	}
}

func TestMessagesArriveAsWritten(t *testing.T) {
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 1)
	at := time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC)
	w := NewWriter(cfg)
	defer closed(t, w)
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
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 4)
	w := NewWriter(cfg)
	defer closed(t, w)
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
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 1)
	w := NewWriter(cfg)
	defer closed(t, w)
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
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 2)
	cfg.MaxMessageBytes = 4 << 20
	w := NewWriter(cfg)
	defer closed(t, w)
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
