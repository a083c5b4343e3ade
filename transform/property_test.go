package transform_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// TestIncrementsEqualRebuild lets random histories arrive in random pieces, with a run after each for a later moment:
// late, twice, clamped, in the future, of visitors who turn out to be leads. Every derived table is then that of one
// rebuild, and that of a rebuild by many small ranges of persons.
func TestIncrementsEqualRebuild(t *testing.T) {
	transform.NoSlack(t)
	db := warehousetest.Open(t)
	for round := range uint64(3) {
		t.Run(fmt.Sprint("seed ", round), func(t *testing.T) {
			r := rand.New(rand.NewPCG(round, 11))
			s := strangeHistories(r, 40)
			clearAll(t, db)
			pieces := s.pieces(t, db, r, 5)
			for i, piece := range pieces {
				piece.insert(t, db)
				if i > 0 {
					s.some(r).insert(t, db)
				}
				runAt(t, db, at("2026-02-25T00:00:00Z").AddDate(0, 0, 9*(i-len(pieces)+1)), i > 0)
			}
			grown := everything(t, db)
			asOf := at("2026-02-25T00:00:00Z")
			if _, err := transform.Rebuild(t.Context(), db, asOf, transform.Config{Timezone: "Asia/Shanghai"}); err != nil {
				t.Fatal(err)
			}
			compareAll(t, grown, everything(t, db), "increments and a rebuild")
			transform.ScopeRows(t, 250)
			if _, err := transform.Rebuild(t.Context(), db, asOf, transform.Config{Timezone: "Asia/Shanghai"}); err != nil {
				t.Fatal(err)
			}
			compareAll(t, grown, everything(t, db), "increments and a rebuild in small ranges")
		})
	}
}

// runAt runs an increment, and makes sure that it was none where it must not be.
func runAt(t *testing.T, db *warehouse.DB, asOf time.Time, increment bool) transform.Result {
	t.Helper()
	r, err := transform.Run(t.Context(), db, asOf, transform.Config{Timezone: "Asia/Shanghai"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Rebuilt == increment {
		t.Errorf("rebuilt is %v", r.Rebuilt)
	}
	return r
}

// strangeHistories are random histories whose rows often come without a lead, under ids that others share.
func strangeHistories(r *rand.Rand, n int) seed {
	s := randomHistories(r, n)
	for _, table := range []string{"events", "lead_updates", "stage_changes", "assignments", "activities"} {
		for _, row := range s[table] {
			row["received_at"] = row["occurred_at"].(time.Time).Add(time.Duration(r.IntN(3)) * time.Hour)
			if r.IntN(3) == 0 {
				row["anonymous_id"] = fmt.Sprint("visitor", r.IntN(n))
			}
			if r.IntN(4) == 0 {
				row["identifiers"] = map[string]any{"email": fmt.Sprint("#", r.IntN(n))}
			}
			if r.IntN(3) == 0 {
				row["lead_id"] = ""
			}
			if r.IntN(10) == 0 {
				row["event_id"] = fmt.Sprint("shared", r.IntN(5))
			}
		}
	}
	for i := range n {
		s["grade_changes"] = append(s["grade_changes"], row{
			"workspace": "default", "event_id": fmt.Sprint("g", i%(n-3)), "lead_id": fmt.Sprint("L", r.IntN(n)),
			"occurred_at": at("2026-01-01T00:00:00Z").Add(time.Duration(r.IntN(130)) * 12 * time.Hour),
			"model":       "m@1", "grade": string("ABC"[r.IntN(3)]), "total": float64(r.IntN(100)),
		})
	}
	return s
}

// some are rows that come once more.
func (s seed) some(r *rand.Rand) seed {
	again := seed{}
	for table, rows := range s {
		if table != "costs" {
			again[table] = slices.DeleteFunc(slices.Clone(rows), func(row) bool { return r.IntN(20) > 0 })
		}
	}
	return again
}

// everything is the content of every derived table.
func everything(t *testing.T, db *warehouse.DB) map[string][][]string {
	t.Helper()
	models, err := transform.Models()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][][]string{}
	for _, m := range models {
		found[m.Table] = content(t, db, m.Table, m.Columns)
	}
	found["attribution_channels"] = content(t, db, "attribution_channels", []string{
		"workspace", "conversion", "model", "channel", "unattributed", "currency", "credit", "value",
	})
	return found
}

func compareAll(t *testing.T, got, want map[string][][]string, what string) {
	t.Helper()
	for table, rows := range want {
		if len(rows) == 0 {
			t.Logf("%s is empty", table)
		}
		if diff := differences(got[table], rows); diff != "" {
			t.Errorf("%s differ in %s:\n%.2000s", what, table, diff)
		}
	}
}

// TestLateEventChangesItsLeadAndDays lets one event of an earlier month arrive. The rows of its lead and of its days may
// change, and no other.
func TestLateEventChangesItsLeadAndDays(t *testing.T) {
	transform.NoSlack(t)
	db := warehousetest.Open(t)
	s := randomHistories(rand.New(rand.NewPCG(3, 11)), 60)
	s.insert(t, db)
	asOf := at("2026-02-25T00:00:00Z")
	runAt(t, db, asOf, false)
	before := everything(t, db)
	seed{"stage_changes": {{
		"workspace": "default", "event_id": "late", "lead_id": "L7", "occurred_at": at("2026-01-09T05:00:00Z"), "stage": "won",
	}}}.insert(t, db)
	if r := runAt(t, db, asOf, true); r.Leads != 1 {
		t.Errorf("%d leads were computed, want the one", r.Leads)
	}
	after := everything(t, db)
	days := map[string]bool{"2026-01-09": true}
	for _, tables := range []map[string][][]string{before, after} {
		for _, row := range tables["leads"] {
			if row[1] == "L7" {
				days[at(row[2]).In(shanghai(t)).Format(time.DateOnly)] = true
			}
		}
	}
	changed := 0
	for table, rows := range after {
		had := map[string]bool{}
		for _, row := range before[table] {
			had[strings.Join(row, "|")] = true
		}
		for _, row := range rows {
			if had[strings.Join(row, "|")] {
				continue
			}
			changed++
			if _, err := time.Parse(time.DateOnly, row[1]); err == nil && !days[row[1]] {
				t.Errorf("%s has the new row %v, of none of the days %v", table, row, days)
			}
			if strings.HasPrefix(row[1], "L") && row[1] != "L7" {
				t.Errorf("%s has the new row %v", table, row)
			}
		}
	}
	if changed == 0 {
		t.Error("nothing changed")
	}
}

func shanghai(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
