package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"syscall"
	"time"

	"clew/ingest"
	"clew/ingest/event"
	"clew/ingest/simulate"
	"clew/ingest/stream"
)

// The roles of the child processes.
const (
	roleBroker      = "broker"
	roleProducer    = "producer"
	roleClew        = "clew"
	roleKafkaEngine = "kafka_engine"
)

// role is what a child process is to do.
type role struct {
	Role       string
	Dir        string
	Broker     string
	Group      string
	Partitions int
	// Events is how many to send, or to wait for.
	Events int
	// Rate is how many to send in a second; 0 means as many as go.
	Rate  int
	Ready bool // report also when ready to read
	Queue queueSettings
}

// report is what a child process says of its work.
type report struct {
	Addr    string
	Tables  map[string]uint64 // rows by table
	Bytes   int64
	Events  int
	Seconds float64
	CPU     float64 // in seconds, of the process alone, user and system
	PeakMiB int64
	Fresh   [3]int // p50, p99 and maximum in milliseconds
}

func (r report) cpuPerMillion() float64 { return r.CPU / float64(r.Events) * 1e6 }

// playRole is the whole of a child process.
func playRole(text string) int {
	var r role
	err := json.Unmarshal([]byte(text), &r)
	if err == nil {
		err = r.play(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (r role) play(ctx context.Context) error {
	switch r.Role {
	case roleBroker:
		return r.broker(ctx)
	case roleProducer:
		got, err := r.send(ctx)
		return errors.Join(err, got.print())
	default:
		return r.drain(ctx)
	}
}

func (r report) print() error { return json.NewEncoder(os.Stdout).Encode(r) }

// broker runs a broker, filled with events, until standard input ends.
func (r role) broker(ctx context.Context) error {
	b, err := stream.StartBroker(stream.BrokerConfig{Dir: r.Dir})
	if err != nil {
		return err
	}
	r.Broker = b.Addr()
	err = stream.EnsureTopics(ctx, stream.Config{Brokers: []string{r.Broker}}, event.Topics(), r.Partitions)
	if err == nil {
		var got report
		got, err = r.send(ctx)
		got.Addr = r.Broker
		err = errors.Join(err, got.print())
	}
	if err == nil {
		_, err = io.Copy(io.Discard, os.Stdin)
	}
	return errors.Join(err, b.Close())
}

// send writes a simulated business to Kafka: all seven types in their natural proportions, always the same.
func (r role) send(ctx context.Context) (report, error) {
	got := report{Tables: map[string]uint64{}}
	if r.Events == 0 {
		return got, nil
	}
	w := stream.NewWriter(stream.Config{Brokers: []string{r.Broker}})
	defer w.Close()
	started := time.Now()
	batch := make([]stream.Message, 0, 5000)
	flush := func() error {
		got.Events += len(batch)
		if r.Rate > 0 {
			time.Sleep(time.Until(started.Add(time.Duration(got.Events) * time.Second / time.Duration(r.Rate))))
		}
		err := w.Write(ctx, batch...)
		batch = batch[:0]
		return err
	}
	if r.Rate > 0 {
		batch = slices.Grow(batch[:0:0], min(r.Rate/20, r.Events)) // twenty writes a second
	}
	// A lead has more than 17 events.
	for e := range simulate.Events(simulate.Config{
		Seed: 1, Leads: r.Events/17 + 1, To: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}) {
		if r.Rate > 0 {
			e.Head().OccurredAt = started // what arrives live has just happened, and does not spread over a year
		}
		m, err := message(e)
		if err != nil {
			return got, err
		}
		batch = append(batch, m)
		got.Tables[topicTables()[m.Topic]]++
		got.Bytes += int64(len(m.Value))
		last := got.Events+len(batch) == r.Events
		if last || len(batch) == cap(batch) {
			if err := flush(); err != nil {
				return got, err
			}
		}
		if last {
			got.Seconds = time.Since(started).Seconds()
			return got, nil
		}
	}
	return got, fmt.Errorf("the simulated business has %d events, fewer than %d", got.Events, r.Events)
}

// topicTables says which table holds the events of a topic.
func topicTables() map[string]string {
	return map[string]string{
		"clew.touchpoints": "events", "clew.behaviors": "events", "clew.leads": "lead_updates",
		"clew.activities": "activities", "clew.stages": "stage_changes", "clew.assignments": "assignments",
		"clew.costs": "costs",
	}
}

// drain consumes until as many events as wanted are stored, and counts what is in the tables afterwards. With the
// environment variable CLEW_PROFILE the processor profile of the drain is written into that directory.
func (r role) drain(ctx context.Context) error {
	cfg := defaultConfig()
	cfg.DataDir, cfg.Kafka.Brokers, cfg.Kafka.Group = r.Dir, []string{r.Broker}, r.Group
	s, err := openSystem(ctx, cfg, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		anyPort)
	if err != nil {
		return err
	}
	stop, err := profile(os.Getenv("CLEW_PROFILE"), r.Role)
	if err != nil {
		return err
	}
	got := report{Events: r.Events}
	cpu, started := usage(), time.Now()
	if r.Role == roleClew {
		err = r.drainClew(ctx, s, &got)
	} else {
		err = r.drainQueue(ctx, s, &got)
	}
	got.Seconds = time.Since(started).Seconds()
	used := usage()
	got.CPU, got.PeakMiB = used.seconds-cpu.seconds, used.peakMiB
	stop()
	if err == nil {
		got.Tables, err = s.rawCounts(ctx)
	}
	return errors.Join(err, s.Close(), got.print())
}

// drainClew runs ingest as the program does. For a role that wants to know, it reports once when it is about to read.
func (r role) drainClew(ctx context.Context, s *system, got *report) error {
	cfg := s.ingestConfig()
	sink := &timedSink{Claimer: cfg.Sink.(ingest.Claimer)}
	cfg.Sink = sink
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stored, ready := 0, r.Ready
	cfg.OnFlush = func(p ingest.Progress) {
		if ready {
			ready = false
			if err := (report{}).print(); err != nil {
				cancel(err)
			}
		}
		if stored += p.Records; stored >= r.Events {
			cancel(nil)
		}
	}
	err := ingest.Run(ctx, cfg)
	got.Events, got.Fresh = stored, sink.figures()
	return err
}

// timedSink notes how old each row is when it is stored.
type timedSink struct {
	ingest.Claimer
	ages []int // rows by whole milliseconds
	rows int
}

// Claim gives a claim whose rows are noted.
func (s *timedSink) Claim(ctx context.Context, logs []ingest.Log) (ingest.Claim, error) {
	claim, err := s.Claimer.Claim(ctx, logs)
	return timedClaim{claim, s}, err
}

type timedClaim struct {
	ingest.Claim
	sink *timedSink
}

// Write writes the batch and notes its rows.
func (c timedClaim) Write(ctx context.Context, b ingest.Batch) (ingest.Outcome, error) {
	done, err := c.Claim.Write(ctx, b)
	if err == nil {
		c.sink.note(time.Now(), b.Records)
	}
	return done, err
}

func (s *timedSink) note(now time.Time, records []ingest.Record) {
	for i := range records {
		age := int(max(0, now.Sub(records[i].ReceivedAt)).Milliseconds())
		if age >= len(s.ages) {
			s.ages = append(s.ages, make([]int, age+1-len(s.ages))...)
		}
		s.ages[age]++
	}
	s.rows += len(records)
}

func (s *timedSink) figures() [3]int {
	at := func(share float64) int {
		left := int(share * float64(s.rows))
		return slices.IndexFunc(s.ages, func(n int) bool { left -= n; return left < 0 })
	}
	return [3]int{at(0.5), at(0.99), len(s.ages) - 1}
}

type used struct {
	seconds float64
	peakMiB int64
}

// usage is what this process has taken of the machine so far.
func usage() used {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it has no other failure than a wrong argument
	}
	return used{time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds(), u.Maxrss >> 10}
}

func profile(dir, name string) (stop func(), err error) {
	if dir == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(dir, name+".pprof"))
	if err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, pprof.StartCPUProfile(f)
}

// rawCounts counts the rows of the raw tables by their positions: a row that is stored twice makes them wrong.
func (s *system) rawCounts(ctx context.Context) (map[string]uint64, error) {
	counts := map[string]uint64{}
	for _, table := range topicTables() {
		var got []struct {
			Rows   uint64 `ch:"rows"`
			Unique uint64 `ch:"unique"`
		}
		sql := "SELECT count() AS rows, uniqExact(_src, _partition, _offset, _row) AS unique FROM " + table
		if err := s.db.Select(ctx, &got, sql, nil); err != nil {
			return nil, err
		}
		if got[0].Rows != got[0].Unique {
			return nil, fmt.Errorf("%s has %d rows at %d positions", table, got[0].Rows, got[0].Unique)
		}
		counts[table] = got[0].Rows
	}
	return counts, nil
}
