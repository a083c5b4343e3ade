package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync/atomic"
)

// The formats of files. formatTSV is formatCSV with tabs.
const (
	formatCSV     = "csv"
	formatTSV     = "tsv"
	formatJSON    = "json"
	formatNDJSON  = "ndjson"
	formatParquet = "parquet"
)

func formats() []string {
	return []string{formatCSV, formatTSV, formatJSON, formatNDJSON, formatParquet}
}

// formatOf tells the format of a file from its name, or nothing. A .gz behind the name says no more than that.
func formatOf(file string) string {
	name := strings.TrimSuffix(strings.ToLower(file), ".gz")
	switch strings.TrimPrefix(path.Ext(name), ".") {
	case "csv", "txt":
		return formatCSV
	case "tsv", "tab":
		return formatTSV
	case "json":
		return formatJSON
	case "ndjson", "jsonl":
		return formatNDJSON
	case "parquet":
		return formatParquet
	}
	return ""
}

// nested says that a format's values lie in one another, so that columns are paths.
func nested(format string) bool {
	return format == formatJSON || format == formatNDJSON || format == formatParquet
}

// openFile opens a file in the format of its input. What it reads is added to n.
func openFile(fsys fs.FS, f File, in *input, n *atomic.Int64) (_ rows, closeFile func() error, err error) {
	file, err := fsys.Open(f.Name)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if in.format == formatParquet {
		p, err := openParquet(file, f.Size, in, n)
		if err != nil {
			return nil, nil, err
		}
		return p, func() error { return errors.Join(p.close(), file.Close()) }, nil
	}
	unpacked, err := unpack(&counter{r: file, n: n})
	if err != nil {
		return nil, nil, err
	}
	text, err := decode(unpacked, in.encoding)
	if err != nil {
		return nil, nil, err
	}
	switch in.format {
	case formatJSON:
		return openJSON(text, in), file.Close, nil
	case formatNDJSON:
		return openNDJSON(text, in), file.Close, nil
	}
	c, err := openCSV(text, in)
	return c, file.Close, err
}

// unreadable adds the remedy to what a disk or gzip says of a file; nil stays nil.
func unreadable(err error) error {
	if err != nil {
		err = fmt.Errorf("it cannot be read to its end: %w: fetch the file again", err)
	}
	return err
}

// places finds the columns in the header; -1 stands for one that the file may do without. Its error names every one
// that is missing.
func (in *input) places(header []string) ([]int, error) {
	out := make([]int, len(in.columns))
	var missing []string
	for i, c := range in.columns {
		out[i] = -1
		if c.origin != originFile {
			continue
		}
		for _, name := range c.names {
			if out[i] = slices.Index(header, name); out[i] >= 0 {
				break
			}
		}
		switch {
		case out[i] < 0 && c.required:
			missing = append(missing, strings.Join(c.names, " or "))
		case out[i] >= 0 && slices.Contains(header[out[i]+1:], header[out[i]]):
			return nil, fmt.Errorf("column %q is there twice: rename one", header[out[i]])
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, fmt.Errorf("no column %q in the header %q: correct the mapping, its delimiter or the file",
			missing, header)
	}
	return out, nil
}

// maxLookup is how many rows a joined file may have: they are held in memory.
const maxLookup = 2_000_000

// lookups reads the files that an input joins.
func (r *Reader) lookups(in *input) ([]lookup, error) {
	out := make([]lookup, len(in.joins))
	for i, j := range in.joins {
		found, err := fs.Glob(r.fsys, j.in.file)
		if err != nil {
			return nil, err
		}
		out[i] = lookup{}
		for _, name := range found {
			if err := r.lookup(out[i], name, j.in); err != nil {
				return nil, fmt.Errorf("join %q: file %q: %w", j.name, name, err)
			}
		}
	}
	return out, nil
}

func (r *Reader) lookup(into lookup, name string, in *input) error {
	info, err := fs.Stat(r.fsys, name)
	if err != nil {
		return err
	}
	var unused atomic.Int64
	rows, closeFile, err := openFile(r.fsys, File{Name: name, Size: info.Size()}, in, &unused)
	if err != nil {
		return err
	}
	for {
		values := make([]string, len(in.columns))
		if err = rows.next(); err == nil {
			err = rows.values(values)
		}
		if err != nil {
			break
		}
		line, _ := rows.position(-1)
		if _, twice := into[values[0]]; twice {
			err = fmt.Errorf("line %d: %s %q is there twice: a key must tell the rows apart",
				line, in.columns[0].name, values[0])
			break
		}
		if len(into) == maxLookup {
			err = fmt.Errorf("it has more than %d rows: join the files before importing them", maxLookup)
			break
		}
		into[values[0]] = values
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	// As a *RowError it would pass for a row of the file that joins, and the end of the import for a mere rejection.
	if fault, ok := errors.AsType[*RowError](err); ok {
		err = fmt.Errorf("line %d: %s", fault.Line, fault.Reason)
	}
	return errors.Join(err, closeFile())
}
