package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"sync/atomic"

	"github.com/parquet-go/parquet-go"
)

// ArchiveReader reads the rows of an archive, with the means of a Reader. It is for one goroutine, Bytes excepted.
type ArchiveReader struct {
	archive *Archive
	from    Position
	at      Position
	rows    int64
	total   int64
	done    atomic.Int64
}

// Reader returns a reader of all files, month by month.
func (a *Archive) Reader() *ArchiveReader {
	r := &ArchiveReader{archive: a}
	for _, f := range a.Files {
		r.total += f.Bytes
	}
	return r
}

// Files returns what will be read, in order.
func (r *ArchiveReader) Files() []File {
	files := make([]File, len(r.archive.Files))
	for i, f := range r.archive.Files {
		files[i] = File{Name: f.File, Size: f.Bytes}
	}
	return files
}

// From lets Messages begin behind a position instead of at the beginning.
func (r *ArchiveReader) From(p Position) { r.from = p }

// Position returns the place behind what Messages gave last.
func (r *ArchiveReader) Position() Position { return r.at }

// Rows returns how many rows Messages has read behind the position it began at, faulty ones included.
func (r *ArchiveReader) Rows() int64 { return r.rows }

// Bytes returns how far Messages has read and how much there is, in bytes of the files. Any goroutine may ask.
func (r *ArchiveReader) Bytes() (read, total int64) { return r.done.Load(), r.total }

// Messages reads the rows as the messages they came from. Each file is compared with its hash in the manifest before its
// first row. A *RowError, whose Line is the number of the row, stands in the place of a row that cannot be read back,
// and the sequence goes on; any other error ends it. Up to 256 rows are held in memory, fewer
// where those of the file are large on average.
func (r *ArchiveReader) Messages(ctx context.Context) iter.Seq2[Archived, error] {
	return func(yield func(Archived, error) bool) {
		r.at, r.rows = r.from, 0
		files := r.archive.Files
		if r.from.File != "" {
			start := slices.IndexFunc(files, func(f ArchiveFile) bool { return f.File == r.from.File })
			if start < 0 {
				yield(Archived{}, fmt.Errorf("archive %s: %s, where reading is to go on, is gone: put it back, or begin anew",
					r.archive.Dir, r.from.File))
				return
			}
			files = files[start:]
		}
		for i, f := range files {
			first := int64(0)
			if i == 0 {
				first = r.from.Row
			}
			more, err := r.file(ctx, f, first, yield)
			if err != nil {
				yield(Archived{}, err)
			}
			if err != nil || !more {
				return
			}
		}
	}
}

// file gives the rows of a file from one on, counted from 0. It returns false when yield did.
func (r *ArchiveReader) file(
	ctx context.Context, f ArchiveFile, first int64, yield func(Archived, error) bool,
) (more bool, err error) {
	if err := r.archive.check(f); err != nil {
		return false, err
	}
	opened, err := r.archive.open(f, first)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	before := int64(0)
	for _, o := range r.archive.Files[:slices.Index(r.archive.Files, f)] {
		before += o.Bytes
	}
	next := ArchiveTables()[tableRank(f.Table)].read(opened)
	for row := first + 1; ; row++ {
		m, err := next()
		if errors.Is(err, io.EOF) {
			r.done.Store(before + f.Bytes)
			return true, nil
		}
		if _, faulty := errors.AsType[*RowError](err); err != nil && !faulty {
			return false, fmt.Errorf("archive %s: %s: %w", r.archive.Dir, f.File, err)
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		r.at = Position{File: f.File, Row: row}
		r.rows++
		r.done.Store(before + int64(float64(f.Bytes)*float64(row)/float64(f.Rows)))
		if !yield(m, err) {
			return false, nil
		}
	}
}

// rowReader reads rows as messages, one after the other; io.EOF is their end. Any other error is of the row alone where
// it is a *RowError, else of the file.
type rowReader func() (Archived, error)

// archiveFile is an open file of an archive.
type archiveFile struct {
	ArchiveFile
	file *parquet.File
	// first is the row to begin at, from 0.
	first int64
	close []func() error
}

// readRows reads a file's rows of type T.
func readRows[T any, P archiveRow[T]](f *archiveFile) rowReader {
	reader := parquet.NewGenericReader[T](f.file)
	f.close = append(f.close, reader.Close)
	if err := reader.SeekToRow(f.first); err != nil {
		return func() (Archived, error) { return Archived{}, err }
	}
	row := f.first
	batch := make([]T, f.rowsAtOnce())
	var left []T
	var end error
	return func() (Archived, error) {
		if len(left) == 0 && end == nil {
			clear(batch) // a map would be filled, not replaced
			var n int
			n, end = reader.Read(batch)
			left = batch[:n]
		}
		if len(left) == 0 {
			return Archived{}, noRows(end)
		}
		m, err := P(&left[0]).message()
		left, row = left[1:], row+1
		if err != nil {
			return Archived{}, &RowError{File: f.File, Line: row, Reason: err.Error()}
		}
		return m, nil
	}
}

// rowsAtOnce keeps the memory for rows small where they are large on average.
func (f *archiveFile) rowsAtOnce() int64 {
	size := int64(0)
	for _, g := range f.file.Metadata().RowGroups {
		size += g.TotalByteSize
	}
	return min(batchRows, max(1, batchBytes/max(1, size/max(1, f.Rows))))
}

// noRows is the error of a read that gave none.
func noRows(err error) error {
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// open opens a file to read from a row, from 0.
func (a *Archive) open(f ArchiveFile, first int64) (_ *archiveFile, err error) {
	file, err := os.Open(a.path(f))
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", a.Dir, err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	opened, err := parquet.OpenFile(file, f.Bytes, parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("archive %s: %s: %w", a.Dir, f.File, err)
	}
	if opened.NumRows() != f.Rows {
		return nil, fmt.Errorf("archive %s: %s has %d rows, and the manifest says %d: restore it from a copy",
			a.Dir, f.File, opened.NumRows(), f.Rows)
	}
	return &archiveFile{ArchiveFile: f, file: opened, first: first, close: []func() error{file.Close}}, nil
}

// Close closes what was opened last first.
func (f *archiveFile) Close() error {
	var faults []error
	for _, c := range slices.Backward(f.close) {
		faults = append(faults, c())
	}
	return errors.Join(faults...)
}
