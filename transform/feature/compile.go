package feature

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"clew/transform/warehouse"
)

// place is which of its forms a part is wanted in: as of the moment asked for, or else not past the first follow-up; and
// in a window of so many days, or 0.
type place struct {
	observed bool
	window   int
}

// shared is a part of the statement: an expression under a generated alias, in the SELECT of its level.
type shared struct {
	alias, sql string
	level      int
	// until is the highest level that uses it.
	until int
}

// compiler collects what a set of features needs.
type compiler struct {
	params  warehouse.Params
	names   map[string]string
	columns map[string]bool
	parts   map[string]*shared
	// totals are those wanted of timelines; companies says that the leads' companies are.
	totals       map[string]map[string]bool
	companies    bool
	observations string
	order        []*shared
}

var wordForm = regexp.MustCompile(`\$([a-z_]+|1)(?:\.(\$1|[a-z_0-9]+))?`)

// expand replaces every word of a template, and returns the parts it uses.
func (c *compiler) expand(sql, argument string, at place) (string, []*shared) {
	var used []*shared
	text := wordForm.ReplaceAllStringFunc(sql, func(word string) string {
		found := wordForm.FindStringSubmatch(word)
		name, arg := found[1], found[2]
		if arg == "$1" {
			arg = argument
		}
		if text, ok := c.word(name, arg, argument, at); ok {
			return text
		}
		p := c.part(name, arg, at)
		used = append(used, p)
		return p.alias
	})
	return text, used
}

// word gives the text of what is no part.
func (c *compiler) word(name, arg, argument string, at place) (text string, ok bool) {
	switch name {
	case "1":
		return argument, true
	case "days":
		return strconv.Itoa(at.window), true
	case "observed":
		return "_observed", true
	case "now":
		return "_observed", at.observed
	case "j":
		c.columns[arg] = true
		return "_j_" + arg, true
	case "tz":
		return "{tz:String}", true
	case "list":
		return c.param("list "+arg, must(lists, arg), "Array(String)"), true
	case "pattern":
		return c.param("pattern "+arg, must(patterns, arg), "String"), true
	case "text":
		if arg == "1" {
			arg = argument
		}
		return c.param("text "+arg, arg, "String"), true
	case "company":
		c.companies = true
		return "_company", true
	case "workspace":
		return "_workspace", true
	case "observations":
		return c.observations, true
	case "account", "source", "owner":
		if c.totals[name] == nil {
			c.totals[name] = map[string]bool{}
		}
		c.totals[name][arg] = true
		return "_" + name + "." + arg, true
	case "reading":
		text, _ := c.expand(reading, "", at)
		return text, true
	case "lookup":
		return c.lookup(arg), true
	}
	if v, ok := vocabularies[name]; ok {
		return strconv.Itoa(mustCode(v, name, arg)), true
	}
	return "", false
}

// vocabularies are by the word for a code of theirs.
var vocabularies = map[string]vocabulary{
	"kind": kinds, "code": behaviors, "touch": touches, "stage": stages, "action": actions, "method": methods,
	"outcome": outcomes, "page": pageGroups, "attribute": attributes,
}

// must is the value of a name, which the table has misspelled where there is none.
func must[V any](values map[string]V, name string) V {
	v, ok := values[name]
	if !ok {
		panic(fmt.Sprintf("feature: %s is neither a list nor a pattern", name))
	}
	return v
}

// mustCode panics on a name that the vocabulary lacks: the table is wrong, and every test of it says so.
func mustCode(v vocabulary, word, name string) int {
	code := v.code(name)
	if code == 0 {
		panic(fmt.Sprintf("feature: $%s.%s is in no vocabulary", word, name))
	}
	return code
}

// lookup is the code of the name x, 0 for an unknown one. Names are compared in lower case, with _ for blanks and
// hyphens; on a low-cardinality column that is done once a distinct name.
func (c *compiler) lookup(name string) string {
	names, codes := vocabularies[name].table()
	return fmt.Sprintf("CAST(transform(replaceAll(replaceAll(lowerUTF8(x), ' ', '_'), '-', '_'), %s, %s, 0) AS UInt8)",
		c.param("names "+name, names, "Array(String)"), c.param("codes "+name, codes, "Array(UInt8)"))
}

// param gives a value a parameter, the same one each time.
func (c *compiler) param(key string, value any, kind string) string {
	name, ok := c.names[key]
	if !ok {
		name = fmt.Sprintf("_p%d", len(c.names)+1)
		c.names[key], c.params[name] = name, value
	}
	return "{" + name + ":" + kind + "}"
}

// part returns a shared expression, made at its first use.
func (c *compiler) part(name, arg string, at place) *shared {
	p, ok := parts[name]
	if !ok {
		panic(fmt.Sprintf("feature: $%s is no part", name))
	}
	if p.kind == whole {
		at.window = 0
	}
	key := fmt.Sprint(name, ".", arg, at)
	if s, ok := c.parts[key]; ok {
		return s
	}
	sql := p.sql
	if p.kind == aligned && at.window > 0 {
		all := c.part(name, arg, place{observed: at.observed})
		sql = "arraySlice(" + all.alias + ", $count - $recent + 1, $recent)"
		text, used := c.expand(sql, arg, at)
		return c.share(key, text, append(used, all))
	}
	text, used := c.expand(sql, arg, at)
	return c.share(key, text, used)
}

