package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync/atomic"

	"clew/ingest/event"
)

// RowError is a fault in one row. None of the row's events is made, the rows after it follow.
type RowError struct {
	// File is the name inside the directory; empty for the body of a webhook.
	File string `json:"file"`
	// Line is where the value begins, from 1; in a file without lines, such as Parquet, the number of the row.
	Line int64 `json:"line"`
	// Offset is where in its line the value begins, in bytes from 1; 0 where that is not known.
	Offset int `json:"offset,omitempty"`
	// Column is the column's name; empty when the row as a whole is at fault.
	Column string `json:"column,omitempty"`
	// Value is what the column holds, cut to 64 bytes.
	Value string `json:"value,omitempty"`
	// Reason says what is wrong and the remedy.
	Reason string `json:"reason"`
}

// Error names the file, the line, the column, the value and the remedy.
func (e *RowError) Error() string {
	place := fmt.Sprintf("%s:%d", e.File, e.Line)
	if e.Offset > 0 {
		place = fmt.Sprintf("%s:%d", place, e.Offset)
	}
	if e.Column == "" {
		return fmt.Sprintf("%s: %s", place, e.Reason)
	}
	return fmt.Sprintf("%s: column %q: value %q %s", place, e.Column, e.Value, e.Reason)
}

// File is one file of an import.
type File struct {
	// Name is the path inside the directory, with /.
	Name string
	// Size is in bytes, as it lies on disk.
	Size int64
	// input is the place in Mapping.inputs: two inputs may read one file.
	input int
}

// Position is the place behind an event, or behind a *RowError, for Reader.From to go on there. It stays right as long
// as the files and the mapping do not change. The zero value is the beginning.
type Position struct {
	// Input counts the mapping's inputs from 0.
	Input int `json:"input"`
	// File is a File.Name.
	File string `json:"file"`
	// Row counts the rows of the file from 1, faulty ones included.
	Row int64 `json:"row"`
	// Event counts what the row has given so far; a faulty row gives one error.
	Event int `json:"event"`
}

// Reader reads the files of a directory by a mapping. It is for one goroutine, Bytes excepted.
type Reader struct {
	mapping *Mapping
	fsys    fs.FS
	files   []File
	from    Position
	at      Position
	rows    int64
	total   int64
	done    atomic.Int64 // bytes of the files read to the end, and of the present one as far as it is read
}

// Open finds the files of the mapping in a directory. It reads none of them. The error names what is missing.
func (m *Mapping) Open(dir string) (*Reader, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("mapping %q: %q is no directory: name the one that holds the files", m.Name, dir)
	}
	r := &Reader{mapping: m, fsys: os.DirFS(dir)}
	for i, in := range m.inputs {
		if in.file == "" {
			continue
		}
		found, err := r.find(dir, in.file, in.optional)
		if err != nil {
			return nil, err
		}
		for _, j := range in.joins {
			if _, err := r.find(dir, j.in.file, len(found) == 0); err != nil {
				return nil, err
			}
		}
		for _, name := range found {
			info, err := fs.Stat(r.fsys, name)
			if err != nil {
				return nil, fmt.Errorf("mapping %q: %w", m.Name, err)
			}
			r.files = append(r.files, File{Name: name, Size: info.Size(), input: i})
			r.total += info.Size()
		}
	}
	switch {
	case len(r.files) > 0:
		return r, nil
	case len(m.patterns()) > 0:
		return nil, fmt.Errorf("mapping %q reads %q, and %q has none of them: put one there or name another directory",
			m.Name, m.patterns(), dir)
	}
	return nil, fmt.Errorf("mapping %q has no files, only webhooks: send payloads to it", m.Name)
}

