// Package jobs says what is recomputed when: the derived tables in the order of what they read, on a schedule and on
// demand, never two runs at once, each step on record in job_runs.
package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"

	"clew/scoring"
	"clew/transform"
	"clew/transform/warehouse"
)

// Trigger says why a run happened.
type Trigger string

// The triggers.
const (
	TriggerSchedule Trigger = "schedule"
	TriggerDemand   Trigger = "demand"
)

// Config is what the jobs need. All of it but OnStep must be set; Every only for Start.
type Config struct {
	DB        *warehouse.DB
	Transform transform.Config
	// Model is the one that leads are scored by.
	Model *scoring.Model
	// Every is the time from the start of one scheduled run to the start of the next.
	Every time.Duration
	Now   func() time.Time
	Log   *slog.Logger
	// OnStep is told of each job that ended, well or not, in order, before the next one starts. It may be nil.
	OnStep func(Step)
}

// Step is how one job of a run ended.
type Step struct {
	Job string `json:"job"`
	// Number counts the jobs of the run from 1 to Total.
	Number int `json:"number"`
	Total  int `json:"total"`
	// Rows is how many the job wrote: to leads, or to scores.
	Rows uint64        `json:"rows"`
	Took time.Duration `json:"took_ns"`
	// Error is empty where the job went well.
	Error string `json:"error,omitempty"`
}

// Jobs runs the jobs.
type Jobs struct {
	cfg    Config
	jobs   []job
	ledger ledger
	// turn holds a value while a run is under way.
	turn chan struct{}
	// clock is the scheduler's, replaced in tests.
	clock clockwork.Clock
}

// job computes one table.
type job struct {
	name   string
	reads  []string
	writes string
	run    func(ctx context.Context, asOf time.Time) (rows uint64, err error)
}

// New prepares the jobs and touches nothing yet. The error says what of the config is wrong.
func New(cfg Config) (*Jobs, error) {
	if cfg.DB == nil || cfg.Model == nil || cfg.Now == nil || cfg.Log == nil {
		return nil, errors.New("jobs need a database, a scoring model, a clock and a log")
	}
	if err := cfg.Transform.Validate(); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return &Jobs{
		cfg: cfg, jobs: []job{derived(cfg, transform.Run), scores(cfg)}, ledger: ledger{cfg.DB},
		turn: make(chan struct{}, 1), clock: clockwork.NewRealClock(),
	}, nil
}

// derived is the job of the derived tables, by an increment or by a rebuild.
func derived(cfg Config, compute func(context.Context, *warehouse.DB, time.Time, transform.Config) (transform.Result, error)) job {
	return job{"transform", nil, "leads", func(ctx context.Context, asOf time.Time) (uint64, error) {
		r, err := compute(ctx, cfg.DB, asOf, cfg.Transform)
		if err == nil {
			cfg.Log.Info("derived tables computed", "rebuilt", r.Rebuilt, "persons", r.Leads, "rows", r.Rows)
		}
		return r.Rows["leads"], err
	}}
}

func scores(cfg Config) job {
	return job{"scores", []string{"leads"}, "scores", func(ctx context.Context, asOf time.Time) (uint64, error) {
		return scoring.Run(ctx, cfg.DB, cfg.Model, asOf)
	}}
}

// Rebuild is RunAll, but for computing the derived tables anew from all raw rows, whatever they hold. Readers see the old
// tables until its end.
func (j *Jobs) Rebuild(ctx context.Context, trigger Trigger) error {
	if err := j.take(ctx); err != nil {
		return err
	}
	defer j.release()
	was := j.jobs
	defer func() { j.jobs = was }()
	j.jobs = []job{derived(j.cfg, transform.Rebuild), scores(j.cfg)}
	return j.runAll(ctx, trigger)
}

// RunAll runs every job once, in order, all for the present moment. Of the derived tables it computes the leads that
// something happened to. While another run is under way it waits for its
// turn. A job that fails stops those that read its table, not the others; the error names each job that failed or was
// stopped, and the ledger has its row. Ending ctx cuts the running job short, and its table keeps the old rows.
func (j *Jobs) RunAll(ctx context.Context, trigger Trigger) error {
	if err := j.take(ctx); err != nil {
		return err
	}
	defer j.release()
	return j.runAll(ctx, trigger)
}

// take waits for the turn.
func (j *Jobs) take(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("jobs: waiting for the run under way: %w", ctx.Err())
	default:
	}
	select {
	case j.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("jobs: waiting for the run under way: %w", ctx.Err())
	}
}

func (j *Jobs) release() { <-j.turn }

// runAll is RunAll by whoever has the turn.
func (j *Jobs) runAll(ctx context.Context, trigger Trigger) error {
	all := entry{RunID: rand.Text(), Trigger: string(trigger), AsOf: j.now()}
	var faults []error
	stale := map[string]string{} // by table, the job that failed to write it
	for i, job := range j.jobs {
		if cause, ok := blocked(job, stale); ok {
			stale[job.writes] = cause
			faults = append(faults, fmt.Errorf("job %s did not run, because %s failed", job.name, cause))
			continue
		}
		if err := j.runOne(ctx, job, i+1, all); err != nil {
			stale[job.writes] = job.name
			faults = append(faults, fmt.Errorf("job %s: %w", job.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(faults...)
}

// now is the clock's time in the ledger's precision.
func (j *Jobs) now() time.Time { return j.cfg.Now().UTC().Truncate(time.Millisecond) }

// blocked says which failed job, if any, left a table old that this one reads.
func blocked(job job, stale map[string]string) (cause string, ok bool) {
	i := slices.IndexFunc(job.reads, func(table string) bool { return stale[table] != "" })
	if i < 0 {
		return "", false
	}
	return stale[job.reads[i]], true
}

// runOne runs one job between its two rows in the ledger.
func (j *Jobs) runOne(ctx context.Context, job job, number int, e entry) error {
	e.Job, e.StartedAt = job.name, j.now()
	if err := j.ledger.start(ctx, e); err != nil {
		return err
	}
	rows, err := job.run(ctx, e.AsOf)
	ended := j.now()
	step := Step{Job: job.name, Number: number, Total: len(j.jobs), Rows: rows, Took: ended.Sub(e.StartedAt)}
	if err != nil {
		step.Error = err.Error()
		j.cfg.Log.Error("job failed", "job", job.name, "run", e.RunID, "error", err)
	} else {
		j.cfg.Log.Info("job done", "job", job.name, "run", e.RunID, "rows", rows, "took", step.Took)
	}
	// The end is put on record even where ctx ended the job.
	err = errors.Join(err, j.ledger.end(context.WithoutCancel(ctx), e, ended, rows, step.Error))
	if j.cfg.OnStep != nil {
		j.cfg.OnStep(step)
	}
	return err
}
