// Command clew is the analytics back end of lead management: it takes events from Kafka into ClickHouse, computes
// leads, facts and scores, and answers metrics and funnels over HTTP.
//
// Package main joins the rooms. It alone reads the clock, the environment and the command line, and writes to stdout.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // business zones must be known on machines without a zone database

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := rootCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "clew:", err)
		os.Exit(exitCode(err))
	}
}

// exitError is an error with an exit code of its own, which the command documents.
type exitError struct {
	code int
	error
}

// Unwrap returns the error without the code.
func (e *exitError) Unwrap() error { return e.error }

func exitCode(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return 1
}

// options are the flags every command takes.
type options struct {
	configFile string
	dataDir    string
	verbose    bool
}

func rootCommand() *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:           "clew",
		Short:         "Lead analytics on Kafka and ClickHouse",
		SilenceUsage:  true,
		SilenceErrors: true,
		// A mistyped command must not pass for a request for help.
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&o.configFile, "config", "", "YAML file of settings (see README)")
	flags.StringVar(&o.dataDir, "data-dir", "", `where the embedded engine and broker keep their files (default "data")`)
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "log every step")
	root.AddCommand(
		demoCommand(&o), importCommand(&o), sourcesCommand(&o), jobsCommand(&o), queryCommand(&o), funnelCommand(&o),
		serveCommand(&o), checkCommand(&o), deadlettersCommand(&o), verifyCommand(&o), archiveCommand(&o),
		collectCommand(&o), simulateCommand(&o), eraseCommand(&o), featuresCommand(&o),
	)
	return root
}

// config reads the settings in their order of precedence and checks them.
func (o *options) config() (Config, error) {
	cfg, err := loadConfig(o.configFile, os.Getenv)
	if err != nil {
		return cfg, err
	}
	if o.dataDir != "" {
		cfg.DataDir = o.dataDir
	}
	if err := cfg.Validate(); err != nil {
		return cfg, fmt.Errorf("settings:\n%w", err)
	}
	return cfg, nil
}

// logger writes to stderr: warnings, or with --verbose everything.
func (o *options) logger() *slog.Logger {
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
