package warehouse_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/ingest"
	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// topics starts a broker with the event topics.
func topics(t *testing.T, partitions int) stream.Config {
	t.Helper()
	b, err := stream.StartBroker(stream.BrokerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg := stream.Config{Brokers: []string{b.Addr()}}
	if err := stream.EnsureTopics(t.Context(), cfg, event.Topics(), partitions); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// produce sends stage changes numbered from first to last, without last; every hundredth is no event.
func produce(t *testing.T, cfg stream.Config, first, last int) {
	t.Helper()
	w := stream.NewWriter(cfg)
	var messages []stream.Message
	for i := first; i < last; i++ {
		m := stream.Message{Topic: event.Topic(event.TypeStage), Key: fmt.Append(nil, i%31), Value: []byte("{")}
		if i%100 != 0 {
			var err error
			m.Value, err = event.Encode(&event.Stage{
				Header: event.Header{EventID: fmt.Sprint(i), LeadID: fmt.Sprint(i % 31), OccurredAt: occurred.AddDate(0, -i%7, 0)},
				Stage:  "mql",
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		messages = append(messages, m)
	}
	if err := w.Write(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// ingested runs ingest until everything is committed.
func ingested(t *testing.T, cfg ingest.Config) ingest.Snapshot {
	t.Helper()
	cfg.Now, cfg.FlushEvery, cfg.Stats = time.Now, 20*time.Millisecond, &ingest.Stats{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ingest.Run(ctx, cfg) }()
	limited, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	if err := ingest.CaughtUp(limited, cfg); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return cfg.Stats.Snapshot()
}

// wantNumbers checks the oracle: the table holds n numbers once each, and the dead letters those that are no events.
func wantNumbers(t *testing.T, db *warehouse.DB, n int) {
	t.Helper()
	got := query(t, db, `SELECT count(), uniqExact(_src, _partition, _offset, _row), uniqExact(event_id),
max(toUInt64(event_id)), countIf(toUInt64(event_id) % 100 = 0) FROM stage_changes`, nil)
	good := uint64(n - (n+99)/100)
	if diff := cmp.Diff([][]any{{good, good, good, uint64(n - 1), uint64(0)}}, got); diff != "" {
		t.Errorf("rows, different positions, different ids, last id, bad ids:\n%s", diff)
	}
	got = query(t, db, "SELECT count(), uniqExact(_src, _partition, _offset, _row) FROM dead_letters", nil)
	bad := uint64((n + 99) / 100)
	if diff := cmp.Diff([][]any{{bad, bad}}, got); diff != "" {
		t.Errorf("dead letters:\n%s", diff)
	}
}

// TestRewoundHintStoresNothingTwice reads everything again, as when the group's offset went back.
func TestRewoundHintStoresNothingTwice(t *testing.T) {
	inBoth(t, func(t *testing.T, db, other *warehouse.DB) {
		kafka := topics(t, 3)
		produce(t, kafka, 0, 2000)
		ingested(t, ingest.Config{Stream: kafka, Sink: db.Sink()})
		wantNumbers(t, db, 2000)
		produce(t, kafka, 2000, 2500)
		// A group without offsets begins where a hint may be rewound to at most: at the beginning.
		got := ingested(t, ingest.Config{Stream: kafka, Sink: other.Sink(), Group: "rewound"})
		wantNumbers(t, db, 2500)
		if got.Repeated != 2000 || got.Rows+got.DeadLetters[event.ReasonMalformedJSON] != 2500 {
			t.Errorf("%+v", got)
		}
	})
}

// TestMembersComeAndGo lets a second process join and leave in the middle of its work, again and again. Every time the
// partitions move both ways, and each owner fences off the one before.
func TestMembersComeAndGo(t *testing.T) {
	engine := warehousetest.Open(t)
	db, _ := served(t, engine)
	other, _ := served(t, engine)
	kafka := topics(t, 4)
	stats := &ingest.Stats{}
	run := func(db *warehouse.DB, onFlush func(ingest.Progress)) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		cfg := ingest.Config{
			Stream: kafka, Sink: db.Sink(), Now: time.Now, FlushEvery: 5 * time.Millisecond, MaxRows: 200,
			OnFlush: onFlush, Stats: stats,
		}
		go func() { ended <- ingest.Run(ctx, cfg) }()
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	produce(t, kafka, 0, 3000)
	stop := run(db, nil)
	n := 3000
	for range 4 {
		assigned, flushed := make(chan struct{}, 1), make(chan struct{}, 1)
		stopOther := run(other, func(p ingest.Progress) {
			tell := flushed
			if p.Records == 0 {
				tell = assigned
			}
			if p.End > 0 {
				select {
				case tell <- struct{}{}:
				default:
				}
			}
		})
		<-assigned
		produce(t, kafka, n, n+3000)
		n += 3000
		<-flushed
		stopOther() // with more to write
	}
	limited, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	if err := ingest.CaughtUp(limited, ingest.Config{Stream: kafka}); err != nil {
		t.Error(err)
	}
	stop()
	wantNumbers(t, db, n)
	if got := stats.Snapshot(); got.Rebalances < 8 {
		t.Errorf("the partitions hardly moved: %+v", got)
	}
}

// TestRestoredBackupIsRefilled takes rows away that the group has committed.
func TestRestoredBackupIsRefilled(t *testing.T) {
	for name, loss := range map[string]string{
		"the end":    "DELETE FROM stage_changes WHERE _offset >= 120 SETTINGS lightweight_deletes_sync = 2",
		"everything": "TRUNCATE TABLE stage_changes",
	} {
		t.Run(name, func(t *testing.T) {
			db, _ := served(t, warehousetest.Open(t)) // a process that starts anew does not know what its tables held
			kafka := topics(t, 3)
			produce(t, kafka, 0, 1000)
			cfg := ingest.Config{Stream: kafka, Sink: db.Sink()}
			ingested(t, cfg)
			exec(t, db, loss)
			exec(t, db, "TRUNCATE TABLE dead_letters")
			for i := range 3 * 31 { // something new in every partition, or the group counts as caught up already
				produce(t, kafka, 1000+i, 1001+i)
			}
			got := ingested(t, cfg)
			wantNumbers(t, db, 1093)
			if got.Rewinds == 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// ingestChild ingests from a broker, and prints a line for each flush. To drain is to go on until the group has caught
// up, and to print what is stored then.
func ingestChild(ctx context.Context, db *warehouse.DB, broker, group string, drain bool) error {
	cfg := ingest.Config{
		Stream: stream.Config{Brokers: []string{broker}}, Group: group, Sink: db.Sink(), Now: time.Now, MaxRows: 300,
		FlushEvery: 10 * time.Millisecond, Stats: &ingest.Stats{},
		OnFlush: func(p ingest.Progress) {
			if p.Records > 0 {
				fmt.Println("flushed")
			}
		},
	}
	if !drain {
		return ingest.Run(ctx, cfg)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- ingest.Run(ctx, cfg) }()
	if err := ingest.CaughtUp(ctx, cfg); err != nil {
		return err
	}
	cancel()
	if err := <-ended; err != nil {
		return err
	}
	return printOracle(ctx, db, cfg.Stats.Snapshot())
}

func printOracle(ctx context.Context, db *warehouse.DB, s ingest.Snapshot) error {
	var got []oracle
	err := db.Select(context.WithoutCancel(ctx), &got, `SELECT count() AS rows,
uniqExact(_src, _partition, _offset, _row) AS positions, uniqExact(event_id) AS ids,
(SELECT count() FROM dead_letters) AS letters,
(SELECT uniqExact(_src, _partition, _offset, _row) FROM dead_letters) AS letter_positions
FROM stage_changes`, nil)
	if err == nil {
		fmt.Println("oracle", got[0].Rows, got[0].Positions, got[0].IDs, got[0].Letters, got[0].LetterPositions, s.Repeated)
	}
	return err
}

// oracle is what is stored: rows, their different positions and event ids, dead letters and their positions.
type oracle struct {
	Rows            uint64 `ch:"rows"`
	Positions       uint64 `ch:"positions"`
	IDs             uint64 `ch:"ids"`
	Letters         uint64 `ch:"letters"`
	LetterPositions uint64 `ch:"letter_positions"`
}

// TestKillNineUnderLoad kills a process with ingest, the sink and the engine in it at random moments while a backlog is
// drained. Some successors go on at the group's offset, others have lost it and begin anew.
func TestKillNineUnderLoad(t *testing.T) {
	warehousetest.Open(t)
	const n = 40_000
	kafka := topics(t, 3)
	produce(t, kafka, 0, n)
	dir, dice := t.TempDir(), rand.New(rand.NewPCG(7, 7))
	for round, group := range []string{"a", "a", "b", "c", "d", "e"} {
		child, lines := startChild(t, dir, "ingest", kafka.Brokers[0], group, "on")
		for range 1 + dice.IntN(5) {
			if !lines.Scan() || lines.Text() != "flushed" {
				t.Fatalf("round %d: the process ended: %s", round, lines.Text())
			}
		}
		if err := child.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // until it is gone
			continue
		}
		_ = child.Wait()
	}
	child, lines := startChild(t, dir, "ingest", kafka.Brokers[0], "f", "drain")
	var got oracle
	var repeated uint64
	for lines.Scan() {
		_, _ = fmt.Sscanf(lines.Text(), "oracle %d %d %d %d %d %d",
			&got.Rows, &got.Positions, &got.IDs, &got.Letters, &got.LetterPositions, &repeated)
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	const bad = n / 100
	want := oracle{Rows: n - bad, Positions: n - bad, IDs: n - bad, Letters: bad, LetterPositions: bad}
	if got != want {
		t.Errorf("stored %+v, want %+v", got, want)
	}
	if repeated == 0 {
		t.Error("no row was offered again: the kills came too late or too soon")
	}
	t.Logf("%d rows were offered again at the end", repeated)
}
