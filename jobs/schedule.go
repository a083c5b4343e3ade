package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-co-op/gocron/v2"
)

// Start runs the jobs at once and then every cfg.Every, until ctx ends; then it waits for the run under way, which is
// not cut short, and returns nil. A run still going when the next is due lets that one lapse. A failed run is logged
// and on record, and the next comes at its time.
//
// First it closes what a killed process left as running. So at most one process may be in Start for one warehouse.
func (j *Jobs) Start(ctx context.Context) error {
	if j.cfg.Every <= 0 {
		return fmt.Errorf("jobs: the interval is %s: set one above 0, such as 5m", j.cfg.Every)
	}
	if err := j.closeInterrupted(ctx); err != nil {
		return err
	}
	scheduler, err := j.schedule(ctx)
	if err != nil {
		return fmt.Errorf("jobs: schedule: %w", err)
	}
	scheduler.Start()
	<-ctx.Done()
	err = scheduler.Shutdown()
	// A run on demand is not the scheduler's, and is waited for all the same.
	j.turn <- struct{}{}
	j.release()
	if err != nil {
		return fmt.Errorf("jobs: stop the schedule: %w", err)
	}
	return nil
}

// closeInterrupted does so in its turn, lest it close a run on demand of this process.
func (j *Jobs) closeInterrupted(ctx context.Context) error {
	if err := j.take(ctx); err != nil {
		return err
	}
	defer j.release()
	return j.ledger.closeInterrupted(ctx, j.now())
}

// schedule makes a scheduler with the one entry, not yet started.
func (j *Jobs) schedule(ctx context.Context) (gocron.Scheduler, error) {
	scheduler, err := gocron.NewScheduler(
		gocron.WithClock(j.clock), gocron.WithLogger(j.cfg.Log), gocron.WithStopTimeout(forever))
	if err != nil {
		return nil, err
	}
	_, err = scheduler.NewJob(gocron.DurationJob(j.cfg.Every), gocron.NewTask(func() { j.scheduled(ctx) }),
		gocron.WithSingletonMode(gocron.LimitModeReschedule), gocron.WithStartAt(gocron.WithStartImmediately()))
	if err != nil {
		return nil, errors.Join(err, scheduler.Shutdown())
	}
	return scheduler, nil
}

// forever is how long the scheduler waits for the run under way; its own default would leave a run of over 10 s behind.
const forever = 100 * 365 * 24 * time.Hour

// scheduled is one scheduled run. ctx keeps it from starting, but does not end it.
func (j *Jobs) scheduled(ctx context.Context) {
	if err := j.take(ctx); err != nil {
		return
	}
	defer j.release()
	if err := j.runAll(context.WithoutCancel(ctx), TriggerSchedule); err != nil {
		j.cfg.Log.Error("scheduled run failed", "error", err)
	}
}
