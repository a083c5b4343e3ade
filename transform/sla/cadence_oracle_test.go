package sla_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"clew/transform/sla"
	"clew/transform/warehouse"
)

// kept is a row of cadence_steps.
type kept struct {
	Lead     string     `ch:"lead_id"`
	Started  time.Time  `ch:"started_at"`
	Step     string     `ch:"step"`
	Policy   string     `ch:"policy"`
	Grade    string     `ch:"grade"`
	Owner    string     `ch:"owner"`
	Team     string     `ch:"team"`
	Ended    *time.Time `ch:"ended_at"`
	Expected uint32     `ch:"expected"`
	Kept     uint32     `ch:"kept"`
	Actions  uint32     `ch:"actions"`
	Exceeded uint32     `ch:"exceeded"`
	Last     *time.Time `ch:"last_at"`
	Due      *time.Time `ch:"due_at"`
	Overdue  *time.Time `ch:"overdue_since"`
	Changes  *time.Time `ch:"changes_at"`
}

func steps(t *testing.T, db *warehouse.DB) []kept {
	t.Helper()
	var rows []kept
	if err := db.Select(t.Context(), &rows, `SELECT lead_id, started_at, step, policy, grade, owner, team, ended_at,
		expected, kept, actions, exceeded, last_at, due_at, overdue_since, changes_at
		FROM cadence_steps ORDER BY lead_id, started_at, step`, nil); err != nil {
		t.Fatal(err)
	}
	return rows
}

// cadence is the cadence of an industry.
func (w world) cadence(industry string) sla.CadenceFile {
	i := slices.IndexFunc(w.plan.Cadences, func(c sla.CadenceFile) bool {
		return slices.ContainsFunc(c.Industries, func(name string) bool { return strings.EqualFold(name, industry) })
	})
	if i < 0 {
		i = slices.IndexFunc(w.plan.Cadences, func(c sla.CadenceFile) bool { return len(c.Industries) == 0 })
	}
	return w.plan.Cadences[i]
}

// steps are the rows of one lead.
func (w world) steps(l lead) []kept {
	states, file := l.states(), w.cadence(l.industry)
	var all []kept
	for i := 0; i < len(states); {
		s := states[i]
		j := i + 1
		for j < len(states) && states[j].open && states[j].grade == s.grade && states[j].openedAt.Equal(s.openedAt) {
			j++
		}
		if s.open && s.grade != "" {
			for _, step := range file.Steps {
				if slices.Contains(step.Grades, s.grade) {
					all = append(all, w.step(l, file, step, states, i, j))
				}
			}
		}
		i = j
	}
	slices.SortFunc(all, func(a, b kept) int {
		if c := a.Started.Compare(b.Started); c != 0 {
			return c
		}
		return strings.Compare(a.Step, b.Step)
	})
	return all
}

// step goes through the windows of a step one by one.
func (w world) step(l lead, file sla.CadenceFile, s sla.Step, states []state, i, j int) kept {
	row := kept{
		Lead: l.id, Started: states[i].at, Step: s.Step, Policy: file.ID(), Grade: states[i].grade,
		Owner: states[j-1].owner, Team: states[j-1].team,
	}
	end, closed, now := never, false, w.asOf
	if j < len(states) {
		end, closed = states[j].at, !states[j].open
		row.Ended, now = &end, end
	}
	first, days := max(int(s.FromDay), 1), int(s.EveryDays)
	if days == 0 {
		days = int(s.Day) - first + 1
	}
	times := l.times(s, states[i].at, end, closed)
	enough, missed := int(max(s.AtLeast, 1)), (*time.Time)(nil)
	for k := 0; ; k++ {
		from, until := w.day(row.Started, first+k*days), w.day(row.Started, first+(k+1)*days)
		if s.Day != 0 && k > 0 || s.UntilDay != 0 && first+k*days > int(s.UntilDay) {
			break
		}
		n := count(times, from, until)
		row.Actions += uint32(n)
		if n > 0 {
			row.Last = lastBefore(times, until)
		}
		if s.AtMost > 0 && n > int(s.AtMost) {
			row.Exceeded++
		}
		over := !until.After(now)
		if n >= enough {
			missed = nil
		} else if missed == nil && over {
			missed = &until
		}
		if over {
			row.Expected++
		}
		if over && n >= enough {
			row.Kept++
		}
		if !over && row.Changes == nil && row.Ended == nil {
			row.Changes = &until
		}
		if !over && n < enough {
			if row.Ended == nil {
				row.Due = &until
			}
			break
		}
		if !over && row.Ended != nil && from.After(now) {
			break
		}
	}
	if s.Day != 0 {
		row.Actions = uint32(count(times, w.day(row.Started, first), never))
		if row.Actions > 0 {
			row.Last = lastBefore(times, never)
		}
		if int(row.Actions) >= enough {
			missed = nil
		}
	}
	if row.Ended == nil {
		row.Overdue = missed
	}
	return row
}

// day is the begin of the nth day, counted from 1, after some moment's midnight.
func (w world) day(t time.Time, n int) time.Time {
	loc, err := time.LoadLocation(w.plan.Timezone)
	if err != nil {
		panic(err)
	}
	local := t.In(loc)
	return time.Date(local.Year(), local.Month(), local.Day()+n-1, 0, 0, 0, 0, loc).UTC()
}

// times are those of the activities that a step counts.
func (l lead) times(s sla.Step, start, end time.Time, closed bool) []time.Time {
	var all []time.Time
	for _, a := range l.activities {
		if !a.at.Before(start) && (a.at.Before(end) || closed && a.at.Equal(end)) &&
			(len(s.Methods) == 0 || slices.Contains(s.Methods, a.method)) {
			all = append(all, a.at)
		}
	}
	return all
}

func count(times []time.Time, from, until time.Time) int {
	n := 0
	for _, t := range times {
		if !t.Before(from) && t.Before(until) {
			n++
		}
	}
	return n
}

func lastBefore(times []time.Time, until time.Time) *time.Time {
	for _, t := range slices.Backward(times) {
		if t.Before(until) {
			return &t
		}
	}
	return nil
}
