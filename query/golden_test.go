package query

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/query/catalog"
	"clew/query/clause"
	"clew/transform/warehouse/warehousetest"
)

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

// options are those of every golden: an hour at which it is tomorrow already in Shanghai.
func options() clause.Options {
	return clause.Options{
		Timezone: "Asia/Shanghai", WeekStart: time.Monday, Now: time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC),
		Model: "starter",
	}
}

func shipped(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func compileJSON(t testing.TB, raw []byte) (*Statement, error) {
	t.Helper()
	r, err := Decode(raw)
	if err != nil {
		return nil, err
	}
	return Compile(r, shipped(t), options())
}

// TestGolden compares the text of every request in testdata; a problem is a golden too.
func TestGolden(t *testing.T) {
	warehousetest.GoldenRequests(t, func(t *testing.T, raw []byte) (string, bool) {
		st, err := compileJSON(t, raw)
		return render(t, st, err), err != nil
	})
}

// render writes a statement with its parameters as comments, or a problem.
func render(t *testing.T, st *Statement, err error) string {
	t.Helper()
	var b strings.Builder
	if err != nil {
		var p *Problem
		if !errors.As(err, &p) {
			t.Fatalf("not a problem: %v", err)
		}
		fmt.Fprintf(&b, "-- %d %s\n-- detail: %s\n-- hint: %s\n", p.Status, p.Code, p.Detail, p.Hint)
		return b.String()
	}
	fmt.Fprintf(&b, "-- cube: %s\n", st.Cube)
	for _, name := range slices.Sorted(maps.Keys(st.Params)) {
		value, err := json.Marshal(st.Params[name])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "-- %s: %s\n", name, value)
	}
	for _, w := range st.Warnings {
		fmt.Fprintf(&b, "-- warning: %s\n", w)
	}
	fmt.Fprintf(&b, "-- query: %s\n%s\n", st.Query, st.SQL)
	return b.String()
}

// TestGoldensAreExecutable asks the engine to plan every golden over empty tables.
func TestGoldensAreExecutable(t *testing.T) {
	db := warehousetest.Open(t)
	requests, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	planned := 0
	for _, request := range requests {
		raw, err := os.ReadFile(request)
		if err != nil {
			t.Fatal(err)
		}
		st, err := compileJSON(t, raw)
		if err != nil {
			continue
		}
		if err := db.Exec(t.Context(), "EXPLAIN "+st.SQL, st.Params); err != nil {
			t.Errorf("%s: %v\n%s", request, err, st.SQL)
		}
		planned++
	}
	if planned < 20 {
		t.Errorf("planned %d statements only", planned)
	}
}

// TestCompileIsPure: the same request gives the same text, and the request that is passed in stays as it was.
func TestCompileIsPure(t *testing.T) {
	raw, err := os.ReadFile("testdata/month_cohorts.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	before := r.String()
	first, err := Compile(r, shipped(t), options())
	if err != nil {
		t.Fatal(err)
	}
	second, err := Compile(r, shipped(t), options())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second text differs:\n%s", diff)
	}
	if after := r.String(); after != before {
		t.Errorf("the request became %s, was %s", after, before)
	}
}

// TestANormalizedQueryMeansTheSame: what an answer gives back as its query can be asked again.
func TestANormalizedQueryMeansTheSame(t *testing.T) {
	requests, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range requests {
		raw, err := os.ReadFile(request)
		if err != nil {
			t.Fatal(err)
		}
		first, err := compileJSON(t, raw)
		if err != nil {
			continue
		}
		again, err := compileJSON(t, []byte(first.Query.String()))
		if err != nil {
			t.Errorf("%s: %v in %s", request, err, first.Query)
			continue
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("%s (-first +again):\n%s", request, diff)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	c := shipped(b)
	raw, err := os.ReadFile("testdata/month_cohorts.json")
	if err != nil {
		b.Fatal(err)
	}
	r, err := Decode(raw)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Compile(r, c, options()); err != nil {
			b.Fatal(err)
		}
	}
}
