package source

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"clew/ingest/event"
)

// RowError is a fault in one row. None of the row's events is made, the rows after it follow.
type RowError struct {
	File string
	// Line and Position, both from 1 and Position in bytes, are where the value begins.
	Line, Position int
	// Column is the column's name; empty when the row as a whole is at fault.
	Column string
	// Value is what the column holds, cut to 64 bytes.
	Value string
	// Err says what is wrong and the remedy.
	Err error
}

// Error names the file, the line, the column, the value and the remedy.
func (e *RowError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("%s:%d:%d: %v", e.File, e.Line, e.Position, e.Err)
	}
	return fmt.Sprintf("%s:%d:%d: column %q: value %q %v", e.File, e.Line, e.Position, e.Column, e.Value, e.Err)
}

// Unwrap returns Err.
func (e *RowError) Unwrap() error { return e.Err }

// Events reads the mapping's files in a directory and makes their events, valid and in the order of inputs, file
// names, rows and templates. It holds one row at a time in memory. The sequence may be ranged over again.
//
// A *RowError stands in the place of its row's events and the sequence goes on; any other error ends it. All files are
// looked for before the first event.
func (m *Mapping) Events(dir string) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		err := m.eachRow(dir, func(r *row) bool { return m.yieldRow(r, yield) })
		if err != nil {
			yield(nil, err)
		}
	}
}

// Count returns how many events the files hold, without making them: the total for a progress display. A faulty row
// counts as far as its events can be told, so the figure is exact for files without faults.
func (m *Mapping) Count(dir string) (int64, error) {
	var total int64
	err := m.eachRow(dir, func(r *row) bool {
		for i := range r.in.templates {
			if n, fault := r.count(&r.in.templates[i]); r.err == nil && fault == nil {
				total += int64(n)
			}
		}
		return true
	})
	return total, err
}

// row is a record on its way to events.
type row struct {
	in     *input
	file   string
	places []int // in the record, by place in input.columns
	record
	scope scope
	err   error // the record is not CSV
}

func (m *Mapping) eachRow(dir string, do func(*row) bool) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("mapping %q: %q is no directory: name the one that holds the files", m.Name, dir)
	}
	files := make([][]string, len(m.inputs))
	fsys := os.DirFS(dir)
	for i, in := range m.inputs {
		found, err := fs.Glob(fsys, in.file)
		if err != nil {
			return fmt.Errorf("mapping %q: %w", m.Name, err)
		}
		if len(found) == 0 {
			return fmt.Errorf("mapping %q needs file %q, and %q has none: put it there or name another directory",
				m.Name, in.file, dir)
		}
		files[i] = found
	}
	for i := range m.inputs {
		for _, file := range files[i] {
			if more, err := eachRowOf(fsys, file, &m.inputs[i], do); err != nil || !more {
				return wrapFile(m.Name, file, err)
			}
		}
	}
	return nil
}

func wrapFile(mapping, file string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("mapping %q: file %q: %w", mapping, file, err)
}

// eachRowOf calls do for each row until do returns false. This is where a further format would be told by its suffix.
func eachRowOf(fsys fs.FS, file string, in *input, do func(*row) bool) (more bool, err error) {
	f, err := fsys.Open(file)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	header, rows, err := readCSV(f, in.delimiter)
	if err != nil {
		return false, err
	}
	r := &row{in: in, file: file}
	if r.places, err = places(header, in.columns); err != nil {
		return false, err
	}
	r.scope.values = make([]string, len(in.columns))
	for rec, err := range rows {
		if err != nil && !notCSV(err) {
			return false, err
		}
		r.record, r.err = rec, err
		if err == nil {
			for i, p := range r.places {
				r.scope.values[i] = rec.values[p]
			}
		}
		if !do(r) {
			return false, nil
		}
	}
	return true, nil
}

