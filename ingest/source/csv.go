package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxRecord bounds the memory for one row, in bytes: an unclosed quote would otherwise read in the rest of the file.
const maxRecord = 1 << 20

// csvRows reads CSV as RFC 4180 has it. Rows may span lines inside quotes.
//
// A quote that does not close would swallow the lines after it. So when a row of several lines turns out to be wrong,
// only its first line is given up, and reading goes on with the second.
type csvRows struct {
	r         io.Reader
	ended     bool // r has no more
	delimiter byte
	width     int // fields of the header; 0 before it is read
	header    []string
	places    []int

	buf        []byte // buf[start:end] is read and not yet consumed
	start, end int
	line       int64 // of buf[start], from 1

	record []byte // the present row, without its line end
	at     int64  // the line the present row begins in
	fields []span
}

// span is a field of the present row as it is written, quotes included.
type span struct{ from, to int }

// openCSV reads the header and finds the columns in it. Lines to skip stand before the header.
func openCSV(r io.Reader, in *input) (*csvRows, error) {
	c := &csvRows{r: r, delimiter: in.delimiter, buf: make([]byte, 64<<10), line: 1}
	for range in.skip {
		if err := c.skipLine(); err != nil {
			return nil, err
		}
	}
	err := c.next()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: its first line must name the columns")
	}
	if fault, ok := errors.AsType[*RowError](err); ok {
		return nil, fmt.Errorf("line %d must name the columns: %s", fault.Line, fault.Reason)
	}
	if err != nil {
		return nil, err
	}
	c.header = c.texts()
	c.width = len(c.header)
	c.places, err = in.places(c.header)
	return c, err
}

// fill reads more behind buf[end]. It returns false when there is no more.
func (c *csvRows) fill() (bool, error) {
	if c.ended {
		return false, nil
	}
	if c.end-c.start > maxRecord {
		return false, errRecordSize
	}
	if c.start > 0 {
		copy(c.buf, c.buf[c.start:c.end])
		c.start, c.end = 0, c.end-c.start
	}
	if c.end == len(c.buf) {
		c.buf = slices.Grow(c.buf, len(c.buf))[:2*len(c.buf)]
	}
	n, err := c.r.Read(c.buf[c.end:])
	c.end += n
	if c.ended = errors.Is(err, io.EOF); c.ended {
		return n > 0, nil
	}
	return true, unreadable(err)
}

var errRecordSize = fmt.Errorf("a row is longer than %d bytes: close its quotes, or correct the delimiter", maxRecord)

// find returns where after buf[start+from] the first of the bytes is, counted from start, or -1 at the end of the file.
func (c *csvRows) find(from int, wanted string) (int, error) {
	for {
		var i int
		if len(wanted) == 1 {
			i = bytes.IndexByte(c.buf[c.start+from:c.end], wanted[0])
		} else {
			i = bytes.IndexAny(c.buf[c.start+from:c.end], wanted)
		}
		if i >= 0 {
			return from + i, nil
		}
		from = c.end - c.start
		if more, err := c.fill(); err != nil || !more {
			return -1, err
		}
	}
}

// peek returns the byte at buf[start+i], or 0 at the end of the file.
func (c *csvRows) peek(i int) (byte, error) {
	for c.start+i >= c.end {
		if more, err := c.fill(); err != nil || !more {
			return 0, err
		}
	}
	return c.buf[c.start+i], nil
}

// consume takes n bytes away.
func (c *csvRows) consume(n int) {
	c.line += int64(bytes.Count(c.buf[c.start:c.start+n], []byte{'\n'}))
	c.start += n
}

// endOfLine returns the length of the line at start, its end included.
func (c *csvRows) endOfLine() (int, error) {
	i, err := c.find(0, "\n")
	if i < 0 {
		return c.end - c.start, err
	}
	return i + 1, err
}

func (c *csvRows) skipLine() error {
	n, err := c.endOfLine()
	if err == nil {
		c.consume(n)
	}
	return err
}

// next reads the next row; lines with nothing in them are none.
func (c *csvRows) next() error {
	for {
		b, err := c.peek(0)
		if err != nil {
			return err
		}
		second := byte(0)
		if b == '\r' {
			if second, err = c.peek(1); err != nil {
				return err
			}
		}
		switch {
		case c.start == c.end:
			return io.EOF
		case b == '\n':
			c.consume(1)
		case second == '\n':
			c.consume(2)
		case b == '\r' && c.end-c.start == 1:
			c.consume(1)
		default:
			return c.row()
		}
	}
}

// row reads the row at start. Its error is a *RowError where only this row is at fault.
func (c *csvRows) row() error {
	c.fields, c.at = c.fields[:0], c.line
	n, fault, err := c.scan()
	if err != nil {
		return err
	}
	lines := bytes.Count(c.buf[c.start:c.start+n], []byte{'\n'})
	if fault == nil && c.width > 0 && len(c.fields) != c.width {
		fault = &RowError{Line: c.at, Reason: fmt.Sprintf(
			"the row has %d fields and the header %d: correct its delimiters and quotes", len(c.fields), c.width)}
		if lines > 1 {
			fault.Reason = unclosed(c.at)
		}
	}
	if fault != nil {
		if err := c.skipLine(); err != nil {
			return err
		}
		return fault
	}
	c.record = c.buf[c.start : c.start+n]
	c.consume(n)
	return nil
}

