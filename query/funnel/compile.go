package funnel

import (
	"fmt"
	"slices"
	"strings"

	"clew/query/catalog"
	"clew/query/clause"
	"clew/transform"
)

// Statement is a compiled funnel.
type Statement struct {
	// SQL gives one row for everyone (total = 1) and, with a breakdown, one for each group, in the order of the answer.
	SQL    string
	Params map[string]any
	// Steps are the catalog's stages of the steps.
	Steps []catalog.Stage
	// Query is the request with its defaults and days filled in.
	Query Request
}

// cubeName is the cube that holds one row a lead.
const cubeName = "leads"

// The kinds of group. They are told apart by more than their label: a value may be named Other.
const (
	groupValue = "value"
	groupNone  = "none"
	groupOther = "other"
)

// Compile turns a request into a statement. It is a pure function: the same arguments give the same text. Errors are
// *clause.Problem.
func Compile(r Request, c *catalog.Catalog, o clause.Options) (*Statement, error) {
	uses, err := r.check(c)
	if err != nil {
		return nil, err
	}
	zone, err := clause.Zone(o.Timezone)
	if err != nil {
		return nil, err
	}
	cube, ok := c.Cube(cubeName)
	if !ok {
		return nil, fmt.Errorf("metric catalog: there is no cube %s to count funnels in", cubeName)
	}
	if err := onlyLeads(c, cube, uses); err != nil {
		return nil, err
	}
	r.normalize()
	k := &compiler{Scope: clause.Scope{Options: o, Catalog: c, Cube: cube, Zone: zone}, request: &r}
	for _, s := range r.Steps {
		stage, _ := c.Stage(s.Stage)
		k.steps = append(k.steps, *stage)
	}
	if err := k.conditions(); err != nil {
		return nil, err
	}
	sql := k.text()
	k.Finish(sql)
	return &Statement{SQL: sql, Params: k.Args.Params, Steps: k.steps, Query: r}, nil
}

func (r *Request) normalize() {
	if r.Window.Duration == 0 {
		r.Window.Duration = defaultWindow
	}
	if r.Order == "" {
		r.Order = OrderOrdered
	}
	if r.Breakdown != nil && r.Breakdown.Limit == 0 {
		r.Breakdown = &Breakdown{Dimension: r.Breakdown.Dimension, Limit: defaultGroups}
	}
}

// onlyLeads refuses members that the cube of leads does not know, and measures, which a single lead has none of.
func onlyLeads(c *catalog.Catalog, cube *catalog.Cube, uses []clause.Use) error {
	for _, u := range uses {
		if _, measure := c.Measure(u.Member); measure {
			return invalid(clause.CodeBadFilter, "filter on a dimension or a time dimension",
				"a funnel cannot be filtered on the measure %s", u.Member)
		}
	}
	only := *c
	only.Cubes = []catalog.Cube{*cube}
	_, err := clause.Choose(&only, uses)
	return err
}

type compiler struct {
	clause.Scope
	request *Request
	steps   []catalog.Stage
	where   []string
	value   string
}

func (k *compiler) conditions() error {
	k.where = []string{k.Cube.Where, k.steps[0].At + " IS NOT NULL"}
	if r := k.request.DateRange; r != nil {
		first, last, err := r.Resolve(k.Now.In(k.Zone), k.WeekStart)
		if err != nil {
			return err
		}
		k.request.DateRange = &clause.DateRange{From: first.String(), To: last.String()}
		k.where = append(k.where, k.InDays(catalog.Moment{Instant: k.steps[0].At}, first, last))
	}
	filters, err := k.Filters(k.request.Filters)
	if err != nil {
		return err
	}
	k.where = append(k.where, filters.Where...)
	if k.request.Breakdown != nil {
		k.value = k.Dimension(k.request.Breakdown.Dimension)
	}
	k.Args.Set("window", "Int64", k.request.Window.Milliseconds())
	return nil
}

