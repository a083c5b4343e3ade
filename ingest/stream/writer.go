package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// framing is the most a message adds to a request beside its key and value.
const framing = 128

// Writer sends messages. It is safe for concurrent use, and fastest when shared.
type Writer struct {
	limit     int
	err       error // what is wrong with the configuration
	transport *kafka.Transport
	writer    *kafka.Writer
}

// NewWriter returns a writer. It connects at the first Write, which also tells what is wrong with the configuration.
func NewWriter(cfg Config) *Writer {
	t, err := cfg.transport()
	return &Writer{
		limit:     cfg.maxMessageBytes(),
		err:       err,
		transport: t,
		writer: &kafka.Writer{
			Addr: kafka.TCP(cfg.Brokers...),
			// The hash of Kafka's own clients: a lead stays in one partition whoever produces.
			Balancer:     kafka.Murmur2Balancer{Consistent: true},
			RequiredAcks: kafka.RequireAll,
			Compression:  kafka.Lz4,
			// A lone message waits for company this long; the default would be a second.
			BatchTimeout: 5 * time.Millisecond,
			BatchSize:    1000,
			BatchBytes:   int64(cfg.maxMessageBytes()),
			Transport:    t,
		},
	}
}

// WriteError says which messages of one Write were not taken.
type WriteError struct {
	// Errs has one entry a message, in the order of the call; nil where the message was acknowledged.
	Errs []error
}

// Error counts the messages that failed and gives the first cause.
func (e *WriteError) Error() string {
	failed := e.Unwrap()
	return fmt.Sprintf("kafka did not take %d of %d messages, send those again: %v", len(failed), len(e.Errs), failed[0])
}

// Unwrap returns the causes.
func (e *WriteError) Unwrap() []error {
	var failed []error
	for _, err := range e.Errs {
		if err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

// Write sends the messages and blocks until all replicas have acknowledged them. Messages with one key stay in order.
//
// A message that is too large is an error before any is sent. Where only some were taken, the error is a *WriteError.
// Any other error, as when ctx ends, leaves open which were taken. Sending again may write a message twice.
func (w *Writer) Write(ctx context.Context, messages ...Message) error {
	if w.err != nil {
		return w.err
	}
	batch := make([]kafka.Message, len(messages))
	for i, m := range messages {
		if size := len(m.Key) + len(m.Value) + framing; size > w.limit {
			return fmt.Errorf("message %.40q for topic %s has %d bytes, the limit is %d: shorten it, or raise the limit "+
				"here and the topic's max.message.bytes", m.Key, m.Topic, size, w.limit)
		}
		batch[i] = kafka.Message{
			Topic: m.Topic, Key: m.Key, Value: m.Value, Time: m.Time, Headers: receivedHeader(m.ReceivedAt),
		}
	}
	err := w.writer.WriteMessages(ctx, batch...)
	if each, ok := errors.AsType[kafka.WriteErrors](err); ok {
		return &WriteError{Errs: each}
	}
	if err != nil {
		return fmt.Errorf("write to Kafka at %s: %w", w.writer.Addr, err)
	}
	return nil
}

// Close waits for the messages under way and closes the connections.
func (w *Writer) Close() error {
	err := w.writer.Close()
	w.transport.CloseIdleConnections()
	return err
}
