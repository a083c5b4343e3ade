package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"time"

	"clew/ingest"
	"clew/ingest/event"
	"clew/ingest/identifier"
	"clew/ingest/source"
	"clew/ingest/stream"
	"clew/jobs"
	"clew/query"
	"clew/scoring"
	"clew/transform"
	"clew/transform/attribution"
	"clew/transform/warehouse"
)

// system is what commands work with: the data directory held, the warehouse open and migrated, Kafka at hand.
type system struct {
	cfg    Config
	log    *slog.Logger
	dir    *dataDir
	db     *warehouse.DB
	broker *stream.Broker
	kafka  stream.Config
	// protector hashes personal identifiers. It is there where Kafka is.
	protector *identifier.Protector
	// stats counts what ingest does.
	stats ingest.Stats
}

// openSystem opens what every command needs, and Kafka only when asked: a query needs none. The caller closes it.
func openSystem(ctx context.Context, cfg Config, log *slog.Logger, kafkaListen string) (*system, error) {
	s := &system{cfg: cfg, log: log}
	if err := s.open(ctx, kafkaListen); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// noKafka is the kafkaListen of a command that reads and writes no topic.
const noKafka = ""

func (s *system) open(ctx context.Context, kafkaListen string) (err error) {
	if kafkaListen == noKafka && s.cfg.Warehouse.DSN == "" {
		if err := s.cfg.hasData(); err != nil {
			return err
		}
	}
	if s.cfg.embedsAnything() {
		if s.dir, err = holdDataDir(s.cfg.DataDir); err != nil {
			return err
		}
	}
	s.db, err = warehouse.Open(ctx, warehouse.Config{
		DSN: s.cfg.clickhouseDSN(), Database: s.cfg.Warehouse.Database, Cluster: s.cfg.Warehouse.Cluster,
		MemoryLimit: s.cfg.Warehouse.MemoryMiB << 20, Library: s.cfg.Warehouse.Library,
	})
	if err != nil {
		return err
	}
	if err := s.db.Migrate(ctx); err != nil {
		return err
	}
	if kafkaListen == noKafka {
		return nil
	}
	if s.protector, err = s.openProtector(ctx); err != nil {
		return err
	}
	s.kafka = s.cfg.streamConfig()
	if len(s.cfg.Kafka.Brokers) == 0 {
		s.broker, err = stream.StartBroker(stream.BrokerConfig{
			Dir: filepath.Join(s.cfg.DataDir, "kafka"), Addr: kafkaListen,
		})
		if err != nil {
			return fmt.Errorf("kafka.listen: %w; CLEW_KAFKA_LISTEN names another address", err)
		}
		s.kafka.Brokers = []string{s.broker.Addr()}
	}
	return stream.EnsureTopics(ctx, s.kafka, event.Topics(), s.cfg.Kafka.Partitions)
}

// Close closes in the reverse order of opening. The engine must be closed before the process ends.
func (s *system) Close() error {
	var faults []error
	if s.broker != nil {
		faults = append(faults, s.broker.Close())
	}
	if s.db != nil {
		faults = append(faults, s.db.Close())
	}
	if s.dir != nil {
		faults = append(faults, s.dir.release())
	}
	return errors.Join(faults...)
}

func (s *system) ingestConfig() ingest.Config {
	return ingest.Config{
		Stream: s.kafka, Group: s.cfg.Kafka.Group, Sink: s.db.Sink(), Now: time.Now, Log: s.log,
		Stats: &s.stats, Protect: s.protector.Protect,
	}
}

func (s *system) newJobs(onStep func(jobs.Step)) (*jobs.Jobs, error) {
	model, err := scoring.Load(s.cfg.Scoring.Model)
	if err != nil {
		return nil, err
	}
	plan, err := s.cfg.slaPlan()
	if err != nil {
		return nil, err
	}
	return jobs.New(jobs.Config{
		DB: s.db, Model: model,
		Transform: transform.Config{
			Timezone: s.cfg.Business.Timezone, Attribution: attribution.Config(s.cfg.Attribution),
			Costs: s.cfg.costs(), SLA: plan,
		},
		Every: s.cfg.Jobs.Every, Now: time.Now, Log: s.log, OnStep: onStep,
	})
}

func (s *system) newQuery() (*query.Service, error) {
	return query.New(query.Config{
		DB: s.db, Timezone: s.cfg.Business.Timezone, WeekStart: s.cfg.Business.WeekStart, Now: time.Now,
		Model: s.cfg.Scoring.Model,
	})
}

// send writes events to Kafka behind a progress bar, and returns how many of each type it sent. A row that cannot
// become an event is reported and counted, and the rest goes on. A total of -1 is unknown.
func (s *system) send(
	ctx context.Context, title string, total int64, events iter.Seq2[event.Event, error],
) (sent, error) {
	w := stream.NewWriter(s.kafka)
	defer w.Close()
	b := newBar(title, "events", total)
	result := sent{Events: map[event.Type]uint64{}}
	batch := make([]stream.Message, 0, 5000)
	flush := func() error {
		if err := w.Write(ctx, batch...); err != nil {
			return fmt.Errorf("write to Kafka at %v: %w", s.kafka.Brokers, err)
		}
		batch = batch[:0]
		b.set(int64(result.total()), total)
		return nil
	}
	for e, err := range events {
		if row := (*source.RowError)(nil); errors.As(err, &row) {
			result.reject(err)
			continue
		}
		if err != nil {
			return result, err
		}
		m, err := message(e)
		if err != nil {
			result.reject(err)
			continue
		}
		batch = append(batch, m)
		result.Events[e.Kind()]++
		if len(batch) == cap(batch) {
			if err := flush(); err != nil {
				return result, err
			}
		}
	}
	err := flush()
	b.done(result.total())
	return result, err
}

// message is what an event is in Kafka.
func message(e event.Event) (stream.Message, error) {
	value, err := event.Encode(e)
	if err != nil {
		return stream.Message{}, err
	}
	return stream.Message{Topic: event.Topic(e.Kind()), Key: []byte(event.Key(e)), Value: value}, nil
}

// sent is what a command put into Kafka.
type sent struct {
	Events   map[event.Type]uint64 `json:"events"`
	Rejected uint64                `json:"rejected"`
	// Faults are the first rejections, in words.
	Faults []string `json:"faults,omitempty"`
}

func (s sent) total() (n uint64) {
	for _, k := range s.Events {
		n += k
	}
	return n
}

func (s *sent) reject(err error) {
	s.Rejected++
	if len(s.Faults) < 10 {
		s.Faults = append(s.Faults, err.Error())
	}
}
