package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"clew/ingest/event"
	"clew/scoring"
)

func checkCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Say of each part whether it is right, and what to do where it is not",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return check(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
}

// errCheck is the verdict; the faults themselves are printed where they are found.
var errCheck = errors.New("check: not everything is right; the lines marked ✗ say what to do")

func check(ctx context.Context, o *options, stdout io.Writer) error {
	failed := false
	report := func(part string, err error, right string) {
		if err != nil {
			failed = true
			fmt.Fprintf(stdout, "✗ %-10s %v\n", part, err)
			return
		}
		fmt.Fprintf(stdout, "✓ %-10s %s\n", part, right)
	}
	cfg, err := o.config()
	report("settings", err, "valid")
	if err != nil {
		return errCheck
	}
	model, err := scoring.Load(cfg.Scoring.Model)
	if err == nil {
		low, high := model.Reach()
		report("model", nil, fmt.Sprintf("%s reaches %g to %g points", cfg.Scoring.Model, low, high))
	} else {
		report("model", err, "")
	}
	mappings, err := listSources(cfg.Sources.Dir)
	report("sources", err, fmt.Sprintf("%d mappings", len(mappings)))

	s, err := openSystem(ctx, cfg, o.logger(), anyPort)
	report("system", err, fmt.Sprintf("ClickHouse and Kafka answer; %d topics, tables up to date", len(event.Topics())))
	if err == nil {
		report("privacy", s.unfinished(ctx), "personal identifiers are hashed with the key of "+cfg.keySource())
		report("close", s.Close(), "clean")
	}
	if failed {
		return errCheck
	}
	return nil
}
