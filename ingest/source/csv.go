package source

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
)

// record is one row of a file. Its values are good until the next row is asked for.
type record struct {
	values []string
	// position returns the line and the column, both from 1 and the column in bytes, where a value begins.
	position func(i int) (line, column int)
}

// maxRecord bounds the memory for one row, in bytes: an unclosed quote would otherwise read in the rest of the file.
const maxRecord = 1 << 20

var (
	errRecordSize = fmt.Errorf("the row is longer than %d bytes: close its quotes", maxRecord)
	utf8BOM       = []byte("\xEF\xBB\xBF")
)

// readCSV returns the header and the rows of a CSV file with or without a byte order mark. A row that is not CSV is
// an error in its place, a *csv.ParseError, and the rows after it follow; any other error is the last.
func readCSV(r io.Reader, delimiter rune) ([]string, iter.Seq2[record, error], error) {
	in := bufio.NewReader(r)
	if start, err := in.Peek(len(utf8BOM)); err == nil && bytes.Equal(start, utf8BOM) {
		if _, err := in.Discard(len(utf8BOM)); err != nil {
			return nil, nil, err
		}
	}
	limit := &budget{r: in, left: maxRecord}
	c := csv.NewReader(limit)
	c.Comma, c.ReuseRecord = delimiter, true
	first, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("the file is empty: its first line must name the columns")
	}
	header := append([]string(nil), first...)
	rows := func(yield func(record, error) bool) {
		for {
			limit.left = maxRecord
			values, err := c.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(record{values: values, position: c.FieldPos}, err) {
				return
			}
			if err != nil && !notCSV(err) {
				return
			}
		}
	}
	return header, rows, err
}

// notCSV tells a fault of one row from one of the whole file.
func notCSV(err error) bool {
	_, ok := errors.AsType[*csv.ParseError](err)
	return ok
}

// budget ends a read that takes too much at once. What the CSV reader has buffered is not counted: it is 4 KiB.
type budget struct {
	r    io.Reader
	left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errRecordSize
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
