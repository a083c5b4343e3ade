package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"clew/jobs"
)

func jobsCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "jobs", Short: "Recompute the derived tables"}
	cmd.AddCommand(&cobra.Command{
		Use:       "run all",
		Short:     "Run every job once, in order, now",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"all"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSystem(cmd.Context(), o, noKafka, func(ctx context.Context, s *system) error {
				return runJobs(ctx, s, cmd.OutOrStdout())
			})
		},
	})
	return cmd
}

// runJobs runs all jobs and prints the ledger's rows of this run.
func runJobs(ctx context.Context, s *system, stdout io.Writer) error {
	steps, err := s.computeAll(ctx)
	if err != nil {
		return err
	}
	return printJSON(stdout, steps)
}

func (s *system) computeAll(ctx context.Context) ([]jobs.Step, error) {
	var steps []jobs.Step
	b := newBar("compute", "tables", -1)
	j, err := s.newJobs(func(step jobs.Step) {
		b.set(int64(step.Number), int64(step.Total))
		steps = append(steps, step)
	})
	if err != nil {
		return nil, err
	}
	err = j.RunAll(ctx, jobs.TriggerDemand)
	b.done(uint64(len(steps)))
	return steps, err
}