func unclosed(line int64) string {
	return fmt.Sprintf("a quote opened in line %d does not close as it should: correct the quotes of the line; "+
		"the line is left out, and reading went on with the next", line)
}

// scan finds the fields of the row at start, and returns its length with the line end.
func (c *csvRows) scan() (n int, fault *RowError, err error) {
	for i := 0; ; i++ {
		b, err := c.peek(i)
		if err != nil {
			return 0, nil, err
		}
		f := span{i, i}
		if b == '"' && c.start+i < c.end {
			if i, fault, err = c.quoted(i + 1); fault != nil || err != nil {
				return 0, fault, err
			}
		} else if i, err = c.plain(i); err != nil {
			return 0, nil, err
		}
		f.to = i
		if b != '"' {
			if q := bytes.IndexByte(c.buf[c.start+f.from:c.start+f.to], '"'); q >= 0 {
				return 0, c.bareQuote(f.from + q), nil
			}
		}
		end := c.start+i >= c.end || c.buf[c.start+i] != c.delimiter
		if end && b != '"' && f.to > f.from && c.buf[c.start+f.to-1] == '\r' {
			f.to--
		}
		c.fields = append(c.fields, f)
		if end {
			return c.lineEnd(i), nil, nil
		}
	}
}

func (c *csvRows) bareQuote(at int) *RowError {
	before := c.buf[c.start : c.start+at]
	return &RowError{
		Line: c.at + int64(bytes.Count(before, []byte{'\n'})), Offset: at - bytes.LastIndexByte(before, '\n'),
		Reason: `there is a " inside a field without quotes: put the field in quotes and double the quote`,
	}
}

// lineEnd returns the place behind the line end at i, if one is there.
func (c *csvRows) lineEnd(i int) int {
	rest := c.buf[c.start+i : c.end]
	switch {
	case bytes.HasPrefix(rest, []byte("\r\n")):
		return i + 2
	case bytes.HasPrefix(rest, []byte("\n")), string(rest) == "\r":
		return i + 1
	}
	return min(i, c.end-c.start)
}

// plain returns where a field without quotes ends.
func (c *csvRows) plain(i int) (int, error) {
	for {
		for at := c.start + i; at < c.end; at++ {
			if b := c.buf[at]; b == c.delimiter || b == '\n' {
				return at - c.start, nil
			}
		}
		i = c.end - c.start
		if more, err := c.fill(); err != nil || !more {
			return i, err
		}
	}
}

// quoted returns where a field ends whose opening quote is before i, behind its closing quote.
func (c *csvRows) quoted(i int) (int, *RowError, error) {
	broken := &RowError{Line: c.at, Reason: unclosed(c.at)}
	for {
		q, err := c.find(i, `"`)
		if errors.Is(err, errRecordSize) || q < 0 && err == nil {
			return 0, broken, nil
		}
		if err != nil {
			return 0, nil, err
		}
		after, err := c.peek(q + 1)
		if err != nil {
			return 0, nil, err
		}
		if after == '\r' {
			if after, err = c.peek(q + 2); err != nil {
				return 0, nil, err
			}
			if c.start+q+2 >= c.end {
				return q + 1, nil, nil
			}
		}
		switch {
		case after == '"':
			i = q + 2
		case after == c.delimiter, after == '\n', c.start+q+1 >= c.end:
			return q + 1, nil, nil
		default:
			return 0, broken, nil
		}
	}
}

// texts returns all fields of the present row.
func (c *csvRows) texts() []string {
	out := make([]string, len(c.fields))
	for i := range c.fields {
		out[i] = c.text(i)
	}
	return out
}

func (c *csvRows) text(i int) string {
	raw := c.record[c.fields[i].from:c.fields[i].to]
	if len(raw) == 0 || raw[0] != '"' {
		return string(raw)
	}
	s := string(raw[1 : len(raw)-1])
	if strings.Contains(s, `""`) {
		s = strings.ReplaceAll(s, `""`, `"`)
	}
	if strings.Contains(s, "\r\n") {
		s = strings.ReplaceAll(s, "\r\n", "\n")
	}
	return s
}

func (c *csvRows) values(into []string) error {
	for i, p := range c.places {
		into[i] = ""
		if p >= 0 {
			into[i] = c.text(p)
		}
	}
	return nil
}

// position says where a value begins, -1 for the row as a whole: the line and the byte in it, both from 1.
func (c *csvRows) position(i int) (line int64, offset int) {
	from := 0
	if i >= 0 && c.places[i] >= 0 {
		from = c.fields[c.places[i]].from
	}
	before := c.record[:from]
	return c.at + int64(bytes.Count(before, []byte{'\n'})), from - bytes.LastIndexByte(before, '\n')
}
