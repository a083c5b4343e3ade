package source

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"clew/ingest/event"
)

// row is a row on its way to events.
type row struct {
	mapping *Mapping
	in      *input
	file    string
	rows    rows
	joined  []lookup // by place in input.joins
	number  int64
	scope   scope
}

// lookup holds the rows of a joined file by key, each with the values of the join's columns.
type lookup map[string][]string

func newRow(m *Mapping, in *input, file string, rows rows) *row {
	return &row{mapping: m, in: in, file: file, rows: rows, scope: scope{values: make([]string, len(in.columns))}}
}

// load fetches the values of the columns. Its error is a *cellError.
func (r *row) load() error {
	if err := r.rows.values(r.scope.values); err != nil {
		return err
	}
	for i, c := range r.in.columns {
		switch c.origin {
		case originRowNumber:
			r.scope.values[i] = strconv.FormatInt(r.number, 10)
		case originFileName:
			r.scope.values[i] = r.file
		case originFile:
			if len(r.mapping.nulls) > 0 && slices.Contains(r.mapping.nulls, r.scope.values[i]) {
				r.scope.values[i] = ""
			}
		case originJoin:
		}
	}
	for i := range r.in.columns {
		if c := &r.in.columns[i]; c.origin == originJoin {
			if err := r.loadJoined(i, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *row) loadJoined(i int, c *column) error {
	j := &r.in.joins[c.join]
	key := r.scope.values[j.match]
	found, ok := r.joined[c.join][key]
	r.scope.values[i] = ""
	switch {
	case ok:
		r.scope.values[i] = found[c.place]
		if slices.Contains(r.mapping.nulls, found[c.place]) {
			r.scope.values[i] = ""
		}
	case !j.optional:
		return &cellError{j.match, fmt.Errorf("has no row in %s: add it there, or set optional on join %q",
			j.in.file, j.name)}
	}
	return nil
}

// events makes the last event of each template before any is given out, so that a faulty row gives only its error.
// The last repeat has the longest number: where it is valid, so are those before it.
func (r *row) events(yield func(event.Event, error) bool) bool {
	wanted, err := r.wanted()
	if err != nil {
		return yield(nil, r.fault(err))
	}
	if !wanted {
		return true
	}
	lasts := make([]event.Event, len(r.in.templates))
	counts := make([]int, len(r.in.templates))
	for i := range r.in.templates {
		var err error
		if counts[i], err = r.count(&r.in.templates[i]); err == nil {
			lasts[i], err = r.build(&r.in.templates[i], counts[i], counts[i])
		}
		if err != nil {
			return yield(nil, r.fault(err))
		}
	}
	for i, n := range counts {
		for k := 1; k < n; k++ {
			e, err := r.build(&r.in.templates[i], k, n)
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

// wanted loads the row and says whether the input takes it.
func (r *row) wanted() (bool, error) {
	if err := r.load(); err != nil {
		return false, err
	}
	return hold(r.in.when, &r.scope)
}

// count returns how many events a template makes from the row. Its error is a *cellError.
func (r *row) count(t *template) (int, error) {
	if ok, err := hold(t.when, &r.scope); err != nil || !ok {
		return 0, err
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
				most, r.in.columns[t.within].name)}
		}
	}
	return n, nil
}

// build makes one event of a template, or none where count is 0. Its error is a *cellError.
func (r *row) build(t *template, index, count int) (event.Event, error) {
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
		if err := r.mapping.calendar.set(v, f.target, value); err != nil {
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
	if ok, err := hold(t.when, &r.scope); err != nil || !ok || t.repeat < 0 {
		return err
	}
	for _, f := range t.fields {
		for _, p := range f.text {
			if p.share && strings.Trim(r.scope.values[p.column], "-0.") != "" {
				return &cellError{p.column, fmt.Errorf("has no %s to be shared over: correct one of them",
					r.in.columns[t.repeat].name)}
			}
		}
	}
	return nil
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
	place := -1
	out := &RowError{File: r.file, Reason: err.Error()}
	if cell, ok := errors.AsType[*cellError](err); ok && cell.column >= 0 {
		place = cell.column
		out.Column, out.Value = r.in.columns[place].name, clip(r.scope.values[place])
	}
	out.Line, out.Offset = r.rows.position(place)
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
