package stream

import (
	"errors"
	"slices"
	"testing"

	"clew/ingest/stream/kafkatest"
)

// oldBroker imitates one of an earlier version of Kafka.
func oldBroker(t *testing.T, version string) Config {
	t.Helper()
	c, err := kafkatest.StartOld(version)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return Config{Brokers: c.Addrs()}
}

func deleteTopics(t *testing.T, cfg Config) {
	t.Helper()
	if err := kafkatest.DeleteTopics(t.Context(), cfg.Brokers[0]); err != nil {
		t.Fatal(err)
	}
}

func TestTopicMadeAgainHasAnotherID(t *testing.T) {
	cfg := anyBroker(t)
	topic := createTopic(t, cfg, 1)
	c := newClient(t, cfg)
	before, err := c.TopicIDs(t.Context(), []string{topic})
	if err != nil || before[topic] == (TopicID{}) {
		t.Fatal(before, err)
	}
	deleteTopics(t, cfg)
	if _, err := c.TopicIDs(t.Context(), []string{topic}); !errors.Is(err, ErrNoTopic) {
		t.Errorf("of a topic that is gone: %v", err)
	}
	createTopic(t, cfg, 1)
	after, err := c.TopicIDs(t.Context(), []string{topic})
	if err != nil || after[topic] == (TopicID{}) || after[topic] == before[topic] {
		t.Errorf("before %x, after %x, %v", before, after, err)
	}
}

// A reader never returns a message of another log than its own, of whatever version the broker is, and whether or not
// it has returned all of the answer that it had.
func TestReaderKeepsToItsTopic(t *testing.T) {
	old := func(t *testing.T) Config { return oldBroker(t, "2.8") } // the first with ids
	for name, test := range map[string]struct {
		broker               func(*testing.T) Config
		readToEnd, madeAgain bool
	}{
		"today":                      {broker: anyBroker, madeAgain: true},
		"today, read to the end":     {broker: anyBroker, madeAgain: true, readToEnd: true},
		"today, deleted for good":    {broker: anyBroker},
		"Kafka 2.8":                  {broker: old, madeAgain: true},
		"Kafka 2.8, read to the end": {broker: old, madeAgain: true, readToEnd: true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := test.broker(t)
			topic := createTopic(t, cfg, 1)
			write(t, cfg, topic, "old 1", "old 2", "old 3")
			c := newClient(t, cfg)
			connected, fresh := newReader(t, c, Partition{topic, 0}, 0), newReader(t, c, Partition{topic, 0}, 1)
			defer connected.Close()
			defer fresh.Close()
			got := fetchOne(t, connected)
			if test.readToEnd {
				got = append(got, fetchOne(t, connected)...)
				got = append(got, fetchOne(t, connected)...)
			}
			deleteTopics(t, cfg)
			if test.madeAgain {
				createTopic(t, cfg, 1)
				write(t, cfg, topic, "new 1", "new 2", "new 3", "new 4")
			}
			// What had come before may still be returned; then it ends.
			for range 20 {
				var err error
				if got, err = connected.Fetch(t.Context(), got, 1, 1000); errors.Is(err, ErrTopicGone) {
					break
				}
			}
			if want := []string{"old 1", "old 2", "old 3"}; !slices.Equal(values(got), want) {
				t.Errorf("got %q", values(got))
			}
			if again, err := connected.Fetch(t.Context(), nil, 1, 1000); len(again) != 0 || !errors.Is(err, ErrTopicGone) {
				t.Errorf("at last %q, %v", values(again), err)
			}
			if none, err := fresh.Fetch(t.Context(), nil, 1, 1000); len(none) != 0 || !errors.Is(err, ErrTopicGone) {
				t.Errorf("a reader that had not connected got %q, %v", values(none), err)
			}
		})
	}
}

// fetchOne waits for one message.
func fetchOne(t *testing.T, r *Reader) []Message {
	t.Helper()
	for {
		got, err := r.Fetch(t.Context(), nil, 1, 1000)
		if err != nil || len(got) > 1 {
			t.Fatal(len(got), err)
		}
		if len(got) == 1 {
			return got
		}
	}
}

// Before Kafka 2.8 topics have no ids, and reading works all the same.
func TestReaderWithoutTopicIDs(t *testing.T) {
	cfg := oldBroker(t, "2.7")
	topic := createTopic(t, cfg, 1)
	write(t, cfg, topic, "a", "b")
	c := newClient(t, cfg)
	ids, err := c.TopicIDs(t.Context(), []string{topic})
	if err != nil || len(ids) != 1 || ids[topic] != (TopicID{}) {
		t.Errorf("ids %x, %v", ids, err)
	}
	if got := values(readAll(t, c, Partition{topic, 0})); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}