// places finds the columns in the header. Its error names every one that is missing.
func places(header, columns []string) ([]int, error) {
	out := make([]int, len(columns))
	var missing []string
	for i, c := range columns {
		out[i] = slices.Index(header, c)
		switch {
		case out[i] < 0:
			missing = append(missing, c)
		case slices.Contains(header[out[i]+1:], c):
			return nil, fmt.Errorf("column %q is there twice: rename one", c)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, fmt.Errorf("no column %q in the header %q: correct the mapping, its delimiter or the file",
			missing, header)
	}
	return out, nil
}

// yieldRow makes the last event of each template before any is given out, so that a faulty row gives only its error.
// The last repeat has the longest number: where it is valid, so are those before it.
func (m *Mapping) yieldRow(r *row, yield func(event.Event, error) bool) bool {
	if r.err != nil {
		return yield(nil, r.parseFault())
	}
	lasts := make([]event.Event, len(r.in.templates))
	counts := make([]int, len(r.in.templates))
	for i := range r.in.templates {
		var err error
		if counts[i], err = r.count(&r.in.templates[i]); err == nil {
			lasts[i], err = m.build(r, &r.in.templates[i], counts[i], counts[i])
		}
		if err != nil {
			return yield(nil, r.fault(err))
		}
	}
	for i, n := range counts {
		for k := 1; k < n; k++ {
			e, err := m.build(r, &r.in.templates[i], k, n)
			if err != nil {
				return yield(nil, r.fault(err))
			}
			if !yield(e, nil) {
				return false
			}
		}
		if n > 0 && !yield(lasts[i], nil) {
			return false
		}
	}
	return true
}

// count returns how many events a template makes from the row. Its error is a *cellError.
func (r *row) count(t *template) (int, error) {
	if t.when >= 0 && r.scope.values[t.when] == "" {
		return 0, nil
	}
	if t.repeat < 0 {
		return 1, nil
	}
	n, err := repeats(r.scope.values[t.repeat])
	if err != nil {
		return 0, &cellError{t.repeat, err}
	}
	if t.within >= 0 {
		most, err := repeats(r.scope.values[t.within])
		if err != nil {
			return 0, &cellError{t.within, err}
		}
		if n > most {
			return 0, &cellError{t.repeat, fmt.Errorf("is more than the %d of column %q: correct one of them",
				most, r.in.columns[t.within])}
		}
	}
	return n, nil
}

// build makes one event of a template, or none where count is 0. Its error is a *cellError.
func (m *Mapping) build(r *row, t *template, index, count int) (event.Event, error) {
	r.scope.index, r.scope.count = index, count
	if count == 0 {
		return nil, r.unshared(t)
	}
	e := event.New(t.kind)
	v := reflect.ValueOf(e).Elem()
	for i := range t.fields {
		f := &t.fields[i]
		value, err := f.text.render(&r.scope)
		if err != nil {
			return nil, err
		}
		if err := m.set(v, f.target, value); err != nil {
			return nil, &cellError{f.text.column(), fmt.Errorf("for %s of a %s %w", f.name, t.kind, err)}
		}
	}
	if err := e.Validate(); err != nil {
		return nil, &cellError{t.culprit(err), err}
	}
	return e, nil
}

// unshared refuses to lose an amount that no event would carry.
func (r *row) unshared(t *template) error {
	if t.repeat < 0 || t.when >= 0 && r.scope.values[t.when] == "" {
		return nil
	}
	for _, f := range t.fields {
		for _, p := range f.text {
			if v := r.shared(p); v != "" && strings.Trim(v, "-0.") != "" {
				return &cellError{p.column, fmt.Errorf("has no %s to be shared over: correct one of them",
					r.in.columns[t.repeat])}
			}
		}
	}
	return nil
}

func (r *row) shared(p part) string {
	if !p.share {
		return ""
	}
	return r.scope.values[p.column]
}

// culprit returns the column behind the field that Validate found at fault, or -1.
func (t *template) culprit(err error) int {
	if fault, ok := errors.AsType[*event.Fault](err); ok {
		for _, f := range t.fields {
			if f.name == fault.Field {
				return f.text.column()
			}
		}
	}
	return -1
}

func (r *row) fault(err error) *RowError {
	out := &RowError{File: r.file, Err: err}
	out.Line, out.Position = r.position(0)
	if cell, ok := errors.AsType[*cellError](err); ok {
		out.Err = cell.err
		if cell.column >= 0 {
			out.Line, out.Position = r.position(r.places[cell.column])
			out.Column, out.Value = r.in.columns[cell.column], clip(r.scope.values[cell.column])
		}
	}
	return out
}

func (r *row) parseFault() *RowError {
	out := &RowError{File: r.file, Err: r.err}
	if parse, ok := errors.AsType[*csv.ParseError](r.err); ok {
		out.Line, out.Position = parse.Line, parse.Column
		out.Err = fmt.Errorf("the row is not CSV: %w: correct its commas and quotes", parse.Err)
	}
	return out
}

// clip keeps messages short, and whole characters whole.
func clip(s string) string {
	if len(s) <= 64 {
		return s
	}
	cut := 64
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
