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
		Use:   "run {all|rebuild}",
		Short: "Run every job once, in order, now",
		Long: "Run every job once, in order, now. With \"all\" the leads are computed that something happened to since the " +
			"last run;\nwith \"rebuild\" all of them are, from all raw rows, which is needed only where a table was lost or changed by hand.",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"all", "rebuild"},
		RunE: func(cmd *cobra.Command, args []string) error {
			return withSystem(cmd.Context(), o, noKafka, func(ctx context.Context, s *system) error {
				return runJobs(ctx, s, args[0] == "rebuild", cmd.OutOrStdout())
			})
		},
	})
	return cmd
}

// runJobs runs all jobs and prints the ledger's rows of this run.
func runJobs(ctx context.Context, s *system, rebuild bool, stdout io.Writer) error {
	steps, err := s.computeAll(ctx, rebuild)
	if err != nil {
		return err
	}
	return printJSON(stdout, steps)
}

func (s *system) computeAll(ctx context.Context, rebuild bool) ([]jobs.Step, error) {
	var steps []jobs.Step
	b := newBar("compute", "tables", -1)
	j, err := s.newJobs(func(step jobs.Step) {
		b.set(int64(step.Number), int64(step.Total))
		steps = append(steps, step)
	})
	if err != nil {
		return nil, err
	}
	run := j.RunAll
	if rebuild {
		run = j.Rebuild
	}
	err = run(ctx, jobs.TriggerDemand)
	b.done(uint64(len(steps)))
	return steps, err
}
