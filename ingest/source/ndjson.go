package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds the memory for one line of NDJSON, in bytes; a line may hold a whole page of an API's answer.
const maxLine = 16 << 20

// ndjsonRows reads a JSON value in each line. A line that is none is at fault alone.
type ndjsonRows struct {
	in      *input
	r       *bufio.Reader
	line    int64
	buf     []byte
	pending []tree // rows of one line still to be given
	row     tree
}

func openNDJSON(r io.Reader, in *input) *ndjsonRows {
	return &ndjsonRows{in: in, r: bufio.NewReaderSize(r, 64<<10)}
}

func (n *ndjsonRows) next() error {
	for len(n.pending) == 0 {
		text, err := n.read()
		if err != nil {
			return err
		}
		if len(text) == 0 {
			continue
		}
		if len(n.in.rows) == 0 && text[0] == '{' {
			n.pending = []tree{{row: lazy(text)}}
			break
		}
		v, err := parseJSON(text)
		if err != nil {
			return &RowError{Line: n.line, Reason: notLine(err).Error()}
		}
		n.pending = tree{row: v}.rows(n.in.rows)
		if len(n.pending) == 0 && !leads(v, n.in.rows) {
			return pathless(n.line, n.in)
		}
	}
	n.row, n.pending = n.pending[0], n.pending[1:]
	if !n.row.isRow() {
		return &RowError{Line: n.line, Reason: notObject}
	}
	return nil
}

const notObject = "the row is neither an object nor an array of them: correct the file"

// read returns the next line without the spaces around it.
func (n *ndjsonRows) read() ([]byte, error) {
	n.buf = n.buf[:0]
	n.line++
	for {
		piece, err := n.r.ReadSlice('\n')
		n.buf = append(n.buf, piece...)
		switch {
		case len(n.buf) > maxLine:
			return nil, fmt.Errorf("line %d is longer than %d bytes: use format json where the file is one value",
				n.line, maxLine)
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(n.buf) > 0, err == nil:
			return bytes.TrimSpace(n.buf), nil
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		default:
			return nil, unreadable(err)
		}
	}
}

func notLine(err error) error {
	return fmt.Errorf("the line is not JSON: %w: correct it; the line is left out", err)
}

func (n *ndjsonRows) values(into []string) error {
	if err := n.row.parse(); err != nil {
		return &cellError{-1, notLine(err)}
	}
	return n.row.values(n.in, into)
}

func (n *ndjsonRows) position(int) (int64, int) { return n.line, 0 }
