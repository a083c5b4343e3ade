package feature_test

import (
	"slices"
	"testing"
	"time"

	"clew/transform"
	"clew/transform/feature"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// add writes rows of the raw tables, one statement each.
func add(t *testing.T, db *warehouse.DB, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if err := db.Exec(t.Context(), "INSERT INTO "+sql, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFromRawRows goes the whole way: raw rows, derived tables, vectors. A visitor becomes a lead, is called, and asks
// for a demo; a colleague of his has bought before. One event comes twice, and one late.
func TestFromRawRows(t *testing.T) {
	db := warehousetest.Open(t)
	cfg := transform.Config{Timezone: "Asia/Shanghai"}
	asOf := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	add(
		t, db,
		`events (workspace, event_id, type, anonymous_id, occurred_at, name, channel, source, page_group, session_id) VALUES
			('default', 'e1', 'touchpoint', 'v', '2026-03-01 08:00:00.000', 'click', 'search_ads', 'baidu', '', ''),
			('default', 'e2', 'behavior', 'v', '2026-03-01 08:00:10.000', 'page_view', '', '', 'pricing', 's'),
			('default', 'e2', 'behavior', 'v', '2026-03-01 08:00:10.000', 'page_view', '', '', 'pricing', 's')`,
		`lead_updates (workspace, event_id, lead_id, anonymous_id, occurred_at, company, attributes) VALUES
			('default', 'u0', 'L-0', '', '2026-01-10 08:00:00.000', '苏州某某有限公司', map()),
			('default', 'u1', 'L-1', 'v', '2026-03-01 09:00:00.000', '苏州某某有限公司', map('行业', '制造业')),
			('default', 'u2', 'L-1', '', '2026-03-02 10:05:00.000', '', map('urgency', '0-3m'))`,
		`stage_changes (workspace, event_id, lead_id, occurred_at, stage, amount) VALUES
			('default', 's0', 'L-0', '2026-02-01 08:00:00.000', 'won', 1000),
			('default', 's1', 'L-1', '2026-03-01 09:00:00.000', 'new', 0)`,
		`activities (workspace, event_id, lead_id, occurred_at, owner, method, effective) VALUES
			('default', 'a1', 'L-1', '2026-03-02 10:00:00.000', 'li', 'call', 1)`,
	)
	if _, err := transform.Rebuild(t.Context(), db, asOf, cfg); err != nil {
		t.Fatal(err)
	}
	features, err := feature.Find("C01", "N01", "S05", "W01", "W08_7d", "W17", "N14", "T03", "A01", "A06", "F02", "H09")
	if err != nil {
		t.Fatal(err)
	}
	vector := func(at string) []any {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		values, err := feature.Vector(t.Context(), db, features, "default", "L-1", moment, "Asia/Shanghai")
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	check := func(what, at string, want ...any) {
		t.Helper()
		if got := vector(at); !slices.Equal(got, want) {
			t.Errorf("%s, got\n%v\nwant\n%v", what, got, want)
		}
	}
	no := uint8(0)
	check("a visitor", "2026-03-01T08:00:09.999Z", nil, nil, "search_ads", 0., 0., nil, no, 1., 1., 1., 0., nil)
	contacted := []any{"制造业", nil, "search_ads", 1., 1., 1., no, 2., 1., 1., 1., "new"}
	check("called", "2026-03-05T00:00:00Z", contacted...)

	// What is late, and was before the call, counts; what comes after the call does not, and was learned by it.
	add(
		t, db,
		`events (workspace, event_id, type, lead_id, occurred_at, name) VALUES
			('default', 'e4', 'behavior', 'L-1', '2026-03-03 08:00:00.000', 'demo_request')`,
		`events (workspace, event_id, type, anonymous_id, occurred_at, name, page_group, session_id) VALUES
			('default', 'e3', 'behavior', 'v', '2026-03-01 08:00:20.000', 'page_view', 'pricing', 's')`,
	)
	if _, err := transform.Run(t.Context(), db, asOf.Add(time.Second), cfg); err != nil {
		t.Fatal(err)
	}
	contacted[3], contacted[4], contacted[7] = 2., 2., 3.
	check("with what was late", "2026-03-05T00:00:00Z", contacted...)
}

// TestCutHistories shows what a history without its middle says: windows at either end are exact, and a count over the
// middle is what was kept.
func TestCutHistories(t *testing.T) {
	db := warehousetest.Open(t)
	cut := person{id: "machine"}
	for i := range 2000 {
		at := start + int64(i)*minute
		if i >= 1000 {
			at += 365 * day // between them are the events left out
		}
		cut.events = append(cut.events, happening{at: at, kind: "behavior", name: "page_view"})
	}
	insert(t, db, []person{cut})
	features, err := feature.Find("W01", "W01_7d")
	if err != nil {
		t.Fatal(err)
	}
	first, last := cut.events[999].at, cut.events[1999].at
	got := vectors(t, db, features, map[string][]int64{"machine": {first, first + 100*day, last}})
	for at, want := range map[int64][]any{first: {1000., 1000.}, first + 100*day: {1000., 0.}, last: {2000., 1000.}} {
		if !slices.Equal(got[key{"machine", at}], want) {
			t.Errorf("at %d got %v, want %v", at, got[key{"machine", at}], want)
		}
	}
}
