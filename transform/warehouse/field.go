package warehouse

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// field is a column of a raw table for rows of type R. It is sent as the plainest type there is for its values, of which
// ClickHouse makes the table's. Above all that is String for a LowCardinality(String), whose dictionary the engine makes
// in a fraction of the time it takes here.
type field[R any] struct {
	column clickhouse.ColumnNameAndType
	// encode appends the value of each row to a column of the Native format.
	encode func(to []byte, rows []R) []byte
	// send does the same with a batch of clickhouse-go.
	send func(to driver.BatchColumn, rows []R) error
	// check finds a row whose value has no place in the column; nil where every value has one.
	check func(row R) error
}

// of makes a field of what value takes out of one row.
func of[R, T any](column string, value func(R) T) field[R] {
	wire, encode := encoding(value)
	return field[R]{
		column: clickhouse.ColumnNameAndType{Name: column, Type: wire}, encode: encode, send: sending(value),
	}
}

// ofDay makes a field of days such as 2026-01-31.
func ofDay[R any](column string, value func(R) string) field[R] {
	return field[R]{
		column: clickhouse.ColumnNameAndType{Name: column, Type: "Date32"},
		encode: each(value, appendDay),
		send:   sending(value),
		check:  func(row R) error { return checkDay(value(row)) },
	}
}

// ofMap makes a field of maps, each sent in the order of its keys: ClickHouse keeps the order, and two maps with the
// same entries in another order are unequal to it.
func ofMap[R any, V ~string](column string, value func(R) map[string]V) field[R] {
	return field[R]{
		column: clickhouse.ColumnNameAndType{Name: column, Type: "Map(String, String)"},
		encode: func(to []byte, rows []R) []byte { return appendMaps(to, rows, value) },
		send:   sending(func(row R) *sortedMap { return sorted(value(row)) }),
	}
}

// sending hands the values over as one slice of one type.
func sending[R, T any](value func(R) T) func(to driver.BatchColumn, rows []R) error {
	return func(to driver.BatchColumn, rows []R) error {
		values := make([]T, len(rows))
		for i, row := range rows {
			values[i] = value(row)
		}
		return to.Append(values)
	}
}

// encoding is the type as which values of T are sent, and how.
func encoding[R, T any](value func(R) T) (wire string, encode func(to []byte, rows []R) []byte) {
	switch value := any(value).(type) {
	case func(R) string:
		return "String", each(value, appendText)
	case func(R) bool:
		return "Bool", each(value, appendBool)
	case func(R) float64:
		return "Float64", each(value, appendFloat)
	case func(R) uint16:
		return "UInt16", each(value, binary.LittleEndian.AppendUint16)
	case func(R) uint32:
		return "UInt32", each(value, binary.LittleEndian.AppendUint32)
	case func(R) uint64:
		return "UInt64", each(value, binary.LittleEndian.AppendUint64)
	case func(R) time.Time:
		return "DateTime64(3, 'UTC')", each(value, appendTime)
	case func(R) *time.Time:
		absent := each(value, func(to []byte, t *time.Time) []byte { return appendBool(to, t == nil) })
		present := each(value, appendTimeOrNone)
		return "Nullable(DateTime64(3, 'UTC'))", func(to []byte, rows []R) []byte { return present(absent(to, rows), rows) }
	}
	panic(fmt.Sprintf("no type to send %T as", *new(T)))
}

func each[R, T any](value func(R) T, put func(to []byte, v T) []byte) func(to []byte, rows []R) []byte {
	return func(to []byte, rows []R) []byte {
		for _, row := range rows {
			to = put(to, value(row))
		}
		return to
	}
}

func appendText(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

func appendBool(to []byte, v bool) []byte {
	if v {
		return append(to, 1)
	}
	return append(to, 0)
}

func appendFloat(to []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(to, math.Float64bits(v))
}

// appendTime takes the zero time for 1970, as clickhouse-go does.
func appendTime(to []byte, t time.Time) []byte {
	var ms int64
	if !t.IsZero() {
		ms = t.UnixMilli()
	}
	return binary.LittleEndian.AppendUint64(to, uint64(ms))
}

func appendTimeOrNone(to []byte, t *time.Time) []byte {
	if t == nil {
		return appendTime(to, time.Time{})
	}
	return appendTime(to, *t)
}

// appendDay takes a day that was checked.
func appendDay(to []byte, day string) []byte {
	t, _ := time.Parse(time.DateOnly, day)
	return binary.LittleEndian.AppendUint32(to, uint32(int32(t.Unix()/(24*60*60))))
}

// checkDay says whether a text is a day of those that a Date32 has.
func checkDay(day string) error {
	t, err := time.Parse(time.DateOnly, day)
	if err == nil && (t.Year() < 1900 || t.Year() > 2299) {
		err = fmt.Errorf("the day %s does not lie between 1900-01-01 and 2299-12-31", day)
	}
	return err
}

// appendMaps writes where each row's entries end, then all keys, then all values.
func appendMaps[R any, V ~string](to []byte, rows []R, value func(R) map[string]V) []byte {
	keys, values := make([]byte, 0, 16*len(rows)), make([]byte, 0, 16*len(rows))
	var names []string
	entries := 0
	for _, row := range rows {
		m := value(row)
		names = names[:0]
		for name := range m {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			keys, values = appendText(keys, name), appendText(values, string(m[name]))
		}
		entries += len(names)
		to = binary.LittleEndian.AppendUint64(to, uint64(entries))
	}
	return append(append(to, keys...), values...)
}
