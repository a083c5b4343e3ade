package faulttest

import (
	"strings"
	"testing"

	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/ingest/stream/kafkatest"
	"clew/transform/warehouse"
)

// TestRetentionOvertakes deletes what was not read: the process must halt with nothing skipped, and go on once told to.
func TestRetentionOvertakes(t *testing.T) {
	n, _ := size(t, 50_000, 1)
	const deleted = 10
	brokers := []string{startBroker(t).addr}
	c := embeddedSink(brokers, t.TempDir())
	produce(t, brokers, 0, n)
	finish(t, c)
	p := stream.Partition{Topic: event.Topic(event.TypeStage)}
	first := ranges(t, brokers)[p].End + deleted
	produce(t, brokers, n, 2*n)
	if err := kafkatest.Trim(t.Context(), brokers[0], p.Topic, p.ID, first); err != nil {
		t.Fatal(err)
	}
	halts(t, c, p.Topic, "10 messages were deleted")
	// The operator decides: go on where the log begins. What was deleted is gone, the rest is stored once.
	if err := kafkatest.Commit(t.Context(), brokers[0], group, p.Topic, p.ID, first); err != nil {
		t.Fatal(err)
	}
	finish(t, c)
	judgeRows(t, "retention overtakes: halts", c, 2*n-deleted)
}

// TestTopicMadeAgain deletes the topics and makes them anew, shorter than what was read of them, while the group's offsets
// stay, as in a cluster that restores them: the process must halt.
func TestTopicMadeAgain(t *testing.T) {
	n, _ := size(t, 50_000, 1)
	brokers := []string{startBroker(t).addr}
	c := embeddedSink(brokers, t.TempDir())
	produce(t, brokers, 0, n)
	finish(t, c)
	before := ranges(t, brokers)
	if err := kafkatest.DeleteTopics(t.Context(), brokers[0]); err != nil {
		t.Fatal(err)
	}
	produce(t, brokers, n, n+n/10)
	for p, r := range before {
		if err := kafkatest.Commit(t.Context(), brokers[0], group, p.Topic, p.ID, r.End); err != nil {
			t.Fatal(err)
		}
	}
	halts(t, c, "the topic was deleted and made again")
	judgeRows(t, "topic made again: halts", c, n)
}

// halts starts a process that must refuse to go on, with these words.
func halts(t *testing.T, c child, words ...string) {
	t.Helper()
	p := launch(t, c)
	said := strings.Join(p.expect(t, "failed"), " ")
	p.gone()
	for _, w := range append(words, "the log does not hold what is to be read next") {
		if !strings.Contains(said, w) {
			t.Fatalf("%q is not in: %s", w, said)
		}
	}
}

// judgeRows counts where Kafka no longer holds all it held.
func judgeRows(t *testing.T, fault string, c child, want int) {
	t.Helper()
	engine := start(t, child{Role: "engine", Dir: c.DSN[len("embedded:"):], Addr: "127.0.0.1:0"})
	defer engine.stop(t)
	db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: "http://" + engine.addr})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows := one(t, db, "SELECT count() AS n FROM "+stored, nil)
	positions := one(t, db, "SELECT uniqExact(_src, _partition, _offset, _row) AS n FROM "+stored, nil)
	v := verdict{fault: fault, runs: 1, events: want, lost: max(0, want-positions), doubled: rows - positions}
	note(t, v)
	if positions > want {
		t.Errorf("%d positions, want %d", positions, want)
	}
}