func (k *compiler) text() string {
	if k.value == "" {
		return strings.Join([]string{
			"WITH", k.cte("entrants", k.entrants()) + ",", k.cte("paths", k.paths("")),
			k.counts("1 AS total, '' AS kind, '' AS label"),
			"FROM paths",
		}, "\n")
	}
	k.Args.Set("groups", "UInt64", k.request.Breakdown.Limit)
	// The empty value has a group of its own, so it never takes the place of a real one.
	top := "SELECT value\nFROM entrants\nWHERE value != ''\nGROUP BY value\nORDER BY count() DESC, value ASC\n" +
		"LIMIT {groups:UInt64}"
	kind := fmt.Sprintf("multiIf(value = '', '%s', value IN (SELECT value FROM largest), '%s', '%s') AS kind",
		groupNone, groupValue, groupOther)
	return strings.Join([]string{
		"WITH", k.cte("entrants", k.entrants()) + ",", k.cte("largest", top) + ",",
		k.cte("paths", k.paths(kind+",\nif(kind = '"+groupValue+"', value, '') AS label,\n")),
		k.counts("grouping(kind) AS total, kind, label"),
		"FROM paths",
		"GROUP BY GROUPING SETS ((kind, label), ())",
		fmt.Sprintf("ORDER BY total DESC, indexOf(['%s', '%s', '%s'], kind) ASC, entered DESC, label ASC",
			groupValue, groupNone, groupOther),
	}, "\n")
}

// cte is a named subquery, indented.
func (*compiler) cte(name, sql string) string {
	return fmt.Sprintf("  %s AS\n  (\n    %s\n  )", name, strings.ReplaceAll(sql, "\n", "\n    "))
}

// entrants are the leads that reached the first step: the time of every step in milliseconds.
func (k *compiler) entrants() string {
	selects := []string{}
	if k.value != "" {
		selects = append(selects, k.value+" AS value")
	}
	for i, s := range k.steps {
		selects = append(selects, fmt.Sprintf("toUnixTimestamp64Milli(%s) AS t%d", s.At, i+1))
	}
	selects = append(selects, "(SELECT toUnixTimestamp64Milli(as_of) FROM watermarks WHERE name = '"+transform.WatermarkName+"') AS seen")
	lines := []string{"SELECT\n  " + strings.Join(selects, ",\n  "), "FROM " + k.Cube.From}
	lines = append(lines, k.Joins(append(slices.Clone(selects), k.where...)...)...)
	lines = append(lines, "WHERE "+strings.Join(k.where, "\n  AND "))
	return strings.Join(lines, "\n")
}

// paths tell for every entrant which steps it passed (s1 …) and when it had passed them all so far (m1 …). Ordered, a
// step counts at or after the one before; either way all of them must lie within the window.
func (k *compiler) paths(group string) string {
	selects := []string{"t1 AS m1"}
	low, times := "t1", "t1"
	for i := 2; i <= len(k.steps); i++ {
		times += fmt.Sprintf(", t%d", i)
		after := fmt.Sprintf("t%d >= t%d AND t%d - t1", i, i-1, i)
		if k.request.Order == OrderUnordered {
			selects = append(selects, fmt.Sprintf("least(%s, t%d) AS l%d", low, i, i))
			low = fmt.Sprintf("l%d", i)
			after = fmt.Sprintf("t%d IS NOT NULL AND greatest(m%d, t%d) - l%d", i, i-1, i, i)
		}
		passed := fmt.Sprintf("ifNull(%s <= {window:Int64}, 0)", after)
		if i > 2 {
			passed = fmt.Sprintf("s%d AND %s", i-1, passed)
		}
		selects = append(selects, fmt.Sprintf("%s AS s%d", passed, i), fmt.Sprintf("greatest(m%d, t%d) AS m%d", i-1, i, i))
	}
	selects = append(selects, "t1 + {window:Int64} >= seen AS open",
		fmt.Sprintf("arrayFilter(t -> t IS NOT NULL, [%s]) AS reached", times),
		"reached != arraySort(reached) AS disordered")
	return "SELECT\n  " + strings.ReplaceAll(group, "\n", "\n  ") + strings.Join(selects, ",\n  ") + "\nFROM entrants"
}

// counts are the columns that the answer is read from: see scan.
func (k *compiler) counts(group string) string {
	selects := []string{
		group, "count() AS entered", "countIf(open) AS unfinished",
		fmt.Sprintf("countIf(open AND NOT s%d) AS still_open", len(k.steps)), "countIf(disordered) AS out_of_order",
	}
	for i := 2; i <= len(k.steps); i++ {
		took := fmt.Sprintf("m%d - m%d", i, i-1)
		selects = append(selects,
			fmt.Sprintf("countIf(s%d) AS converted%d", i, i),
			fmt.Sprintf("quantileExactInclusiveIf(0.5)(%s, s%d) / 1000 AS median%d", took, i, i),
			// Whole milliseconds are summed, so the mean does not depend on the order of the rows.
			fmt.Sprintf("sumIf(%s, s%d) / nullIf(converted%d, 0) / 1000 AS mean%d", took, i, i, i))
	}
	return "SELECT\n  " + strings.Join(selects, ",\n  ")
}
