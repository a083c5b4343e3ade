package warehouse_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/ingest"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// proxy stands between a warehouse that takes the engine for a server and the engine.
type proxy struct {
	db     *warehouse.DB
	server *httptest.Server
	// meddle is asked about each request; true means that it has answered. It may be nil.
	meddle atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
}

// served puts the engine behind a socket, and opens the database there.
func served(t testing.TB, db *warehouse.DB) (*warehouse.DB, *proxy) {
	t.Helper()
	p := &proxy{db: db}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if meddle := p.meddle.Load(); meddle == nil || !(*meddle)(w, r) {
			p.serve(w, r)
		}
	}))
	p.server = server
	t.Cleanup(server.Close)
	name := query(t, db, "SELECT currentDatabase()", nil)[0][0].(string)
	over, err := warehouse.Open(t.Context(), warehouse.Config{DSN: server.URL + "/" + name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := over.Close(); err != nil {
			t.Error(err)
		}
	})
	return over, p
}

func (p *proxy) serve(w http.ResponseWriter, r *http.Request) {
	res, err := warehouse.EngineOf(p.db).RoundTrip(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer res.Body.Close()
	maps.Copy(w.Header(), res.Header)
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
}

// set has the requests meddled with.
func (p *proxy) set(meddle func(w http.ResponseWriter, r *http.Request) bool) {
	p.meddle.Store(&meddle)
}

func isInsert(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Query().Get("query"), "INSERT INTO stage_changes")
}

// stageLogs are the partitions of stage's records.
func stageLogs(partitions ...uint32) (logs []ingest.Log) {
	for _, p := range partitions {
		logs = append(logs, ingest.Log{Source: 5, Partition: p})
	}
	return logs
}

