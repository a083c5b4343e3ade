package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"clew/ingest"
	"clew/ingest/source"
	"clew/transform/warehouse"
)

// The exit codes of `clew import` beside 0 and 1.
const (
	exitRejected = 2 // all was read, some of it was rejected
	exitStopped  = 3 // more was rejected than --max-rejects allows
)

// importing is what the user chose of an import.
type importing struct {
	source, in, archive string
	mappings            string // the folder of one's own
	rejects             string
	maxRejects          int64
	restart             bool
}

func importCommand(o *options) *cobra.Command {
	var i importing
	cmd := &cobra.Command{
		Use:   "import {--source NAME --in DIR | --archive DIR}",
		Short: "Take files in through Kafka, by a mapping, or an archive",
		Long: "Take files in through Kafka, by a mapping, or an archive that `clew archive` wrote.\n\n" +
			"An import that was broken off, by kill -9 too, goes on where it was when the same command is given again; " +
			"nothing is lost, and what is in Kafka already is not sent again. Files may be of any size.\n\n" +
			"Rows that cannot be taken in are rejected, the others go on. Exit code 0: all is in, or no more was rejected " +
			"than --max-rejects allows; 2: all was read, some rows were rejected; 3: stopped, for more was rejected than " +
			"--max-rejects allows; 1: any other failure.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.config()
			if err != nil {
				return err
			}
			i.mappings = cfg.Sources.Dir
			f, err := i.open()
			if err != nil {
				return err
			}
			return withSystem(cmd.Context(), o, anyPort, func(ctx context.Context, s *system) error {
				return i.run(ctx, s, f, cmd.OutOrStdout())
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&i.source, "source", "", fmt.Sprintf("mapping: a .yaml file, or one of %v", source.Names()))
	flags.StringVar(&i.in, "in", "", "directory of the files")
	flags.StringVar(&i.archive, "archive", "", "directory of an archive")
	flags.StringVar(&i.rejects, "rejects", "", "CSV file to list the rejected rows in, with place and reason")
	flags.Int64Var(&i.maxRejects, "max-rejects", -1, "stop when more rows than this are rejected (default no limit)")
	flags.BoolVar(&i.restart, "restart", false, "forget where an import of these files was broken off")
	cmd.PreRunE = func(*cobra.Command, []string) error { return i.check() }
	return cmd
}

// check refuses flags that do not make an import.
func (i importing) check() error {
	if (i.source != "") != (i.in != "") || (i.source != "") == (i.archive != "") {
		return errors.New("say what to take in: --source NAME --in DIR for files by a mapping (`clew sources list` names " +
			"them), or --archive DIR for what `clew archive` wrote")
	}
	return nil
}

// open finds the files. None of them is read yet.
func (i importing) open() (feed, error) {
	if i.archive != "" {
		a, err := source.LoadArchive(i.archive)
		if err != nil {
			return nil, err
		}
		return archiveFeed{a.Reader()}, nil
	}
	m, err := source.Load(i.source, i.mappings)
	if err != nil {
		return nil, err
	}
	r, err := m.Open(i.in)
	if err != nil {
		return nil, err
	}
	return mappingFeed{r, m.Hash}, nil
}

// begin is the checkpoint of an import that has not begun.
func (i importing) begin(f feed) (checkpoint, error) {
	c := checkpoint{Version: checkpointVersion, Source: i.source, Dir: i.in, Mapping: f.hash()}
	if i.archive != "" {
		c.Source, c.Dir = archiveSource, i.archive
	}
	var err error
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return c, err
	}
	if i.rejects != "" {
		if c.Rejects, err = filepath.Abs(i.rejects); err != nil {
			return c, err
		}
	}
	c.Files, err = fileStates(c.Dir, f.Files())
	for _, file := range c.Files {
		if filepath.Join(c.Dir, filepath.FromSlash(file.Name)) == c.Rejects {
			return c, fmt.Errorf("--rejects %s is a file to read and would be lost: name another", i.rejects)
		}
	}
	return c, err
}

// archiveSource stands for the name of a mapping where there is none.
const archiveSource = "archive"

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
	importTotals
	// Stored says whether the events are in the warehouse, or only in Kafka, for `clew serve` to take in.
	Stored bool `json:"stored"`
	// Duplicates are the events whose id was in the warehouse already, or twice in the files. They count once. It is
	// absent where the events are not stored yet.
	Duplicates *uint64 `json:"duplicates,omitempty"`
	// Resumed says that the import had been broken off, and FoundInLog how many messages behind its last checkpoint were
	// sent already.
	Resumed     bool    `json:"resumed,omitempty"`
	FoundInLog  int     `json:"found_in_log,omitempty"`
	RejectsFile string  `json:"rejects_file,omitempty"`
	Seconds     float64 `json:"seconds"`
}

