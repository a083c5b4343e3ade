package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
)

// Sample is the beginning of a file of which no mapping is known yet.
type Sample struct {
	// Format is csv, json, ndjson or parquet.
	Format string
	// Delimiter is that of CSV.
	Delimiter byte
	// Skip is how many lines stand before the one that names the columns.
	Skip int
	// Rows is the path to the array of rows in JSON; empty where the values of the file are the rows.
	Rows string
	// Columns are the names in the header of CSV, with their order, or the paths in JSON and Parquet, sorted.
	Columns []string
	// Values are the rows, each with a value for every column, empty where it has none. Faulty rows are left out.
	Values [][]string
	// More says that the file has further rows.
	More bool
}

// TakeSample reads the first rows of a file and finds out how it is to be read.
func TakeSample(file string, rows int) (*Sample, error) {
	s := &Sample{Format: formatOf(file), Delimiter: ','}
	if s.Format == "" || s.Format == formatTSV {
		s.Format = formatCSV
	}
	in := &input{format: s.Format}
	if err := s.shape(file, in); err != nil {
		return nil, fmt.Errorf("file %q: %w", file, err)
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	var unused atomic.Int64
	name := File{Name: filepath.Base(file), Size: info.Size()}
	opened, closeFile, err := openFile(os.DirFS(filepath.Dir(file)), name, in, &unused)
	if err != nil {
		return nil, fmt.Errorf("file %q: %w", file, err)
	}
	err = s.take(opened, rows)
	if err = errors.Join(err, closeFile()); err != nil {
		return nil, fmt.Errorf("file %q: %w", file, err)
	}
	return s, nil
}

// shape finds the delimiter and the header of CSV, and the array of JSON.
func (s *Sample) shape(file string, in *input) (err error) {
	if s.Format == formatParquet {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	unpacked, err := unpack(f)
	if err != nil {
		return err
	}
	text, err := decode(unpacked, nil)
	if err != nil {
		return err
	}
	start, err := io.ReadAll(io.LimitReader(text, maxRecord))
	if err != nil {
		return err
	}
	if s.Format == formatJSON {
		s.Rows = arrayIn(start)
		in.rows = (&compiler{}).path("", s.Rows)
	}
	if s.Format == formatCSV {
		s.Delimiter, s.Skip = delimiterOf(start)
		in.delimiter, in.skip = s.Delimiter, s.Skip
	}
	return nil
}

// delimiterOf returns the character that gives the most rows of one width, and how many lines precede the first such.
func delimiterOf(text []byte) (byte, int) {
	best, skip, most := byte(','), 0, 0
	for _, delimiter := range []byte(",;\t|") {
		widths, lines := widthsOf(text, delimiter)
		count := map[int]int{}
		for _, w := range widths {
			count[w]++
		}
		for i, w := range widths {
			if w > 1 && count[w]*w > most {
				best, skip, most = delimiter, int(lines[i])-1, count[w]*w
			}
		}
	}
	return best, skip
}

// widthsOf returns the number of fields of the first rows, and the line each begins in.
func widthsOf(text []byte, delimiter byte) (widths []int, lines []int64) {
	c := &csvRows{r: bytes.NewReader(text), delimiter: delimiter, buf: make([]byte, sampleSize), line: 1}
	for range 100 {
		err := c.next()
		if _, faulty := errors.AsType[*RowError](err); faulty {
			continue
		}
		if err != nil {
			break
		}
		widths, lines = append(widths, len(c.fields)), append(lines, c.at)
	}
	return widths, lines
}

// arrayIn returns the path to the first array of objects in the one object a text begins with, or nothing.
func arrayIn(text []byte) string {
	d := json.NewDecoder(bytes.NewReader(text))
	var one json.RawMessage
	if err := d.Decode(&one); err == nil && d.More() {
		return "" // several values: they are the rows
	}
	d = json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	return strings.Join(arrayBelow(d, nil), ".")
}

// arrayBelow looks through an object whose brace is read.
func arrayBelow(d *json.Decoder, above []string) []string {
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil
		}
		key, _ := token.(string)
		path := append(above, key) // the place behind above is free: a path that was found is not gone on from
		value, err := d.Token()
		if err != nil {
			return nil
		}
		switch value {
		case json.Delim('{'):
			if found := arrayBelow(d, path); found != nil {
				return found
			}
		case json.Delim('['):
			first, err := d.Token()
			if err != nil || first == json.Delim('{') {
				return path
			}
			skipArray(d, first)
		}
	}
	_, _ = d.Token() // the closing brace; at the end of the text there is none
	return nil
}

// skipArray reads to the end of an array whose first token is read.
func skipArray(d *json.Decoder, token json.Token) {
	var err error
	for depth := 1; err == nil; token, err = d.Token() {
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return
		}
	}
}

// take reads the rows.
func (s *Sample) take(from rows, limit int) error {
	var found []map[string]string
	names := map[string]bool{}
	if c, ok := from.(*csvRows); ok {
		s.Columns = c.header
	}
	for {
		err := from.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if _, faulty := errors.AsType[*RowError](err); faulty {
			continue
		}
		if err != nil {
			return err
		}
		if s.More = len(s.Values)+len(found) == limit; s.More {
			break
		}
		if c, ok := from.(*csvRows); ok {
			s.Values = append(s.Values, c.texts())
			continue
		}
		row := map[string]string{}
		v := treeOf(from)
		if v == nil {
			continue
		}
		flatten("", v, row)
		for name := range row {
			names[name] = true
		}
		found = append(found, row)
	}
	if found == nil {
		return nil
	}
	s.Columns = slices.Sorted(maps.Keys(names))
	for _, row := range found {
		values := make([]string, len(s.Columns))
		for i, name := range s.Columns {
			values[i] = row[name]
		}
		s.Values = append(s.Values, values)
	}
	return nil
}

// treeOf returns the present row of a nested format, nil for a faulty one.
func treeOf(from rows) any {
	switch r := from.(type) {
	case *jsonRows:
		if r.row.parse() != nil {
			return nil
		}
		return r.row.row
	case *ndjsonRows:
		if r.row.parse() != nil {
			return nil
		}
		return r.row.row
	case *parquetRows:
		return plainValue(r.root, r.row.row)
	}
	return nil
}

// flatten collects the values of a tree by their paths. Lists of objects are left out: which of them counts is not for
// a guess.
func flatten(path string, v any, into map[string]string) {
	if fields, ok := v.(map[string]any); ok {
		for key, inner := range fields {
			flatten(strings.TrimPrefix(path+"."+key, "."), inner, into)
		}
		return
	}
	if text, err := spell([]any{v}); err == nil && path != "" {
		into[path] = text
	}
}