func claimed(t *testing.T, db *warehouse.DB, partitions ...uint32) ingest.Claim {
	t.Helper()
	c, err := db.Sink().(ingest.Claimer).Claim(t.Context(), stageLogs(partitions...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// written writes records and checks how many were held already.
func written(t *testing.T, c ingest.Claim, records []ingest.Record, repeated int) {
	t.Helper()
	got, err := c.Write(t.Context(), ingest.Batch{Records: records})
	if err != nil {
		t.Fatal(err)
	}
	if want := (ingest.Outcome{Repeated: repeated}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// wantStages checks that the table holds each of the first n offsets of partition 0 once.
func wantStages(t *testing.T, db *warehouse.DB, n int) {
	t.Helper()
	got := query(t, db, "SELECT count(), uniqExact(_partition, _offset), max(_offset) FROM stage_changes", nil)
	if diff := cmp.Diff([][]any{{uint64(n), uint64(n), uint64(n - 1)}}, got); diff != "" {
		t.Errorf("rows, different positions, last offset:\n%s", diff)
	}
}

// inBoth runs a test with the engine in process, and with a server that two processes use.
func inBoth(t *testing.T, test func(t *testing.T, db, other *warehouse.DB)) {
	t.Run("in process", func(t *testing.T) {
		db := warehousetest.Open(t)
		test(t, db, db)
	})
	t.Run("server", func(t *testing.T) {
		engine := warehousetest.Open(t)
		db, _ := served(t, engine)
		other, _ := served(t, engine)
		test(t, db, other)
	})
}

func TestALaterClaimEndsAnEarlier(t *testing.T) {
	inBoth(t, func(t *testing.T, db, other *warehouse.DB) {
		first := claimed(t, db, 0, 1)
		written(t, first, stages(0, 0, 99), 0)
		second := claimed(t, other, 1, 2)
		// Partition 0 is still the first's, but a generation ends as a whole.
		out, err := first.Write(t.Context(), ingest.Batch{Records: stages(0, 100, 199)})
		if !errors.Is(err, ingest.ErrFenced) || out != (ingest.Outcome{}) {
			t.Fatalf("got %+v, %v", out, err)
		}
		wantStages(t, db, 100)
		third := claimed(t, db, 0, 1, 2)
		if _, err := second.Write(t.Context(), ingest.Batch{Records: stages(1, 0, 9)}); !errors.Is(err, ingest.ErrFenced) {
			t.Fatalf("got %v", err)
		}
		written(t, third, stages(0, 50, 199), 50)
		wantStages(t, db, 200)
		got := query(t, db, `SELECT _partition, groupArraySorted(9)(epoch), min(at) > '2026-01-01' AS dated
FROM ingest_fence GROUP BY _partition ORDER BY _partition`, nil)
		want := [][]any{
			{uint32(0), []uint64{1, 2}, uint8(1)}, {uint32(1), []uint64{1, 2, 3}, uint8(1)}, {uint32(2), []uint64{1, 2}, uint8(1)},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOneOfManyClaimsWins has claims made at the same time: at most one of them holds, and it writes.
func TestOneOfManyClaimsWins(t *testing.T) {
	db, _ := served(t, warehousetest.Open(t))
	const claimers = 8
	claims := make(chan ingest.Claim, claimers)
	for range claimers {
		go func() {
			c, err := db.Sink().(ingest.Claimer).Claim(t.Context(), stageLogs(0))
			if err != nil && !errors.Is(err, ingest.ErrFenced) {
				t.Error(err)
			}
			claims <- c
		}()
	}
	var all []ingest.Claim
	for range claimers {
		if c := <-claims; c != nil {
			all = append(all, c)
		}
	}
	holders := 0
	for _, c := range all {
		_, err := c.Write(t.Context(), ingest.Batch{Records: stages(0, 0, 99)})
		if err == nil {
			holders++
		} else if !errors.Is(err, ingest.ErrFenced) {
			t.Error(err)
		}
	}
	if holders > 1 {
		t.Errorf("%d claims hold", holders)
	}
	if holders == 0 { // the largest owner failed to see its own claim as the largest: nobody may hold, and one tries again
		written(t, claimed(t, db, 0), stages(0, 0, 99), 0)
	}
	wantStages(t, db, 100)
}

// pausedWrite begins a write and returns when it stands at a place. It goes on when wake is closed; ended has its error.
func pausedWrite(
	t *testing.T, claim ingest.Claim, at string, records []ingest.Record,
) (wake chan<- struct{}, ended <-chan error) {
	t.Helper()
	paused, woken, failed := make(chan struct{}), make(chan struct{}), make(chan error)
	warehouse.Look(claim, func(_ context.Context, where string) {
		if where == at {
			close(paused)
			<-woken
		}
	})
	go func() {
		_, err := claim.Write(t.Context(), ingest.Batch{Records: records})
		failed <- err
	}()
	<-paused
	return woken, failed
}

// TestZombieIsFenced stops an owner when its INSERT is prepared, lets another take over and go on, and wakes it.
func TestZombieIsFenced(t *testing.T) {
	inBoth(t, func(t *testing.T, db, other *warehouse.DB) {
		zombie := claimed(t, db, 0)
		written(t, zombie, stages(0, 0, 99), 0)
		wake, ended := pausedWrite(t, zombie, warehouse.BeforeCheck, stages(0, 100, 299))
		owner := claimed(t, other, 0)
		done := make(chan struct{})
		go func() {
			defer close(done)
			written(t, owner, stages(0, 50, 399), 50)
			written(t, owner, stages(0, 400, 499), 0)
		}()
		if warehouse.EngineOf(db) == nil {
			<-done // toward a server it goes on while the zombie sleeps; in process it waits for the zombie
		}
		close(wake)
		if err := <-ended; !errors.Is(err, ingest.ErrFenced) {
			t.Errorf("the zombie got %v", err)
		}
		<-done
		wantStages(t, db, 500)
	})
}

// TestZombieInProcessIsWaitedFor stops an owner between its look at the fence and its INSERT.
func TestZombieInProcessIsWaitedFor(t *testing.T) {
	db := warehousetest.Open(t)
	zombie := claimed(t, db, 0)
	wake, ended := pausedWrite(t, zombie, warehouse.BeforeSend, stages(0, 0, 199))
	owner := claimed(t, db, 0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		written(t, owner, stages(0, 0, 299), 200)
	}()
	close(wake)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	<-done
	wantStages(t, db, 300)
}

// TestClaimKillsAnInsertThatHangs takes over while the earlier owner's INSERT never ends.
func TestClaimKillsAnInsertThatHangs(t *testing.T) {
	db, p := served(t, warehousetest.Open(t))
	other, q := served(t, p.db)
	defer warehouse.KillSoon(2)()
	zombie := claimed(t, db, 0)
	end := endsAfter(t, "KILL QUERY", p, q)
	ended := make(chan error)
	go func() {
		_, err := zombie.Write(t.Context(), ingest.Batch{Records: stages(0, 0, 199)})
		ended <- err
	}()
	<-end.running
	owner := claimed(t, other, 0)
	if err := <-ended; err == nil {
		t.Error("the INSERT was not killed")
	}
	written(t, owner, stages(0, 0, 299), 0)
	if _, err := zombie.Write(t.Context(), ingest.Batch{Records: stages(0, 300, 300)}); !errors.Is(err, ingest.ErrFenced) {
		t.Errorf("got %v", err)
	}
	wantStages(t, db, 300)
}

// held is a body that ends when it may.
type held struct {
	io.Reader
	end <-chan struct{}
}

func (h held) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if n == 0 && err != nil {
		<-h.end
	}
	return n, err
}

// TestClaimWaitsForARunningInsert takes over while the earlier owner's rows are on their way.
func TestClaimWaitsForARunningInsert(t *testing.T) {
	db, p := served(t, warehousetest.Open(t))
	other, q := served(t, p.db)
	zombie := claimed(t, db, 0)
	end := endsAfter(t, "FROM system.processes", p, q)
	ended := make(chan error)
	go func() {
		_, err := zombie.Write(t.Context(), ingest.Batch{Records: stages(0, 0, 199)})
		ended <- err
	}()
	<-end.running
	owner := claimed(t, other, 0)
	wantStages(t, db, 200) // the claim waited for them
	if err := <-ended; err != nil {
		t.Error(err)
	}
	written(t, owner, stages(0, 0, 299), 200)
	wantStages(t, db, 300)
}

// ending is an INSERT that runs, and ends after another statement.
type ending struct{ running, other chan struct{} }

// endsAfter has the first INSERT hang until a statement with the text was answered.
func endsAfter(t *testing.T, statement string, proxies ...*proxy) ending {
	t.Helper()
	e := ending{make(chan struct{}), make(chan struct{})}
	var inserts, looks atomic.Int32
	p := proxies[0]
	meddle := func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case isInsert(r) && inserts.Add(1) == 1:
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(held{io.MultiReader(bytes.NewReader(body), signal(e.running)), e.other})
			p.serve(w, r)
			return true
		case r.Body != nil:
			text, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(text))
			if bytes.Contains(text, []byte(statement)) && looks.Add(1) == 1 {
				p.serve(w, r)
				close(e.other)
				return true
			}
		}
		return false
	}
	for _, p := range proxies {
		p.set(meddle)
	}
	return e
}

// signal is an empty reader that closes c when it is reached.
func signal(c chan struct{}) io.Reader {
	return readerFunc(func([]byte) (int, error) { close(c); return 0, io.EOF })
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Whether a log has rows from an offset on is asked by a span of that offset alone.
func TestReachedTellsWhetherThereIsMore(t *testing.T) {
	db := warehousetest.Open(t)
	claim := claimed(t, db, 0, 1)
	if _, err := claim.Write(t.Context(), ingest.Batch{Records: slices.Concat(stages(0, 0, 9), stages(1, 20, 29))}); err != nil {
		t.Fatal(err)
	}
	for p, spans := range map[uint32]map[ingest.Span]uint64{
		0: {{First: 10, Next: 11}: 10, {First: 9, Next: 10}: 10, {First: 3, Next: 4}: 4},
		1: {{First: 30, Next: 31}: 30, {First: 5, Next: 6}: 6},
	} {
		for span, want := range spans {
			log := ingest.Log{Source: 5, Partition: p}
			got, err := claim.Reached(t.Context(), map[ingest.Log]ingest.Span{log: span})
			if err != nil || got[log] != want {
				t.Errorf("partition %d, %+v: got %d, %v; want %d", p, span, got[log], err, want)
			}
		}
	}
}
