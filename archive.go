package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clew/ingest/source"
	"clew/transform/warehouse"
)

// archiving is what the user chose of an archive.
type archiving struct {
	dir         string
	from, until string
	replace     bool
}

func archiveCommand(o *options) *cobra.Command {
	var a archiving
	cmd := &cobra.Command{
		Use:   "archive --to DIR",
		Short: "Write the raw events to Parquet files, one a table and month",
		Long: "Write the raw events to Parquet files, one a table and month (in UTC), with a manifest of their rows and " +
			"hashes. Months whose rows have not changed since are skipped. A month of which the warehouse holds fewer rows " +
			"than the archive keeps its file, unless --replace says otherwise. `clew import --archive DIR` takes an archive in.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, until, err := a.window()
			if err != nil {
				return err
			}
			return withSystem(cmd.Context(), o, noKafka, func(ctx context.Context, s *system) error {
				return a.run(ctx, s, from, until, cmd.OutOrStdout())
			})
		},
	}
	cmd.Flags().StringVar(&a.dir, "to", "", "directory of the archive")
	cmd.Flags().StringVar(&a.from, "from", "", "first month, as 2026-01 (default the first there is)")
	cmd.Flags().StringVar(&a.until, "until", "", "last month, as 2026-06 (default the last there is)")
	cmd.Flags().BoolVar(&a.replace, "replace", false, "also replace months of which the warehouse holds fewer rows")
	if err := cmd.MarkFlagRequired("to"); err != nil {
		panic(err)
	}
	return cmd
}

// monthLayout is a month for package time.
const monthLayout = "2006-01"

// The first moment and the one after the last that a row can have.
var (
	firstMoment = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	lastMoment  = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)
)

// window returns the first moment and the one after the last.
func (a archiving) window() (from, until time.Time, err error) {
	from, until = firstMoment, lastMoment
	if a.from != "" {
		if from, err = time.Parse(monthLayout, a.from); err != nil {
			return from, until, fmt.Errorf("--from %s is no month: write it as 2026-01", a.from)
		}
	}
	if a.until != "" {
		if until, err = time.Parse(monthLayout, a.until); err != nil {
			return from, until, fmt.Errorf("--until %s is no month: write it as 2026-06", a.until)
		}
		until = until.AddDate(0, 1, 0)
	}
	if !from.Before(until) {
		return from, until, fmt.Errorf("--from %s lies after --until %s: exchange them", a.from, a.until)
	}
	return from, until, nil
}

// archiveReport is what an archive run did.
type archiveReport struct {
	Dir string `json:"dir"`
	// Written are the files that are new or were written anew, Unchanged those that were skipped, and Kept those of which
	// the warehouse holds fewer rows.
	Written   []monthReport `json:"written"`
	Unchanged []monthReport `json:"unchanged"`
	Kept      []monthReport `json:"kept"`
	Rows      int64         `json:"rows_written"`
	Bytes     int64         `json:"bytes_written"`
	Seconds   float64       `json:"seconds"`
}

// monthReport is one file of an archive.
type monthReport struct {
	File string `json:"file"`
	Rows int64  `json:"rows"`
	// Before is how many rows the archive had.
	Before int64 `json:"rows_before,omitempty"`
}

func (a archiving) run(ctx context.Context, s *system, from, until time.Time, stdout io.Writer) error {
	archive, err := source.OpenArchive(a.dir)
	if err != nil {
		return err
	}
	months, total, err := s.archivable(ctx, from, until)
	if err != nil {
		return err
	}
	w := &archiver{
		db: s.db, archive: archive, replace: a.replace, bar: newBar("archive", "rows", total), total: total,
		report: archiveReport{Dir: a.dir, Written: []monthReport{}, Unchanged: []monthReport{}, Kept: []monthReport{}},
	}
	started := time.Now()
	for _, m := range months {
		if err := w.month(ctx, m); err != nil {
			return fmt.Errorf("archive %s of %s: %w", m.table.Name, m.text(), err)
		}
	}
	w.bar.done(uint64(w.done))
	w.report.Seconds = time.Since(started).Seconds()
	if err := printJSON(stdout, w.report); err != nil {
		return err
	}
	var faults []error
	for _, k := range w.report.Kept {
		faults = append(faults, fmt.Errorf("%s was kept with its %d rows, for the warehouse holds only %d of that month; "+
			"--replace writes what the warehouse holds", k.File, k.Before, k.Rows))
	}
	return errors.Join(faults...)
}

// month is the rows of a table in one month.
type month struct {
	table source.ArchiveTable
	from  time.Time
	rows  int64
}

func (m month) text() string { return m.from.Format(monthLayout) }

// params bounds a statement to the month.
func (m month) params() warehouse.Params { return bounds(m.table, m.from, m.from.AddDate(0, 1, 0)) }

// bounds are the parameters of inWindow.
func bounds(t source.ArchiveTable, from, until time.Time) warehouse.Params {
	if t.Month == "date" {
		return warehouse.Params{"from": from.Format(time.DateOnly), "until": until.Format(time.DateOnly)}
	}
	return warehouse.Params{"from": from, "until": until}
}

// inWindow is the condition on a table's rows.
func inWindow(t source.ArchiveTable) string {
	kind := "DateTime64(3)"
	if t.Month == "date" {
		kind = "Date32"
	}
	return fmt.Sprintf("%[1]s >= {from:%[2]s} AND %[1]s < {until:%[2]s} AND %[3]s", t.Month, kind, notErased(t))
}

