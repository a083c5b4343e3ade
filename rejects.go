package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"clew/ingest/source"
)

// rejectFile lists the rejected rows as CSV. A nil one lists nothing.
type rejectFile struct {
	file *os.File
	csv  *csv.Writer
}

// newRejectFile begins a file, or cuts an existing one to the size it had at a checkpoint.
func newRejectFile(name string, size int64) (*rejectFile, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // a nil one lists nothing
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, rejectFault(err)
	}
	r := &rejectFile{file: file, csv: csv.NewWriter(file)}
	end, err := file.Seek(0, io.SeekEnd)
	if err == nil && end < size {
		return nil, errors.Join(fmt.Errorf("%s has %d bytes of rejected rows and had %d when the import was broken off: "+
			"put it back, or %s", name, end, size, restartRemedy), file.Close())
	}
	if err == nil {
		_, err = file.Seek(size, io.SeekStart)
	}
	if err := errors.Join(err, file.Truncate(size)); err != nil {
		return nil, errors.Join(rejectFault(err), file.Close())
	}
	if size == 0 {
		// What cannot be written shows at the next flush.
		_ = r.csv.Write([]string{"file", "line", "offset", "column", "value", "reason"})
	}
	return r, nil
}

func rejectFault(err error) error {
	return fmt.Errorf("list the rejected rows: %w; name a file that can be written with --rejects", err)
}

func (r *rejectFile) write(row *source.RowError) error {
	if r == nil {
		return nil
	}
	err := r.csv.Write([]string{
		row.File, strconv.FormatInt(row.Line, 10), strconv.Itoa(row.Offset), row.Column, row.Value, row.Reason,
	})
	if err != nil {
		return rejectFault(err)
	}
	return nil
}

// flush returns the size of the file.
func (r *rejectFile) flush() (int64, error) {
	if r == nil {
		return 0, nil
	}
	if r.csv.Flush(); r.csv.Error() != nil {
		return 0, rejectFault(r.csv.Error())
	}
	info, err := r.file.Stat()
	if err != nil {
		return 0, rejectFault(err)
	}
	return info.Size(), nil
}

func (r *rejectFile) close() error {
	if r == nil {
		return nil
	}
	return r.file.Close()
}