func (c *compiler) share(key, text string, used []*shared) *shared {
	s := &shared{alias: fmt.Sprintf("_%d", len(c.order)+1), sql: text, level: 1}
	for _, u := range used {
		s.level = max(s.level, u.level+1)
	}
	for _, u := range used {
		u.until = max(u.until, s.level)
	}
	c.parts[key], c.order = s, append(c.order, s)
	return s
}

// SQL is the statement that gives the vectors of the features for each row (workspace, lead_id, observed_at) of
// observations, a table or a SELECT in parentheses of our own; a time of it is a DateTime64(3). Its columns are
// workspace, lead_id, observed_at and _f1, _f2 … in the order of features; the rows are in no order. A lead without a
// history has a vector too. The statement also needs the parameter tz, the business time zone.
//
// The same features and observations give the same text. It reads the histories of the observed leads once, however many
// features there are, and once more for each timeline that they need; for totals of companies also the histories of the
// companies' leads, and for either prior those of all leads of the workspaces.
func SQL(features []Feature, observations string) (string, warehouse.Params) {
	c := newCompiler(observations)
	selected := make([]string, len(features))
	var used []*shared
	for i, f := range features {
		text, needs := c.expand(f.sql, "", place{observed: !f.Safe(), window: f.Window})
		selected[i] = fmt.Sprintf("    CAST(%s AS %s) AS _f%d", text, columnTypes[f.Type], i+1)
		used = append(used, needs...)
	}
	joins, needs := c.joins()
	head := "SELECT\n    _workspace AS workspace,\n    _lead AS lead_id,\n    _at AS observed_at"
	return strings.Join(append([]string{head}, selected...), ",\n") + "\nFROM\n" + c.nested(append(used, needs...)) +
		" AS _row" + joins, c.params
}

func newCompiler(observations string) *compiler {
	return &compiler{
		params: warehouse.Params{}, names: map[string]string{}, columns: map[string]bool{}, parts: map[string]*shared{},
		totals: map[string]map[string]bool{}, observations: observations,
	}
}

// nested is the SELECT, in parentheses, of the parts that are used above it.
func (c *compiler) nested(used []*shared) string {
	top := 1
	for _, s := range c.order {
		top = max(top, s.level+1)
	}
	for _, s := range used {
		s.until = top
	}
	return c.levels(top - 1)
}

// columnTypes are what the engine stores a feature of a type as.
var columnTypes = map[Type]string{
	TypeNumber: "Nullable(Float64)", TypeCategory: "Nullable(String)", TypeFlag: "Nullable(UInt8)",
}

// levels nests a SELECT for each level of shared expressions, so that each is written and computed once.
func (c *compiler) levels(level int) string {
	if level == 0 {
		return c.base()
	}
	columns := []string{"_workspace", "_lead", "_at", "_observed"}
	if c.companies {
		columns = append(columns, "_company")
	}
	for _, name := range slices.Sorted(maps.Keys(c.columns)) {
		columns = append(columns, "_j_"+name)
	}
	for _, s := range c.order {
		switch {
		case s.level == level:
			columns = append(columns, s.sql+" AS "+s.alias)
		case s.level < level && s.until > level:
			columns = append(columns, s.alias)
		}
	}
	return "(\nSELECT\n    " + strings.Join(columns, ",\n    ") + "\nFROM\n" + c.levels(level-1) + "\n)"
}

// base joins observations and histories. Histories are many and wide: they stream past the observations.
func (c *compiler) base() string {
	columns := []string{"workspace", "lead_id"}
	var carried []string
	for _, name := range slices.Sorted(maps.Keys(c.columns)) {
		columns, carried = append(columns, name), append(carried, ",\n    j."+name+" AS _j_"+name)
	}
	observed := "SELECT workspace, lead_id, CAST(observed_at AS DateTime64(3, 'UTC')) AS observed_at\n    FROM " + c.observations
	if c.companies {
		carried = append(carried, ",\n    o.account AS _company")
		observed = `SELECT s.workspace AS workspace, s.lead_id AS lead_id, s.observed_at AS observed_at, l.account AS account
    FROM
    (
        ` + observed + `
    ) AS s
    LEFT JOIN
    (
        SELECT workspace, lead_id, account
        FROM leads
        WHERE (workspace, lead_id) IN (SELECT workspace, lead_id FROM ` + c.observations + `)
    ) AS l ON s.workspace = l.workspace AND s.lead_id = l.lead_id`
	}
	return fmt.Sprintf(`(
SELECT
    o.workspace AS _workspace,
    o.lead_id AS _lead,
    o.observed_at AS _at,
    toUnixTimestamp64Milli(o.observed_at) AS _observed%s
FROM
(
    SELECT %s
    FROM lead_journeys
    WHERE (workspace, lead_id) IN (SELECT workspace, lead_id FROM %s)
) AS j
RIGHT JOIN
(
    %s
) AS o ON j.workspace = o.workspace AND j.lead_id = o.lead_id
)`, strings.Join(carried, ""), strings.Join(columns, ", "), c.observations, observed)
}
