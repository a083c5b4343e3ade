// Package clause turns the parts that every kind of request shares (filters, date ranges, the members they name) into
// clauses of SQL. Everything here is a pure function of its arguments; values become server-side parameters.
package clause

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"clew/query/catalog"
)

// Options are what compiling takes from its surroundings.
type Options struct {
	// Timezone is the business time zone, an IANA name.
	Timezone string
	// WeekStart is Monday or Sunday.
	WeekStart time.Weekday
	// Now is the moment from which "today" is told.
	Now time.Time
	// Model is the scoring model (name or name@version) that grade and avg_score speak of; empty: the one that scored
	// last.
	Model string
}

// Args collects the parameters of a statement.
type Args struct {
	Params map[string]any
	n      int
}

// Add stores a value and returns its place in the SQL, as {p1:String}.
func (a *Args) Add(chType string, value any) string {
	a.n++
	return a.Set(fmt.Sprintf("p%d", a.n), chType, value)
}

// Set stores a value under a name of our own.
func (a *Args) Set(name, chType string, value any) string {
	if a.Params == nil {
		a.Params = map[string]any{}
	}
	a.Params[name] = value
	return "{" + name + ":" + chType + "}"
}

// Scope is what clauses are compiled in: one cube, one zone, one set of parameters.
type Scope struct {
	Options
	Catalog *catalog.Catalog
	Cube    *catalog.Cube
	// Zone is that of the request.
	Zone *time.Location
	Args Args
}

// Use is a member a request needs.
type Use struct {
	Member string
	// Granularity is set where a time dimension is grouped by one.
	Granularity string
}

const membersHint = "GET /api/v1/meta lists the members"

// Choose returns the first cube that knows every member, or a problem that says which cube lacks which.
func Choose(c *catalog.Catalog, uses []Use) (*catalog.Cube, error) {
	var lacks []string
	for i := range c.Cubes {
		cube := &c.Cubes[i]
		var missing []string
		for _, u := range uses {
			if !knows(c, cube, u) && !slices.Contains(missing, u.String()) {
				missing = append(missing, u.String())
			}
		}
		if len(missing) == 0 {
			return cube, nil
		}
		lacks = append(lacks, fmt.Sprintf("%s does not know %s", cube.Name, strings.Join(missing, ", ")))
	}
	return nil, Invalid(CodeIncompatibleMembers, "ask for them in separate queries",
		"no table answers all members: %s", strings.Join(lacks, "; "))
}

// String is the use for messages.
func (u Use) String() string {
	if u.Granularity == "" {
		return u.Member
	}
	return u.Member + " by " + u.Granularity
}

func knows(c *catalog.Catalog, cube *catalog.Cube, u Use) bool {
	if m, ok := c.Measure(u.Member); ok {
		_, ok = m.In[cube.Name]
		return ok
	}
	if t, ok := c.TimeDimension(u.Member); ok {
		m, ok := t.In[cube.Name]
		return ok && (u.Granularity != "hour" || m.Instant != "")
	}
	d, _, ok := c.Dimension(u.Member)
	if ok {
		_, ok = d.In[cube.Name]
	}
	return ok
}

// CheckDimension says why a member is no dimension, or nil.
func CheckDimension(c *catalog.Catalog, member string) error {
	d, name, ok := c.Dimension(member)
	if !ok {
		return unknownMember(c, "dimension", member)
	}
	if n := utf8.RuneCountInString(name); d.Named && (n == 0 || n > catalog.MaxAttribute) {
		return Invalid(CodeUnknownMember, "write attr. and the name of the attribute",
			"the name behind %s. must have 1 to %d characters, it has %d", d.Name, catalog.MaxAttribute, n)
	}
	return nil
}

// CheckMeasure says why a member is no measure, or nil.
func CheckMeasure(c *catalog.Catalog, member string) error {
	if _, ok := c.Measure(member); ok {
		return nil
	}
	return unknownMember(c, "measure", member)
}

// CheckTime says why a member is no time dimension, or nil.
func CheckTime(c *catalog.Catalog, member string) error {
	if _, ok := c.TimeDimension(member); ok {
		return nil
	}
	return unknownMember(c, "time dimension", member)
}

func unknownMember(c *catalog.Catalog, kind, member string) error {
	is := ""
	if _, ok := c.Measure(member); ok {
		is = ": it is a measure"
	} else if _, _, ok := c.Dimension(member); ok {
		is = ": it is a dimension"
	} else if _, ok := c.TimeDimension(member); ok {
		is = ": it is a time dimension"
	} else if d, _, ok := c.Dimension(member + ".x"); ok {
		is = fmt.Sprintf(": a name must follow, as %s.NAME", d.Name)
	}
	return Invalid(CodeUnknownMember, membersHint, "%.80q is not a %s%s", member, kind, is)
}

// Measure is the SQL of a measure in the scope's cube: null where its money is in more than one currency.
func (s *Scope) Measure(name string) string {
	m, _ := s.Catalog.Measure(name)
	f := m.In[s.Cube.Name]
	if f.Currencies == "" {
		return f.SQL
	}
	return fmt.Sprintf("if(%s, NULL, %s)", s.Mixed(f.Currencies), f.SQL)
}

// Mixed is the SQL that tells whether a set of currencies of the scope's cube has more than one.
func (s *Scope) Mixed(currencies string) string {
	return fmt.Sprintf("length(%s) > 1", s.Cube.Currencies[currencies].SQL)
}

// Dimension is the SQL of a dimension in the scope's cube.
func (s *Scope) Dimension(member string) string {
	d, name, _ := s.Catalog.Dimension(member)
	sql := d.In[s.Cube.Name]
	if d.Named {
		sql = strings.ReplaceAll(sql, "{name:String}", s.Args.Add("String", name))
	}
	return sql
}

// Joins are the joins that the expressions need, in the cube's order.
func (s *Scope) Joins(expressions ...string) []string {
	var joins []string
	used := catalog.Aliases(strings.Join(expressions, " "))
	for _, j := range s.Cube.Joins {
		if slices.Contains(used, j.Alias) {
			joins = append(joins, j.SQL)
		}
	}
	return joins
}

// Finish adds the parameters of our own names that the finished text uses.
func (s *Scope) Finish(sql string) {
	if strings.Contains(sql, "{tz:String}") {
		s.Args.Set("tz", "String", s.Zone.String())
	}
	if strings.Contains(sql, "{model:String}") {
		s.Args.Set("model", "String", s.Model)
	}
}
