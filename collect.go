package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"clew/ingest/collect"
	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/ingest/webhook"
)

// CollectConfig says where events come in by HTTP, and from whom.
type CollectConfig struct {
	Addr string `yaml:"addr"`
	// Keys are the write keys, each with its workspace. Without any, nothing is collected.
	Keys map[string]string `yaml:"keys"`
	// Origins of the pages that may send from a browser, as https://www.example.com.
	Origins []string `yaml:"origins"`
}

func (c CollectConfig) validate() error {
	faults := []error{collect.CheckOrigins(c.Origins)}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		faults = append(faults, fmt.Errorf("collect.addr: %q is not host:port", c.Addr))
	}
	if len(c.Keys) > 0 {
		faults = append(faults, collect.CheckKeys(c.Keys))
	}
	return errors.Join(faults...)
}

// collectKeys reads CLEW_COLLECT_KEYS: KEY=WORKSPACE,KEY=WORKSPACE.
func collectKeys(text string) map[string]string {
	keys := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		key, workspace, _ := strings.Cut(pair, "=")
		keys[key] = workspace
	}
	return keys
}

// collection is a collector and the webhooks with their listener and their way to Kafka. A nil one collects nothing.
type collection struct {
	*collect.Collector                  // nil where no write key is named
	webhooks           *webhook.Handler // nil where no source is named
	listener           net.Listener
	writer             *stream.Writer
	log                *slog.Logger
}

func newCollection(cfg Config, kafka stream.Config, log *slog.Logger) (*collection, error) {
	c := &collection{writer: stream.NewWriter(kafka), log: log}
	if err := c.open(cfg); err != nil {
		return nil, errors.Join(err, c.writer.Close())
	}
	fmt.Fprintf(os.Stdout, "Events are collected at http://%s\n", c.listener.Addr())
	return c, nil
}

func (c *collection) open(cfg Config) (err error) {
	if c.webhooks, err = newWebhooks(cfg.Sources, c.writer, c.log); err != nil {
		return err
	}
	if len(cfg.Collect.Keys) > 0 || c.webhooks == nil {
		c.Collector, err = collect.New(collect.Config{
			Writer: c.writer, Keys: cfg.Collect.Keys, Origins: cfg.Collect.Origins, Now: time.Now, Log: c.log,
		})
		if err != nil {
			return err
		}
	}
	if c.listener, err = net.Listen("tcp", cfg.Collect.Addr); err != nil {
		return fmt.Errorf("collect.addr %s: %w; name another by CLEW_COLLECT_ADDR", cfg.Collect.Addr, err)
	}
	return nil
}

// newCollection is that of a server, nil where the settings name neither a key nor a source.
func (s *system) newCollection() (*collection, error) {
	if len(s.cfg.Collect.Keys) == 0 && len(s.cfg.Sources.Webhooks) == 0 {
		return nil, nil
	}
	return newCollection(s.cfg, s.kafka, s.log)
}

// handler answers for both, and probes whichever there is.
func (c *collection) handler() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	if c.Collector != nil {
		mux.Handle("/", c.Collector)
	}
	if c.webhooks != nil {
		mux.Handle(webhook.Path, c.webhooks)
	}
	return mux
}

// watch lets the metrics show what comes in.
func (c *collection) watch(m *metrics) {
	if c != nil {
		m.collect, m.webhooks = c.Collector, c.webhooks
	}
}

// run serves until ctx ends, and waits until Kafka has answered for what was taken.
func (c *collection) run(ctx context.Context) error {
	if c == nil {
		return nil
	}
	return c.serve(ctx, c.handler())
}

func (c *collection) serve(ctx context.Context, handler http.Handler) error {
	err := collect.Serve(ctx, c.listener, handler, shutdownGrace, c.log)
	if c.Collector != nil {
		c.Close()
	}
	return errors.Join(err, c.writer.Close())
}

func collectCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "collect",
		Short: "Take events in by HTTP and write them to Kafka, and nothing else",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.config()
			if err != nil {
				return err
			}
			return collectAlone(cmd.Context(), cfg, o.logger())
		},
	}
}

// collectAlone needs neither warehouse nor data directory, and starts while Kafka is away: it says so to the senders,
// who send again.
func collectAlone(ctx context.Context, cfg Config, log *slog.Logger) error {
	if len(cfg.Kafka.Brokers) == 0 {
		return errors.New("kafka.brokers: is empty; name Kafka, or the address at which `clew serve` says that Kafka is: " +
			"or name write keys in collect.keys and let `clew serve` collect")
	}
	c, err := newCollection(cfg, cfg.streamConfig(), log)
	if err != nil {
		return err
	}
	mux := c.handler()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) { writeCollected(w, c) })
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.serve(ctx, mux) })
	group.Go(func() error { ensureTopics(ctx, cfg, log); return nil })
	return group.Wait()
}

// ensureTopics tries until the topics are there, or ctx ends.
func ensureTopics(ctx context.Context, cfg Config, log *slog.Logger) {
	for ctx.Err() == nil {
		err := stream.EnsureTopics(ctx, cfg.streamConfig(), event.Topics(), cfg.Kafka.Partitions)
		if err == nil {
			return
		}
		log.Warn("the topics cannot be made sure of, senders are told to wait: check that the brokers run",
			slog.Any("error", err))
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// writeCollected answers /metrics where there is nothing else to show.
func writeCollected(w http.ResponseWriter, c *collection) {
	var e exposition
	e.collect(c.Collector)
	e.webhooks(c.webhooks)
	_, _ = e.WriteTo(w) // who has gone asks again
}

func (e *exposition) collect(c *collect.Collector) {
	if c == nil {
		return
	}
	s := c.Snapshot()
	e.family(counter, "clew_collect_requests_total", "Requests to the collector by status.")
	for _, status := range slices.Sorted(maps.Keys(s.Answers)) {
		e.sample("clew_collect_requests_total", float64(s.Answers[status]), "status", strconv.Itoa(status))
	}
	e.family(counter, "clew_collect_events_total", "Collected events that Kafka acknowledged, by type.")
	for _, kind := range event.Types() {
		e.sample("clew_collect_events_total", float64(s.Events[kind]), "type", string(kind))
	}
	e.family(counter, "clew_collect_rejected_total", "Requests and events of batches that can never be taken, by reason.")
	for _, code := range slices.Sorted(maps.Keys(s.Rejected)) {
		e.sample("clew_collect_rejected_total", float64(s.Rejected[code]), "reason", code)
	}
	e.single(counter, "clew_collect_body_bytes_total", "Bytes of the bodies, unpacked.", float64(s.Bytes))
	e.single(counter, "clew_collect_retries_total", "Requests that say they are sent again.", float64(s.Retries))
	e.single(counter, "clew_collect_kafka_failures_total", "Requests that Kafka did not acknowledge in time.",
		float64(s.KafkaFailures))
	e.single(gauge, "clew_collect_pending_requests", "Requests under way, until Kafka has answered.", float64(s.Pending))
	e.single(gauge, "clew_collect_pending_bytes", "Memory that these hold.", float64(s.PendingBytes))
	e.single(gauge, "clew_collect_pending_bytes_limit", "Memory from which on senders are told to wait.",
		float64(s.MaxPending))
}
