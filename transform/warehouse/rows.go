package warehouse

import (
	"fmt"
	"reflect"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Column is one column of an answer. Type is ClickHouse's name for it: Nullable(Float64).
type Column struct {
	Name string
	Type string
}

// Rows are the rows of a SELECT, read as they come. They are for one goroutine.
type Rows struct {
	rows driver.Rows
	// cancel ends the statement. clickhouse-go would rather read all that is left of it.
	cancel func()
	ended  bool
	err    error
	values []reflect.Value
	dest   []any
}

// Columns lists the columns in order, also where there are no rows.
func (r *Rows) Columns() []Column {
	var columns []Column
	for _, t := range r.rows.ColumnTypes() {
		columns = append(columns, Column{Name: t.Name(), Type: t.DatabaseTypeName()})
	}
	return columns
}

// Next goes to the next row. After false, Err says whether that was the end or a failure.
func (r *Rows) Next() bool {
	if !r.ended && r.rows.Next() {
		return true
	}
	r.end()
	return false
}

// Scan copies the row into dest, one pointer a column. NULL needs a pointer to a pointer.
func (r *Rows) Scan(dest ...any) error { return r.rows.Scan(dest...) }

// Err is the failure that ended the rows, nil at their natural end and before it.
func (r *Rows) Err() error { return r.err }

// Close ends the statement and gives the connection back. Rows read to their end are closed already. It returns Err.
func (r *Rows) Close() error {
	r.end()
	return r.err
}

// end keeps the failure that came from the rows, apart from the one that ending them makes.
func (r *Rows) end() {
	if r.ended {
		return
	}
	r.ended, r.err = true, plain(r.rows.Err())
	r.cancel()
	_ = r.rows.Close()
}

// Values is the row as plain Go values: bool, string, the numbers, time.Time, slices, maps, and nil for NULL. A
// Decimal, a UUID and an integer of more than 64 bits are strings; a tuple with names is a map, without a slice.
func (r *Rows) Values() ([]any, error) {
	r.prepare()
	if err := r.rows.Scan(r.dest...); err != nil {
		return nil, fmt.Errorf("read a row: %w", err)
	}
	values := make([]any, len(r.values))
	for i, v := range r.values {
		values[i] = value(v.Elem())
	}
	return values, nil
}

// prepare makes a place for each column, once.
func (r *Rows) prepare() {
	if r.dest != nil {
		return
	}
	for _, t := range r.rows.ColumnTypes() {
		v := reflect.New(t.ScanType())
		r.values, r.dest = append(r.values, v), append(r.dest, v.Interface())
	}
}

// value takes off pointers. What Go has no plain type for, such as a Decimal or a UUID, becomes its text.
func value(v reflect.Value) any {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if text, ok := reflect.TypeAssert[fmt.Stringer](v.Addr()); ok && v.Type() != timeType {
		return text.String()
	}
	return v.Interface()
}

var timeType = reflect.TypeFor[time.Time]()
