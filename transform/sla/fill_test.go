package sla_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"clew/transform/sla"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// counts are the numbers of rows of the reference tables.
func counts(t *testing.T, db *warehouse.DB) map[string]uint64 {
	t.Helper()
	rows := map[string]uint64{}
	for _, table := range sla.Tables {
		n, err := db.Count(t.Context(), table)
		if err != nil {
			t.Fatal(err)
		}
		rows[table] = n
	}
	return rows
}

// TestFill replaces the tables when a file changes, and at no other time.
func TestFill(t *testing.T) {
	db := warehousetest.Open(t)
	fill := func(p *sla.Plan, want bool) {
		t.Helper()
		replaced, err := p.Fill(t.Context(), db, from, to)
		if err != nil || replaced != want {
			t.Fatalf("filled %t, %v; want %t", replaced, err, want)
		}
	}
	fill(shipped(t), true)
	first := counts(t, db)
	fill(shipped(t), false)
	own := fstest.MapFS{"night.yaml": {Data: []byte("kind: calendar\nname: night\nsource: ours\nteams: [n1, n2]\n" +
		"week: {monday: [\"22:00-24:00\"]}\n")}}
	changed, err := sla.Load(own, "Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	fill(changed, true)
	second := counts(t, db)
	if second["work_teams"] != 2 || second["work_calendar"] <= first["work_calendar"] ||
		second["sla_policies"] != first["sla_policies"] {
		t.Errorf("a calendar more makes %v of %v", second, first)
	}
	// What a run left half done is made good: sla_policies vouches for the others, and is written last.
	if err := db.Exec(t.Context(), "TRUNCATE TABLE sla_policies", nil); err != nil {
		t.Fatal(err)
	}
	fill(changed, true)
	fill(shipped(t), true)
	if got := counts(t, db); fmt.Sprint(got) != fmt.Sprint(first) {
		t.Errorf("back at the shipped files the tables have %v rows, want %v", got, first)
	}
}

// TestHashIsOfTheContent holds that the hash knows the zone, and not the order in which files are read.
func TestHashIsOfTheContent(t *testing.T) {
	other, err := sla.Load(nil, "UTC")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := shipped(t).Hash(), shipped(t).Hash(); a != b || a == other.Hash() {
		t.Errorf("hashes %s, %s and of another zone %s", a, b, other.Hash())
	}
}

// TestSpans holds the spans of one calendar to the minute.
func TestSpans(t *testing.T) {
	files := fstest.MapFS{"east.yaml": {Data: []byte(`kind: calendar
name: east
source: ours
teams: [east]
week: {friday: ["09:00-12:00", "13:00-18:00"], monday: ["09:00-18:00"]}
makeup: ["10:00-16:00"]
holidays: [china]
pauses:
  - {from: 2026-01-09T11:00:00+08:00, until: 2026-01-09T14:00:00+08:00, why: training}
`)}}
	p, err := sla.Load(files, "Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(p.Calendars, func(c sla.Calendar) bool { return c.Name == "east" })
	shanghai := time.FixedZone("", 8*3600)
	spans, err := p.Spans(p.Calendars[i], time.Date(2026, 1, 1, 0, 0, 0, 0, shanghai), time.Date(2026, 1, 12, 10, 30, 0, 0, shanghai))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range spans {
		got = append(got, s.Start.In(shanghai).Format("02 15:04")+"-"+s.End.In(shanghai).Format("15:04"))
	}
	// Friday the 2nd is a holiday, Sunday the 4th makes up for it.
	want := "04 10:00-16:00 05 09:00-18:00 09 09:00-11:00 09 14:00-18:00 12 09:00-10:30"
	if strings.Join(got, " ") != want {
		t.Errorf("spans are %s, want %s", strings.Join(got, " "), want)
	}
}
