package scoring_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"clew/scoring"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// gradeChanges tells who got which grade when, in days after asOf.
func gradeChanges(t *testing.T, db *warehouse.DB) []string {
	t.Helper()
	var rows []struct {
		ID    string    `ch:"event_id"`
		Lead  string    `ch:"lead_id"`
		At    time.Time `ch:"occurred_at"`
		Model string    `ch:"model"`
		Grade string    `ch:"grade"`
		Total float64   `ch:"total"`
	}
	if err := db.Select(t.Context(), &rows, `SELECT event_id, lead_id, occurred_at, model, grade, total FROM grade_changes
		ORDER BY occurred_at, lead_id, model`, nil); err != nil {
		t.Fatal(err)
	}
	ids, texts := map[string]bool{}, []string{}
	for _, r := range rows {
		ids[r.ID] = true
		texts = append(texts, fmt.Sprintf("day %v %s %s %s %v", r.At.Sub(asOf).Hours()/24, r.Lead, r.Model, r.Grade, r.Total))
	}
	if len(ids) != len(rows) {
		t.Errorf("%d rows have %d event ids", len(rows), len(ids))
	}
	return texts
}

// TestGradeChanges scores the same leads on several days, each day twice.
func TestGradeChanges(t *testing.T) {
	m, err := scoring.Load("s3-abc-v1")
	if err != nil {
		t.Fatal(err)
	}
	db := warehousetest.Open(t)
	best := abc("0-3m", "match", "large", "confirmed", "quote")
	var want []string
	for _, c := range []struct {
		day   int
		leads []scoring.Lead
		want  []string
	}{
		{0, []scoring.Lead{best, abc("", "", "", "", "")}, []string{"L000 s3-abc-v1@1 A 100", "L001 s3-abc-v1@1 C 0"}},
		{1, []scoring.Lead{best, abc("", "", "", "", "")}, nil},
		{2, []scoring.Lead{best, best, best}, []string{"L001 s3-abc-v1@1 A 100", "L002 s3-abc-v1@1 A 100"}},
		{3, []scoring.Lead{abc("", "", "", "", "")}, []string{"L000 s3-abc-v1@1 C 0"}},
		{4, []scoring.Lead{best, best, best}, []string{"L000 s3-abc-v1@1 A 100"}},
	} {
		if err := db.Exec(t.Context(), "TRUNCATE TABLE leads", nil); err != nil {
			t.Fatal(err)
		}
		insertLeads(t, db, c.leads)
		for _, change := range c.want {
			want = append(want, fmt.Sprintf("day %d %s", c.day, change))
		}
		for range 2 {
			if _, err := scoring.Run(t.Context(), db, m, asOf.AddDate(0, 0, c.day)); err != nil {
				t.Fatal(err)
			}
			if got := gradeChanges(t, db); !slices.Equal(got, want) {
				t.Fatalf("after day %d there are\n%q\nwant\n%q", c.day, got, want)
			}
		}
	}
}

// TestGradeChangesOfEachModel scores the same leads by two models that disagree, in turn: each notes its own turns.
func TestGradeChangesOfEachModel(t *testing.T) {
	first, err := scoring.Load("s3-abc-v1")
	if err != nil {
		t.Fatal(err)
	}
	second := *first
	second.Version, second.Thresholds.Grade = 2, map[string]float64{"A": 101, "B": 100, "C": 0}
	db := warehousetest.Open(t)
	best, worst := abc("0-3m", "match", "large", "confirmed", "quote"), abc("", "", "", "", "")
	var want []string
	for day, c := range []struct {
		lead scoring.Lead
		want []string
	}{
		{best, []string{"s3-abc-v1@1 A 100", "s3-abc-v1@2 B 100"}},
		{best, nil},
		{worst, []string{"s3-abc-v1@1 C 0", "s3-abc-v1@2 C 0"}},
		{worst, nil},
		{best, []string{"s3-abc-v1@1 A 100", "s3-abc-v1@2 B 100"}},
	} {
		if err := db.Exec(t.Context(), "TRUNCATE TABLE leads", nil); err != nil {
			t.Fatal(err)
		}
		insertLeads(t, db, []scoring.Lead{c.lead})
		for _, m := range []*scoring.Model{first, &second, first} {
			if _, err := scoring.Run(t.Context(), db, m, asOf.AddDate(0, 0, day)); err != nil {
				t.Fatal(err)
			}
		}
		for _, change := range c.want {
			want = append(want, fmt.Sprintf("day %d L000 %s", day, change))
		}
		if got := gradeChanges(t, db); !slices.Equal(got, want) {
			t.Fatalf("after day %d there are\n%q\nwant\n%q", day, got, want)
		}
	}
}
