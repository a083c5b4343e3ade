package warehouse_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/ingest"
	"clew/ingest/event"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// cutting answers the first INSERT by what do does with it, and then breaks the connection.
func cutting(p *proxy, do func(w http.ResponseWriter, r *http.Request)) {
	var inserts atomic.Int32
	p.set(func(w http.ResponseWriter, r *http.Request) bool {
		if !isInsert(r) || inserts.Add(1) > 1 {
			return false
		}
		do(w, r)
		panic(http.ErrAbortHandler)
	})
}

// discard is a response that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func nobody() http.ResponseWriter { return discard{http.Header{}} }

// TestAmbiguousInsert loses the answer of an INSERT: after all rows were stored, after some, after half of them
// arrived, and before any did.
func TestAmbiguousInsert(t *testing.T) {
	for name, c := range map[string]struct {
		do       func(t *testing.T, p *proxy, r *http.Request)
		repeated int
	}{
		"all was stored": {repeated: 200, do: func(_ *testing.T, p *proxy, r *http.Request) {
			p.serve(nobody(), r)
		}},
		"half arrived": {do: func(t *testing.T, p *proxy, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body[:len(body)/2]))
			p.serve(nobody(), r)
		}},
		"some months were stored": {repeated: 70, do: func(t *testing.T, p *proxy, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			exec(t, p.db, "INSERT INTO stage_changes (_src, _partition, _offset, _row) SELECT 5, 0, number, 0 FROM numbers(100, 70)")
		}},
		"nothing arrived": {do: func(*testing.T, *proxy, *http.Request) {}},
	} {
		t.Run(name, func(t *testing.T) {
			db, p := served(t, warehousetest.Open(t))
			claim := claimed(t, db, 0)
			written(t, claim, stages(0, 0, 99), 0)
			cutting(p, func(_ http.ResponseWriter, r *http.Request) { c.do(t, p, r) })
			batch := ingest.Batch{Records: stages(0, 100, 299)}
			out, err := claim.Write(t.Context(), batch)
			if err == nil || out.Ambiguous != 1 {
				t.Fatalf("got %+v, %v", out, err)
			}
			written(t, claim, batch.Records, c.repeated)
			wantStages(t, db, 300)
		})
	}
}

// TestAmbiguousInsertThatRunsOn loses the connection while the statement goes on without it: the writer waits for its
// end before it asks what is stored.
func TestAmbiguousInsertThatRunsOn(t *testing.T) {
	db, p := served(t, warehousetest.Open(t))
	claim := claimed(t, db, 0)
	running, looked := make(chan struct{}), make(chan struct{})
	var inserts, looks atomic.Int32
	p.set(func(w http.ResponseWriter, r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if isInsert(r) && inserts.Add(1) == 1 {
			on := r.Clone(t.Context())
			on.Body = io.NopCloser(held{io.MultiReader(bytes.NewReader(body), signal(running)), looked})
			go p.serve(nobody(), on)
			<-running
			panic(http.ErrAbortHandler)
		}
		if bytes.Contains(body, []byte("FROM system.processes")) && looks.Add(1) == 1 {
			p.serve(w, r)
			close(looked)
			return true
		}
		return false
	})
	out, err := claim.Write(t.Context(), ingest.Batch{Records: stages(0, 0, 199)})
	if err == nil || out.Ambiguous != 1 {
		t.Fatalf("got %+v, %v", out, err)
	}
	written(t, claim, stages(0, 0, 199), 200)
	wantStages(t, db, 200)
}

// poison marks records that the table refuses once a constraint is on it.
func poison(t *testing.T, db *warehouse.DB, records []ingest.Record, offsets ...int) {
	t.Helper()
	exec(t, db, "ALTER TABLE stage_changes ADD CONSTRAINT sound CHECK event_id NOT LIKE 'poison%'")
	for _, o := range offsets {
		records[o].Event.Head().EventID = fmt.Sprint("poison", o)
		records[o].Key, records[o].Raw = []byte("key"), fmt.Appendf(nil, `{ "event_id": "poison%d" }`, o)
	}
}

// TestPoisonRows finds three rows that the table refuses among ten thousand. They become dead letters once, the others
// rows once, also when all come again and when the table would take them by then.
func TestPoisonRows(t *testing.T) {
	inBoth(t, func(t *testing.T, db, _ *warehouse.DB) {
		claim := claimed(t, db, 0)
		records := stages(0, 0, 9_999)
		for i := range records { // one month, or each of the statements makes a part for each of 120
			records[i].Event.Head().OccurredAt = occurred
		}
		poison(t, db, records, 0, 5_000, 9_999)
		batch := ingest.Batch{Records: records}
		out, err := claim.Write(t.Context(), batch)
		if err != nil || out.Rejected != 3 {
			t.Fatalf("got %+v, %v", out, err)
		}
		wantPoison(t, db)
		written(t, claim, records, 10_000)
		exec(t, db, "ALTER TABLE stage_changes DROP CONSTRAINT sound")
		written(t, claim, records, 10_000)
		wantPoison(t, db)
	})
}

