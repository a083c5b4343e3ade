package catalog

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	// Names become SQL aliases and JSON keys as they are.
	validName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	// An alias is one letter, so that a column is told from a function or a word.
	columnRef = regexp.MustCompile(`\b([a-z])\.[a-z]`)
	quoted    = regexp.MustCompile(`'[^']*'`)
)

// MaxAttribute is the longest NAME of attr.NAME, in characters.
const MaxAttribute = 64

// reserved prefixes belong to columns the compiler adds.
var reserved = []string{"mixed_", "attr_"}

// validate returns every fault, so that one run of the tests shows them all.
func (c *Catalog) validate() []error {
	v := validator{catalog: c, seen: map[string]bool{}}
	for i := range c.Cubes {
		v.cube(&c.Cubes[i])
	}
	for _, s := range c.Stages {
		v.titled("stage", s.Name, s.Title, s.Title)
		if s.At != "" && len(c.Cubes) > 0 {
			v.expression(s.Name, c.Cubes[0].Name, s.At)
		}
	}
	for i := range c.Measures {
		v.measure(&c.Measures[i])
	}
	for _, d := range c.Dimensions {
		v.member("dimension", d.Name, d.Title, d.Description, slices.Sorted(maps.Keys(d.In)))
		for _, cube := range slices.Sorted(maps.Keys(d.In)) {
			v.expression(d.Name, cube, d.In[cube])
			if strings.Contains(d.In[cube], "{name:String}") != d.Named {
				v.fault("dimension %s in %s: named and {name:String} go together", d.Name, cube)
			}
		}
	}
	for i := range c.TimeDimensions {
		v.time(&c.TimeDimensions[i])
	}
	v.filled()
	return v.faults
}

type validator struct {
	catalog *Catalog
	seen    map[string]bool
	faults  []error
}

func (v *validator) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Errorf(format, args...))
}

func (v *validator) filled() {
	if len(v.catalog.Cubes) == 0 || len(v.catalog.Measures) == 0 || len(v.catalog.Dimensions) == 0 ||
		len(v.catalog.TimeDimensions) == 0 || len(v.catalog.Stages) == 0 {
		v.fault("cubes, stages, measures, dimensions and time_dimensions must all be there")
	}
}

func (v *validator) cube(k *Cube) {
	v.unique("cube", k.Name)
	if !strings.Contains(k.From, " AS ") || len(k.Alias()) != 1 {
		v.fault("cube %s: from must be a table with an alias of one letter, as lead_facts AS f", k.Name)
	}
	v.expression("where", k.Name, k.Where)
	for _, j := range k.Joins {
		if len(j.Alias) != 1 || !strings.Contains(j.SQL, " AS "+j.Alias) || !strings.HasPrefix(j.SQL, "LEFT JOIN ") {
			v.fault("cube %s: join %q must be a LEFT JOIN … AS its alias of one letter", k.Name, j.Alias)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.Currencies)) {
		v.expression(name, k.Name, k.Currencies[name].SQL)
		if k.Currencies[name].SQL == "" || k.Currencies[name].Warning == "" {
			v.fault("cube %s: currencies %s needs sql and warning", k.Name, name)
		}
	}
}

func (v *validator) measure(m *Measure) {
	cubes := slices.Sorted(maps.Keys(m.In))
	v.member("measure", m.Name, m.Title, m.Description, cubes)
	switch m.Unit {
	case UnitCount, UnitRatio, UnitMoney, UnitHours, UnitDays, UnitPoints:
	default:
		v.fault("measure %s: unknown unit %q", m.Name, m.Unit)
	}
	for _, name := range cubes {
		f := m.In[name]
		v.expression(m.Name, name, f.SQL)
		if f.SQL == "" {
			v.fault("measure %s in %s: no sql", m.Name, name)
		}
		if m.Unit == UnitMoney && f.Currencies == "" {
			v.fault("measure %s in %s: money without currencies", m.Name, name)
		}
		cube, ok := v.catalog.Cube(name)
		if _, known := cube.currencies(f.Currencies); ok && f.Currencies != "" && !known {
			v.fault("measure %s in %s: unknown currencies %q", m.Name, name, f.Currencies)
		}
	}
}

func (k *Cube) currencies(name string) (Currencies, bool) {
	if k == nil {
		return Currencies{}, false
	}
	c, ok := k.Currencies[name]
	return c, ok
}

func (v *validator) time(t *TimeDimension) {
	cubes := slices.Sorted(maps.Keys(t.In))
	v.member("time dimension", t.Name, t.Title, t.Description, cubes)
	for _, cube := range cubes {
		if m := t.In[cube]; (m.Instant == "") == (m.Day == "") {
			v.fault("time dimension %s in %s: either instant or day", t.Name, cube)
		}
		v.expression(t.Name, cube, t.In[cube].SQL())
	}
}

func (v *validator) member(kind, name string, title, description Text, cubes []string) {
	v.titled(kind, name, title, description)
	v.unique("member", name)
	for _, prefix := range reserved {
		if strings.HasPrefix(name, prefix) {
			v.fault("%s %s: names with %s are the compiler's", kind, name, prefix)
		}
	}
	if len(cubes) == 0 {
		v.fault("%s %s: in no cube", kind, name)
	}
}

func (v *validator) titled(kind, name string, texts ...Text) {
	if !validName.MatchString(name) {
		v.fault("%s %q: a name is lower-case letters, digits and _", kind, name)
	}
	for _, t := range texts {
		if t.ZH == "" || t.EN == "" {
			v.fault("%s %s: title and description are needed in zh and en", kind, name)
			return
		}
	}
}

// unique keeps cubes apart from each other, and every kind of member from every other kind.
func (v *validator) unique(space, name string) {
	if key := space + " " + name; v.seen[key] {
		v.fault("%s %s is there twice", space, name)
	} else {
		v.seen[key] = true
	}
}

// expression checks that every column belongs to the cube's table or to one of its joins.
func (v *validator) expression(member, cubeName, sql string) {
	cube, ok := v.catalog.Cube(cubeName)
	if !ok {
		v.fault("%s: unknown cube %q", member, cubeName)
		return
	}
	for _, alias := range Aliases(sql) {
		if alias != cube.Alias() && !slices.ContainsFunc(cube.Joins, func(j Join) bool { return j.Alias == alias }) {
			v.fault("%s in %s: unknown alias %s in %s", member, cubeName, alias, sql)
		}
	}
}

// Aliases lists the tables whose columns an expression uses, sorted.
func Aliases(sql string) []string {
	var found []string
	for _, m := range columnRef.FindAllStringSubmatch(quoted.ReplaceAllString(sql, ""), -1) {
		if !slices.Contains(found, m[1]) {
			found = append(found, m[1])
		}
	}
	slices.Sort(found)
	return found
}
