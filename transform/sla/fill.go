package sla

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"clew/transform/warehouse"
)

// Tables are the reference tables that Fill writes and models may read.
var Tables = []string{"cadence_policies", "sla_policies", "work_calendar", "work_teams"}

// Fill brings the reference tables in line with the plan, and says whether they had to be replaced. The calendars are
// written out from from to to: a working deadline beyond to has no due time. It may be cut off anywhere and repeated:
// sla_policies, which says what the tables were filled from, is replaced last.
func (p *Plan) Fill(ctx context.Context, db *warehouse.DB, from, to time.Time) (replaced bool, err error) {
	from, to = from.UTC().Truncate(time.Millisecond), to.UTC().Truncate(time.Millisecond)
	plan := fmt.Sprintf("%s %d-%d", p.Hash(), from.UnixMilli(), to.UnixMilli())
	var rows []struct {
		Plan string `ch:"plan"`
	}
	if err := db.Select(ctx, &rows, "SELECT DISTINCT plan FROM sla_policies", nil); err != nil {
		return false, fmt.Errorf("which policies the tables hold: %w", err)
	}
	if len(rows) == 1 && rows[0].Plan == plan {
		return false, nil
	}
	calendars, err := p.calendarRows(from, to)
	if err != nil {
		return false, err
	}
	for _, t := range []struct {
		name, columns string
		rows          [][]any
	}{
		{"work_calendar", "calendar, starts_at, ends_at, before_ms", calendars},
		{"work_teams", "team, calendar", p.teamRows()},
		{"cadence_policies", cadenceColumns, p.cadenceRows()},
		{"sla_policies", clockColumns, p.clockRows(plan)},
	} {
		if err := db.ReplaceRows(ctx, t.name, strings.Split(t.columns, ", "), t.rows); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (p *Plan) calendarRows(from, to time.Time) ([][]any, error) {
	var rows [][]any
	for _, c := range p.Calendars {
		spans, err := p.Spans(c, from, to)
		if err != nil {
			return nil, err
		}
		before := time.Duration(0)
		for _, s := range spans {
			rows = append(rows, []any{c.Name, s.Start, s.End, before.Milliseconds()})
			before += s.End.Sub(s.Start)
		}
	}
	return rows, nil
}

func (p *Plan) teamRows() [][]any {
	var rows [][]any
	for _, c := range p.Calendars {
		for _, team := range c.Teams {
			rows = append(rows, []any{team, c.Name})
		}
	}
	return rows
}

const clockColumns = "clock, policy, valid_from, valid_until, on_assignment, met_by_effective, repeats, unless_worked, " +
	"pauses_while_locked, drops_cancelled, rules, rule_stages, rule_grades, rule_priorities, rule_ms, rule_working, plan"

// clockRows is a row for each clock and version that ever counts.
func (p *Plan) clockRows(plan string) [][]any {
	var rows [][]any
	for _, file := range p.Clocks {
		from, until := validIn(p.Clocks, file)
		for _, c := range file.Clocks {
			if !from.Before(until) {
				continue
			}
			row := []any{
				c.Clock, file.ID(), from, until, c.Starts == "assignment", c.MetBy == "effective", c.Repeats, c.UnlessWorked,
				c.PausesWhileLocked, c.DropsCancelled,
			}
			rows = append(rows, append(append(row, ruleArrays(c.Rules)...), plan))
		}
	}
	return rows
}

func ruleArrays(rules []ClockRule) []any {
	names, stages, grades, priorities := []string{}, [][]string{}, [][]string{}, [][]string{}
	due, working := []int64{}, []bool{}
	for _, r := range rules {
		names, stages = append(names, r.Rule), append(stages, given(r.Stages))
		grades, priorities = append(grades, given(r.Grades)), append(priorities, lower(given(r.Priorities)))
		due, working = append(due, r.Duration().Milliseconds()), append(working, r.Runs == "working")
	}
	return []any{names, stages, grades, priorities, due, working}
}

// given is a condition as the tables have it: empty texts for what nobody gave.
func given(values []string) []string {
	all := []string{}
	for _, v := range values {
		if v == "none" {
			v = ""
		}
		all = append(all, v)
	}
	return all
}

func lower(values []string) []string {
	for i := range values {
		values[i] = strings.ToLower(values[i])
	}
	return values
}

const cadenceColumns = "industry, cadence, policy, valid_from, valid_until, step, grades, methods, from_day, every_days, " +
	"until_day, at_least, at_most"

func (p *Plan) cadenceRows() [][]any {
	var rows [][]any
	for _, file := range p.Cadences {
		from, until := validIn(p.Cadences, file)
		if !from.Before(until) {
			continue
		}
		for _, industry := range file.industries() {
			for _, s := range file.Steps {
				rows = append(rows, []any{
					industry, file.Name, file.ID(), from, until, s.Step, given(s.Grades), given(s.Methods), s.from(), s.EveryDays,
					s.until(), max(s.AtLeast, 1), s.AtMost,
				})
			}
		}
	}
	return rows
}

// validIn is when a version counts among those of its name.
func validIn[T interface{ base() header }](files []T, file T) (from, until time.Time) {
	var versions []header
	for _, f := range files {
		if f.base().Name == file.base().Name {
			versions = append(versions, f.base())
		}
	}
	all, ends := validity(versions)
	i := slices.IndexFunc(versions, func(h header) bool { return h.Version == file.base().Version })
	return all[i], ends[i]
}

func (h header) base() header { return h }