func (i importing) run(ctx context.Context, s *system, f feed, stdout io.Writer) error {
	started := time.Now()
	r, err := i.runner(ctx, s, f)
	if err != nil {
		return err
	}
	defer r.close()
	if !r.at.Sent {
		if err := r.send(ctx); err != nil {
			return r.brokenOff(err, s.cfg.DataDir)
		}
	}
	report := imported{
		Source: r.at.Source, importTotals: r.at.Totals, Resumed: r.resumed, FoundInLog: r.found, RejectsFile: i.rejects,
	}
	if s.broker != nil {
		if err := s.ingestAll(ctx); err != nil {
			return r.brokenOff(err, s.cfg.DataDir)
		}
		n, err := s.duplicates(ctx, r.at.Started)
		if err != nil {
			return r.brokenOff(err, s.cfg.DataDir)
		}
		report.Stored, report.Duplicates = true, &n
	}
	report.Seconds = time.Since(started).Seconds()
	if err := printJSON(stdout, report); err != nil {
		return err
	}
	if err := os.Remove(r.name); err != nil {
		return fmt.Errorf("the import is complete, but its checkpoint stays: %w; remove it", err)
	}
	return i.verdict(report)
}

// verdict is the error that makes the exit code, with the remedy.
func (i importing) verdict(r imported) error {
	if r.Rejected == 0 || i.maxRejects >= 0 {
		return nil
	}
	where := "--rejects FILE lists all of them"
	if i.rejects != "" {
		where = i.rejects + " lists all of them"
	}
	return &exitError{exitRejected, fmt.Errorf("%d rows were rejected, the first because: %s; %s; correct them and "+
		"import again: what is already in counts once", r.Rejected, r.Faults[0], where)}
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
	err := ingest.Drain(ctx, cfg)
	b.done(uint64(last.Committed))
	return err
}

// duplicatesSQL counts the rows of a table stored since, whose event was there already. Ids are compared by a hash of
// 128 bits.
const duplicatesSQL = `SELECT toUInt64(sum(inside) - countIf(outside = 0)) AS n
FROM
(
    SELECT countIf(_ingested_at >= {since:DateTime64(3)}) AS inside, count() - inside AS outside
    FROM %s
    WHERE event_id != ''
    GROUP BY sipHash128(workspace, %s, event_id)
    HAVING inside > 0
)`

// duplicates counts the events stored since, whose id was stored before or more than once.
func (s *system) duplicates(ctx context.Context, since time.Time) (total uint64, err error) {
	// The comparison goes to disk where there are very many ids.
	ctx = warehouse.WithSettings(ctx, map[string]any{"max_bytes_before_external_group_by": 512 << 20})
	for _, t := range source.ArchiveTables() {
		kind := "''"
		switch t.Name {
		case "dead_letters":
			continue // they have no ids
		case "events":
			kind = "type"
		}
		var found []struct {
			N uint64 `ch:"n"`
		}
		sql := fmt.Sprintf(duplicatesSQL, t.Name, kind)
		if err := s.db.Select(ctx, &found, sql, warehouse.Params{"since": since}); err != nil {
			return 0, fmt.Errorf("count the duplicates in %s: %w", t.Name, err)
		}
		total += found[0].N
	}
	return total, nil
}
