package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"clew/dashboards"
	"clew/ingest"
	"clew/query/api"
)

// shutdownGrace bounds how long a server waits for requests that are under way.
const shutdownGrace = 10 * time.Second

func serveCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Take events in, run the jobs on schedule, serve the API and the page",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.config()
			if err != nil {
				return err
			}
			return withSystem(cmd.Context(), o, cfg.Kafka.Listen, serve)
		},
	}
}

// serve runs until ctx ends or a part of it fails; then all parts stop.
func serve(ctx context.Context, s *system) error {
	q, err := s.newQuery()
	if err != nil {
		return err
	}
	page, err := dashboards.Files()
	if err != nil {
		s.log.Warn("the API is served without its page", slog.Any("cause", err))
	}
	watched := newMetrics(&s.stats)
	if err := watched.loadJobs(ctx, s.db); err != nil {
		return err
	}
	scheduled, err := s.newJobs(watched.jobEnded)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.cfg.HTTP.Addr)
	if err != nil {
		return fmt.Errorf("http.addr %s: %w; name another by CLEW_HTTP_ADDR", s.cfg.HTTP.Addr, err)
	}
	collected, err := s.newCollection()
	if err != nil {
		return err
	}
	collected.watch(watched)
	app := api.New(api.Config{
		Service: q, DeadLetters: s.letters(), Dashboard: page, Ready: s.ready, Metrics: watched, Now: time.Now,
		Log: s.log,
	})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return app.Listener(listener) })
	group.Go(func() error { return ingest.Run(ctx, s.ingestConfig()) })
	group.Go(func() error { return scheduled.Start(ctx) })
	group.Go(func() error { return s.retain(ctx) })
	group.Go(func() error { return watched.countRepeats(ctx, s.log, s.db.RepeatedEvents) })
	group.Go(func() error { return collected.run(ctx) })
	group.Go(func() error {
		<-ctx.Done()
		return app.ShutdownWithTimeout(shutdownGrace)
	})
	group.Go(func() error { return s.announce("http://" + listener.Addr().String()) })
	return group.Wait()
}

// announce tells people where the server is, and other processes that find the data directory held.
func (s *system) announce(url string) error {
	fmt.Fprintf(os.Stdout, "Clew is at %s\nKafka is at %v\n", url, s.kafka.Brokers)
	if s.dir == nil {
		return nil
	}
	return s.dir.announce(url)
}

// ready says why requests cannot be answered now.
func (s *system) ready(ctx context.Context) error {
	return s.db.Exec(ctx, "SELECT 1", nil)
}
