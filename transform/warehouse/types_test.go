package warehouse_test

import (
	"math"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"clew/transform/warehouse/warehousetest"
)

// typeCase is a column type and values that go in and come out as they are, except where out says otherwise.
type typeCase struct {
	column string
	in     []any
	out    []any
}

func typeCases() []typeCase {
	s, f, at := "x", 2.5, time.Date(2026, 1, 31, 23, 59, 59, 999_000_000, time.UTC)
	day := time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC)
	yes := true
	reasons := []map[string]any{{"rule": "页", "points": 1.5}, {"rule": "", "points": math.Inf(-1)}}
	return []typeCase{
		{column: "String", in: []any{"", awkward, strings.Repeat("\n\n", 100), strings.Repeat("线", 100_000)}},
		{column: "LowCardinality(String)", in: []any{"", awkward, "\n\n"}},
		{column: "Nullable(String)", in: []any{nil, "", awkward, &s}, out: []any{nil, "", awkward, "x"}},
		{column: "LowCardinality(Nullable(String))", in: []any{nil, "", "a"}},
		{column: "FixedString(16)", in: []any{"0123456789abcdef", "\n\n\x00\xff 线 12345\n\n"}},
		{column: "Bool", in: []any{true, false}},
		{column: "Nullable(Bool)", in: []any{nil, true, false, &yes}, out: []any{nil, true, false, true}},
		{column: "UInt8", in: []any{uint8(0), uint8(255)}},
		{column: "UInt16", in: []any{uint16(math.MaxUint16)}},
		{column: "UInt32", in: []any{uint32(math.MaxUint32)}},
		{column: "UInt64", in: []any{uint64(0), uint64(math.MaxUint64)}},
		{column: "Int64", in: []any{int64(math.MinInt64), int64(math.MaxInt64)}},
		{column: "Float64", in: []any{0.0, -0.1, 1e308, math.Inf(1), math.Inf(-1), math.NaN(), math.SmallestNonzeroFloat64}},
		{column: "Nullable(Float64)", in: []any{nil, 1.5, &f}, out: []any{nil, 1.5, 2.5}},
		{column: "Date32", in: []any{day, time.Date(2199, 12, 31, 0, 0, 0, 0, time.UTC)}},
		{column: "DateTime64(3, 'UTC')", in: []any{time.Unix(0, 0).UTC(), at}},
		{column: "Nullable(DateTime64(3, 'UTC'))", in: []any{nil, at, &at}, out: []any{nil, at, at}},
		{
			column: "Decimal(18, 4)", in: []any{"-12345678901234.5678", "0"},
			out: []any{"-12345678901234.5678", "0"},
		},
		{column: "UUID", in: []any{"61f0c404-5cb3-11e7-907b-a6006ad3dba0", "00000000-0000-0000-0000-000000000000"}},
		{column: "UInt128", in: []any{big.NewInt(7)}, out: []any{"7"}},
		{column: "Array(String)", in: []any{[]string{}, []string{"", awkward}}},
		{column: "Array(LowCardinality(String))", in: []any{[]string{}, []string{"b", "a", "b"}}},
		{column: "Array(UInt64)", in: []any{[]uint64{1, math.MaxUint64}}},
		{
			column: "Map(LowCardinality(String), String)",
			in:     []any{map[string]string{}, map[string]string{"a": awkward, "": "x"}},
		},
		{column: "Map(LowCardinality(String), UInt32)", in: []any{map[string]uint32{}, map[string]uint32{"call": 7}}},
		{column: "Map(LowCardinality(String), UInt64)", in: []any{map[string]uint64{"": math.MaxUint64}}},
		{column: "Array(Tuple(rule LowCardinality(String), points Float64))", in: []any{[]map[string]any{}, reasons}},
		{column: "Array(Array(String))", in: []any{[][]string{}, [][]string{{}}, [][]string{{"a", awkward}, {}}}},
		{column: "Array(Bool)", in: []any{[]bool{}, []bool{true, false}}},
		{column: "Array(Float64)", in: []any{[]float64{}, []float64{0, math.Inf(1)}}},
		{column: "Array(Int64)", in: []any{[]int64{}, []int64{math.MinInt64}}},
		{column: "Array(UInt32)", in: []any{[]uint32{}, []uint32{math.MaxUint32}}},
		{column: "Array(DateTime64(3, 'UTC'))", in: []any{[]time.Time{}, []time.Time{at}}},
		{column: "Array(Nullable(DateTime64(3, 'UTC')))", in: []any{[]*time.Time{}, []*time.Time{nil, &at}}},
		{
			column: "Array(Map(LowCardinality(String), String))",
			in:     []any{[]map[string]string{}, []map[string]string{{}, {"a": awkward}}},
		},
		{column: "Tuple(" + sevenRules("Float64") + ")", in: []any{seven(1.5)}},
		{column: "Tuple(" + sevenRules("Nullable(Float64)") + ")", in: []any{seven(nil)}, out: []any{seven((*float64)(nil))}},
		{
			column: "Enum8('id' = 0, 'id of' = 1, 'alias' = 2, 'alias of' = 3, 'merged into' = 4, 'merged from' = 5)",
			in:     []any{"id", "merged from"},
		},
		{column: "SimpleAggregateFunction(any, String)", in: []any{"", awkward}},
		{column: "SimpleAggregateFunction(any, LowCardinality(String))", in: []any{"", awkward}},
		{column: "SimpleAggregateFunction(min, DateTime64(3, 'UTC'))", in: []any{at}},
		{column: "SimpleAggregateFunction(max, Nullable(DateTime64(3, 'UTC')))", in: []any{nil, at}},
		{
			column: "SimpleAggregateFunction(max, Tuple(at DateTime64(3, 'UTC'), event_id String))",
			in:     []any{map[string]any{"at": at, "event_id": awkward}},
		},
	}
}

