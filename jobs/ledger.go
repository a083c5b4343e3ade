package jobs

import (
	"context"
	"fmt"
	"time"

	"clew/transform/warehouse"
)

// The states of a job in the ledger.
const (
	statusRunning = "running"
	statusOK      = "ok"
	statusFailed  = "failed"
)

// The versions of the two rows of a job: the later row replaces the earlier.
const (
	versionStart = uint8(1)
	versionEnd   = uint8(2)
)

// interrupted is what the ledger says of a job whose process died.
const interrupted = "interrupted: the process ended before the job did; its table kept the old rows, run the jobs again"

// entry is what both rows of a job share.
type entry struct {
	RunID     string    `ch:"run_id"`
	Job       string    `ch:"job"`
	Trigger   string    `ch:"trigger"`
	AsOf      time.Time `ch:"as_of"`
	StartedAt time.Time `ch:"started_at"`
}

// ledger writes job_runs.
type ledger struct{ db *warehouse.DB }

func (l ledger) start(ctx context.Context, e entry) error {
	return l.write(ctx, e, nil, statusRunning, 0, "", versionStart)
}

// end closes an entry: failed with a message, or ok.
func (l ledger) end(ctx context.Context, e entry, at time.Time, rows uint64, message string) error {
	status := statusOK
	if message != "" {
		status = statusFailed
	}
	return l.write(ctx, e, &at, status, rows, message, versionEnd)
}

func (l ledger) write(
	ctx context.Context, e entry, finished *time.Time, status string, rows uint64, message string, version uint8,
) error {
	batch, err := l.db.Insert(ctx, "job_runs", []string{
		"run_id", "job", "trigger", "as_of", "started_at", "finished_at", "status", "rows", "error", "version",
	})
	if err != nil {
		return fmt.Errorf("job ledger: %w", err)
	}
	defer batch.Abort()
	err = batch.Append(e.RunID, e.Job, e.Trigger, e.AsOf, e.StartedAt, finished, status, rows, message, version)
	if err != nil {
		return fmt.Errorf("job ledger: %w", err)
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("job ledger: %w", err)
	}
	return nil
}

// closeInterrupted marks what stands as running as failed. Whoever calls it knows that nothing runs.
func (l ledger) closeInterrupted(ctx context.Context, now time.Time) error {
	var open []entry
	err := l.db.Select(ctx, &open, `SELECT
    run_id,
    job,
    any(runs.trigger) AS trigger,
    any(runs.as_of) AS as_of,
    started_at
FROM job_runs AS runs
GROUP BY run_id, job, started_at
HAVING max(version) = {start:UInt8}
ORDER BY started_at, run_id`, warehouse.Params{"start": versionStart})
	if err != nil {
		return fmt.Errorf("job ledger: %w", err)
	}
	for _, e := range open {
		if err := l.end(ctx, e, now, 0, interrupted); err != nil {
			return err
		}
	}
	return nil
}