func wantPoison(t *testing.T, db *warehouse.DB) {
	t.Helper()
	got := query(t, db, "SELECT count(), uniqExact(_offset), countIf(event_id LIKE 'poison%') FROM stage_changes", nil)
	if diff := cmp.Diff([][]any{{uint64(9_997), uint64(9_997), uint64(0)}}, got); diff != "" {
		t.Error(diff)
	}
	var want [][]any
	for _, o := range []int{0, 5_000, 9_999} {
		want = append(want, []any{
			uint64(o), "clew.stages", "rejected_by_warehouse", "key", fmt.Sprintf(`{ "event_id": "poison%d" }`, o), received, true,
		})
	}
	got = query(t, db, `SELECT _offset, topic, reason, key, raw, received_at, detail LIKE '%Constraint `+"`sound`"+`%is violated%'
FROM dead_letters ORDER BY _offset`, nil)
	for i := range got {
		got[i][6] = got[i][6] == true || got[i][6] == uint8(1)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRowThatCannotBeEncoded has a value that the client refuses before anything is sent.
func TestRowThatCannotBeEncoded(t *testing.T) {
	db := warehousetest.Open(t)
	var records []ingest.Record
	for i := range uint64(10) {
		records = append(records, ingest.Record{
			Event: &event.Cost{
				Header: event.Header{EventID: fmt.Sprint(i), OccurredAt: occurred}, Date: "2026-01-01", Channel: "x",
			},
			Position: ingest.Position{Source: 5, Offset: i}, ReceivedAt: received,
		})
	}
	records[4].Event.(*event.Cost).Date = "the first of May"
	out, err := claimed(t, db, 0).Write(t.Context(), ingest.Batch{Records: records})
	if err != nil || out.Rejected != 1 {
		t.Fatalf("got %+v, %v", out, err)
	}
	got := query(t, db, "SELECT _offset, JSONExtractString(raw, 'date'), topic FROM dead_letters", nil)
	if diff := cmp.Diff([][]any{{uint64(4), "the first of May", "clew.costs"}}, got); diff != "" {
		t.Error(diff)
	}
	got = query(t, db, "SELECT groupArraySorted(20)(_offset) FROM costs", nil)
	if diff := cmp.Diff([][]any{{[]uint64{0, 1, 2, 3, 5, 6, 7, 8, 9}}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestTableAtFault has a table that refuses everything: then no row is set aside, and the flow waits.
func TestTableAtFault(t *testing.T) {
	db := warehousetest.Open(t)
	records := stages(0, 0, 299)
	var all []int
	for i := range records {
		all = append(all, i)
	}
	poison(t, db, records, all...)
	claim := claimed(t, db, 0)
	_, err := claim.Write(t.Context(), ingest.Batch{Records: records})
	if err == nil || !strings.Contains(err.Error(), "the table is at fault") || warehouse.ErrorCode(err) != 469 {
		t.Fatalf("got %v", err)
	}
	if got := query(t, db, "SELECT count() FROM dead_letters", nil); !cmp.Equal(got, [][]any{{uint64(0)}}) {
		t.Errorf("dead letters: %v", got)
	}
	exec(t, db, "ALTER TABLE stage_changes DROP CONSTRAINT sound")
	written(t, claim, records, 0)
	wantStages(t, db, 300)
}

// TestErrorsNameTheirRemedy fails a write by an error that somebody can mend; then nothing is set aside.
func TestErrorsNameTheirRemedy(t *testing.T) {
	db, p := served(t, warehousetest.Open(t))
	claim := claimed(t, db, 0)
	for code, remedy := range map[int]string{
		252: "merges are behind", 241: "memory is short", 243: "disk is full", 164: "may only read", 242: "Keeper",
		774: "made read-only", 246: "DETACH PART",
	} {
		p.set(func(w http.ResponseWriter, r *http.Request) bool {
			if !isInsert(r) {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("X-ClickHouse-Exception-Code", fmt.Sprint(code))
			http.Error(w, fmt.Sprintf("Code: %d. DB::Exception: No. (NAME)", code), http.StatusInternalServerError)
			return true
		})
		out, err := claim.Write(t.Context(), ingest.Batch{Records: stages(0, 0, 9)})
		if err == nil || !strings.Contains(err.Error(), remedy) || warehouse.ErrorCode(err) != code || out.Ambiguous != 0 {
			t.Errorf("code %d: got %+v, %v", code, out, err)
		}
	}
	p.set(func(http.ResponseWriter, *http.Request) bool { return false })
	written(t, claim, stages(0, 0, 9), 0)
	wantStages(t, db, 10)
	p.server.Close()
	_, err := claim.Write(t.Context(), ingest.Batch{Records: stages(0, 10, 19)})
	if err == nil || !strings.Contains(err.Error(), "check that ClickHouse runs") {
		t.Errorf("got %v", err)
	}
}

// TestReached asks where to go on after rows were lost in each way.
func TestReached(t *testing.T) {
	db := warehousetest.Open(t)
	claim := claimed(t, db, 0, 1, 2, 3, 4)
	records := slices.Concat(stages(0, 0, 99), stages(1, 0, 49), stages(1, 60, 89), stages(2, 10, 20))
	letter := ingest.DeadLetter{Topic: "clew.stages", Position: ingest.Position{Source: 5, Partition: 2, Offset: 21}}
	batch := ingest.Batch{Records: records, DeadLetters: []ingest.DeadLetter{letter}}
	if _, err := claim.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	log := func(p uint32) ingest.Log { return ingest.Log{Source: 5, Partition: p} }
	got, err := claim.Reached(t.Context(), map[ingest.Log]ingest.Span{
		log(0): {First: 0, Next: 100}, // complete
		log(1): {First: 0, Next: 100}, // the end is lost, and some before
		log(2): {First: 10, Next: 22}, // ends in a dead letter
		log(3): {First: 7, Next: 30},  // all is lost
		log(4): {First: 0, Next: 0},   // never was anything
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[ingest.Log]uint64{log(0): 100, log(1): 50, log(2): 22, log(3): 7, log(4): 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
