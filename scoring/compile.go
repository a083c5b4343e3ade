package scoring

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"clew/transform/warehouse"
)

// Statement is a model as SQL: a SELECT over leads with the columns of scores, and the values of its parameters but
// {as_of}, which Run adds.
type Statement struct {
	SQL    string
	Params warehouse.Params
}

// Compile turns a model that Parse accepted into SQL. It depends on nothing but the model. Whatever the file says
// travels as a parameter; the text holds generated names and the columns of leads alone.
func Compile(m *Model) Statement {
	c := &compiler{params: warehouse.Params{"model": m.ID(), "model_hash": m.Hash()}}
	c.line("SELECT")
	c.line("    workspace,")
	c.line("    CAST({model:String} AS LowCardinality(String)) AS model,")
	c.line("    CAST({model_hash:String} AS LowCardinality(String)) AS model_hash,")
	c.line("    lead_id,")
	c.line("    {as_of:DateTime64(3, 'UTC')} AS as_of,")
	c.line("    _total AS total,")
	c.line("    CAST(%s AS LowCardinality(String)) AS grade,", c.grade(m))
	c.reasons(m)
	c.line("FROM")
	c.line("(")
	c.line("    SELECT")
	c.line("        workspace,")
	c.line("        lead_id,")
	c.points(m)
	c.groups(m)
	c.total(m)
	c.line("    FROM leads")
	c.line(")")
	return Statement{SQL: strings.Join(c.lines, "\n"), Params: c.params}
}

// compiler gathers the lines of a statement and its parameters. Rules are _r1, _r2 …, groups _g1 … and axes _a1 …,
// numbered as they stand in the model, axes by name.
type compiler struct {
	lines  []string
	params warehouse.Params
}

func (c *compiler) line(format string, args ...any) {
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}

// param stores a value and returns what stands for it in the text.
func (c *compiler) param(name, kind string, value any) string {
	c.params[name] = value
	return "{" + name + ":" + kind + "}"
}

// number is param for a Float64.
func (c *compiler) number(name string, value float64) string { return c.param(name, "Float64", value) }

// limited wraps an expression in limits, if there are any.
func (c *compiler) limited(name, expression string, l *Limits) string {
	if l == nil {
		return expression
	}
	return fmt.Sprintf("least(greatest(%s, %s), %s)",
		expression, c.number(name+"_low", l[0]), c.number(name+"_high", l[1]))
}

// points gives each rule its alias. An empty value takes its own branch, for a table look-up would call it another.
func (c *compiler) points(m *Model) {
	for i, rule := range m.rules() {
		n := i + 1
		values := slices.Sorted(maps.Keys(rule.Points))
		points := make([]float64, len(values))
		for i, value := range values {
			points[i] = rule.Points[value]
		}
		field := c.field(fmt.Sprintf("field%d", n), rule.Field)
		expression := fmt.Sprintf("if(%s = '', %s, transform(%s, %s, %s, %s))",
			field, c.number(fmt.Sprintf("missing%d", n), *rule.Missing),
			field, c.param(fmt.Sprintf("values%d", n), "Array(String)", values),
			c.param(fmt.Sprintf("points%d", n), "Array(Float64)", points),
			c.number(fmt.Sprintf("other%d", n), *rule.other()))
		c.line("        %s AS _r%d,", c.limited(fmt.Sprintf("rule%d", n), expression, rule.Cap), n)
	}
}

// field is the column, or the look-up of an attribute whose name is a parameter.
func (c *compiler) field(name, field string) string {
	if key, ok := attribute(field); ok {
		return "attributes[" + c.param(name, "String", key) + "]"
	}
	return field
}

func (c *compiler) groups(m *Model) {
	rule := 0
	for i, g := range m.Groups {
		terms := make([]string, len(g.Rules))
		for j := range g.Rules {
			rule++
			terms[j] = fmt.Sprintf("_r%d", rule)
		}
		c.line("        %s AS _g%d,", c.limited(fmt.Sprintf("group%d", i+1), strings.Join(terms, " + "), g.Cap), i+1)
	}
}

// total adds up the groups of each axis, and the axes.
func (c *compiler) total(m *Model) {
	var sum []string
	for i, name := range m.axisNames() {
		n, axis := i+1, m.Axes[name]
		var terms []string
		for j, g := range m.Groups {
			if g.Axis == name {
				terms = append(terms, fmt.Sprintf("_g%d", j+1))
			}
		}
		limited := c.limited(fmt.Sprintf("axis%d", n), strings.Join(terms, " + "), limits(axis.Min, axis.Max))
		c.line("        %s AS _a%d,", limited, n)
		sum = append(sum, c.weighted(m, name, fmt.Sprintf("_a%d", n)))
	}
	c.line("        %s AS _total", c.limited("total", strings.Join(sum, " + "), limits(m.Total.Min, m.Total.Max)))
}

// weighted multiplies an expression by the weight of its axis, where weights are used.
func (c *compiler) weighted(m *Model, axis, expression string) string {
	if m.Total.Combine != combineWeightedSum {
		return expression
	}
	n := slices.Index(m.axisNames(), axis) + 1
	return c.number(fmt.Sprintf("weight%d", n), m.weight(axis)) + " * " + expression
}

// grade compares the unrounded total with each threshold, highest first; the lowest grade is what remains.
func (c *compiler) grade(m *Model) string {
	var branches []string
	grades := m.grades()
	for i, g := range grades {
		name := c.param(fmt.Sprintf("grade%d", i+1), "String", g.name)
		if i < len(grades)-1 {
			branches = append(branches, "_total >= "+c.number(fmt.Sprintf("from%d", i+1), g.from))
		}
		branches = append(branches, name)
	}
	if len(branches) == 1 {
		return branches[0]
	}
	return "multiIf(" + strings.Join(branches, ", ") + ")"
}

// reasons pairs the id of each rule with what it adds to the total.
func (c *compiler) reasons(m *Model) {
	var ids, points []string
	for _, g := range m.Groups {
		for _, rule := range g.Rules {
			ids = append(ids, rule.ID)
			points = append(points, c.weighted(m, g.Axis, fmt.Sprintf("_r%d", len(ids))))
		}
	}
	c.line("    CAST(arrayZip(%s, [%s])", c.param("rules", "Array(String)", ids), strings.Join(points, ", "))
	c.line("        AS Array(Tuple(rule LowCardinality(String), points Float64))) AS reasons")
}

// rules are the rules of all groups in order.
func (m *Model) rules() []Rule {
	var rules []Rule
	for _, g := range m.Groups {
		rules = append(rules, g.Rules...)
	}
	return rules
}
