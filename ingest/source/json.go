package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// jsonRows reads JSON: an array, values one after the other, or objects with the array somewhere inside. The array is
// streamed; only one of its elements is in memory.
type jsonRows struct {
	in    *input
	lines *lineCounter
	limit *budget
	dec   *json.Decoder

	left    keyPath // what remains of input.rows inside the array that is being read
	above   []map[string]any
	inArray bool
	pending []tree // rows of one element still to be given
	row     tree
	at      int64 // the line of the element
}

// lazy is a row that is not parsed before its values are asked for: going on at a position skips many.
type lazy []byte

// parse puts the row in the place of its text.
func (t *tree) parse() error {
	raw, ok := t.row.(lazy)
	if !ok {
		return nil
	}
	v, err := parseJSON(raw)
	if err != nil {
		return &cellError{-1, err}
	}
	t.row = v
	return nil
}

// isRow says that a tree is an object, parsed or not.
func (t *tree) isRow() bool {
	switch t.row.(type) {
	case map[string]any, lazy:
		return true
	}
	return false
}

func openJSON(r io.Reader, in *input) *jsonRows {
	j := &jsonRows{in: in, lines: &lineCounter{r: r, line: 1}}
	j.limit = &budget{r: j.lines}
	j.dec = json.NewDecoder(j.limit)
	j.dec.UseNumber()
	return j
}

// next gives the rows of the elements one after the other.
func (j *jsonRows) next() error {
	for len(j.pending) == 0 {
		j.limit.left = maxRecord
		if err := j.element(); errors.Is(err, io.EOF) {
			return err
		} else if err != nil {
			return j.fault(err)
		}
	}
	j.row, j.pending = j.pending[0], j.pending[1:]
	if !j.row.isRow() {
		return &RowError{Line: j.at, Reason: notObject}
	}
	return nil
}

// token is for within a value: an end of the file there is a fault.
func (j *jsonRows) token() (json.Token, error) {
	t, err := j.dec.Token()
	return t, early(err)
}

var errEarly = errors.New("it ends too early")

func early(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errEarly
	}
	return err
}

// fault tells what is no JSON, and where.
func (j *jsonRows) fault(err error) error {
	if row, ok := errors.AsType[*RowError](err); ok {
		return row
	}
	line, err := j.line(), early(err)
	if _, syntax := errors.AsType[*json.SyntaxError](err); !syntax && !errors.Is(err, errEarly) {
		return fmt.Errorf("line %d: %w", line, err)
	}
	return fmt.Errorf("from line %d on it is not JSON: %w: fetch the file again, or use format ndjson where each line "+
		"is a value", line, err)
}

// line is where the value at fault begins.
func (j *jsonRows) line() int64 {
	offset := j.dec.InputOffset()
	rest := j.dec.Buffered()
	one := make([]byte, 1)
	for {
		if n, err := rest.Read(one); n == 0 || err != nil || !bytes.ContainsAny(one, " \t\r\n") {
			return j.lines.at(offset)
		}
		offset++
	}
}

// element reads the next element of the array, or what leads to an array. Its error is io.EOF only between values.
func (j *jsonRows) element() error {
	if j.inArray {
		if j.dec.More() {
			return j.read()
		}
		if _, err := j.token(); err != nil {
			return err
		}
		j.inArray = false
		return j.leave()
	}
	token, err := j.dec.Token()
	if err != nil {
		return err
	}
	j.at = j.lines.at(j.dec.InputOffset())
	switch token {
	case json.Delim('['):
		j.inArray, j.left = true, j.in.rows
		return nil
	case json.Delim('{'):
		if len(j.in.rows) == 0 {
			return j.object()
		}
		return j.descend(j.in.rows)
	}
	return &RowError{Line: j.at, Reason: notObject}
}

