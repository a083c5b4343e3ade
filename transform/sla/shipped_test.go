package sla_test

import (
	"slices"
	"testing"
	"time"

	"clew/transform/sla"
)

func shipped(t *testing.T) *sla.Plan {
	t.Helper()
	p, err := sla.Load(nil, "Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestShippedClocks holds the times of the guides.
func TestShippedClocks(t *testing.T) {
	got := map[string]time.Duration{}
	for _, file := range shipped(t).Clocks {
		for _, c := range file.Clocks {
			for _, r := range c.Rules {
				got[c.Clock+" "+r.Rule+" "+r.Runs] = r.Duration()
			}
		}
	}
	want := map[string]time.Duration{
		"first_contact sql working": 2 * time.Hour, "start A calendar": 24 * time.Hour, "start B calendar": 48 * time.Hour,
		"touch C calendar": 7 * 24 * time.Hour, "recycle assigned calendar": 48 * time.Hour,
		"pool high calendar": 24 * time.Hour, "pool low calendar": 7 * 24 * time.Hour, "follow_up all calendar": 24 * time.Hour,
	}
	for name, d := range want {
		if got[name] != d {
			t.Errorf("%s: %s, want %s", name, got[name], d)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d rules, want %d: %v", len(got), len(want), got)
	}
}

// TestShippedCadences counts industries, and holds that each treats every grade and differs from the others.
func TestShippedCadences(t *testing.T) {
	p := shipped(t)
	if len(p.Cadences) != 21 {
		t.Errorf("%d cadences, want those of 20 industries and the default", len(p.Cadences))
	}
	same := map[string]string{}
	for _, c := range p.Cadences {
		what := text(t, c.Steps)
		if other := same[what]; other != "" {
			t.Errorf("%s has the steps of %s", c.Name, other)
		}
		same[what] = c.Name
		for _, grade := range []string{"A", "B", "C"} {
			if !slices.ContainsFunc(c.Steps, func(s sla.Step) bool { return slices.Contains(s.Grades, grade) }) {
				t.Errorf("%s has no step for grade %s", c.Name, grade)
			}
		}
	}
}

// TestShippedHolidays checks the list against what the notices have in common: working days that make up for holidays
// lie on weekends, and a year has as many days off as the law gives.
func TestShippedHolidays(t *testing.T) {
	off := map[int]int{}
	for _, h := range shipped(t).Holidays {
		for _, d := range h.DaysOff {
			from, _ := time.Parse(time.DateOnly, d.From)
			to, _ := time.Parse(time.DateOnly, d.To)
			for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
				if w := day.Weekday(); w != time.Saturday && w != time.Sunday {
					off[day.Year()]++
				}
			}
		}
		for _, d := range h.WorkingDays {
			day, err := time.Parse(time.DateOnly, d.Day)
			if w := day.Weekday(); err != nil || w != time.Saturday && w != time.Sunday {
				t.Errorf("%s makes up on a %s", d.Day, w)
			}
			off[day.Year()]--
		}
	}
	for year, want := range map[int]int{2024: 11, 2025: 13, 2026: 13} {
		if off[year] != want {
			t.Errorf("%d: %d working days fewer than without holidays, want %d", year, off[year], want)
		}
	}
}
