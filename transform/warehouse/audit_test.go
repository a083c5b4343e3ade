package warehouse_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/ingest"
	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// audited is a warehouse with what Kafka holds: in clew.stages 200 messages of which every tenth is no event, in two
// partitions of a hundred.
type audited struct {
	db     *warehouse.DB
	broker *stream.Broker
	cfg    ingest.Config
}

func newAudited(t *testing.T) audited {
	t.Helper()
	db := warehousetest.Open(t)
	b, err := stream.StartBroker(stream.BrokerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	a := audited{db: db, broker: b, cfg: ingest.Config{
		Stream: stream.Config{Brokers: []string{b.Addr()}}, Sink: db.Sink(), Now: time.Now,
		FlushEvery: 10 * time.Millisecond,
	}}
	if err := stream.EnsureTopics(t.Context(), a.cfg.Stream, event.Topics(), 2); err != nil {
		t.Fatal(err)
	}
	// Of the keys a and d each goes to another partition.
	var messages []stream.Message
	for i := range 200 {
		value := fmt.Sprintf(`{"event_id":"e%d","occurred_at":"2026-0%d-01T00:00:00Z","lead_id":"L","stage":"mql"}`, i, 1+i%5)
		if i%20 >= 18 {
			value = fmt.Sprintf(`{"event_id":"e%d"`, i)
		}
		messages = append(messages, stream.Message{Topic: "clew.stages", Key: []byte{"ad"[i%2]}, Value: []byte(value)})
	}
	a.send(t, messages...)
	a.drain(t)
	return a
}

func (a audited) send(t *testing.T, messages ...stream.Message) {
	t.Helper()
	w := stream.NewWriter(a.cfg.Stream)
	if err := w.Write(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// drain runs ingest until it has stored what there is.
func (a audited) drain(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ingest.Run(ctx, a.cfg) }()
	err := ingest.CaughtUp(t.Context(), a.cfg)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// verify returns what was found of clew.stages, and requires of the other topics that there is nothing to find.
func (a audited) verify(t *testing.T, o ingest.VerifyOptions) []ingest.Verified {
	t.Helper()
	all, err := ingest.Verify(t.Context(), a.cfg, a.db.Audit(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2*len(event.Topics()) {
		t.Errorf("%d partitions were verified", len(all))
	}
	var stages []ingest.Verified
	for _, v := range all {
		if v.Topic == "clew.stages" {
			stages = append(stages, v)
		} else if v.Messages != 0 || v.Rows != 0 || !v.Right() {
			t.Errorf("an empty topic: %+v", v)
		}
	}
	return stages
}

// right is a partition of a hundred messages where nothing is wrong.
func right(partition int) ingest.Verified {
	return ingest.Verified{
		Topic: "clew.stages", Partition: partition, End: 100, Committed: 100, Messages: 100, Rows: 100,
		Gaps: []ingest.OffsetRange{}, Doubles: []ingest.OffsetRange{},
	}
}

func wantVerified(t *testing.T, want, got []ingest.Verified) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// stored counts rows, positions and dead letters.
func (a audited) stored(t *testing.T) [][]any {
	t.Helper()
	return query(t, a.db, `SELECT count(), uniqExact(_src, _partition, _offset, _row),
		(SELECT count() FROM dead_letters), (SELECT uniqExact(_src, _partition, _offset, _row) FROM dead_letters)
		FROM stage_changes`, nil)
}

var allStored = [][]any{{uint64(180), uint64(180), uint64(20), uint64(20)}}

// lose deletes what was stored, as a failing disk would.
func (a audited) lose(t *testing.T, table, where string) {
	t.Helper()
	exec(t, a.db, "ALTER TABLE "+table+" DELETE WHERE "+where+" SETTINGS mutations_sync = 2")
}

func TestVerifyWhatIsRight(t *testing.T) {
	a := newAudited(t)
	for _, window := range []uint64{0, 7, 100} {
		var done, total int64
		got := a.verify(t, ingest.VerifyOptions{Window: window, OnProgress: func(d, n int64) { done, total = d, n }})
		wantVerified(t, []ingest.Verified{right(0), right(1)}, got)
		if done != 200 || total != 200 {
			t.Errorf("window %d: %d of %d offsets were compared", window, done, total)
		}
	}
}

func TestVerifyFindsGapsAndRepairsThem(t *testing.T) {
	a := newAudited(t)
	want := right(0)
	want.Gaps = []ingest.OffsetRange{{First: 0, Last: 0}, {First: 5, Last: 12}, {First: 98, Last: 99}}
	want.Missing, want.Rows = 11, 89
	// 9, 99 and others hold no event, so their rows are dead letters.
	for _, table := range []string{"stage_changes", "dead_letters"} {
		a.lose(t, table, "_partition = 0 AND (_offset = 0 OR _offset BETWEEN 5 AND 12 OR _offset >= 98)")
	}
	for _, window := range []uint64{0, 10} {
		wantVerified(t, []ingest.Verified{want, right(1)}, a.verify(t, ingest.VerifyOptions{Window: window}))
	}
	if want.Right() {
		t.Error("a gap counts as right")
	}

	want.Repaired, want.Rows = 11, 100
	wantVerified(t, []ingest.Verified{want, right(1)}, a.verify(t, ingest.VerifyOptions{Repair: true, Window: 7}))
	if !want.Right() {
		t.Error("a repaired gap counts as wrong")
	}
	for range 2 {
		wantVerified(t, []ingest.Verified{right(0), right(1)}, a.verify(t, ingest.VerifyOptions{Repair: true}))
	}
	if diff := cmp.Diff(allStored, a.stored(t)); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	// What was repaired is what was lost.
	got := query(t, a.db, `SELECT count() FROM stage_changes
		WHERE event_id = concat('e', toString(2 * _offset + if(_partition = {b:UInt32}, 1, 0)))`,
		warehouse.Params{"b": a.partitionOf(t, "e1")})
	if diff := cmp.Diff([][]any{{uint64(180)}}, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func (a audited) partitionOf(t *testing.T, eventID string) uint32 {
	t.Helper()
	rows := query(t, a.db, "SELECT _partition FROM stage_changes WHERE event_id = {id:String}", warehouse.Params{"id": eventID})
	return rows[0][0].(uint32)
}

func TestVerifyFindsDoubles(t *testing.T) {
	a := newAudited(t)
	exec(t, a.db, "INSERT INTO stage_changes SELECT * FROM stage_changes WHERE _partition = 1 AND _offset IN (3, 4, 5, 50)")
	exec(t, a.db, "INSERT INTO dead_letters SELECT * FROM dead_letters WHERE _partition = 1 AND _offset IN (9, 99)")
	exec(t, a.db, "INSERT INTO dead_letters SELECT * FROM dead_letters WHERE _partition = 1 AND _offset = 99 LIMIT 1")
	// An event that is a dead letter too.
	exec(t, a.db, `INSERT INTO dead_letters (topic, reason, received_at, _src, _partition, _offset, _row)
		SELECT 'clew.stages', 'x', received_at, _src, _partition, _offset, _row FROM stage_changes
		WHERE _partition = 1 AND _offset = 6`)
	want := right(1)
	want.Doubles = []ingest.OffsetRange{
		{First: 3, Last: 6}, {First: 9, Last: 9}, {First: 50, Last: 50}, {First: 99, Last: 99},
	}
	want.Doubled, want.Rows = 7, 108
	for _, o := range []ingest.VerifyOptions{{}, {Window: 4}, {Repair: true}, {Repair: true}} {
		wantVerified(t, []ingest.Verified{right(0), want}, a.verify(t, o))
	}
	if want.Right() {
		t.Error("a double counts as right")
	}
}

// What the group has not committed is on its way, not missing.
func TestVerifyTellsLagFromLoss(t *testing.T) {
	a := newAudited(t)
	a.send(t,
		stream.Message{Topic: "clew.stages", Key: []byte("a"), Value: []byte("{")},
		stream.Message{Topic: "clew.stages", Key: []byte("d"), Value: []byte("{")},
		stream.Message{Topic: "clew.stages", Key: []byte("d"), Value: []byte("{")})
	p := a.partitionOf(t, "e0")
	want := []ingest.Verified{right(0), right(1)}
	want[p].Lag, want[p].End, want[p].Messages = 1, 101, 101
	want[1-p].Lag, want[1-p].End, want[1-p].Messages = 2, 102, 102
	for range 2 {
		wantVerified(t, want, a.verify(t, ingest.VerifyOptions{Repair: true}))
	}
	if diff := cmp.Diff(allStored, a.stored(t)); diff != "" {
		t.Errorf("a repair stored what was not lost, want (-), got (+):\n%s", diff)
	}

	other := a
	other.cfg.Group = "another"
	want = []ingest.Verified{right(0), right(1)}
	want[p].Lag, want[p].End, want[p].Messages, want[p].Committed = 1, 101, 101, -1
	want[1-p].Lag, want[1-p].End, want[1-p].Messages, want[1-p].Committed = 2, 102, 102, -1
	wantVerified(t, want, other.verify(t, ingest.VerifyOptions{}))
}

// Rows outlive their messages, and stay verified: a double among them is found too.
func TestVerifyAfterRetentionAndBeyondTheEnd(t *testing.T) {
	a := newAudited(t)
	const beyond = `INSERT INTO stage_changes (workspace, event_id, occurred_at, _src, _partition, _offset)
		SELECT '', '', '2026-01-01', any(_src), 0, {offset:UInt64} FROM stage_changes`
	for _, offset := range []int{100, 105} {
		if err := a.db.Exec(t.Context(), beyond, warehouse.Params{"offset": offset}); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, a.db, "INSERT INTO stage_changes SELECT * FROM stage_changes WHERE _partition = 0 AND _offset = 10")
	a.lose(t, "stage_changes", "_partition = 0 AND _offset IN (20, 90)")
	p := stream.Partition{Topic: "clew.stages", ID: 0}
	if err := a.broker.Trim(t.Context(), map[stream.Partition]int64{p: 40}); err != nil {
		t.Fatal(err)
	}
	want := right(0)
	want.First, want.Messages, want.Rows, want.Kept, want.Beyond = 40, 60, 101, 40, 2
	want.Doubled, want.Doubles = 1, []ingest.OffsetRange{{First: 10, Last: 10}}
	want.Missing, want.Gaps = 1, []ingest.OffsetRange{{First: 90, Last: 90}}
	for _, window := range []uint64{0, 1} {
		wantVerified(t, []ingest.Verified{want, right(1)}, a.verify(t, ingest.VerifyOptions{Window: window}))
	}
}

// A repair takes the partition from the Run that owns it, which takes it back and goes on.
func TestVerifyRepairsBesideARun(t *testing.T) {
	a := newAudited(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var stats ingest.Stats
	running := a.cfg
	running.Stats = &stats
	assigned := make(chan struct{}, 1000)
	running.OnFlush = func(ingest.Progress) { assigned <- struct{}{} }
	go func() { ended <- ingest.Run(ctx, running) }()
	<-assigned
	a.lose(t, "stage_changes", "_offset < 8")
	beside := a.cfg
	beside.Sink = a.db.Sink()
	a.cfg = beside
	got := a.verify(t, ingest.VerifyOptions{Repair: true})
	for i, v := range got {
		if v.Missing != 8 || v.Repaired != 8 || v.Rows != 100 {
			t.Errorf("partition %d: %+v", i, v)
		}
	}
	a.send(t,
		stream.Message{Topic: "clew.stages", Key: []byte("a"), Value: []byte("{")},
		stream.Message{Topic: "clew.stages", Key: []byte("d"), Value: []byte("{")})
	err := ingest.CaughtUp(t.Context(), a.cfg)
	stop()
	if err := <-ended; err != nil || stats.Snapshot().FenceAborts == 0 {
		t.Errorf("%v, %d fence aborts", err, stats.Snapshot().FenceAborts)
	}
	if err != nil {
		t.Fatal(err)
	}
	want := []ingest.Verified{right(0), right(1)}
	for i := range want {
		want[i].End, want[i].Committed, want[i].Messages, want[i].Rows = 101, 101, 101, 101
	}
	wantVerified(t, want, a.verify(t, ingest.VerifyOptions{Repair: true}))
}
