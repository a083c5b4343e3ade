package transform_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// TestFactsChangeWhenTheySay lets time go by without any event: up to the first changes_at nothing changes, and then
// those rows do that said so, in what time alone decides.
func TestFactsChangeWhenTheySay(t *testing.T) {
	db := warehousetest.Open(t)
	asOf := at("2026-02-25T00:00:00Z")
	s := randomHistories(rand.New(rand.NewPCG(3, 7)), 250)
	for table := range s {
		s[table] = slices.DeleteFunc(s[table], func(r row) bool { return when(r).After(asOf) })
	}
	s.insert(t, db)
	columns := modelOf(t, "lead_facts").Columns
	saysWhen := slices.Index(columns, "changes_at")
	rows := factsAt(t, db, asOf)
	for range 3 {
		next := slices.MinFunc(rows, func(a, b []string) int { return compareTimes(a[saysWhen], b[saysWhen]) })[saysWhen]
		if next == "none" {
			t.Fatal("no row says when it changes")
		}
		if diff := differences(factsAt(t, db, at(next).Add(-time.Millisecond)), rows); diff != "" {
			t.Fatalf("changed before %s:\n%.3000s", next, diff)
		}
		later := factsAt(t, db, at(next))
		for i, row := range rows {
			changed := []string{}
			for j := range row {
				if later[i][j] != row[j] {
					changed = append(changed, columns[j])
				}
			}
			allowed := []string{"followed_up_24h", "next_overdue", "changes_at"}
			if (len(changed) > 0) != (row[saysWhen] == next) || len(missing(changed, allowed)) > 0 {
				t.Errorf("%s says it changes at %s; at %s it changed in %v", row[1], row[saysWhen], next, changed)
			}
		}
		rows = later
	}
}

func factsAt(t *testing.T, db *warehouse.DB, asOf time.Time) [][]string {
	t.Helper()
	cfg := transform.Config{Timezone: "Asia/Shanghai"}.Only("lead_facts")
	if _, err := transform.Rebuild(t.Context(), db, asOf, cfg); err != nil {
		t.Fatal(err)
	}
	return content(t, db, "lead_facts", modelOf(t, "lead_facts").Columns)
}

// compareTimes orders the texts of times; none is the last.
func compareTimes(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "none" || b != "none" && b < a:
		return 1
	default:
		return -1
	}
}

// missing are the members of some that all lacks.
func missing(some, all []string) []string {
	return slices.DeleteFunc(slices.Clone(some), func(s string) bool { return slices.Contains(all, s) })
}
