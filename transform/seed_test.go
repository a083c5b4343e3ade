package transform_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clew/transform/warehouse"
)

const timeLayout = "2006-01-02T15:04:05.000Z"

// row is one row of a raw table: the columns that matter, the others keep their defaults.
type row map[string]any

// seed is rows by raw table.
type seed map[string][]row

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// insert adds the rows of each table in one batch.
func (s seed) insert(t *testing.T, db *warehouse.DB) {
	t.Helper()
	for table, rows := range s {
		insertRows(t, db, table, rows)
	}
}

// insertBadly adds the later half of the rows first, then the earlier half, then all of them once more. What settings
// fill is added once.
func (s seed) insertBadly(t *testing.T, db *warehouse.DB) {
	t.Helper()
	for table, rows := range s {
		if !arrives(t, db, table) {
			insertRows(t, db, table, rows)
			continue
		}
		half := len(rows) / 2
		for _, part := range [][]row{rows[half:], rows[:half], rows} {
			insertRows(t, db, table, part)
		}
	}
}

// pieces deals the rows out to n seeds at random. What settings fill comes first.
func (s seed) pieces(t *testing.T, db *warehouse.DB, r *rand.Rand, n int) []seed {
	t.Helper()
	pieces := make([]seed, n)
	for i := range pieces {
		pieces[i] = seed{}
	}
	for _, table := range slices.Sorted(maps.Keys(s)) {
		arrives := arrives(t, db, table)
		for _, row := range s[table] {
			piece := pieces[0]
			if arrives {
				piece = pieces[r.IntN(n)]
			}
			piece[table] = append(piece[table], row)
		}
	}
	return pieces
}

// arrives says whether the rows of a table come one after the other, as those of the raw tables do.
func arrives(t *testing.T, db *warehouse.DB, table string) bool {
	t.Helper()
	return columnTypes(t, db, table)["_ingested_at"] != ""
}

// columnTypes are the types of a table's columns.
func columnTypes(t *testing.T, db *warehouse.DB, table string) map[string]string {
	t.Helper()
	types := map[string]string{}
	for _, column := range described(t, db, "TABLE "+table, nil) {
		name, kind, _ := strings.Cut(column, " ")
		types[name] = kind
	}
	return types
}

