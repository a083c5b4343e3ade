package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// fetchBytes is the most one request brings, compressed, unless a single message is larger.
	fetchBytes = 2 << 20
	// fetchWait is how long the broker holds a request when there is nothing new.
	fetchWait = time.Second
	// fetchTimeout is how long a broker may be silent until the connection is given up.
	fetchTimeout = fetchWait + requestTimeout
)

// ErrOffsetOutOfRange says that the log does not hold the offset to be read.
var ErrOffsetOutOfRange = errors.New("the log does not hold this offset")

// Reader reads one partition of one topic in order, never that of another topic made later under the same name. It is
// for one goroutine.
//
// A request names the topic by name. So the leader is asked for the topic's id before each request and once its answer
// has begun, and the answer counts only if the id is the same both times: an id never comes back, so it was the same in
// between. It must be the leader that says so: another broker may know of the new topic before the leader drops the old
// log. One gap is left: a leader that learns of both, the end of the old topic and the new one, in one step knows the
// new id for the moment until it has dropped the old log. Before Kafka 2.8, which has no ids, nothing can tell the two.
type Reader struct {
	client    *Client
	partition Partition
	id        TopicID
	leader    kafka.Broker
	conn      *kafka.Conn  // to the leader; nil while there is none
	batch     *kafka.Batch // the answer being read, nil between answers
	next, end int64
}

// NewReader returns a reader that begins at an offset. It connects at the first Fetch. The id is as TopicIDs gave it.
func (c *Client) NewReader(p Partition, id TopicID, offset int64) *Reader {
	return &Reader{client: c, partition: p, id: id, next: offset}
}

// Next is the offset after the last message that was returned: the one to commit.
func (r *Reader) Next() int64 { return r.next }

// End is the log's end as the last answer gave it; 0 before the first.
func (r *Reader) End() int64 { return r.end }

// Close closes the connection. What came and was not returned is read again by whoever comes next.
func (r *Reader) Close() {
	if r.conn != nil {
		_ = r.conn.Close() // before the answer, of which all the rest would be waited for
	}
	if r.batch != nil {
		_ = r.batch.Close() // it says again what went wrong before
	}
	r.batch, r.conn = nil, nil
}

// Fetch appends up to limit messages, in about up to limitBytes, to buf. It waits at most a second for the first and
// then returns buf as it was. After an error nothing is lost: the next Fetch connects anew and reads on. Two errors do
// not pass by themselves: ErrOffsetOutOfRange when the offset was deleted or never written, and ErrTopicGone when the
// topic was deleted, also when another has its name now.
func (r *Reader) Fetch(ctx context.Context, buf []Message, limit, limitBytes int) ([]Message, error) {
	err := r.connect(ctx)
	if err == nil {
		buf, err = r.fetch(ctx, buf, limit, limitBytes)
	}
	if err == nil {
		return buf, nil
	}
	r.Close()
	if ctx.Err() != nil {
		return buf, ctx.Err()
	}
	return buf, fmt.Errorf("read %s at offset %d: %w", r.partition, r.next, err)
}

func (r *Reader) fetch(ctx context.Context, buf []Message, limit, limitBytes int) ([]Message, error) {
	conn := r.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	silence := time.AfterFunc(fetchTimeout, func() { _ = conn.Close() })
	defer silence.Stop()
	if r.batch == nil {
		if err := r.ask(ctx); err != nil {
			return buf, err
		}
	}
	buf, err := r.read(buf, limit, limitBytes)
	if err == nil {
		return buf, nil
	}
	return buf, r.finish(err)
}

// ask sends one request. When its answer begins, the leader has looked the log up by name, and whether it was the right
// one can be asked.
func (r *Reader) ask(ctx context.Context) error {
	r.batch = r.conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait})
	if err := r.isSame(ctx); err != nil {
		return err
	}
	if r.batch.Err() == nil {
		r.end = r.batch.HighWaterMark()
	}
	return nil
}

// read takes messages from the answer, and is io.EOF at its end.
func (r *Reader) read(buf []Message, limit, limitBytes int) ([]Message, error) {
	for size := 0; limit > 0 && size < limitBytes; limit-- {
		m, err := r.batch.ReadMessage()
		if err != nil {
			return buf, err
		}
		r.next = m.Offset + 1
		if isTransactionMarker(m) {
			continue
		}
		size += len(m.Key) + len(m.Value)
		buf = append(buf, Message{
			Topic: m.Topic, Key: m.Key, Value: m.Value, Time: m.Time, ReceivedAt: receivedAt(m.Headers),
			Partition: m.Partition, Offset: m.Offset,
		})
	}
	return buf, nil
}

// finish ends an answer. The messages read before an error stay read.
func (r *Reader) finish(err error) error {
	if errors.Is(err, io.EOF) {
		r.next = max(r.next, r.batch.Offset()) // past offsets that compaction removed
	}
	if cerr := r.batch.Close(); cerr != nil {
		err = cerr
	}
	r.batch = nil
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, kafka.RequestTimedOut):
		return nil
	case errors.Is(err, kafka.OffsetOutOfRange):
		return ErrOffsetOutOfRange
	}
	return err // where the topic is gone, the next connect says so
}

// isSame asks the leader for the topic's id.
func (r *Reader) isSame(ctx context.Context) error {
	if r.id == (TopicID{}) {
		return nil
	}
	m, err := r.client.describe(ctx, r.client.ids.Broker(r.leader.ID), r.partition.Topic)
	if err != nil {
		return err
	}
	return hasID(m, r.id)
}

func (r *Reader) connect(ctx context.Context) error {
	if r.conn != nil {
		return nil
	}
	leader, err := r.client.leader(ctx, r.partition, r.id)
	if err != nil {
		return err
	}
	r.leader = leader
	if err := r.isSame(ctx); err != nil {
		return err
	}
	dialer, err := r.client.cfg.dialer()
	if err != nil {
		return err
	}
	conn, err := dialer.DialPartition(ctx, "tcp", "",
		kafka.Partition{Topic: r.partition.Topic, ID: r.partition.ID, Leader: leader})
	if err != nil {
		return fmt.Errorf("connect to the leader at %s:%d: %w", leader.Host, leader.Port, r.client.cfg.explain(err))
	}
	if _, err := conn.Seek(r.next, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		_ = conn.Close()
		return err
	}
	r.conn = conn
	return nil
}

// isTransactionMarker tells the record that ends a transaction from a message: kafka-go returns both. Its key is two
// 16-bit numbers, version 0 and abort or commit; its value is a version and a 32-bit epoch. No JSON looks like it.
func isTransactionMarker(m kafka.Message) bool {
	return len(m.Key) == 4 && len(m.Value) == 6 && m.Key[3] <= 1 &&
		bytes.Equal(m.Key[:3], []byte{0, 0, 0}) && bytes.Equal(m.Value[:2], []byte{0, 0})
}
