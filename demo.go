package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"clew/ingest/simulate"
	"clew/jobs"
	"clew/query"
	"clew/query/funnel"
)

// demo is what the user chose of the simulated business.
type demo struct {
	leads int
	seed  uint64
	until string
	once  bool
}

func demoCommand(o *options) *cobra.Command {
	var d demo
	var addr string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Simulate a year of business, take it in, compute it, serve it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSystem(cmd.Context(), o, anyPort, func(ctx context.Context, s *system) error {
				if addr != "" {
					s.cfg.HTTP.Addr = addr
				}
				return d.run(ctx, s, cmd.OutOrStdout())
			})
		},
	}
	cmd.Flags().IntVar(&d.leads, "leads", 20_000, "how many leads the year brings")
	cmd.Flags().Uint64Var(&d.seed, "seed", 1, "the same seed and dates give the same business")
	cmd.Flags().StringVar(&d.until, "until", "", "last day of the year, as 2026-01-31 (default yesterday)")
	cmd.Flags().BoolVar(&d.once, "once", false, "print a summary as JSON and exit instead of serving")
	cmd.Flags().StringVar(&addr, "addr", "", "where to serve (default 127.0.0.1:8080)")
	return cmd
}

// summary is what a demo did, and the first figures of its business.
type summary struct {
	From    string         `json:"from"`
	Until   string         `json:"until"`
	Seed    uint64         `json:"seed"`
	Sent    sent           `json:"sent"`
	Jobs    []jobs.Step    `json:"jobs"`
	Metrics *query.Answer  `json:"metrics"`
	Funnel  *funnel.Answer `json:"funnel"`
	Seconds float64        `json:"seconds"`
}

func (d demo) run(ctx context.Context, s *system, stdout io.Writer) error {
	started := time.Now()
	report := summary{Seed: d.seed}
	empty, err := s.isEmpty(ctx)
	if err != nil {
		return err
	}
	if empty {
		if err := d.simulate(ctx, s, &report); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(os.Stderr, "%s already holds a business and is used as it is; --data-dir names another\n",
			s.cfg.DataDir)
	}
	if err := s.ingestAll(ctx); err != nil {
		return err
	}
	if report.Jobs, err = s.computeAll(ctx, false); err != nil {
		return err
	}
	if !d.once {
		fmt.Println("Look at the funnel by channel, the cost of a lead, who follows up in time, and what grade A is worth.")
		return serve(ctx, s)
	}
	if err := s.figures(ctx, &report); err != nil {
		return err
	}
	report.Seconds = time.Since(started).Seconds()
	return printJSON(stdout, report)
}

// simulate sends a year of business to Kafka.
func (d demo) simulate(ctx context.Context, s *system, report *summary) error {
	story, err := d.story(s.cfg)
	if err != nil {
		return err
	}
	report.From, report.Until = story.From.Format(time.DateOnly), story.To.AddDate(0, 0, -1).Format(time.DateOnly)
	report.Sent, err = s.send(ctx, "simulate", -1, errorless(simulate.Events(story)))
	return err
}

// isEmpty says whether no lead was ever taken in.
func (s *system) isEmpty(ctx context.Context) (bool, error) {
	var found []struct {
		N uint64 `ch:"n"`
	}
	if err := s.db.Select(ctx, &found, "SELECT count() AS n FROM lead_updates", nil); err != nil {
		return false, err
	}
	return found[0].N == 0, nil
}

// figures asks for the first numbers a newcomer looks at.
func (s *system) figures(ctx context.Context, report *summary) error {
	q, err := s.newQuery()
	if err != nil {
		return err
	}
	request, err := query.Decode([]byte(`{"measures":["leads","mqls","sqls","opportunities","won","lead_to_won_rate",
		"first_response_hours","timeliness_24h"]}`))
	if err != nil {
		return err
	}
	if report.Metrics, err = q.Metrics(ctx, request); err != nil {
		return err
	}
	steps, err := funnel.Decode([]byte(`{"steps":[{"stage":"new"},{"stage":"mql"},{"stage":"sql"},
		{"stage":"opportunity"},{"stage":"won"}],"window":"180d"}`))
	if err != nil {
		return err
	}
	report.Funnel, err = q.Funnel(ctx, steps)
	return err
}
