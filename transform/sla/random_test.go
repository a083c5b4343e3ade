package sla_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"clew/transform/sla"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// from and to bound the calendars, begin and end what happens.
var (
	from  = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	to    = time.Date(2025, 8, 1, 0, 0, 0, 0, time.UTC)
	begin = time.Date(2025, 1, 20, 0, 0, 0, 0, time.UTC)
	end   = time.Date(2025, 6, 30, 0, 0, 0, 0, time.UTC)
)

// pick draws one of some values.
func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// randomFiles draws calendars of two teams and policies of two versions.
func randomFiles(r *rand.Rand) fstest.MapFS {
	files := fstest.MapFS{}
	for _, team := range []string{"east", "west"} {
		files[team+".yaml"] = &fstest.MapFile{Data: []byte(randomCalendar(r, team))}
	}
	for version := 1; version <= 2; version++ {
		text := fmt.Sprintf("kind: clocks\nname: drawn\nversion: %d\nsource: drawn\n", version)
		if version == 2 {
			text += "valid_from: " + moment(r).Format(time.RFC3339Nano) + "\n"
		}
		text += "clocks:\n"
		for i := range 4 {
			text += randomClock(r, fmt.Sprintf("clock%d", i))
		}
		files[fmt.Sprintf("drawn%d.yaml", version)] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func randomCalendar(r *rand.Rand, team string) string {
	hours := func() string {
		return pick(r, `["09:00-18:00"]`, `["09:00-12:00", "13:00-18:00"]`, `["08:30-11:45", "14:15-18:20"]`,
			`["00:00-24:00"]`, `["20:00-24:00"]`, `["00:00-06:00", "22:30-24:00"]`, `["09:00-09:01"]`)
	}
	zone := pick(r, "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
	text := fmt.Sprintf("kind: calendar\nname: %s\nsource: drawn\ntimezone: %s\nteams: [%s]\nweek:\n", team, zone, team)
	days := []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	for i, day := range days {
		if i == 0 || r.IntN(4) > 0 {
			text += "  " + day + ": " + hours() + "\n"
		}
	}
	text += "makeup: " + hours() + "\nholidays: [china]\npauses:\n"
	for range 3 {
		at := moment(r).Truncate(time.Minute)
		until := at.Add(time.Duration(1+r.IntN(3000)) * time.Minute)
		text += fmt.Sprintf("  - {from: %s, until: %s, why: drawn}\n", at.Format(time.RFC3339), until.Format(time.RFC3339))
	}
	return text
}

func randomClock(r *rand.Rand, name string) string {
	repeats := r.IntN(3) == 0
	text := fmt.Sprintf("  - clock: %s\n    starts: %s\n    met_by: %s\n    repeats: %t\n    unless_worked: %t\n"+
		"    pauses_while_locked: %t\n    drops_cancelled: %t\n    rules:\n", name, pick(r, "state", "assignment"),
		pick(r, "any", "effective"), repeats, !repeats && r.IntN(2) == 0, r.IntN(3) > 0, r.IntN(4) == 0)
	for i := range 1 + r.IntN(3) {
		text += fmt.Sprintf("      - {rule: r%d, stages: %s, grades: %s, priorities: %s, hours: %s, runs: %s, reason: drawn}\n",
			i, pick(r, "[]", "[sql, opportunity]", "[new]", "[mql, recycled]"),
			pick(r, "[]", "[A]", "[B, C]", "[none]", "[A, none]"), pick(r, "[]", "[]", "[high]", "[none]"),
			pick(r, "2", "24", "0.5", "48", "0.01", "9", "70"), pick(r, "calendar", "working"))
	}
	return text
}

// moment draws a time: one of few, so that things happen at once, or at the begin or end of work, or any.
func moment(r *rand.Rand) time.Time {
	day := begin.AddDate(0, 0, r.IntN(160))
	switch r.IntN(4) {
	case 0:
		return begin.AddDate(0, 0, r.IntN(4)*40).Add(time.Duration(r.IntN(3)) * time.Hour)
	case 1:
		return day.Add(pick[time.Duration](r, 1, 4, 5, 10, 13, 22) * time.Hour) // 09:00, 12:00, 13:00 and 18:00 in two zones
	case 2:
		return day.Add(time.Duration(r.Int64N(int64(24*time.Hour/time.Minute))) * time.Minute)
	default:
		return day.Add(time.Duration(r.Int64N(int64(24*time.Hour/time.Millisecond))) * time.Millisecond)
	}
}

func randomLead(r *rand.Rand, id string) lead {
	// A lead's things lie close to each other, or all over the range.
	at := moment(r)
	next := func() time.Time {
		if r.IntN(5) == 0 {
			return moment(r)
		}
		if r.IntN(4) > 0 {
			at = at.Add(time.Duration(r.Int64N(int64(pick[time.Duration](r, 1, 30, 100)*time.Hour/time.Millisecond))) * time.Millisecond)
		}
		return earlier(at, end)
	}
	l := lead{id: id, created: next(), industry: pick(r, "", "制造业", "SaaS", "saas", "fishing")}
	for i := range r.IntN(12) {
		m := mark{at: next(), id: fmt.Sprintf("%s-%d", id, i)}
		switch r.IntN(8) {
		case 0, 1:
			m.kind, m.value = "stage", pick(r, "new", "mql", "sql", "opportunity", "won", "lost", "recycled", "invalid")
		case 2, 3, 4:
			m.kind, m.value = "action", pick(r, "assigned", "assigned", "accepted", "returned", "recycled", "locked", "locked")
			m.owner, m.team = pick(r, "", "ann", "bob"), pick(r, "", "east", "west", "north")
		case 5, 6:
			m.kind, m.value = "grade", pick(r, "A", "B", "C")
		case 7:
			m.kind, m.value = "priority", pick(r, "high", "HIGH", "low")
		}
		l.marks = append(l.marks, m)
	}
	for range r.IntN(7) {
		l.activities = append(l.activities, activity{next(), r.IntN(2) == 0, pick(r, "call", "email", "wechat", "visit")})
	}
	slices.SortFunc(l.activities, func(a, b activity) int { return a.at.Compare(b.at) })
	// A source with coarse clocks notes the follow-up and its outcome for one moment.
	if len(l.activities) > 0 && len(l.marks) > 0 && r.IntN(2) == 0 {
		l.marks[0].at = l.activities[0].at
	}
	// An activity of one moment counts once.
	l.activities = slices.CompactFunc(l.activities, func(a, b activity) bool { return a.at.Equal(b.at) })
	return l
}

func cycles(t *testing.T, db *warehouse.DB) []cycle {
	t.Helper()
	var rows []cycle
	if err := db.Select(t.Context(), &rows, `SELECT lead_id, clock, cycle, policy, rule, stage, grade, owner, team,
		calendar, started_at, due_at, met_at, ended_at, status, calendar_seconds, working_seconds, paused_seconds, changes_at
		FROM sla_clocks ORDER BY lead_id, clock, cycle`, nil); err != nil {
		t.Fatal(err)
	}
	return rows
}

// wantCycles computes the clocks and holds every row against the oracle.
func wantCycles(t *testing.T, db *warehouse.DB, w world, leads []lead, seen map[string]int) []cycle {
	t.Helper()
	compute(t, db, w.asOf, "sla_states", "sla_clocks")
	var want []cycle
	for _, l := range leads {
		want = append(want, w.all(l)...)
	}
	got := cycles(t, db)
	for i := range max(len(got), len(want)) {
		g, x := "no row", "no row"
		if i < len(got) {
			g = text(t, got[i])
			seen[got[i].Status]++
			seen[fmt.Sprint("paused ", got[i].Paused > 0)]++
			seen[fmt.Sprint("due known ", got[i].Due != nil)]++
		}
		if i < len(want) {
			x = text(t, want[i])
		}
		if g != x {
			t.Fatalf("as of %s row %d is\n%s\nwant\n%s\nof %s", w.asOf, i, g, x, history(t, leads, got, want, i))
		}
	}
	return got
}

// wantSteps computes the cadences and holds every row against the oracle.
func wantSteps(t *testing.T, db *warehouse.DB, w world, leads []lead, seen map[string]int) {
	t.Helper()
	compute(t, db, w.asOf, "cadence_steps")
	var want []kept
	for _, l := range leads {
		want = append(want, w.steps(l)...)
	}
	got := steps(t, db)
	for i := range max(len(got), len(want)) {
		g, x := "no row", "no row"
		if i < len(got) {
			g = text(t, got[i])
			seen["kept"] += int(got[i].Kept)
			seen["exceeded"] += int(got[i].Exceeded)
			seen[fmt.Sprint("step overdue ", got[i].Overdue != nil)]++
		}
		if i < len(want) {
			x = text(t, want[i])
		}
		if g != x {
			k := min(i, len(want)-1)
			j := slices.IndexFunc(leads, func(l lead) bool { return l.id == want[k].Lead })
			t.Fatalf("as of %s row %d is\n%s\nwant\n%s\nof %+v", w.asOf, i, g, x, leads[j])
		}
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// history tells what happened to the lead of a row that differs.
func history(t *testing.T, leads []lead, got, want []cycle, i int) string {
	t.Helper()
	id := ""
	if i < len(want) {
		id = want[i].Lead
	}
	if i < len(got) && (id == "" || got[i].Lead < id) {
		id = got[i].Lead
	}
	for _, l := range leads {
		if l.id == id {
			return fmt.Sprintf("%+v", l)
		}
	}
	return id
}

// all are the rows of a lead, in the order of the table's key.
func (w world) all(l lead) []cycle {
	rows := map[string][]cycle{}
	for _, file := range w.plan.Clocks {
		for _, c := range file.Clocks {
			for _, row := range w.cycles(l, file, c) {
				if w.valid(file, row.Started) {
					rows[c.Clock] = append(rows[c.Clock], row)
				}
			}
		}
	}
	var all []cycle
	for _, clock := range sortedKeys(rows) {
		slices.SortFunc(rows[clock], func(a, b cycle) int { return a.Started.Compare(b.Started) })
		for i := range rows[clock] {
			rows[clock][i].Cycle = uint32(i + 1)
		}
		all = append(all, rows[clock]...)
	}
	return all
}

func sortedKeys(m map[string][]cycle) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// valid says whether a file is the version that counts at a moment.
func (w world) valid(file sla.ClockFile, at time.Time) bool {
	var best *sla.ClockFile
	for i, f := range w.plan.Clocks {
		if f.Name != file.Name || f.ValidFrom != nil && f.ValidFrom.After(at) {
			continue
		}
		if best == nil || f.ValidFrom != nil && (best.ValidFrom == nil || best.ValidFrom.Before(*f.ValidFrom)) {
			best = &w.plan.Clocks[i]
		}
	}
	return best.Version == file.Version
}

// TestClocksAgreeWithPlainGo computes clocks of random policies and calendars over random histories.
func TestClocksAgreeWithPlainGo(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 52))
		plan, err := sla.Load(randomFiles(r), "Asia/Shanghai")
		if err != nil {
			t.Fatal(err)
		}
		db := warehousetest.Open(t)
		if _, err := plan.Fill(t.Context(), db, from, to); err != nil {
			t.Fatal(err)
		}
		w := world{plan: plan, calendars: map[string]*worktime{}, asOf: end}
		for _, c := range plan.Calendars {
			w.calendars[c.Name] = newWorktime(plan, c, from, to)
		}
		var leads []lead
		for i := range 120 {
			leads = append(leads, randomLead(r, fmt.Sprintf("L%03d", i)))
		}
		insertLeads(t, db, leads)
		rows := wantCycles(t, db, w, leads, seen)
		wantSteps(t, db, w, leads, seen)
		// A cycle becomes overdue at its due time, not before.
		i := slices.IndexFunc(rows, func(row cycle) bool { return row.Changes != nil })
		w.asOf = rows[i].Changes.Add(-time.Millisecond)
		wantCycles(t, db, w, leads, seen)
		w.asOf = *rows[i].Changes
		wantCycles(t, db, w, leads, seen)
		w.asOf = w.day(end, 1+r.IntN(9)).Add(-time.Millisecond)
		wantSteps(t, db, w, leads, seen)
		w.asOf = w.asOf.Add(time.Millisecond)
		wantSteps(t, db, w, leads, seen)
	}
	for what := range strings.FieldsSeq("met met_late overdue missed open cancelled") {
		if seen[what] < 20 {
			t.Errorf("too few rows are %s to prove much: %v", what, seen)
		}
	}
	if seen["paused true"] < 20 || seen["due known false"] < 20 {
		t.Errorf("too few rows had a lock, or a lock without an end: %v", seen)
	}
	t.Log(seen)
}
