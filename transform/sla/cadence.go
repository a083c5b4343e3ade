package sla

import (
	"slices"
	"strings"
)

// CadenceFile is one version of a cadence: which follow-ups a lead gets, counted in days of the business time zone from
// the day it got its grade, which is day 1.
type CadenceFile struct {
	header `yaml:",inline"`
	// Industries are those of leads, upper and lower case alike. None listed: all leads of industries that no other file
	// lists.
	Industries []string `yaml:"industries"`
	Steps      []Step   `yaml:"steps"`
}

// Step is one thing to do: by a day, with Day, or again and again, with EveryDays.
type Step struct {
	Step string `yaml:"step"`
	// Grades are those of the leads it is for.
	Grades []string `yaml:"grades"`
	// Methods are those of the activities that count. None listed: any.
	Methods []string `yaml:"methods"`
	// Day is the last day to do it on. What was done from FromDay on counts.
	Day uint32 `yaml:"day"`
	// EveryDays is the length of one window in days; the first begins on FromDay.
	EveryDays uint32 `yaml:"every_days"`
	// FromDay is the first day that counts. Absent: 1.
	FromDay uint32 `yaml:"from_day"`
	// UntilDay is the last day of the last window. Absent: until the lead is closed or gets another grade.
	UntilDay uint32 `yaml:"until_day"`
	// AtLeast is how many activities a window wants. Absent: 1. AtMost is how many it bears. Absent: any number.
	AtLeast uint32 `yaml:"at_least"`
	AtMost  uint32 `yaml:"at_most"`
	// Reason is what the step comes from.
	Reason string `yaml:"reason"`
}

// industries are the industries as they stand in the reference table.
func (c CadenceFile) industries() []string {
	if len(c.Industries) == 0 {
		return []string{""}
	}
	all := make([]string, len(c.Industries))
	for i, name := range c.Industries {
		all[i] = strings.ToLower(name)
	}
	return all
}

// from and until are the first and last day, with the defaults filled in.
func (s Step) from() uint32 { return max(s.FromDay, 1) }

func (s Step) until() uint32 { return max(s.Day, s.UntilDay) }

func (c CadenceFile) validate() []error {
	f := &faults{file: "cadence " + c.ID()}
	c.check(f)
	if len(c.Steps) == 0 {
		f.add("lists no steps")
	}
	if all := c.industries(); len(all) != len(slices.Compact(slices.Sorted(slices.Values(all)))) {
		f.add("lists an industry twice; case does not count")
	}
	seen := map[string]bool{}
	for _, s := range c.Steps {
		if seen[s.Step] || s.Step == "" {
			f.add("step %q: want a name that no other step of the file has", s.Step)
		}
		seen[s.Step] = true
		s.check(f)
	}
	return f.all
}

// longestDays bounds days: ten years.
const longestDays = 3660

func (s Step) check(f *faults) {
	where := "step " + s.Step
	if (s.Day == 0) == (s.EveryDays == 0) {
		f.add("%s: want either day or every_days", where)
	}
	if s.Day != 0 && s.UntilDay != 0 {
		f.add("%s: until_day goes with every_days alone", where)
	}
	if s.until() != 0 && s.until() < s.from() {
		f.add("%s: ends on day %d, before it begins on day %d", where, s.until(), s.from())
	}
	if s.EveryDays > 0 && s.UntilDay > 0 && (s.UntilDay-s.from()+1)%s.EveryDays != 0 {
		f.add("%s: days %d to %d are no whole number of windows of %d days", where, s.from(), s.UntilDay, s.EveryDays)
	}
	if max(s.Day, s.EveryDays, s.FromDay, s.UntilDay) > longestDays {
		f.add("%s: a day beyond %d", where, longestDays)
	}
	if s.AtMost != 0 && s.AtMost < max(s.AtLeast, 1) {
		f.add("%s: at_most is %d, less than at_least", where, s.AtMost)
	}
	if len(s.Grades) == 0 || slices.Contains(s.Grades, "") {
		f.add("%s: has no grades", where)
	}
	if s.Reason == "" {
		f.add("%s: has no reason", where)
	}
}
