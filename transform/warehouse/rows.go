package warehouse

import (
	"fmt"
	"reflect"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Column is one column of an answer. Type is ClickHouse's name for it: Nullable(Float64).
type Column struct {
	Name string
	Type string
}

// Rows are the rows of a SELECT, read as they come. They are for one goroutine.
type Rows struct {
	rows   driver.Rows
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
func (r *Rows) Next() bool { return r.rows.Next() }

// Scan copies the row into dest, one pointer a column. NULL needs a pointer to a pointer.
func (r *Rows) Scan(dest ...any) error { return r.rows.Scan(dest...) }

// Err is the failure that ended the rows, nil at their natural end.
func (r *Rows) Err() error { return plain(r.rows.Err()) }

// Close ends the statement and gives the connection back. Rows read to their end are closed already.
func (r *Rows) Close() error { return plain(r.rows.Close()) }

// Values is the row as plain Go values, NULL as nil.
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

func value(v reflect.Value) any {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	return v.Interface()
}
