package source

import (
	"fmt"
	"strconv"
	"strings"
)

// text is a field's value as a mapping writes it: "olist:{mql_id}:won". It comes out empty as a whole when any of its
// placeholders does, so that a missing id never makes an id that other rows share.
type text []part

// part is a piece of a text: a literal, or a column with what is done to its value.
type part struct {
	kind    int
	literal string
	column  int // place in input.columns
	ops     []op
	share   bool // one of ops is share
}

// The kinds of part. partColumn is the zero value.
const (
	partColumn = iota
	partLiteral
	partIndex
)

// op changes a value. Its error says what is wrong with the value and the remedy.
type op func(value string, s *scope) (string, error)

// scope is what a text is rendered from: one row, and which of its repeats.
type scope struct {
	values []string // by place in input.columns
	index  int      // from 1
	count  int
}

// cellError is a fault in the value of one column.
type cellError struct {
	column int // place in input.columns; -1 when the event as a whole is at fault
	err    error
}

func (e *cellError) Error() string { return e.err.Error() }

// text reads the template language. {index} is a repeat's number only where there are repeats.
func (c *compiler) text(s string, repeats bool) (text, error) {
	var out text
	for s != "" {
		open := strings.IndexByte(s, '{')
		if open < 0 {
			open = len(s)
		}
		if open > 0 {
			out = append(out, part{kind: partLiteral, literal: s[:open]})
			s = s[open:]
			continue
		}
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return nil, fmt.Errorf("has a { without its }: close the placeholder")
		}
		p, err := c.placeholder(s[1:end], repeats)
		if err != nil {
			return nil, err
		}
		out, s = append(out, p), s[end+1:]
	}
	return out, nil
}

func (c *compiler) placeholder(s string, repeats bool) (part, error) {
	words := strings.Split(s, "|")
	if words[0] == "" || words[0] == "?" {
		return part{}, fmt.Errorf("has a placeholder without a column: write {column}")
	}
	if words[0] == "index" && repeats {
		if len(words) > 1 {
			return part{}, fmt.Errorf("changes {index}: write {index} alone")
		}
		return part{kind: partIndex}, nil
	}
	p := part{column: c.column(words[0])}
	for _, w := range words[1:] {
		o, err := c.change(w, repeats)
		if err != nil {
			return part{}, err
		}
		p.ops = append(p.ops, o)
		p.share = p.share || w == "share"
	}
	return p, nil
}

// column returns the first column of the text, to point at in a message, or -1.
func (t text) column() int {
	for _, p := range t {
		if p.kind == partColumn {
			return p.column
		}
	}
	return -1
}

// render returns the text for a scope. Its error is a *cellError.
func (t text) render(s *scope) (string, error) {
	if len(t) == 1 {
		return t[0].render(s)
	}
	var b strings.Builder
	for _, p := range t {
		v, err := p.render(s)
		if err != nil || v == "" {
			return "", err
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

func (p part) render(s *scope) (string, error) {
	switch p.kind {
	case partLiteral:
		return p.literal, nil
	case partIndex:
		return strconv.Itoa(s.index), nil
	}
	v := s.values[p.column]
	for _, o := range p.ops {
		changed, err := o(v, s)
		if err != nil {
			return "", &cellError{column: p.column, err: err}
		}
		v = changed
	}
	return v, nil
}
