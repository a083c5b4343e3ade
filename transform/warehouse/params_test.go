package warehouse_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

type text string

// TestParamsArriveAsTheyAre sends each value through the engine and back.
func TestParamsArriveAsTheyAre(t *testing.T) {
	db := warehousetest.Open(t)
	s, at := "pointed", time.Date(2026, 3, 29, 3, 4, 5, 60_000_000, time.FixedZone("CST", 8*3600))
	var none *string
	long := strings.Repeat("线索'\\\n\t", 20_000)
	for _, c := range []struct {
		name     string
		declared string
		in, want any
	}{
		{"string", "String", "plain", "plain"},
		{"empty string", "String", "", ""},
		{"awkward string", "String", awkward, awkward},
		{"what looks escaped", "String", `\N \n \\ \' \t \x41 NULL`, `\N \n \\ \' \t \x41 NULL`},
		{"backslash at the end", "String", `C:\`, `C:\`},
		{"carriage return", "String", "a\r\nb", "a\r\nb"},
		{"not UTF-8", "String", "\xff\xfe", "\xff\xfe"},
		{"long string", "String", long, long},
		{"own string type", "String", text("won"), "won"},
		{"string pointer", "String", &s, "pointed"},
		{"NULL", "Nullable(String)", nil, nil},
		{"nil pointer", "Nullable(String)", none, nil},
		{"the string \\N is not NULL", "Nullable(String)", `\N`, `\N`},
		{"NULL number", "Nullable(Float64)", nil, nil},
		{"true", "Bool", true, true},
		{"false", "Bool", false, false},
		{"int", "Int64", math.MinInt64, int64(math.MinInt64)},
		{"uint64", "UInt64", uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{"uint16", "UInt16", uint16(7), uint16(7)},
		{"float", "Float64", 0.1, 0.1},
		{"small float", "Float64", math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat64},
		{"big float", "Float64", math.MaxFloat64, math.MaxFloat64},
		{"infinite float", "Float64", math.Inf(-1), math.Inf(-1)},
		{"time", "DateTime64(3)", at, at.UTC()},
		{"time with a zone", "DateTime64(3, 'UTC')", at, at.UTC()},
		{"no time", "Nullable(DateTime64(3))", (*time.Time)(nil), nil},
		{"date", "Date32", "2026-01-31", time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)},
		{"strings", "Array(String)", []string{"", awkward, `\N`, "]", "','"}, []string{"", awkward, `\N`, "]", "','"}},
		{"no strings", "Array(String)", []string{}, []string{}},
		{"nil strings", "Array(String)", []string(nil), []string{}},
		{"numbers", "Array(UInt64)", []uint64{1, math.MaxUint64}, []uint64{1, math.MaxUint64}},
		{"booleans", "Array(Bool)", []bool{true, false}, []bool{true, false}},
		{"times", "Array(DateTime64(3))", []time.Time{at}, []time.Time{at.UTC()}},
		{"anything", "Array(String)", []any{"a", "b"}, []string{"a", "b"}},
		{"arrays", "Array(Array(String))", [][]string{{"a'"}, {}}, [][]string{{"a'"}, {}}},
		{"map", "Map(String, String)", map[string]string{"a'": "\\", "b": ""}, map[string]string{"a'": "\\", "b": ""}},
		{"map of floats", "Map(String, Float64)", map[string]float64{"x": 1.5}, map[string]float64{"x": 1.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := warehouse.Params{"v": c.in}
			got := query(t, db, "SELECT {v:"+c.declared+"} AS v", p)
			if diff := cmp.Diff([][]any{{c.want}}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParamsInWriting(t *testing.T) {
	db := warehousetest.Open(t)
	exec(t, db, "CREATE TABLE notes (a String, b Nullable(String)) ENGINE = MergeTree ORDER BY a")
	p := warehouse.Params{"a": awkward, "b": nil}
	if err := db.Exec(t.Context(), "INSERT INTO notes SELECT {a:String}, {b:Nullable(String)}", p); err != nil {
		t.Fatal(err)
	}
	got := query(t, db, "SELECT a, b FROM notes WHERE a = {a:String}", p)
	if diff := cmp.Diff([][]any{{awkward, nil}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestParamsThatCannotBeSent(t *testing.T) {
	db := warehousetest.Open(t)
	err := db.Exec(t.Context(), "SELECT 1", warehouse.Params{"f": func() {}})
	if err == nil || !strings.Contains(err.Error(), "parameter f") {
		t.Errorf("want an error that names the parameter, got %v", err)
	}
	_, err = db.Query(t.Context(), "SELECT {v:UInt8}", warehouse.Params{"v": "x' OR 1"})
	if warehouse.ErrorCode(err) == 0 {
		t.Errorf("want the engine's refusal, got %v", err)
	}
	if _, err := db.Query(t.Context(), "SELECT {missing:UInt8}", nil); warehouse.ErrorCode(err) != 456 {
		t.Errorf("want UNKNOWN_QUERY_PARAMETER, got %v", err)
	}
}
