package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"clew/ingest"
	"clew/ingest/source"
)

func importCommand(o *options) *cobra.Command {
	var name, in string
	cmd := &cobra.Command{
		Use:   "import --source NAME --in DIR",
		Short: "Take files in through Kafka, by a mapping",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			mapping, err := source.Load(name)
			if err != nil {
				return err
			}
			return withSystem(cmd.Context(), o, anyPort, func(ctx context.Context, s *system) error {
				return runImport(ctx, s, mapping, in, cmd.OutOrStdout())
			})
		},
	}
	cmd.Flags().StringVar(&name, "source", "", fmt.Sprintf("mapping: one of %v", source.Names()))
	cmd.Flags().StringVar(&in, "in", "", "directory of the files")
	for _, required := range []string{"source", "in"} {
		if err := cmd.MarkFlagRequired(required); err != nil {
			panic(err)
		}
	}
	return cmd
}

// anyPort is the kafkaListen of a command whose broker serves nobody else.
const anyPort = "127.0.0.1:0"

// withSystem opens the system for one command and closes it however the command ends.
func withSystem(ctx context.Context, o *options, kafkaListen string, run func(context.Context, *system) error) error {
	cfg, err := o.config()
	if err != nil {
		return err
	}
	s, err := openSystem(ctx, cfg, o.logger(), kafkaListen)
	if err != nil {
		return err
	}
	return errors.Join(run(ctx, s), s.Close())
}

// imported is the report of an import.
type imported struct {
	Source string `json:"source"`
	sent
	// Stored says whether the events are in the warehouse, or only in Kafka, for `clew serve` to take in.
	Stored bool `json:"stored"`
}

func runImport(ctx context.Context, s *system, m *source.Mapping, in string, stdout io.Writer) error {
	total, err := m.Count(in)
	if err != nil {
		return err
	}
	report := imported{Source: m.Name}
	if report.sent, err = s.send(ctx, "read", total, m.Events(in)); err != nil {
		return err
	}
	if s.broker != nil {
		if err := s.ingestAll(ctx); err != nil {
			return err
		}
		report.Stored = true
	}
	if err := printJSON(stdout, report); err != nil {
		return err
	}
	if report.Rejected > 0 {
		return fmt.Errorf("%d rows of %s were rejected, the first because: %s; correct them and import again: "+
			"what is already in counts once", report.Rejected, in, report.Faults[0])
	}
	return nil
}

// ingestAll stores everything that is in Kafka now, and returns when it is stored.
func (s *system) ingestAll(ctx context.Context) error {
	cfg := s.ingestConfig()
	// Somebody waits for the last batch.
	cfg.FlushEvery = 200 * time.Millisecond
	var last ingest.Progress
	b := newBar("ingest", "messages", -1)
	cfg.OnFlush = func(p ingest.Progress) {
		last = p
		b.set(p.Committed, p.End)
	}
	group, running := errgroup.WithContext(ctx)
	running, stop := context.WithCancel(running)
	group.Go(func() error { return ingest.Run(running, cfg) })
	group.Go(func() error {
		defer stop()
		return ingest.CaughtUp(running, cfg)
	})
	err := group.Wait()
	b.done(uint64(last.Committed))
	return err
}
