package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// parquetBatch is how many rows are decoded at once.
const parquetBatch = 256

// parquetRows reads a Parquet file. Its values become those of JSON: times and dates as ISO 8601, numbers in their
// shortest spelling, groups and maps as objects, lists as arrays.
type parquetRows struct {
	in     *input
	root   *parquet.Column
	reader *parquet.GenericReader[any]
	batch  []any
	left   []any
	ended  error
	row    tree
	number int64

	size, total, counted int64
	done                 *atomic.Int64
}

func openParquet(f fs.File, size int64, in *input, done *atomic.Int64) (*parquetRows, error) {
	random, ok := f.(io.ReaderAt)
	if !ok {
		return nil, errors.New("parquet cannot be read from here: put the file on a disk")
	}
	opened, err := parquet.OpenFile(random, size, parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("it is not Parquet: %w: fetch the file again", err)
	}
	p := &parquetRows{
		in: in, root: opened.Root(), reader: parquet.NewGenericReader[any](opened), batch: make([]any, parquetBatch),
		size: size, total: max(opened.NumRows(), 1), done: done,
	}
	if err := p.check(); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// check finds the columns in the schema.
func (p *parquetRows) check() error {
	header := make([]string, 0, len(p.root.Columns()))
	for _, c := range p.root.Columns() {
		header = append(header, c.Name())
	}
	var flat input
	for _, c := range p.in.columns {
		if c.origin != originFile {
			continue
		}
		names := make([]string, len(c.names))
		for i, path := range c.paths {
			names[i] = c.names[i]
			if p.root.Column(names[i]) == nil && len(path) > 0 {
				names[i] = path[0].key
			}
		}
		flat.columns = append(flat.columns, column{name: c.name, names: names, required: c.required})
	}
	_, err := flat.places(header)
	return err
}

func (p *parquetRows) close() error { return p.reader.Close() }

func (p *parquetRows) next() error {
	for len(p.left) == 0 {
		if p.ended != nil {
			return p.ended
		}
		clear(p.batch) // a map would be filled, not replaced
		var n int
		n, p.ended = p.reader.Read(p.batch)
		if n == 0 && p.ended == nil {
			p.ended = io.ErrNoProgress
		}
		p.left = p.batch[:n]
	}
	p.row, p.left = tree{row: p.left[0]}, p.left[1:]
	p.number++
	read := int64(float64(p.size) * float64(p.number) / float64(p.total))
	p.done.Add(read - p.counted)
	p.counted = read
	return nil
}

func (p *parquetRows) values(into []string) error {
	p.row.row = plainValue(p.root, p.row.row)
	return p.row.values(p.in, into)
}

func (p *parquetRows) position(int) (int64, int) { return p.number, 0 }

// plainValue turns a decoded value into one as JSON has it, by the schema.
func plainValue(c *parquet.Column, v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		item := listItem(c)
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainValue(item, v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, inner := range v {
			out[key] = plainValue(fieldOf(c, key), inner)
		}
		return out
	}
	return plainScalar(c, v)
}

// listItem returns the column of a list's items: behind list.element, or the repeated column itself.
func listItem(c *parquet.Column) *parquet.Column {
	if c != nil && isLogical[*format.ListType](c) && len(c.Columns()) == 1 && len(c.Columns()[0].Columns()) == 1 {
		return c.Columns()[0].Columns()[0]
	}
	return c
}

// fieldOf returns a group's field, or the column of a map's values. It may be nil.
func fieldOf(c *parquet.Column, key string) *parquet.Column {
	if c == nil {
		return nil
	}
	if isLogical[*format.MapType](c) && len(c.Columns()) == 1 {
		return c.Columns()[0].Column("value")
	}
	return c.Column(key)
}

func isLogical[T format.LogicalTypeValue](c *parquet.Column) bool {
	if c == nil || c.Type() == nil || c.Type().LogicalType() == nil {
		return false
	}
	_, ok := c.Type().LogicalType().Value.(T)
	return ok
}

func plainScalar(c *parquet.Column, v any) any {
	switch v := v.(type) {
	case string, bool:
		return v
	case []byte:
		return string(v)
	case int32:
		return plainInteger(c, int64(v))
	case int64:
		return plainInteger(c, v)
	case float32:
		return json.Number(strconv.FormatFloat(float64(v), 'f', -1, 32))
	case float64:
		return json.Number(strconv.FormatFloat(v, 'f', -1, 64))
	case deprecated.Int96:
		// Nanoseconds of the day in eight bytes, then the Julian day; 2440588 is 1970-01-01.
		nanos := int64(v[1])<<32 | int64(v[0])
		return isoTime(time.Unix((int64(v[2])-2440588)*86400, nanos), true)
	}
	return fmt.Sprint(v)
}

// plainInteger spells dates and times where the schema says that a number is one.
func plainInteger(c *parquet.Column, v int64) any {
	if c == nil || !c.Leaf() {
		return json.Number(strconv.FormatInt(v, 10))
	}
	switch {
	case isLogical[*format.DateType](c):
		return time.Unix(v*86400, 0).UTC().Format(time.DateOnly)
	case isLogical[*format.TimestampType](c):
		stamp := c.Type().LogicalType().Value.(*format.TimestampType)
		per := int64(time.Second / stamp.Unit.Value.Duration())
		seconds, rest := v/per, v%per
		return isoTime(time.Unix(seconds, rest*int64(stamp.Unit.Value.Duration())), stamp.IsAdjustedToUTC)
	case c.Type().ConvertedType() != nil && *c.Type().ConvertedType() == deprecated.TimestampMillis:
		return isoTime(time.UnixMilli(v), true)
	case c.Type().ConvertedType() != nil && *c.Type().ConvertedType() == deprecated.TimestampMicros:
		return isoTime(time.UnixMicro(v), true)
	case c.Type().Kind() == parquet.Int64 && v < 0 && isLogical[*format.IntType](c) &&
		!c.Type().LogicalType().Value.(*format.IntType).IsSigned:
		return json.Number(strconv.FormatUint(uint64(v), 10))
	}
	return json.Number(strconv.FormatInt(v, 10))
}

// isoTime leaves the zone out where the file says that times are local.
func isoTime(t time.Time, utc bool) string {
	if utc {
		return t.UTC().Format("2006-01-02T15:04:05.999999999Z")
	}
	return t.UTC().Format("2006-01-02T15:04:05.999999999")
}
