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

// TestTopicMadeAgain deletes the topics and makes them anew, shorter than what was read of them, as long and longer, with
// the group's offsets gone and with those that were, as in a cluster that restores them: every message of the old topics
// and of the new is stored once.
func TestTopicMadeAgain(t *testing.T) {
	n, _ := size(t, 50_000, 1)
	for name, fresh := range map[string]int{"shorter": n / 10, "as long": n, "longer": n + n/2} {
		for _, kept := range []bool{false, true} {
			fault := "topic made again, " + name
			if kept {
				fault += ", offsets kept"
			}
			t.Run(fault, func(t *testing.T) {
				brokers := []string{startBroker(t).addr}
				c := embeddedSink(brokers, t.TempDir())
				produce(t, brokers, 0, n)
				finish(t, c)
				before := ranges(t, brokers)
				remake(t, brokers)
				produce(t, brokers, n, n+fresh)
				for p, r := range before {
					if !kept {
						break
					}
					if err := kafkatest.Commit(t.Context(), brokers[0], group, p.Topic, p.ID, r.End); err != nil {
						t.Fatal(err)
					}
				}
				last := start(t, c)
				last.expect(t, "flush") // the first is empty, and says that the group's offsets are where the tables are
				caughtUp(t, brokers)
				last.stop(t)
				judgeRows(t, fault, c, n+fresh)
			})
		}
	}
}

// TestTopicMadeAgainUnderWay does the same while ingest runs.
func TestTopicMadeAgainUnderWay(t *testing.T) {
	n, rounds := size(t, 50_000, 10)
	brokers := []string{startBroker(t).addr}
	c := embeddedSink(brokers, t.TempDir())
	produce(t, brokers, 0, n)
	p := start(t, c)
	sent := n
	for i := range rounds {
		caughtUp(t, brokers)
		remake(t, brokers)
		// Each is longer than the one before: an old offset of the group is not the end of the new log.
		fresh := n + (i+1)*n/10
		produce(t, brokers, sent, sent+fresh)
		sent += fresh
	}
	caughtUp(t, brokers)
	p.stop(t)
	judgeRows(t, "topic made again under way", c, sent)
}

// remake deletes the topics; produce makes them again.
func remake(t *testing.T, brokers []string) {
	t.Helper()
	if err := kafkatest.DeleteTopics(t.Context(), brokers[0]); err != nil {
		t.Fatal(err)
	}
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
	var rows, positions, ids int
	onEngine(t, c, func(db *warehouse.DB) {
		rows = one(t, db, "SELECT count() AS n FROM "+stored, nil)
		positions = one(t, db, "SELECT uniqExact(_src, _partition, _offset, _row) AS n FROM "+stored, nil)
		ids = one(t, db, "SELECT uniqExact(id) AS n FROM "+stored, nil)
	})
	v := verdict{fault: fault, runs: 1, events: want, lost: max(0, want-min(ids, positions)), doubled: rows - positions}
	note(t, v)
	if positions > want || ids != positions {
		t.Errorf("%d events at %d positions, want %d", ids, positions, want)
	}
}