// notErased is the condition that a row was not blanked: it stands for a message, and says nothing.
func notErased(t source.ArchiveTable) string {
	if slices.Contains(t.Columns, "event_id") {
		return "event_id != ''"
	}
	return "reason != '" + warehouse.ReasonErased + "'"
}

// archivable lists what the warehouse holds of a window, month by month, and the rows in all.
func (s *system) archivable(ctx context.Context, from, until time.Time) (months []month, total int64, err error) {
	for _, t := range source.ArchiveTables() {
		var found []struct {
			Month uint32 `ch:"month"`
			Rows  uint64 `ch:"rows"`
		}
		sql := fmt.Sprintf("SELECT toYYYYMM(%s) AS month, count() AS rows FROM %s WHERE %s GROUP BY month ORDER BY month",
			t.Month, t.Name, inWindow(t))
		if err := s.db.Select(ctx, &found, sql, bounds(t, from, until)); err != nil {
			return nil, 0, fmt.Errorf("ask %s for its months: %w", t.Name, err)
		}
		for _, f := range found {
			at := time.Date(int(f.Month/100), time.Month(f.Month%100), 1, 0, 0, 0, 0, time.UTC)
			months = append(months, month{table: t, from: at, rows: int64(f.Rows)})
			total += int64(f.Rows)
		}
	}
	return months, total, nil
}

// archiver brings an archive up to date.
type archiver struct {
	db      *warehouse.DB
	archive *source.Archive
	replace bool
	bar     *bar
	// done and total count rows.
	done, total int64
	report      archiveReport
}

// rowHash is the expression of a row's hash, over all archived columns.
func rowHash(t source.ArchiveTable) string {
	return "cityHash64(tuple(" + strings.Join(t.Columns, ", ") + "))"
}

// month writes a month's file, unless the archive has it already.
func (a *archiver) month(ctx context.Context, m month) error {
	old, listed, there := a.archive.Find(m.table.Name, m.text())
	if listed && there {
		switch same, err := a.same(ctx, m, old); {
		case err != nil:
			return err
		case same:
			a.report.Unchanged = append(a.report.Unchanged, monthReport{File: old.File, Rows: m.rows})
			a.skip(m)
			return nil
		case m.rows < old.Rows && !a.replace:
			a.report.Kept = append(a.report.Kept, monthReport{File: old.File, Rows: m.rows, Before: old.Rows})
			a.skip(m)
			return nil
		}
	}
	entry, err := a.write(ctx, m)
	if err != nil {
		return err
	}
	a.report.Written = append(a.report.Written, monthReport{File: entry.File, Rows: entry.Rows, Before: old.Rows})
	a.report.Rows += entry.Rows
	a.report.Bytes += entry.Bytes
	return a.archive.Put(entry)
}

func (a *archiver) skip(m month) {
	a.done += m.rows
	a.bar.set(a.done, a.total)
}

// same says whether the warehouse holds the rows that the archive has.
func (a *archiver) same(ctx context.Context, m month, old source.ArchiveFile) (bool, error) {
	if m.rows != old.Rows {
		return false, nil
	}
	var found []struct {
		Hash uint64 `ch:"hash"`
	}
	sql := fmt.Sprintf("SELECT sum(%s) AS hash FROM %s WHERE %s", rowHash(m.table), m.table.Name, inWindow(m.table))
	if err := a.db.Select(ctx, &found, sql, m.params()); err != nil {
		return false, fmt.Errorf("compare: %w", err)
	}
	return hashText(found[0].Hash) == old.Hash, nil
}

func hashText(h uint64) string { return fmt.Sprintf("%016x", h) }

// archiveSettings keep the memory of a month's SELECT small: it merges the month's parts in their common order.
var archiveSettings = map[string]any{
	"max_block_size": 8192, "max_threads": 2, "max_bytes_before_external_sort": 512 << 20,
}

// write writes a month's file and sums the hashes of what it writes.
func (a *archiver) write(ctx context.Context, m month) (source.ArchiveFile, error) {
	sql := fmt.Sprintf("SELECT %s, %s AS row_hash\nFROM %s\nWHERE %s\nORDER BY %s, _partition, _offset",
		strings.Join(m.table.Columns, ", "), rowHash(m.table), m.table.Name, inWindow(m.table),
		strings.Join(m.table.Order, ", "))
	rows, err := a.db.Query(warehouse.WithSettings(ctx, archiveSettings), sql, m.params())
	if err != nil {
		return source.ArchiveFile{}, err
	}
	defer rows.Close()
	w, err := source.NewArchiveWriter(a.archive.Dir, m.table, m.text())
	if err != nil {
		return source.ArchiveFile{}, err
	}
	sum, err := a.copyRows(rows, w)
	if err != nil {
		w.Abort()
		return source.ArchiveFile{}, err
	}
	entry, err := w.Close()
	entry.Hash = hashText(sum)
	return entry, err
}

func (a *archiver) copyRows(rows *warehouse.Rows, w *source.ArchiveWriter) (sum uint64, err error) {
	var hash uint64
	var places []any // Row gives the same ones for every row
	scan := func(dest ...any) error {
		if places == nil {
			places = append(dest, &hash)
		}
		return rows.Scan(places...)
	}
	for rows.Next() {
		if err := w.Row(scan); err != nil {
			return 0, err
		}
		sum += hash
		if a.done++; a.done%4096 == 0 {
			a.bar.set(a.done, a.total)
		}
	}
	return sum, rows.Err()
}
