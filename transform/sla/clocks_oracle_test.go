package sla_test

import (
	"slices"
	"time"

	"clew/transform/sla"
)

// cycle is a row of sla_clocks. Times and seconds are nil where the table has NULL.
type cycle struct {
	Lead     string     `ch:"lead_id"`
	Clock    string     `ch:"clock"`
	Cycle    uint32     `ch:"cycle"`
	Policy   string     `ch:"policy"`
	Rule     string     `ch:"rule"`
	Stage    string     `ch:"stage"`
	Grade    string     `ch:"grade"`
	Owner    string     `ch:"owner"`
	Team     string     `ch:"team"`
	Calendar string     `ch:"calendar"`
	Started  time.Time  `ch:"started_at"`
	Due      *time.Time `ch:"due_at"`
	Met      *time.Time `ch:"met_at"`
	Ended    *time.Time `ch:"ended_at"`
	Status   string     `ch:"status"`
	Ran      *float64   `ch:"calendar_seconds"`
	Worked   *float64   `ch:"working_seconds"`
	Paused   float64    `ch:"paused_seconds"`
	Changes  *time.Time `ch:"changes_at"`
}

// holding is the number of the first rule that holds in a state, counted from 1; 0 for none.
func holding(c sla.Clock, s state) int {
	if !s.open || c.Starts == "assignment" && s.held == 0 {
		return 0
	}
	fits := func(values []string, v string) bool {
		if v == "" {
			v = "none"
		}
		return len(values) == 0 || slices.Contains(values, v)
	}
	return 1 + slices.IndexFunc(c.Rules, func(r sla.ClockRule) bool {
		return fits(r.Stages, s.stage) && fits(r.Grades, s.grade) && fits(r.Priorities, s.priority)
	})
}

// world is what leads are measured by.
type world struct {
	plan      *sla.Plan
	calendars map[string]*worktime
	asOf      time.Time
}

func (w world) calendar(team string) string {
	for _, c := range w.plan.Calendars {
		if slices.Contains(c.Teams, team) {
			return c.Name
		}
	}
	return "default"
}

// cycles are the rows of one lead and clock.
func (w world) cycles(l lead, file sla.ClockFile, c sla.Clock) []cycle {
	states := l.states()
	var all []cycle
	for i := 0; i < len(states); {
		s, rule := states[i], holding(c, states[i])
		j := i + 1
		for j < len(states) && rule != 0 && holding(c, states[j]) == rule && states[j].openedAt.Equal(s.openedAt) &&
			(c.Starts != "assignment" || states[j].held == s.held) {
			j++
		}
		if rule != 0 {
			all = append(all, w.run(l, file, c, c.Rules[rule-1], states, i, j)...)
		}
		i = j
	}
	for i := range all {
		all[i].Cycle = uint32(i + 1)
	}
	return all
}

// run gives the cycles of the states i to j-1, in which one rule holds.
func (w world) run(l lead, file sla.ClockFile, c sla.Clock, r sla.ClockRule, states []state, i, j int) []cycle {
	first, end, closed := states[i], never, false
	if j < len(states) {
		end, closed = states[j].at, !states[j].open
	}
	base := cycle{
		Lead: l.id, Clock: c.Clock, Policy: file.ID(), Rule: r.Rule, Stage: first.stage, Grade: first.grade,
	}
	for _, s := range states[i:j] {
		if base.Owner = s.owner; s.owner != "" || s.team != "" {
			base.Team = s.team
			break
		}
	}
	base.Calendar = w.calendar(base.Team)
	var times []time.Time
	for _, a := range l.activities {
		if c.UnlessWorked && !a.at.Before(first.openedAt) && a.at.Before(first.at) {
			return nil
		}
		inside := !a.at.Before(first.at) && (a.at.Before(end) || closed && a.at.Equal(end))
		if inside && (c.MetBy == "any" || a.effective) {
			times = append(times, a.at)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	var all []cycle
	start := first.at
	for start.Before(end) {
		k := slices.IndexFunc(times, func(t time.Time) bool { return t.After(start) || !c.Repeats })
		row := base
		row.Started = start
		if k >= 0 {
			row.Met = &times[k]
		} else if !end.Equal(never) {
			row.Ended = &end
		}
		w.measure(&row, c, r, states)
		if !c.DropsCancelled || row.Status != "cancelled" {
			all = append(all, row)
		}
		if k < 0 || !c.Repeats {
			break
		}
		start = times[k]
	}
	return all
}

// measure fills in the times and the status.
func (w world) measure(row *cycle, c sla.Clock, r sla.ClockRule, states []state) {
	calendar, working := w.calendars[row.Calendar], r.Runs == "working"
	known := !row.Started.Before(calendar.first)
	var held []lock
	if c.PausesWhileLocked {
		held = locks(states)
	}
	if due, reached, _, _, _ := walk(calendar, held, row.Started, never, r.Duration(), working); reached && (known || !working) {
		row.Due = &due
	}
	stop := never
	if row.Met != nil {
		stop = *row.Met
	} else if row.Ended != nil {
		stop = *row.Ended
	}
	var paused time.Duration
	if !stop.Equal(never) {
		var ran, worked time.Duration
		_, _, ran, worked, paused = walk(calendar, held, row.Started, stop, 0, false)
		if row.Met != nil {
			row.Ran, row.Worked = new(seconds(ran)), new(seconds(worked))
			if !known {
				row.Worked = nil
			}
		}
	}
	for _, l := range held {
		if stop.Equal(never) && !l.until.IsZero() && l.until.After(row.Started) {
			paused += l.until.Sub(later(l.from, row.Started))
		}
	}
	row.Paused = seconds(paused)
	row.judge(w.asOf)
}

func (row *cycle) judge(asOf time.Time) {
	before := func(t *time.Time) bool { return row.Due == nil || t.Before(*row.Due) }
	switch {
	case row.Met != nil && before(row.Met):
		row.Status = "met"
	case row.Met != nil:
		row.Status = "met_late"
	case row.Ended != nil && before(row.Ended):
		row.Status = "cancelled"
	case row.Ended != nil:
		row.Status = "missed"
	case !before(&asOf):
		row.Status = "overdue"
	default:
		row.Status, row.Changes = "open", row.Due
	}
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