// insertRows adds the rows in one batch of the columns that any of them has.
func insertRows(t *testing.T, db *warehouse.DB, table string, rows []row) {
	t.Helper()
	if len(rows) == 0 {
		return
	}
	all := row{}
	for _, r := range rows {
		maps.Copy(all, r)
	}
	types := columnTypes(t, db, table)
	if types["workspace"] != "" {
		all["workspace"] = ""
	}
	columns := slices.Sorted(maps.Keys(all))
	batch, err := db.Insert(t.Context(), table, columns)
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Abort()
	for _, r := range rows {
		values := make([]any, len(columns))
		for i, column := range columns {
			values[i] = value(t, column, types[column], r[column])
		}
		if err := batch.Append(values...); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

// value gives a YAML value the type of its column.
func value(t *testing.T, column, kind string, v any) any {
	t.Helper()
	plain := strings.NewReplacer("LowCardinality(String)", "String", "Nullable(", "", ")", "").Replace(kind)
	switch {
	case column == "workspace" && v == nil:
		return "default"
	case strings.HasPrefix(kind, "Nullable(") && v == nil:
		return nil
	case plain == "String":
		if v == nil {
			return ""
		}
		return fmt.Sprint(v)
	case plain == "Bool":
		return v == true
	case strings.HasPrefix(plain, "Date"):
		if _, ok := v.(time.Time); !ok {
			t.Fatalf("%s: %v is no time", column, v)
		}
		return v
	case strings.HasPrefix(plain, "Map(String, String"):
		texts := map[string]string{}
		given := fields(v)
		for name, value := range given {
			texts[name] = fmt.Sprint(value)
		}
		return texts
	case strings.HasPrefix(plain, "Array(String"):
		texts := []string{}
		given, _ := v.([]any)
		for _, value := range given {
			texts = append(texts, fmt.Sprint(value))
		}
		return texts
	default:
		return sized(t, plain, number(t, v))
	}
}

// sized is a number of a column's type.
func sized(t *testing.T, kind string, v float64) any {
	t.Helper()
	switch kind {
	case "Float64":
		return v
	case "UInt8":
		return uint8(v)
	case "UInt16":
		return uint16(v)
	case "UInt32":
		return uint32(v)
	case "UInt64":
		return uint64(v)
	case "Int64":
		return int64(v)
	default:
		t.Fatalf("a case cannot fill a column of the type %s yet", kind)
		return nil
	}
}

func number(t *testing.T, v any) float64 {
	t.Helper()
	switch v := v.(type) {
	case nil:
		return 0
	case int:
		return float64(v)
	case float64:
		return v
	default:
		t.Fatalf("%v is no number", v)
		return 0
	}
}

// content is the rows of a derived table, in order, each value as its text.
func content(t *testing.T, db *warehouse.DB, table string, columns []string) [][]string {
	t.Helper()
	var key []struct {
		Columns string `ch:"sorting_key"`
	}
	err := db.Select(t.Context(), &key, "SELECT sorting_key FROM system.tables WHERE database = {database:String} AND name = {name:String}",
		warehouse.Params{"database": db.Name(), "name": table})
	if err != nil || len(key) != 1 {
		t.Fatalf("the key of %s: %v", table, err)
	}
	sql := "SELECT " + strings.Join(columns, ", ") + " FROM " + table + " ORDER BY " + key[0].Columns
	rows, err := db.Query(t.Context(), sql, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	described := rows.Columns()
	var texts [][]string
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		line := make([]string, len(values))
		for i, v := range values {
			line[i] = text(v)
			if strings.Contains(described[i].Type, "Date32") || strings.HasSuffix(described[i].Type, "Date") {
				line[i], _, _ = strings.Cut(line[i], "T")
			}
		}
		texts = append(texts, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return texts
}

// text writes a value so that equal values have equal texts.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case time.Time:
		return v.UTC().Format(timeLayout)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case *float64:
		if v == nil {
			return text(nil)
		}
		return text(*v)
	case map[string]any:
		fields := map[string]string{}
		for name, field := range v {
			fields[name] = text(field)
		}
		return text(fields)
	case []string:
		return "[" + strings.Join(v, " ") + "]"
	case *time.Time:
		if v == nil {
			return text(nil)
		}
		return text(*v)
	case []time.Time:
		return text(textsOf(v))
	case []*time.Time:
		return text(textsOf(v))
	case map[string]uint32:
		counts := map[string]string{}
		for name, n := range v {
			counts[name] = fmt.Sprint(n)
		}
		return text(counts)
	case []map[string]string:
		return text(textsOf(v))
	case map[string]string:
		pairs := make([]string, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, name+"="+v[name])
		}
		return "{" + strings.Join(pairs, " ") + "}"
	default:
		return fmt.Sprint(v)
	}
}

func textsOf[T any](values []T) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = text(v)
	}
	return texts
}

// differences says where two tables differ, or is empty.
func differences(got, want [][]string) string {
	var lines []string
	for i := range max(len(got), len(want)) {
		g, w := "no row", "no row"
		if i < len(got) {
			g = strings.Join(got[i], " | ")
		}
		if i < len(want) {
			w = strings.Join(want[i], " | ")
		}
		if g != w {
			lines = append(lines, fmt.Sprintf("row %d\n  got  %s\n  want %s", i, g, w))
		}
	}
	return strings.Join(lines, "\n")
}

// fields are those of a map, as YAML or Go writes it.
func fields(v any) map[string]any {
	switch v := v.(type) {
	case row:
		return v
	case map[string]any:
		return v
	default:
		return nil
	}
}
