package sla

import (
	"math"
	"slices"
	"time"

	"clew/ingest/event"
)

// ClockFile is one version of some clocks.
type ClockFile struct {
	header `yaml:",inline"`
	Clocks []Clock `yaml:"clocks"`
}

// Clock says when a deadline begins to run for a lead and what meets it. It runs while the lead is open and one of its
// rules holds; the first that holds counts.
type Clock struct {
	Clock string `yaml:"clock"`
	// Starts is state, when a rule begins to hold, or assignment, with each assignment while a rule holds.
	Starts string `yaml:"starts"`
	// MetBy is any activity, or an effective one: one that reached the lead.
	MetBy string `yaml:"met_by"`
	// Repeats says that each activity begins the next cycle.
	Repeats bool `yaml:"repeats"`
	// UnlessWorked leaves out a cycle that would start after an activity since the lead was opened or reopened.
	UnlessWorked bool `yaml:"unless_worked"`
	// PausesWhileLocked stops the clock from an assignment action locked to the next action of any other kind.
	PausesWhileLocked bool `yaml:"pauses_while_locked"`
	// DropsCancelled keeps no row of a cycle that ended before it was due.
	DropsCancelled bool        `yaml:"drops_cancelled"`
	Rules          []ClockRule `yaml:"rules"`
}

// ClockRule is a deadline for leads in a state. A condition that lists nothing holds for any; none stands for a grade or
// priority that nobody gave.
type ClockRule struct {
	Rule       string   `yaml:"rule"`
	Stages     []string `yaml:"stages"`
	Grades     []string `yaml:"grades"`
	Priorities []string `yaml:"priorities"`
	// Hours from start to due, fractions allowed, down to the millisecond.
	Hours float64 `yaml:"hours"`
	// Runs is calendar or working: of the calendar of the lead's team.
	Runs string `yaml:"runs"`
	// Reason is what the rule comes from.
	Reason string `yaml:"reason"`
}

// Duration is Hours as time.
func (r ClockRule) Duration() time.Duration {
	return time.Duration(math.Round(r.Hours*3_600_000)) * time.Millisecond
}

// stages are those of the lifecycle in which a lead can be open.
var openStages = []string{
	string(event.LifecycleStageNew), string(event.LifecycleStageMQL), string(event.LifecycleStageSQL),
	string(event.LifecycleStageOpportunity), string(event.LifecycleStageRecycled),
}

// longest is the longest deadline: ten years.
const longest = 10 * 366 * 24

func (c ClockFile) validate() []error {
	f := &faults{file: "clocks " + c.ID()}
	c.check(f)
	if len(c.Clocks) == 0 {
		f.add("lists no clocks")
	}
	seen := map[string]bool{}
	for _, clock := range c.Clocks {
		if seen[clock.Clock] || clock.Clock == "" {
			f.add("clock %q: want a name that no other clock of the file has", clock.Clock)
		}
		seen[clock.Clock] = true
		clock.check(f)
	}
	return f.all
}

// check reports what is wrong with the header of a versioned file.
func (h header) check(f *faults) {
	if h.Name == "" {
		f.add("has no name")
	}
	if h.Version < 1 {
		f.add("version is %d; want 1 or more", h.Version)
	}
	if h.Source == "" {
		f.add("has no source: say where the rules come from")
	}
	if b := beginning(h); b.Before(longAgo) || !b.Before(distant) {
		f.add("valid_from is %s; want a year from 1900 to 2199", b.Format(time.RFC3339))
	}
}

func (c Clock) check(f *faults) {
	if c.Starts != "state" && c.Starts != "assignment" {
		f.add("clock %s: starts is %q; want state or assignment", c.Clock, c.Starts)
	}
	if c.MetBy != "any" && c.MetBy != "effective" {
		f.add("clock %s: met_by is %q; want any or effective", c.Clock, c.MetBy)
	}
	if c.Repeats && c.UnlessWorked {
		f.add("clock %s: repeats and unless_worked exclude each other; take one of them out", c.Clock)
	}
	if len(c.Rules) == 0 {
		f.add("clock %s: has no rules", c.Clock)
	}
	seen := map[string]bool{}
	for _, r := range c.Rules {
		if seen[r.Rule] || r.Rule == "" {
			f.add("clock %s: rule %q: want a name that no other rule of the clock has", c.Clock, r.Rule)
		}
		seen[r.Rule] = true
		r.check(f, "clock "+c.Clock+": rule "+r.Rule)
	}
}

func (r ClockRule) check(f *faults, where string) {
	// An inverted comparison would let NaN through.
	if !(r.Hours <= longest) || r.Duration() <= 0 {
		f.add("%s: hours is %v; want more than 0 and at most %d", where, r.Hours, longest)
	}
	if r.Runs != "calendar" && r.Runs != "working" {
		f.add("%s: runs is %q; want calendar or working", where, r.Runs)
	}
	if r.Reason == "" {
		f.add("%s: has no reason", where)
	}
	for _, stage := range r.Stages {
		if !slices.Contains(openStages, stage) {
			f.add("%s: stage %q; want some of %q", where, stage, openStages)
		}
	}
	if slices.Contains(r.Grades, "") || slices.Contains(r.Priorities, "") {
		f.add("%s: an empty grade or priority; write none for one that nobody gave", where)
	}
}