// OpenFile makes a reader of one file alone, by those inputs whose name or pattern it has; where there is none, by the
// one input of its format. Files to join are looked for beside it.
func (m *Mapping) OpenFile(file string) (*Reader, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("mapping %q: %w: name an existing file", m.Name, err)
	}
	dir, name := filepath.Dir(file), filepath.Base(file)
	r := &Reader{mapping: m, fsys: os.DirFS(dir)}
	var formats []File
	for i, in := range m.inputs {
		f := File{Name: name, Size: info.Size(), input: i}
		if ok, err := path.Match(path.Base(in.file), name); err == nil && ok {
			r.files = append(r.files, f)
		}
		if in.file != "" && in.format == formatOf(name) {
			formats = append(formats, f)
		}
	}
	if len(r.files) == 0 && len(formats) == 1 {
		r.files = formats
	}
	if len(r.files) == 0 {
		return nil, fmt.Errorf("mapping %q reads %q, and none is %q: rename the file, or use another mapping",
			m.Name, m.patterns(), name)
	}
	for _, f := range r.files {
		r.total += f.Size
		for _, j := range m.inputs[f.input].joins {
			if _, err := r.find(dir, j.in.file, false); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// patterns are the files of the inputs, each once.
func (m *Mapping) patterns() []string {
	var out []string
	for _, in := range m.inputs {
		if in.file != "" && !slices.Contains(out, in.file) {
			out = append(out, in.file)
		}
	}
	return out
}

// find returns the files of a pattern, of which there must be one unless it is optional.
func (r *Reader) find(dir, pattern string, optional bool) ([]string, error) {
	found, err := fs.Glob(r.fsys, pattern)
	if err != nil {
		return nil, fmt.Errorf("mapping %q: %w", r.mapping.Name, err)
	}
	if len(found) == 0 && !optional {
		return nil, fmt.Errorf("mapping %q needs file %q, and %q has none: put it there or name another directory",
			r.mapping.Name, pattern, dir)
	}
	return found, nil
}

// Files returns what will be read, in order. A file that two inputs read is there twice.
func (r *Reader) Files() []File { return slices.Clone(r.files) }

// From lets Events begin behind a position instead of at the beginning. Rows before it are read again, but no event is
// made of them.
func (r *Reader) From(p Position) { r.from = p }

// Position returns the place behind what Events gave last. An error that ends the sequence does not move it back, not
// even while the rows before the position are read again.
func (r *Reader) Position() Position { return r.at }

// Rows returns how many rows Events has read behind the position it began at, faulty ones included.
func (r *Reader) Rows() int64 { return r.rows }

// Bytes returns how far Events has read and how much there is, in bytes of the files as they lie on disk. Any
// goroutine may ask.
func (r *Reader) Bytes() (read, total int64) { return r.done.Load(), r.total }

// Events reads the files and makes their events, valid and in the order of inputs, file names, rows and templates. In
// memory it holds the rows that come together (of an NDJSON line, an element of JSON, a batch of Parquet) and the files
// that are joined. The sequence may be ranged over again.
//
// A *RowError stands in the place of its row's events and the sequence goes on; any other error ends it, the context's
// among them.
func (r *Reader) Events(ctx context.Context) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		r.at, r.rows = r.from, 0
		r.done.Store(0)
		files, err := r.rest()
		if err != nil {
			yield(nil, err)
			return
		}
		for _, f := range files {
			more, err := r.file(ctx, f, yield)
			if err != nil {
				yield(nil, fmt.Errorf("mapping %q: file %q: %w", r.mapping.Name, f.Name, err))
				return
			}
			if !more {
				return
			}
		}
	}
}

// rest returns the files from the position on.
func (r *Reader) rest() ([]File, error) {
	if r.from.File == "" {
		return r.files, nil
	}
	start := slices.IndexFunc(r.files, func(f File) bool { return f.Name == r.from.File && f.input == r.from.Input })
	if start < 0 {
		return nil, fmt.Errorf("mapping %q: file %q, where reading is to go on, is gone: put it back, or begin anew",
			r.mapping.Name, r.from.File)
	}
	for _, f := range r.files[:start] {
		r.done.Add(f.Size)
	}
	return r.files[start:], nil
}

// rows reads one file.
type rows interface {
	// next goes to the next row. io.EOF follows the last. After a *RowError, which is a row too, it may be called
	// again; after another error it may not.
	next() error
	// values sets the row's values by place in input.columns.
	values(into []string) error
	// position says where a value, by its place, or with -1 the row begins: RowError.Line and RowError.Offset.
	position(place int) (line int64, offset int)
}

// file reads one file. It returns false when yield did.
func (r *Reader) file(ctx context.Context, f File, yield func(event.Event, error) bool) (more bool, err error) {
	in := &r.mapping.inputs[f.input]
	before := r.done.Load()
	rows, closeFile, err := openFile(r.fsys, f, in, &r.done)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, closeFile()) }()
	row := newRow(r.mapping, in, f.Name, rows)
	if row.joined, err = r.lookups(in); err != nil {
		return false, err
	}
	skip := Position{Input: f.input, File: f.Name}
	if r.from.File == f.Name && r.from.Input == f.input {
		skip = r.from
	}
	r.at = skip
	for {
		err := rows.next()
		if errors.Is(err, io.EOF) {
			if row.number < skip.Row {
				return false, fmt.Errorf("it has %d rows and reading was to go on behind row %d: it has changed, begin anew",
					row.number, skip.Row)
			}
			r.done.Store(before + f.Size)
			return true, nil
		}
		fault, faulty := errors.AsType[*RowError](err)
		if err != nil && !faulty {
			return false, err
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		row.number++
		if row.number < skip.Row {
			continue
		}
		if row.number > skip.Row {
			r.rows++
			r.at.Row, r.at.Event = row.number, 0
		}
		if !r.row(row, fault, skip, yield) {
			return false, nil
		}
	}
}

// row gives the events of a row, but not those before the position.
func (r *Reader) row(row *row, fault *RowError, skip Position, yield func(event.Event, error) bool) bool {
	given := 0
	give := func(e event.Event, err error) bool {
		if given++; row.number == skip.Row && given <= skip.Event {
			return true
		}
		r.at.Event = given
		return yield(e, err)
	}
	if fault != nil {
		fault.File = row.file
		return give(nil, fault)
	}
	return row.events(give)
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// Read reads a directory from the beginning: Open and Reader.Events in one.
func Read(ctx context.Context, m *Mapping, dir string) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		r, err := m.Open(dir)
		if err != nil {
			yield(nil, err)
			return
		}
		r.Events(ctx)(yield)
	}
}
