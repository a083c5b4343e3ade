package sla_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"clew/transform/sla"
)

// mark is one thing that changes the state of a lead; activity is a follow-up.
type mark struct {
	at                           time.Time
	id, kind, value, owner, team string
}

type activity struct {
	at        time.Time
	effective bool
	method    string
}

// lead is what happened to one lead.
type lead struct {
	id, industry string
	created      time.Time
	marks        []mark
	activities   []activity
}

// state is what holds of a lead from a moment on.
type state struct {
	at, openedAt                        time.Time
	open, pooled, locked                bool
	stage, grade, priority, owner, team string
	held, assignments                   int
}

// states goes through the marks one by one.
func (l lead) states() []state {
	marks := append([]mark{{at: l.created, kind: "created"}}, l.marks...)
	slices.SortFunc(marks, func(a, b mark) int {
		return cmp.Or(a.at.Compare(b.at), strings.Compare(a.id, b.id), strings.Compare(a.kind, b.kind))
	})
	s := state{open: true, stage: "new", openedAt: marks[0].at}
	var all []state
	for i, m := range marks {
		before := s.open
		s.at = m.at
		s.apply(m)
		s.open = !s.pooled && !slices.Contains([]string{"won", "lost", "invalid"}, s.stage)
		if s.open != before {
			s.openedAt = m.at
		}
		if i == len(marks)-1 || !marks[i+1].at.Equal(m.at) {
			all = append(all, s)
		}
	}
	return all
}

func (s *state) apply(m mark) {
	switch m.kind {
	case "grade":
		s.grade = m.value
	case "priority":
		s.priority = strings.ToLower(m.value)
	case "stage":
		s.stage = m.value
		switch m.value {
		case "recycled":
			s.pooled, s.held = true, 0
		case "new", "mql", "sql", "opportunity":
			s.pooled = false
		}
	case "action":
		s.act(m)
	}
}

func (s *state) act(m mark) {
	s.locked = m.value == "locked"
	switch m.value {
	case "assigned":
		s.assignments++
		s.pooled, s.held, s.owner, s.team = false, s.assignments, m.owner, m.team
	case "accepted":
		s.pooled = false
		s.owner, s.team = cmp.Or(m.owner, s.owner), cmp.Or(m.team, s.team)
	case "returned", "recycled":
		s.pooled, s.held, s.owner, s.team = true, 0, "", ""
	}
}

// worktime says minute by minute when a calendar's teams work: it asks the wall clock, and knows no spans.
type worktime struct {
	from   time.Time
	worked []bool
	// first is when work begins for the first time: nothing is known before.
	first time.Time
}

func newWorktime(p *sla.Plan, c sla.Calendar, from, to time.Time) *worktime {
	loc, err := time.LoadLocation(cmp.Or(c.Timezone, p.Timezone))
	if err != nil {
		panic(err)
	}
	w := &worktime{from: from, first: to}
	for t := from; t.Before(to); t = t.Add(time.Minute) {
		works := worksAt(p, c, t.In(loc)) && !slices.ContainsFunc(c.Pauses, func(p sla.Pause) bool {
			return !t.Before(p.From) && t.Before(p.Until)
		})
		if works && !t.After(w.first) {
			w.first = t
		}
		w.worked = append(w.worked, works)
	}
	return w
}

func worksAt(p *sla.Plan, c sla.Calendar, local time.Time) bool {
	spans := c.Week[strings.ToLower(local.Weekday().String())]
	day, exception := local.Format(time.DateOnly), ""
	for _, h := range p.Holidays {
		if !slices.Contains(c.Holidays, h.Name) {
			continue
		}
		for _, d := range h.DaysOff {
			if d.From <= day && day <= d.To && exception == "" {
				exception = "off"
			}
		}
		for _, d := range h.WorkingDays {
			if d.Day == day {
				exception = "work"
			}
		}
	}
	switch exception {
	case "off":
		return false
	case "work":
		spans = c.Makeup
	}
	clock := local.Format("15:04")
	return slices.ContainsFunc(spans, func(s string) bool { return s[:5] <= clock && clock < s[6:] })
}

func (w *worktime) at(t time.Time) (works, known bool) {
	i := int(t.Sub(w.from) / time.Minute)
	if t.Before(w.from) || i >= len(w.worked) {
		return false, false
	}
	return w.worked[i], true
}

// lock is a time in which a lead is locked; without an end it goes on.
type lock struct{ from, until time.Time }

func locks(states []state) []lock {
	var all []lock
	for i, s := range states {
		l := lock{from: s.at}
		if i+1 < len(states) {
			l.until = states[i+1].at
		}
		if s.locked {
			all = append(all, l)
		}
	}
	return all
}

// within is the lock that holds at a moment, or the begin of the next one, where there are any.
func within(all []lock, t time.Time) (held *lock, next time.Time) {
	for i, l := range all {
		if l.from.After(t) {
			return nil, l.from
		}
		if l.until.IsZero() || l.until.After(t) {
			return &all[i], time.Time{}
		}
	}
	return nil, time.Time{}
}

// walk goes through time from start, a minute at most in a step, and adds up what ran: wall time, working time and time
// locked. It stops where done says so, at the moment that is returned, or where a lock goes on or the calendar ends.
func walk(w *worktime, all []lock, start time.Time, limit time.Time, due time.Duration, working bool,
) (at time.Time, reached bool, ran, worked, paused time.Duration) {
	at = start
	for at.Before(limit) {
		end := earlier(at.Truncate(time.Minute).Add(time.Minute), limit)
		held, next := within(all, at)
		if held != nil {
			if held.until.IsZero() && limit.Equal(never) {
				return at, false, ran, worked, paused
			}
			end = limit
			if !held.until.IsZero() {
				end = earlier(held.until, limit)
			}
			paused += end.Sub(at)
			at = end
			continue
		}
		if !next.IsZero() {
			end = earlier(end, next)
		}
		works, known := w.at(at)
		if working && !known && due > 0 {
			return at, false, ran, worked, paused
		}
		counts := &ran
		if working {
			counts = &worked
		}
		step := end.Sub(at)
		if due > 0 && (works || !working) && *counts+step >= due {
			return at.Add(due - *counts), true, ran, worked, paused
		}
		if ran += step; works {
			worked += step
		}
		at = end
	}
	return at, false, ran, worked, paused
}

// never is later than all that happens.
var never = time.Date(2290, 1, 1, 0, 0, 0, 0, time.UTC)

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