// rules are the fields of a tuple with one value for each rule of attribution.
var rules = []string{"first", "last", "last_non_direct", "linear", "time_decay", "position", "w_shaped"}

func sevenRules(kind string) string { return strings.Join(rules, " "+kind+", ") + " " + kind }

func seven(v any) map[string]any {
	values := map[string]any{}
	for _, rule := range rules {
		values[rule] = v
	}
	return values
}

var sameTypes = cmp.Options{cmpopts.EquateNaNs()}

func TestEveryTypeGoesInAndOut(t *testing.T) {
	db := warehousetest.Open(t)
	for _, c := range typeCases() {
		t.Run(c.column, func(t *testing.T) {
			exec(t, db, "CREATE OR REPLACE TABLE one_type (n UInt64, v "+c.column+") ENGINE = MergeTree ORDER BY n")
			batch, err := db.Insert(t.Context(), "one_type", []string{"n", "v"})
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range c.in {
				if err := batch.Append(uint64(i), v); err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.Send(); err != nil {
				t.Fatal(err)
			}
			want := make([][]any, len(c.in))
			for i, v := range c.in {
				if want[i] = []any{v}; c.out != nil {
					want[i] = []any{c.out[i]}
				}
			}
			if diff := cmp.Diff(want, query(t, db, "SELECT v FROM one_type ORDER BY n", nil), sameTypes); diff != "" {
				t.Error(diff)
			}
			rows, err := db.Query(t.Context(), "SELECT v FROM one_type WHERE n > 1000", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			if got := rows.Columns(); rows.Next() || len(got) != 1 || got[0].Name != "v" || got[0].Type != c.column {
				t.Errorf("columns of an answer without rows: %v", got)
			}
		})
	}
}

// TestEveryTypeOfTheTablesIsTried keeps typeCases complete.
func TestEveryTypeOfTheTablesIsTried(t *testing.T) {
	db := warehousetest.Open(t)
	tried := map[string]bool{}
	for _, c := range typeCases() {
		tried[c.column] = true
	}
	types := query(t, db, "SELECT DISTINCT type FROM system.columns WHERE database = currentDatabase() ORDER BY type", nil)
	if len(types) < 10 {
		t.Fatalf("only %d types found", len(types))
	}
	for _, row := range types {
		if !tried[row[0].(string)] {
			t.Errorf("no case for the type %s", row[0])
		}
	}
}

// TestMigrationsCarryTheClusterMarkers finds a table that a cluster would get on one node only.
func TestMigrationsCarryTheClusterMarkers(t *testing.T) {
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	create := regexp.MustCompile(`(?m)^(CREATE|ALTER|DROP|RENAME)\s.*$`)
	engine := regexp.MustCompile(`(?m)^ENGINE = .*$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range slices.Concat(create.FindAllString(string(text), -1), engine.FindAllString(string(text), -1)) {
			if !strings.Contains(line, "/*on_cluster*/") && !strings.Contains(line, "/*replicated*/") {
				t.Errorf("%s: no marker in %q", file, line)
			}
		}
	}
}
