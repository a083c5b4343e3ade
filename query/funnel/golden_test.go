package funnel

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

	"clew/query/catalog"
	"clew/query/clause"
	"clew/transform/warehouse/warehousetest"
)

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

func options() clause.Options {
	return clause.Options{
		Timezone: "Asia/Shanghai", WeekStart: time.Monday, Now: time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC),
	}
}

func compileJSON(t testing.TB, raw []byte) (*Statement, error) {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Decode(raw)
	if err != nil {
		return nil, err
	}
	return Compile(r, c, options())
}

// TestGolden compares the text of every request in testdata; a problem is a golden too.
func TestGolden(t *testing.T) {
	warehousetest.GoldenRequests(t, func(t *testing.T, raw []byte) (string, bool) {
		st, err := compileJSON(t, raw)
		return render(t, st, err), err != nil
	})
}

func render(t *testing.T, st *Statement, err error) string {
	t.Helper()
	var b strings.Builder
	if err != nil {
		var p *clause.Problem
		if !errors.As(err, &p) {
			t.Fatalf("not a problem: %v", err)
		}
		fmt.Fprintf(&b, "-- %d %s: %s\n-- detail: %s\n-- hint: %s\n", p.Status, p.Code, p.Title, p.Detail, p.Hint)
		return b.String()
	}
	for _, name := range slices.Sorted(maps.Keys(st.Params)) {
		value, err := json.Marshal(st.Params[name])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "-- %s: %s\n", name, value)
	}
	fmt.Fprintf(&b, "%s\n", st.SQL)
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
	if planned < 6 {
		t.Errorf("planned %d statements only", planned)
	}
}
