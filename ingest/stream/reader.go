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

// Reader reads one partition in order. It is for one goroutine.
type Reader struct {
	client    *Client
	partition Partition
	conn      *kafka.Conn
	batch     *kafka.Batch // the answer being read, nil between answers
	next, end int64
}

// NewReader returns a reader that begins at an offset. It connects at the first Fetch.
func (c *Client) NewReader(p Partition, offset int64) *Reader {
	return &Reader{client: c, partition: p, next: offset}
}

// Next is the offset after the last message that was returned: the one to commit.
func (r *Reader) Next() int64 { return r.next }

// End is the log's end as the last answer gave it; 0 before the first.
func (r *Reader) End() int64 { return r.end }

// Close closes the connection.
func (r *Reader) Close() {
	if r.batch != nil {
		_ = r.batch.Close() // what was not returned is read again by whoever comes next
	}
	if r.conn != nil {
		_ = r.conn.Close()
	}
	r.batch, r.conn = nil, nil
}

// Fetch appends up to limit messages, in about up to limitBytes, to buf. It waits at most a second for the first and
// then returns buf as it was. After an error nothing is lost: the next Fetch connects anew and reads on. Its error is
// ErrOffsetOutOfRange when the offset was deleted or never written; that does not pass by itself.
func (r *Reader) Fetch(ctx context.Context, buf []Message, limit, limitBytes int) ([]Message, error) {
	if err := r.connect(ctx); err != nil {
		return buf, err
	}
	conn := r.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	silence := time.AfterFunc(fetchTimeout, func() { _ = conn.Close() })
	defer silence.Stop()
	if r.batch == nil {
		r.batch = conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait})
		if r.batch.Err() == nil {
			r.end = r.batch.HighWaterMark()
		}
	}
	buf, more, err := r.read(buf, limit, limitBytes)
	if more {
		return buf, nil
	}
	return buf, r.finish(ctx, err)
}

func (r *Reader) read(buf []Message, limit, limitBytes int) (_ []Message, more bool, _ error) {
	for size := 0; limit > 0 && size < limitBytes; limit-- {
		m, err := r.batch.ReadMessage()
		if err != nil {
			return buf, false, err
		}
		r.next = m.Offset + 1
		if isTransactionMarker(m) {
			continue
		}
		size += len(m.Key) + len(m.Value)
		buf = append(buf, Message{
			Topic: m.Topic, Key: m.Key, Value: m.Value, Time: m.Time, Partition: m.Partition, Offset: m.Offset,
		})
	}
	return buf, true, nil
}

// finish ends an answer. The messages read before an error stay read.
func (r *Reader) finish(ctx context.Context, err error) error {
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
		err = ErrOffsetOutOfRange
	}
	r.Close()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("read %s at offset %d: %w", r.partition, r.next, err)
}

func (r *Reader) connect(ctx context.Context) error {
	if r.conn != nil {
		return nil
	}
	p, err := r.client.leader(ctx, r.partition)
	if err != nil {
		return err
	}
	dialer, err := r.client.cfg.dialer()
	if err != nil {
		return err
	}
	conn, err := dialer.DialPartition(ctx, "tcp", "", p)
	if err != nil {
		return fmt.Errorf("connect to the leader of %s at %s:%d: %w",
			r.partition, p.Leader.Host, p.Leader.Port, r.client.cfg.explain(err))
	}
	if _, err := conn.Seek(r.next, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		_ = conn.Close()
		return fmt.Errorf("seek %s to offset %d: %w", r.partition, r.next, err)
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
