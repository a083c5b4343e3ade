package transform_test

import (
	"fmt"
	"maps"
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

// insertBadly adds the later half of the rows first, then the earlier half, then all of them once more.
func (s seed) insertBadly(t *testing.T, db *warehouse.DB) {
	t.Helper()
	for table, rows := range s {
		half := len(rows) / 2
		for _, part := range [][]row{rows[half:], rows[:half], rows} {
			insertRows(t, db, table, part)
		}
	}
}

// insertRows adds the rows in one batch of the columns that any of them has.
func insertRows(t *testing.T, db *warehouse.DB, table string, rows []row) {
	t.Helper()
	if len(rows) == 0 {
		return
	}
	all := row{"workspace": ""}
	for _, r := range rows {
		maps.Copy(all, r)
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
			values[i] = value(t, column, r[column])
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
func value(t *testing.T, column string, v any) any {
	t.Helper()
	switch {
	case column == "workspace" && v == nil:
		return "default"
	case (column == "created_at" || column == "next_at") && v == nil:
		return nil
	case column == "date" || strings.HasSuffix(column, "_at"):
		if _, ok := v.(time.Time); !ok {
			t.Fatalf("%s: %v is no time", column, v)
		}
		return v
	case column == "amount" || column == "value" || column == "duration_s":
		return number(t, v)
	case column == "impressions" || column == "clicks":
		return uint64(number(t, v))
	case column == "effective" || column == "clamped":
		return v == true
	case column == "attributes" || column == "properties" || column == "identifiers":
		texts := map[string]string{}
		if given, ok := v.(row); ok {
			for name, value := range given {
				texts[name] = fmt.Sprint(value)
			}
		}
		return texts
	case v == nil:
		return ""
	default:
		return fmt.Sprint(v)
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

// sortKeys are the sort keys of the derived tables.
var sortKeys = map[string]string{
	"leads":         "workspace, lead_id",
	"lead_facts":    "workspace, lead_id",
	"channel_daily": "workspace, date, channel, campaign, currency",
	"lead_journeys": "workspace, lead_id",
	"lead_signals":  "workspace, lead_id, signal, day",
	"lead_decays":   "workspace, lead_id, signal, half_life_hours, per_day",
}

// content is the rows of a derived table, in order, each value as its text.
func content(t *testing.T, db *warehouse.DB, table string, columns []string) [][]string {
	t.Helper()
	sql := "SELECT " + strings.Join(columns, ", ") + " FROM " + table + " ORDER BY " + sortKeys[table]
	rows, err := db.Query(t.Context(), sql, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var texts [][]string
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		line := make([]string, len(values))
		for i, v := range values {
			line[i] = text(v)
			if columns[i] == "date" || columns[i] == "day" {
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
	case []string:
		return "[" + strings.Join(v, " ") + "]"
	case []map[string]string:
		texts := make([]string, len(v))
		for i, m := range v {
			texts[i] = text(m)
		}
		return text(texts)
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
