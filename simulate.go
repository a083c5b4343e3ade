package main

import (
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/spf13/cobra"

	"clew/ingest/event"
	"clew/ingest/simulate"
)

// simulating is what the user chose of a made-up business that is written to files.
type simulating struct {
	dir   string
	leads int
	seed  uint64
	until string
}

func simulateCommand(o *options) *cobra.Command {
	var m simulating
	cmd := &cobra.Command{
		Use:   "simulate --out DIR",
		Short: "Write a made-up year of business to CSV files, to try an import or its speed",
		Long: "Write a made-up year of business to CSV files, one a type of event. `clew import --source simulated --in DIR` " +
			"takes them in. 570,000 leads are about a gigabyte.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := o.config()
			if err != nil {
				return err
			}
			return m.run(cfg)
		},
	}
	cmd.Flags().StringVar(&m.dir, "out", "", "directory to write to; it is created")
	cmd.Flags().IntVar(&m.leads, "leads", 20_000, "how many leads the year brings")
	cmd.Flags().Uint64Var(&m.seed, "seed", 1, "the same seed and dates give the same business")
	cmd.Flags().StringVar(&m.until, "until", "", "last day of the year, as 2026-01-31 (default yesterday)")
	if err := cmd.MarkFlagRequired("out"); err != nil {
		panic(err)
	}
	return cmd
}

func (m simulating) run(cfg Config) error {
	story, err := demo{leads: m.leads, seed: m.seed, until: m.until}.story(cfg)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return fmt.Errorf("--out: %w; name a directory that can be written", err)
	}
	b := newBar("simulate", "events", -1)
	var last int64
	err = simulate.WriteCSV(m.dir, simulate.Events(story), func(written int64) {
		last = written
		b.set(written, -1)
	})
	b.done(uint64(last))
	return err
}

// story is the year of business that a demo tells.
func (d demo) story(c Config) (simulate.Config, error) {
	zone, err := time.LoadLocation(c.Business.Timezone)
	if err != nil {
		return simulate.Config{}, err
	}
	year, month, day := time.Now().In(zone).Date()
	to := time.Date(year, month, day, 0, 0, 0, 0, zone)
	if d.until != "" {
		last, err := time.ParseInLocation(time.DateOnly, d.until, zone)
		if err != nil {
			return simulate.Config{}, fmt.Errorf("--until %s: want a day such as 2026-01-31", d.until)
		}
		to = last.AddDate(0, 0, 1)
	}
	story := simulate.Config{
		Seed: d.seed, Leads: d.leads, From: to.AddDate(-1, 0, 0), To: to,
		Timezone: c.Business.Timezone, Currency: "CNY",
	}
	return story, story.Check()
}

// errorless is a sequence that may have errors, of one that has none.
func errorless(events iter.Seq[event.Event]) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		for e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}
