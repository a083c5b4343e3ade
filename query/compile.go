package query

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"clew/query/catalog"
	"clew/query/clause"
)

// Statement is a compiled request.
type Statement struct {
	// SQL has one clause a line; values stand in Params under their names.
	SQL    string
	Params map[string]any
	// Cube answers it.
	Cube string
	// Columns are those of the result, in order.
	Columns []Column
	// Query is the request with everything filled in: order, limit, time zone, and the days of its ranges.
	Query Request
	// Warnings hold whatever the rows say.
	Warnings []string
}

// Column is one column of a statement's result.
type Column struct {
	Kind ColumnKind
	// Key is the name in the answer; of a ColumnMixed the name of the set of currencies.
	Key string
}

// ColumnKind says what a column is.
type ColumnKind int

// The kinds. A ColumnMixed is no part of the answer: it tells that a group's money is in more than one currency.
const (
	ColumnDimension ColumnKind = iota
	ColumnTime
	ColumnMeasure
	ColumnMixed
)

// compiler holds the parts of a statement while they are gathered.
type compiler struct {
	clause.Scope
	request *Request
	columns []Column
	selects []string
	groups  []string
	// alias is the SQL name of each column by its key.
	alias    map[string]string
	filters  clause.Filters
	warnings []string
}

// Compile turns a request into a statement. It is a pure function: the same arguments give the same text. Errors are
// *Problem.
func Compile(r Request, c *catalog.Catalog, o clause.Options) (*Statement, error) {
	uses, err := r.check(c)
	if err != nil {
		return nil, err
	}
	r.normalize(o.Timezone)
	zone, err := clause.Zone(r.Timezone)
	if err != nil {
		return nil, err
	}
	cube, err := clause.Choose(c, uses)
	if err != nil {
		return nil, err
	}
	k := &compiler{
		Scope:   clause.Scope{Options: o, Catalog: c, Cube: cube, Zone: zone},
		request: &r, alias: map[string]string{},
	}
	if err := k.gather(uses); err != nil {
		return nil, err
	}
	sql := k.text()
	k.Finish(sql)
	return &Statement{
		SQL: sql, Params: k.Args.Params, Cube: cube.Name, Columns: k.columns, Query: r, Warnings: k.warnings,
	}, nil
}

func (k *compiler) gather(uses []clause.Use) error {
	k.dimensions()
	if err := k.times(); err != nil {
		return err
	}
	k.measures()
	filters, err := k.Filters(k.request.Filters)
	if err != nil {
		return err
	}
	k.filters.Where = append(k.filters.Where, filters.Where...)
	k.filters.Having = filters.Having
	if k.Cube.Where != "" && !countsInvalid(k.Catalog, uses) {
		k.filters.Where = append([]string{k.Cube.Where}, k.filters.Where...)
	}
	if k.Zone.String() != k.Timezone && slices.ContainsFunc(uses, k.byDay) {
		k.warnings = append(k.warnings, fmt.Sprintf(
			"%s is kept by day of %s: its days are not those of %s", k.Cube.Name, k.Timezone, k.Zone))
	}
	return nil
}

func (k *compiler) byDay(u clause.Use) bool {
	t, ok := k.Catalog.TimeDimension(u.Member)
	return ok && t.In[k.Cube.Name].Day != ""
}

func countsInvalid(c *catalog.Catalog, uses []clause.Use) bool {
	return slices.ContainsFunc(uses, func(u clause.Use) bool {
		m, ok := c.Measure(u.Member)
		return ok && m.CountsInvalid
	})
}

func (k *compiler) dimensions() {
	for i, d := range k.request.Dimensions {
		alias := d
		// The name of an attribute is the caller's: it never becomes part of the text.
		if strings.Contains(d, ".") {
			alias = fmt.Sprintf("attr_%d", i+1)
		}
		k.group(Column{ColumnDimension, d}, alias, k.Dimension(d))
	}
}

