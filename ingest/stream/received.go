package stream

import (
	"time"

	"github.com/segmentio/kafka-go"
)

// receivedKey is the header that carries Message.ReceivedAt, as RFC 3339.
const receivedKey = "clew-received-at"

func receivedHeader(t time.Time) []kafka.Header {
	if t.IsZero() {
		return nil
	}
	return []kafka.Header{{Key: receivedKey, Value: t.UTC().AppendFormat(nil, time.RFC3339Nano)}}
}

// receivedAt is zero where there is no header, or one that cannot be read: the message's own time then stands.
func receivedAt(headers []kafka.Header) time.Time {
	for _, h := range headers {
		if h.Key != receivedKey {
			continue
		}
		if t, err := time.Parse(time.RFC3339Nano, string(h.Value)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
