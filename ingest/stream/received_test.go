package stream

import (
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// A message that is sent again keeps both its times apart.
func TestReceivedAtTravels(t *testing.T) {
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 1)
	first := time.Date(2019, 3, 1, 12, 0, 0, 5e6, time.FixedZone("", 8*60*60))
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w := NewWriter(cfg)
	defer closed(t, w)
	err := w.Write(t.Context(),
		Message{Topic: topic, Value: []byte("again"), Time: at, ReceivedAt: first},
		Message{Topic: topic, Value: []byte("first"), Time: at})
	if err != nil {
		t.Fatal(err)
	}
	got := readAll(t, newClient(t, cfg), Partition{topic, 0})
	if len(got) != 2 || !got[0].ReceivedAt.Equal(first) || !got[0].Time.Equal(at) || !got[1].ReceivedAt.IsZero() {
		t.Errorf("got %+v", got)
	}
}

// A header that is no time must not make a message one of the year 1.
func TestReceivedAtThatIsNone(t *testing.T) {
	for _, text := range []string{"", "yesterday", "2026-13-01T00:00:00Z"} {
		if got := receivedAt([]kafka.Header{{Key: receivedKey, Value: []byte(text)}}); !got.IsZero() {
			t.Errorf("%q is %v", text, got)
		}
	}
}
