package warehouse_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"clew/ingest"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// pausing pauses an owner's INSERT where takeOver is to be called once. Running says that the warehouse runs the
// statement by then, so that the next owner waits for its end.
type pausing struct {
	running bool
	at      func(t *testing.T, zombie ingest.Claim, p *proxy, takeOver func())
}

// pauses are all the places that an INSERT by HTTP passes.
var pauses = map[string]pausing{
	"before the request": {at: func(_ *testing.T, zombie ingest.Claim, _ *proxy, takeOver func()) {
		warehouse.Look(zombie, func(_ context.Context, where string) {
			if where == warehouse.BeforeSend {
				takeOver()
			}
		})
	}},
	"request under way": {at: func(_ *testing.T, _ ingest.Claim, p *proxy, takeOver func()) {
		onInsert(p, func(w http.ResponseWriter, r *http.Request) {
			takeOver()
			p.serve(w, r)
		})
	}},
	"half the rows under way": {running: true, at: func(t *testing.T, _ ingest.Claim, p *proxy, takeOver func()) {
		onInsert(p, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			half := len(body) / 2
			over := readerFunc(func([]byte) (int, error) { takeOver(); return 0, io.EOF })
			r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:half]), over, bytes.NewReader(body[half:])))
			p.serve(w, r)
		})
	}},
	"answer under way": {at: func(_ *testing.T, _ ingest.Claim, p *proxy, takeOver func()) {
		onInsert(p, func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			p.serve(answer, r)
			takeOver()
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes())
		})
	}},
}

// onInsert has do answer the next INSERT.
func onInsert(p *proxy, do func(w http.ResponseWriter, r *http.Request)) {
	var inserts atomic.Int32
	p.set(func(w http.ResponseWriter, r *http.Request) bool {
		first := isInsert(r) && inserts.Add(1) == 1
		if first {
			do(w, r)
		}
		return first
	})
}

// TestZombieByHTTP pauses an owner at each place that its INSERT passes, has another claim the partition and store the
// same rows, and wakes it: 200 times in all. Each row is there once.
func TestZombieByHTTP(t *testing.T) {
	const rounds, rows = 50, 20
	for name, pause := range pauses {
		t.Run(name, func(t *testing.T) {
			db, p := served(t, warehousetest.Open(t))
			other, _ := served(t, p.db)
			for i := range uint64(rounds) {
				records := stages(0, i*rows, i*rows+rows-1)
				for j := range records { // one month, for speed
					records[j].Event.Head().OccurredAt = occurred
				}
				zombie, stored := claimed(t, db, 0), make(chan error, 1)
				pause.at(t, zombie, p, func() { replace(t, other, records, i+1, stored, pause.running) })
				_, err := zombie.Write(t.Context(), ingest.Batch{Records: records})
				if err != nil && !errors.Is(err, ingest.ErrFenced) {
					t.Fatalf("pause %d: the zombie got %v", i, err)
				}
				if err := <-stored; err != nil {
					t.Fatalf("pause %d: the next owner got %v", i, err)
				}
			}
			wantStages(t, db, rounds*rows)
		})
	}
}

// replace claims the partition for another and stores the records. Where the zombie's INSERT runs it returns once the
// claim is in the fence: the rest waits for that INSERT.
func replace(
	t *testing.T, db *warehouse.DB, records []ingest.Record, nth uint64, stored chan error, running bool,
) {
	t.Helper()
	go func() {
		claim, err := db.Sink().(ingest.Claimer).Claim(t.Context(), stageLogs(0))
		if err == nil {
			_, err = claim.Write(t.Context(), ingest.Batch{Records: records})
		}
		stored <- err
	}()
	for seen := uint64(0); running && seen != 2*nth; {
		seen = query(t, db, "SELECT max(epoch) FROM ingest_fence", nil)[0][0].(uint64)
	}
	if !running {
		stored <- <-stored
	}
}

// TestLateInsert has an INSERT arrive when its writer has long given it up, as after the network was cut: the writer has
// stored the rows anew by then.
func TestLateInsert(t *testing.T) {
	db, p := served(t, warehousetest.Open(t))
	claim := claimed(t, db, 0)
	written(t, claim, stages(0, 0, 99), 0)
	late := make(chan func() int, 1)
	onInsert(p, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		late <- func() int {
			again, answer := r.Clone(t.Context()), httptest.NewRecorder()
			again.Body = io.NopCloser(bytes.NewReader(body))
			p.serve(answer, again)
			return answer.Code
		}
		panic(http.ErrAbortHandler)
	})
	out, err := claim.Write(t.Context(), ingest.Batch{Records: stages(0, 100, 199)})
	if err == nil || out.Ambiguous != 1 {
		t.Fatalf("got %+v, %v", out, err)
	}
	written(t, claim, stages(0, 100, 199), 0)
	if code := (<-late)(); code != http.StatusInternalServerError {
		t.Errorf("the late INSERT got %d", code)
	}
	written(t, claim, stages(0, 200, 299), 0)
	wantStages(t, db, 300)
}
