package source

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

const (
	// groupRows and groupBytes bound a row group, and with it the memory of a writer: a group is held until its end.
	groupRows  = 250_000
	groupBytes = 32 << 20
	// batchRows is how many rows go to the Parquet writer, or come from its reader, at once, and batchBytes about how much
	// memory they take.
	batchRows  = 256
	batchBytes = 4 << 20
	// dictionaryBytes is from where on a column is written without a dictionary: it no longer saves anything.
	dictionaryBytes = 1 << 20
)

// ArchiveWriter writes one file of an archive, under a temporary name until Close. It is for one goroutine, and must end
// in Close or Abort.
type ArchiveWriter struct {
	entry ArchiveFile
	name  string
	file  *os.File
	out   *bufio.Writer
	sum   interface{ Sum(to []byte) []byte }
	// fields are the places of one row, which next takes.
	fields []any
	next   func() error
	// held is about how many bytes the rows collected take.
	held int
	// flush writes the rows collected; finish writes the file's end.
	flush, finish func() error
}

// NewArchiveWriter begins the file of a table and a month, such as 2026-01, in the archive at dir.
func NewArchiveWriter(dir string, table ArchiveTable, month string) (*ArchiveWriter, error) {
	sum := sha256.New()
	w := &ArchiveWriter{sum: sum}
	w.entry = ArchiveFile{Table: table.Name, Month: month, File: table.Name + "/" + table.Name + "-" + month + ".parquet"}
	w.name = filepath.Join(dir, filepath.FromSlash(w.entry.File))
	if err := os.MkdirAll(filepath.Dir(w.name), 0o755); err != nil {
		return nil, archiveFault(dir, err)
	}
	file, err := os.Create(w.name + ".part")
	if err != nil {
		return nil, archiveFault(dir, err)
	}
	w.file = file
	w.out = bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<18)
	table.write(w)
	return w, nil
}

func archiveFault(dir string, err error) error {
	return fmt.Errorf("archive %s: %w; make room or make it writable, or name another directory", dir, err)
}

// writeRows lets w write rows of type T.
func writeRows[T any](w *ArchiveWriter) {
	var row T
	_, w.fields = columnsOf(reflect.ValueOf(&row).Elem())
	to := parquet.NewGenericWriter[T](w.out, parquet.Compression(&zstd.Codec{}),
		parquet.DictionaryMaxBytes(dictionaryBytes), parquet.CreatedBy("clew", "1", ""))
	batch := make([]T, 0, batchRows)
	var grouped, begun int64
	w.flush = func() error {
		_, err := to.Write(batch)
		grouped += int64(len(batch))
		clear(batch) // or they would keep their texts in memory
		batch, w.held = batch[:0], 0
		if err == nil && (grouped >= groupRows || to.Size()-begun >= groupBytes) {
			err = to.Flush()
			grouped, begun = 0, to.Size()
		}
		return err
	}
	w.next = func() error {
		batch = append(batch, row)
		if len(batch) < batchRows && w.held < batchBytes {
			return nil
		}
		return w.flush()
	}
	w.finish = to.Close
}

// Row adds a row: scan is given a place for each of the table's Columns, as for a row of the table. The places are the
// same for every row.
func (w *ArchiveWriter) Row(scan func(dest ...any) error) error {
	if err := scan(w.fields...); err != nil {
		return err
	}
	w.entry.Rows++
	for _, f := range w.fields {
		w.held += sizeOf(f)
	}
	if err := w.next(); err != nil {
		return w.fault(err)
	}
	return nil
}

// sizeOf is about how many bytes a field takes, as far as that is not always the same.
func sizeOf(field any) (n int) {
	switch v := field.(type) {
	case *string:
		return len(*v)
	case *map[string]string:
		for key, value := range *v {
			n += len(key) + len(value)
		}
	}
	return n
}

// Close ends the file, makes it last and gives it its name, in place of an older one. The entry is for the manifest.
func (w *ArchiveWriter) Close() (ArchiveFile, error) {
	size := func() error {
		info, err := w.file.Stat()
		if err == nil {
			w.entry.Bytes = info.Size()
		}
		return err
	}
	rename := func() error { return os.Rename(w.file.Name(), w.name) }
	keep := func() error { return syncDir(filepath.Dir(w.name)) }
	for _, step := range []func() error{w.flush, w.finish, w.out.Flush, size, w.file.Sync, w.file.Close, rename, keep} {
		if err := step(); err != nil {
			w.Abort()
			return ArchiveFile{}, w.fault(err)
		}
	}
	w.entry.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	return w.entry, nil
}

// Abort removes what was written.
func (w *ArchiveWriter) Abort() {
	// Whatever cannot be closed or removed is overwritten by the next attempt.
	_ = w.file.Close()
	_ = os.Remove(w.file.Name())
}

func (w *ArchiveWriter) fault(err error) error {
	return fmt.Errorf("write %s: %w; make room or make it writable, then archive again: what is complete is kept",
		w.name, err)
}

// syncDir makes the names in a directory last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
