package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// fetchBytes is the most one request brings, compressed, unless a single message is larger.
	fetchBytes = 2 << 20
	// fetchWait is how long the broker holds a request when there is nothing new.
	fetchWait = time.Second
	// fetchTimeout is how long a broker may be silent until the connection is given up.
	fetchTimeout = fetchWait + requestTimeout
	// fetchByID is the version from which on a fetch names the topic by its id alone: Kafka 3.1.
	fetchByID = 13
)

// ErrOffsetOutOfRange says that the log does not hold the offset to be read.
var ErrOffsetOutOfRange = errors.New("the log does not hold this offset")

// Reader reads one partition of one topic in order, never that of another topic made later under the same name. It is
// for one goroutine.
//
// What it returns was the topic's with its id for certain. From Kafka 3.1 on the request names the id and the leader
// compares it with that of its log. Before, back to 2.8, the request names the topic by name; there the leader is asked
// for the id before a request and after its answer, and the answer counts only if it is the same both times: an id
// never comes back, so it was the same in between. The answer must be the leader's: another broker may know of the new
// topic before the leader drops the old log. Before 2.8 nothing can tell the two.
type Reader struct {
	client    *Client
	partition Partition
	id        TopicID
	conn      *kgo.Client // to the leader; nil while there is none
	asked     bool        // the leader was asked for the id over conn
	decoder   kgo.Decompressor
	// batches are what came and is not decoded, as it was sent; messages what is decoded and not returned, up to the
	// offset decoded.
	batches  []byte
	messages []*kgo.Record
	decoded  int64

	next, end int64
}

// NewReader returns a reader that begins at an offset. It connects at the first Fetch. The id is as TopicIDs gave it.
func (c *Client) NewReader(p Partition, id TopicID, offset int64) *Reader {
	return &Reader{client: c, partition: p, id: id, decoder: kgo.DefaultDecompressor(), next: offset, decoded: offset}
}

// Next is the offset after the last message that was returned: the one to commit.
func (r *Reader) Next() int64 { return r.next }

// End is the log's end as the last answer gave it; 0 before the first.
func (r *Reader) End() int64 { return r.end }

// Close closes the connection. What came and was not returned is read again by whoever comes next.
func (r *Reader) Close() {
	if r.conn != nil {
		r.conn.Close()
	}
	r.conn, r.batches, r.messages, r.decoded = nil, nil, nil, r.next
}

// Fetch appends up to limit messages, in about up to limitBytes, to buf. It waits at most a second for the first and
// then returns buf as it was. After an error nothing is lost: the next Fetch connects anew and reads on. Two errors do
// not pass by themselves: ErrOffsetOutOfRange when the offset was deleted or never written, and ErrTopicGone when the
// topic was deleted, also when another has its name now.
func (r *Reader) Fetch(ctx context.Context, buf []Message, limit, limitBytes int) ([]Message, error) {
	var err error
	if len(r.messages) == 0 && len(r.batches) == 0 {
		err = r.ask(ctx)
	}
	for size := 0; err == nil && limit > 0 && size < limitBytes; {
		if len(r.messages) == 0 {
			if len(r.batches) == 0 {
				break
			}
			err = r.decode()
			continue
		}
		m := r.messages[0]
		r.messages = r.messages[1:]
		r.advance(m.Offset + 1)
		size += len(m.Key) + len(m.Value)
		limit--
		buf = append(buf, Message{
			Topic: m.Topic, Key: m.Key, Value: m.Value, Time: m.Timestamp, ReceivedAt: receivedAt(m.Headers),
			Partition: int(m.Partition), Offset: m.Offset,
		})
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

// advance moves on, with the last message of a batch past the offsets at its end that hold none: those of transaction
// markers and those that compaction removed.
func (r *Reader) advance(next int64) {
	if len(r.messages) == 0 {
		next = max(next, r.decoded)
	}
	r.next = next
}

// decode takes the next batch of the answer: one at a time, for a batch may grow manyfold when decompressed.
func (r *Reader) decode() error {
	const header = 12 // offset and length
	size := len(r.batches)
	if size >= header {
		size = header + int(int32(binary.BigEndian.Uint32(r.batches[8:])))
	}
	if size < header || size > len(r.batches) {
		r.batches = nil // the broker cuts an answer off at its size, within a batch
		return nil
	}
	part := kmsg.NewFetchResponseTopicPartition()
	part.Partition, part.RecordBatches = int32(r.partition.ID), r.batches[:size]
	r.batches = r.batches[size:]
	found, next := kgo.ProcessFetchPartition(
		kgo.ProcessFetchPartitionOpts{Topic: r.partition.Topic, Partition: part.Partition, Offset: r.next},
		&part, r.decoder, nil)
	if found.Err != nil {
		return fmt.Errorf("a batch cannot be decoded: %w", found.Err)
	}
	r.messages, r.decoded = found.Records, next
	if len(r.messages) == 0 {
		r.advance(r.next)
	}
	return nil
}

// ask sends one request and keeps its answer.
func (r *Reader) ask(ctx context.Context) error {
	if err := r.connect(ctx); err != nil {
		return err
	}
	req := r.request()
	limited, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	res, err := req.RequestWith(limited, r.conn.SeedBrokers()[0])
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(res.ErrorCode); err != nil {
		return err
	}
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return errors.New("kafka answered for other partitions than it was asked for")
	}
	if res.Version < fetchByID && r.id != (TopicID{}) {
		counts := r.asked
		if err := r.isSame(ctx); err != nil || !counts {
			return err
		}
	}
	part := res.Topics[0].Partitions[0]
	switch err := kerr.ErrorForCode(part.ErrorCode); {
	case errors.Is(err, kerr.OffsetOutOfRange):
		return ErrOffsetOutOfRange
	case err != nil:
		return err // if it is the id that is unknown, the next connect says so
	}
	r.end, r.batches = part.HighWatermark, part.RecordBatches
	return nil
}

func (r *Reader) request() *kmsg.FetchRequest {
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.FetchOffset, part.PartitionMaxBytes = int32(r.partition.ID), r.next, fetchBytes
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID, topic.Partitions = r.partition.Topic, r.id, append(topic.Partitions, part)
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = int32(fetchWait.Milliseconds()), 1, fetchBytes
	req.Topics = append(req.Topics, topic)
	return req
}

// isSame asks the leader for the topic's id, after an answer to a request that could not name it. It is the question
// before the next request too.
func (r *Reader) isSame(ctx context.Context) error {
	m, err := r.client.describe(ctx, r.conn.SeedBrokers()[0], r.partition.Topic)
	if err != nil {
		return err
	}
	r.asked = true
	return hasID(m, r.id)
}

func (r *Reader) connect(ctx context.Context) error {
	if r.conn != nil {
		return nil
	}
	addr, err := r.client.leader(ctx, r.partition, r.id)
	if err != nil {
		return err
	}
	opts, err := r.client.cfg.idOptions(addr)
	if err != nil {
		return err
	}
	r.asked = false
	if r.conn, err = kgo.NewClient(opts...); err != nil {
		return fmt.Errorf("connect to the leader at %s: %w", addr, err)
	}
	return nil
}
