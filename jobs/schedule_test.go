package jobs

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"clew/transform/warehouse/warehousetest"
)

// gate is a job that says when it starts and waits to be let go.
type gate struct {
	entered chan struct{}
	leave   chan struct{}
	inside  atomic.Int32
	most    atomic.Int32
}

func newGate() *gate { return &gate{entered: make(chan struct{}), leave: make(chan struct{})} }

func (g *gate) job() job {
	return job{"gate", nil, "gate", func(context.Context, time.Time) (uint64, error) {
		if n := g.inside.Add(1); n > g.most.Load() {
			g.most.Store(n)
		}
		defer g.inside.Add(-1)
		g.entered <- struct{}{}
		<-g.leave
		return 1, nil
	}}
}

// started is a Jobs with a gate for its only job and a clock of its own, in Start until stop is called.
type started struct {
	*Jobs
	*gate
	clock *clockwork.FakeClock
	stop  context.CancelFunc
	ended chan error
}

func start(t *testing.T, j *Jobs) *started {
	t.Helper()
	s := &started{Jobs: j, gate: newGate(), clock: clockwork.NewFakeClock(), ended: make(chan error, 1)}
	j.jobs, j.clock = []job{s.job()}, s.clock
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	go func() { s.ended <- j.Start(ctx) }()
	return s
}

// enter waits for a run to begin.
func (s *started) enter(t *testing.T) {
	t.Helper()
	select {
	case <-s.entered:
	case err := <-s.ended:
		t.Fatalf("Start returned before the run: %v", err)
	}
}

// tick lets the time between two runs go by, once the scheduler waits for it.
func (s *started) tick(t *testing.T) {
	t.Helper()
	if err := s.clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(s.cfg.Every)
}

// tickUntilEntered goes on ticking because a run counts as under way for a moment after it has left the gate, and
// what is due in that moment lapses.
func (s *started) tickUntilEntered(t *testing.T) {
	t.Helper()
	for {
		select {
		case <-s.entered:
			return
		default:
			s.tick(t)
		}
	}
}

func TestScheduleRunsAtOnceAndAgain(t *testing.T) {
	db := warehousetest.Open(t)
	s := start(t, newJobs(t, db, nil))
	s.enter(t)
	for range 2 {
		s.leave <- struct{}{}
		s.tickUntilEntered(t)
	}
	s.stop()
	select {
	case err := <-s.ended:
		t.Fatalf("Start returned during a run: %v", err)
	default:
	}
	s.leave <- struct{}{}
	if err := <-s.ended; err != nil {
		t.Fatal(err)
	}
	wantRecords(t, db, "gate schedule ok 1", "gate schedule ok 1", "gate schedule ok 1")
}

// TestNeverTwoRunsAtOnce lets scheduled runs come due and runs on demand be asked for while one is under way.
func TestNeverTwoRunsAtOnce(t *testing.T) {
	db := warehousetest.Open(t)
	s := start(t, newJobs(t, db, nil))
	s.enter(t)
	demanded := make(chan error, 2)
	for range 2 {
		go func() { demanded <- s.RunAll(t.Context(), TriggerDemand) }()
	}
	// Three are due while the first is under way; none of them may start.
	for range 3 {
		s.tick(t)
	}
	runs := 1
	for done := 0; done < 2; {
		select {
		case s.leave <- struct{}{}:
		case <-s.entered:
			runs++
		case err := <-demanded:
			if err != nil {
				t.Fatal(err)
			}
			done++
		}
	}
	s.stop()
	for ended := false; !ended; {
		select {
		case s.leave <- struct{}{}:
		case <-s.entered:
			runs++
		case err := <-s.ended:
			if err != nil {
				t.Fatal(err)
			}
			ended = true
		}
	}
	if s.most.Load() != 1 {
		t.Errorf("%d runs at once", s.most.Load())
	}
	if got := len(records(t, db)); got != runs || runs < 3 {
		t.Errorf("%d runs on record, %d seen, want the same and at least 3", got, runs)
	}
	for _, r := range records(t, db) {
		if r.Status != statusOK {
			t.Errorf("left on record: %+v", r)
		}
	}
}

// TestStopWaitsForRunOnDemand ends the schedule while a run on demand is under way.
func TestStopWaitsForRunOnDemand(t *testing.T) {
	s := start(t, newJobs(t, warehousetest.Open(t), nil))
	s.enter(t)
	s.leave <- struct{}{}
	demanded := make(chan error, 1)
	go func() { demanded <- s.RunAll(t.Context(), TriggerDemand) }()
	s.enter(t)
	s.stop()
	s.leave <- struct{}{}
	for range 2 {
		select {
		case err := <-demanded:
			if err != nil {
				t.Error(err)
			}
		case err := <-s.ended:
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// TestStartClosesInterruptedRuns begins with what a killed process leaves behind.
func TestStartClosesInterruptedRuns(t *testing.T) {
	db := warehousetest.Open(t)
	j := newJobs(t, db, nil)
	if err := j.RunAll(t.Context(), TriggerDemand); err != nil {
		t.Fatal(err)
	}
	died := entry{RunID: "died", Job: "transform", Trigger: string(TriggerSchedule), AsOf: j.now(), StartedAt: j.now()}
	if err := j.ledger.start(t.Context(), died); err != nil {
		t.Fatal(err)
	}
	s := start(t, j)
	s.enter(t)
	s.stop()
	s.leave <- struct{}{}
	if err := <-s.ended; err != nil {
		t.Fatal(err)
	}
	wantRecords(t, db, "transform demand ok 0", "scores demand ok 0",
		"transform schedule failed 0 "+interrupted, "gate schedule ok 1")
	closed := records(t, db)[2]
	if closed.RunID != died.RunID || closed.FinishedAt == nil || !closed.FinishedAt.After(closed.StartedAt) ||
		!closed.AsOf.Equal(died.AsOf) {
		t.Errorf("closed as %+v, want the run %+v", closed, died)
	}
}
