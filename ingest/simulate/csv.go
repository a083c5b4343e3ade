package simulate

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"clew/ingest/event"
)

// entries are the names in the free attributes of made-up events, by the JSON name of the map.
func entries(of string) []string {
	switch of {
	case "properties":
		return []string{"device"}
	case "attributes":
		names := []string{"source_group", "industry", "region", "product", "title", "employees"}
		for _, n := range needs {
			names = append(names, n.name)
		}
		return names
	}
	return nil
}

// WriteCSV writes events to one CSV file a type, TYPE.csv in dir, with a header of their JSON names; what lies in an
// object is named contact_name, an entry of attributes by its name alone. The mapping `simulated` reads them. After every thousand events it tells how many were written.
func WriteCSV(dir string, events iter.Seq[event.Event], progress func(written int64)) (err error) {
	files := map[event.Type]*csvFile{}
	defer func() {
		for _, f := range files {
			err = errors.Join(err, f.close())
		}
	}()
	for _, kind := range event.Types() {
		if files[kind], err = newCSVFile(filepath.Join(dir, string(kind)+".csv"), kind); err != nil {
			delete(files, kind)
			return err
		}
	}
	written := int64(0)
	for e := range events {
		if err := files[e.Kind()].write(e); err != nil {
			return err
		}
		if written++; written%1000 == 0 {
			progress(written)
		}
	}
	progress(written)
	return nil
}

// csvFile is the file of one type.
type csvFile struct {
	file    *os.File
	buffer  *bufio.Writer
	csv     *csv.Writer
	columns []column
	record  []string
}

// column is a field of an event, or an entry of a map.
type column struct {
	name  string
	index []int
	entry string
}

func newCSVFile(name string, kind event.Type) (*csvFile, error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("%w; name a directory that can be written", err)
	}
	f := &csvFile{file: file, buffer: bufio.NewWriterSize(file, 1<<18)}
	f.csv = csv.NewWriter(f.buffer)
	f.columns = columnsOf(reflect.TypeOf(event.New(kind)).Elem(), "", nil)
	f.record = make([]string, len(f.columns))
	for i, c := range f.columns {
		f.record[i] = c.name
	}
	return f, f.csv.Write(f.record)
}

// columnsOf lists the columns of a struct, those of structs and maps in it under their own names too.
func columnsOf(t reflect.Type, prefix string, at []int) []column {
	var out []column
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "type" {
			continue
		}
		index := slices.Concat(at, f.Index)
		kind := f.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		switch {
		case kind.Kind() == reflect.Map:
			for _, e := range entries(name) {
				out = append(out, column{name: e, index: index, entry: e})
			}
		case kind.Kind() == reflect.Struct && kind != reflect.TypeFor[time.Time]():
			out = append(out, columnsOf(kind, prefix+name+"_", index)...)
		default:
			out = append(out, column{name: prefix + name, index: index})
		}
	}
	return out
}

func (f *csvFile) write(e event.Event) error {
	v := reflect.ValueOf(e).Elem()
	for i, c := range f.columns {
		f.record[i] = c.text(v)
	}
	return f.csv.Write(f.record)
}

// text is the column's value; empty where there is none.
func (c *column) text(v reflect.Value) string {
	for _, i := range c.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return ""
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	if c.entry != "" {
		if v = v.MapIndex(reflect.ValueOf(c.entry)); !v.IsValid() {
			return ""
		}
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	if t, ok := reflect.TypeAssert[time.Time](v); ok {
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	switch v.Kind() {
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	case reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	default:
		return v.String()
	}
}

func (f *csvFile) close() error {
	f.csv.Flush()
	err := errors.Join(f.csv.Error(), f.buffer.Flush(), f.file.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w; make room, or name another directory", f.file.Name(), err)
	}
	return nil
}