// read decodes an element, and finds its rows.
func (j *jsonRows) read() error {
	var raw json.RawMessage
	if err := j.dec.Decode(&raw); err != nil {
		return early(err)
	}
	j.at = j.lines.at(j.dec.InputOffset() - int64(len(raw)))
	if len(j.left) == 0 && raw[0] == '{' {
		j.pending = []tree{{lazy(raw), j.outer()}}
		return nil
	}
	v, err := parseJSON(raw)
	if err != nil {
		return err
	}
	j.pending = tree{v, j.outer()}.rows(j.left)
	return nil
}

func (j *jsonRows) outer() []any {
	out := make([]any, len(j.above))
	for i, a := range j.above {
		out[i] = a
	}
	return out
}

func parseJSON(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, early(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind the value")
	}
	return v, nil
}

// object reads an object that is a row itself; its brace is read.
func (j *jsonRows) object() error {
	line := j.at
	fields, err := j.fields(nil)
	j.at = line
	j.pending = []tree{{row: fields}}
	return err
}

// fields reads the fields of an object up to and with its closing brace, or to the value of a key.
func (j *jsonRows) fields(until *step) (map[string]any, error) {
	out := map[string]any{}
	for j.dec.More() {
		key, err := j.token()
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		if until != nil && name == until.key {
			return out, nil
		}
		var v any
		if err := j.dec.Decode(&v); err != nil {
			return nil, early(err)
		}
		out[name] = v
	}
	if _, err := j.token(); err != nil || until == nil {
		return out, err
	}
	return nil, pathless(j.at, j.in)
}

// descend goes down the path to the array. What stands before it in each object is kept, what stands behind it is not.
func (j *jsonRows) descend(p keyPath) error {
	fields, err := j.fields(&p[0])
	if missing, ok := errors.AsType[*RowError](err); ok {
		if err := j.leave(); err != nil {
			return err
		}
		return missing
	}
	if err != nil {
		return err
	}
	j.above = append(j.above, fields)
	j.left = p[1:]
	token, err := j.token()
	if err != nil {
		return err
	}
	switch {
	case token == json.Delim('['):
		j.inArray = true
		return nil
	case token == json.Delim('{') && len(j.left) > 0:
		return j.descend(j.left)
	case token == json.Delim('{'):
		row, err := j.fields(nil)
		if err != nil {
			return err
		}
		j.pending = []tree{{row, j.outer()}}
	}
	return j.leave()
}

// leave reads on to the end of the objects that are open.
func (j *jsonRows) leave() error {
	for len(j.above) > 0 {
		if _, err := j.fields(nil); err != nil {
			return err
		}
		j.above = j.above[:len(j.above)-1]
	}
	return nil
}

func (j *jsonRows) values(into []string) error { return j.row.values(j.in, into) }

// values sets the values of the columns that come from the file.
func (t *tree) values(in *input, into []string) error {
	if err := t.parse(); err != nil {
		return err
	}
	for i := range in.columns {
		c := &in.columns[i]
		if c.origin != originFile {
			continue
		}
		var err error
		if into[i], err = t.value(c); err != nil {
			return &cellError{i, err}
		}
	}
	return nil
}

func (j *jsonRows) position(int) (int64, int) { return j.at, 0 }

// lineCounter remembers where lines end, as far as nobody has asked beyond.
type lineCounter struct {
	r    io.Reader
	read int64
	line int64   // the line that begins at or before the first of ends
	ends []int64 // where the lines after it begin, in bytes
}

func (l *lineCounter) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			l.ends = append(l.ends, l.read+int64(i)+1)
		}
	}
	l.read += int64(n)
	return n, err
}

// at returns the line of a byte. Bytes are asked for in ascending order.
func (l *lineCounter) at(offset int64) int64 {
	n := 0
	for n < len(l.ends) && l.ends[n] <= offset {
		n++
	}
	l.ends, l.line = slices.Delete(l.ends, 0, n), l.line+int64(n)
	return l.line
}

// budget ends a read that takes too much at once.
type budget struct {
	r    io.Reader
	left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a value is longer than %d bytes: name the array inside it by rows", maxRecord)
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
