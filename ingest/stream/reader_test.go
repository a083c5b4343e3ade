package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// newReader reads the topic that has the name now.
func newReader(t *testing.T, c *Client, p Partition, offset int64) *Reader {
	t.Helper()
	ids, err := c.TopicIDs(t.Context(), []string{p.Topic})
	if err != nil {
		t.Fatal(err)
	}
	return c.NewReader(p, ids[p.Topic], offset)
}

func TestReaderReadsInPieces(t *testing.T) {
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 1)
	var texts []string
	for i := range 2500 {
		texts = append(texts, fmt.Sprint(i))
	}
	write(t, cfg, topic, texts...)
	r := newReader(t, newClient(t, cfg), Partition{topic, 0}, 7) // in the middle of a compressed batch
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
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 1)
	write(t, cfg, topic, strings.Repeat("a", 1000), strings.Repeat("b", 1000), strings.Repeat("c", 1000))
	r := newReader(t, newClient(t, cfg), Partition{topic, 0}, 0)
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
	defer closed(t, b)
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
		r := newReader(t, c, Partition{topic, 0}, offset)
		_, err := r.Fetch(t.Context(), nil, 10, 1000)
		r.Close()
		if errors.Is(err, ErrOffsetOutOfRange) == inRange || inRange && err != nil {
			t.Errorf("offset %d: %v", offset, err)
		}
	}
}

func TestReaderEndsWithItsContext(t *testing.T) {
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 1)
	r := newReader(t, newClient(t, cfg), Partition{topic, 0}, 0)
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
	cfg := anyBroker(t)
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
	c := newClient(t, cfg)
	awaitEnd(t, c, Partition{topic, 0}, 2) // Apache Kafka writes the marker after it has answered
	write(t, cfg, topic, "after")
	got := readAll(t, c, Partition{topic, 0})
	if !slices.Equal(values(got), []string{"in", "after"}) || got[1].Offset != 2 {
		t.Errorf("got %q, the last at offset %d", values(got), got[len(got)-1].Offset)
	}
}

// awaitEnd waits until a log has grown to an offset.
func awaitEnd(t *testing.T, c *Client, p Partition, offset int64) {
	t.Helper()
	for end := int64(-1); end < offset; {
		ranges, err := c.Offsets(t.Context(), []Partition{p})
		if err != nil {
			t.Fatal(err)
		}
		end = ranges[p].End
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
	r := newReader(t, newClient(t, cfg), Partition{topic, 0}, 0)
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
	defer closed(t, again)
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

// stalling is a connection whose other end falls silent after so many bytes.
type stalling struct {
	net.Conn
	left   int
	closed chan struct{}
	once   sync.Once
}

func (s *stalling) Read(p []byte) (int, error) {
	if s.left == 0 {
		<-s.closed
		return 0, net.ErrClosed
	}
	n, err := s.Conn.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

func (s *stalling) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Conn.Close()
}

// A broker that falls silent in the middle of an answer keeps nobody from closing a reader.
func TestReaderClosesInTheMiddleOfAnAnswer(t *testing.T) {
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 1)
	write(t, cfg, topic, "first")
	noise := make([]byte, 200_000) // which does not compress
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	write(t, cfg, topic, string(noise))
	r := newReader(t, newClient(t, cfg), Partition{topic, 0}, 0)
	defer r.Close()
	if err := r.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = r.conn.Close()
	conn, err := net.Dial("tcp", net.JoinHostPort(r.leader.Host, strconv.Itoa(r.leader.Port)))
	if err != nil {
		t.Fatal(err)
	}
	silent := &stalling{Conn: conn, left: 50_000, closed: make(chan struct{})}
	r.conn = kafka.NewConnWith(silent, kafka.ConnConfig{ClientID: clientID, Topic: topic})
	if _, err := r.conn.Seek(0, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Fetch(t.Context(), nil, 1, 1000); err != nil || !slices.Equal(values(got), []string{"first"}) {
		t.Fatalf("got %q, %v", values(got), err)
	}
	waited := time.AfterFunc(time.Minute, func() { _ = silent.Close() })
	r.Close()
	if !waited.Stop() {
		t.Error("the reader waited for the rest of the answer")
	}
}