func (k *compiler) times() error {
	for i, t := range k.request.TimeDimensions {
		if t.DateRange != nil {
			sql, days, err := k.Between(t.Dimension, *t.DateRange)
			if err != nil {
				return err
			}
			k.filters.Where = append(k.filters.Where, sql)
			k.request.TimeDimensions[i].DateRange = &days
		}
		if t.Granularity != "" {
			k.group(Column{ColumnTime, t.Key()}, t.Dimension+"_"+t.Granularity,
				bucket(k.Moment(t.Dimension), t.Granularity, k.WeekStart))
		}
	}
	return nil
}

// bucket is the start of the unit a moment lies in: of an instant in the zone of the request. Hours are told by the
// clock on the wall, so the hour that comes twice when clocks go back is one.
func bucket(m catalog.Moment, granularity string, weekStart time.Weekday) string {
	zone := ", {tz:String}"
	if m.Day != "" {
		zone = ""
	}
	// The engine's modes: 0 begins the week on Sunday, 1 on Monday.
	mode := 1
	if weekStart == time.Sunday {
		mode = 0
	}
	switch granularity {
	case "hour":
		return fmt.Sprintf("formatDateTime(%s, '%%Y-%%m-%%dT%%H:00:00.000'%s)", m.SQL(), zone)
	case "day":
		return fmt.Sprintf("toDate32(%s%s)", m.SQL(), zone)
	case "week":
		return fmt.Sprintf("toStartOfWeek(%s, %d%s)", m.SQL(), mode, zone)
	case "month":
		return fmt.Sprintf("toStartOfMonth(%s%s)", m.SQL(), zone)
	case "quarter":
		return fmt.Sprintf("toStartOfQuarter(%s%s)", m.SQL(), zone)
	default:
		return fmt.Sprintf("toStartOfYear(%s%s)", m.SQL(), zone)
	}
}

func (k *compiler) measures() {
	var mixed []string
	for _, name := range k.request.Measures {
		k.column(Column{ColumnMeasure, name}, name, k.Measure(name))
		m, _ := k.Catalog.Measure(name)
		if set := m.In[k.Cube.Name].Currencies; set != "" && !slices.Contains(mixed, set) {
			mixed = append(mixed, set)
		}
	}
	for _, set := range mixed {
		k.column(Column{ColumnMixed, set}, "mixed_"+set, k.Mixed(set))
	}
}

func (k *compiler) group(c Column, alias, sql string) {
	k.groups = append(k.groups, alias)
	k.column(c, alias, sql)
}

func (k *compiler) column(c Column, alias, sql string) {
	k.columns = append(k.columns, c)
	if c.Kind != ColumnMixed {
		k.alias[c.Key] = alias
	}
	k.selects = append(k.selects, sql+" AS "+alias)
}

// text writes the statement, one clause a line.
func (k *compiler) text() string {
	lines := []string{"SELECT\n  " + strings.Join(k.selects, ",\n  "), "FROM " + k.Cube.From}
	lines = append(lines, k.Joins(slices.Concat(k.selects, k.filters.Where, k.filters.Having)...)...)
	if len(k.filters.Where) > 0 {
		lines = append(lines, "WHERE "+strings.Join(k.filters.Where, "\n  AND "))
	}
	if len(k.groups) > 0 {
		lines = append(lines, "GROUP BY "+strings.Join(k.groups, ", "))
	}
	if len(k.filters.Having) > 0 {
		lines = append(lines, "HAVING "+strings.Join(k.filters.Having, "\n  AND "))
	}
	if order := k.order(); len(order) > 0 {
		lines = append(lines, "ORDER BY "+strings.Join(order, ", "))
	}
	lines = append(lines, "LIMIT "+k.Args.Set("limit", "UInt64", k.request.Limit))
	if k.request.Offset > 0 {
		lines = append(lines, "OFFSET "+k.Args.Set("offset", "UInt64", k.request.Offset))
	}
	return strings.Join(lines, "\n")
}

// order is the order asked for, then every group left, so that no two runs differ.
func (k *compiler) order() []string {
	var order, used []string
	for _, by := range k.request.Order {
		alias := k.alias[k.request.column(by.Member)]
		order = append(order, alias+" "+strings.ToUpper(by.direction())+" NULLS LAST")
		used = append(used, alias)
	}
	for _, alias := range k.groups {
		if !slices.Contains(used, alias) {
			order = append(order, alias+" ASC NULLS LAST")
		}
	}
	return order
}
