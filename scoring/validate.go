package scoring

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

const (
	apiVersion = "leadscore/v1"
	kindRules  = "rules"
	typeTable  = "table"

	combineSum         = "sum"
	combineWeightedSum = "weighted_sum"
)

var (
	nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	idForm   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
)

// report collects faults.
type report []string

func (r *report) add(format string, args ...any) { *r = append(*r, fmt.Sprintf(format, args...)) }

// faults names everything that is wrong with the model, in the order of the file.
func (m *Model) faults() []string {
	var r report
	if m.APIVersion != apiVersion {
		r.add("apiVersion is %q: want %s", m.APIVersion, apiVersion)
	}
	if !nameForm.MatchString(m.Name) {
		r.add("name is %q: want small letters, digits and hyphens", m.Name)
	}
	if m.Version < 1 {
		r.add("version is %d: want 1 or more", m.Version)
	}
	if m.Kind != kindRules {
		r.add("kind is %q: want %s", m.Kind, kindRules)
	}
	r.text("title", m.Title.ZH, m.Title.EN)
	m.axisFaults(&r)
	m.groupFaults(&r)
	m.gradeFaults(&r)
	return r
}

func (r *report) text(place, zh, en string) {
	if zh == "" || en == "" {
		r.add("%s: zh and en must both say what it is", place)
	}
}

// span checks a pair of limits that must be given.
func (r *report) span(place string, low, high *float64) {
	switch {
	case low == nil || high == nil:
		r.add("%s: min and max must both be given", place)
	case !finite(*low) || !finite(*high) || *low >= *high:
		r.add("%s: min %g must be less than max %g, and both finite", place, *low, *high)
	}
}

// limits checks a pair of limits that may be absent.
func (r *report) limits(place string, l *Limits) {
	if l != nil && (!finite(l[0]) || !finite(l[1]) || l[0] > l[1]) {
		r.add("%s: cap [%g, %g] must be [least, greatest], both finite", place, l[0], l[1])
	}
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

func (m *Model) axisFaults(r *report) {
	if len(m.Axes) == 0 {
		r.add("axes: there is none; give one with min and max, such as fit")
	}
	weighted := m.Total.Combine == combineWeightedSum
	for _, name := range m.axisNames() {
		axis, place := m.Axes[name], "axis "+name
		if !idForm.MatchString(name) {
			r.add("%s: a name is small letters, digits and underscores", place)
		}
		r.span(place, axis.Min, axis.Max)
		if !slices.ContainsFunc(m.Groups, func(g Group) bool { return g.Axis == name }) {
			r.add("%s: no group is on it", place)
		}
		switch {
		case weighted && (axis.Weight == nil || !finite(*axis.Weight) || *axis.Weight <= 0):
			r.add("%s: %s needs a weight above 0", place, combineWeightedSum)
		case !weighted && axis.Weight != nil:
			r.add("%s: weight is used by total.combine %s alone", place, combineWeightedSum)
		}
	}
	if !weighted && m.Total.Combine != combineSum {
		r.add("total: combine is %q: want %s or %s", m.Total.Combine, combineSum, combineWeightedSum)
	}
	r.span("total", m.Total.Min, m.Total.Max)
}

func (m *Model) groupFaults(r *report) {
	if len(m.Groups) == 0 {
		r.add("groups: there is none; give one with an axis and rules")
	}
	groups, rules := map[string]bool{}, map[string]bool{}
	for i, g := range m.Groups {
		place := "group " + cmp.Or(g.ID, fmt.Sprint("number ", i+1))
		r.id(place, g.ID, groups)
		if _, ok := m.Axes[g.Axis]; !ok {
			r.add("%s: axis %q is not among the axes", place, g.Axis)
		}
		r.limits(place, g.Cap)
		if len(g.Rules) == 0 {
			r.add("%s: it has no rules", place)
		}
		for j, rule := range g.Rules {
			place := "rule " + cmp.Or(rule.ID, fmt.Sprintf("number %d of %s", j+1, place))
			r.id(place, rule.ID, rules)
			rule.faults(r, place)
		}
	}
}

// id checks the form of an id and that it is not among those seen.
func (r *report) id(place, id string, seen map[string]bool) {
	if !idForm.MatchString(id) {
		r.add("%s: an id is small letters, digits and underscores", place)
	} else if seen[id] {
		r.add("%s: the id is used twice", place)
	}
	seen[id] = true
}

func (rule Rule) faults(r *report, place string) {
	if rule.Type != typeTable {
		r.add("%s: type is %q: want %s", place, rule.Type, typeTable)
	}
	if !knownField(rule.Field) {
		r.add("%s: unknown field %q: want attr.NAME or one of %s", place, rule.Field, strings.Join(columns, ", "))
	}
	if len(rule.Points) == 0 {
		r.add("%s: points lists no value", place)
	}
	for _, value := range slices.Sorted(maps.Keys(rule.Points)) {
		if value == "" {
			r.add("%s: points lists the empty value: say missing", place)
		}
		if !finite(rule.Points[value]) {
			r.add("%s: the points of %q are not finite", place, value)
		}
	}
	if rule.Missing == nil {
		r.add("%s: missing is not given: say how many points a lead gets whose value is unknown", place)
	} else if !finite(*rule.Missing) {
		r.add("%s: missing is not finite", place)
	}
	if rule.Other != nil && !finite(*rule.Other) {
		r.add("%s: other is not finite", place)
	}
	r.limits(place, rule.Cap)
	r.text(place, rule.ZH, rule.EN)
}

// gradeFaults finds grades that no lead can get, and totals that would get none.
func (m *Model) gradeFaults(r *report) {
	grades := m.grades()
	if len(grades) == 0 {
		r.add("thresholds: grade names no grade")
		return
	}
	low, high := m.Reach()
	for i, g := range grades {
		place := fmt.Sprintf("grade %q from %g", g.name, g.from)
		lowest := i == len(grades)-1
		switch {
		case g.name == "":
			r.add("%s: it has no name", place)
		case !finite(g.from):
			r.add("%s: the threshold is not finite", place)
		case i > 0 && g.from == grades[i-1].from:
			r.add("%s: grade %q has the same threshold", place, grades[i-1].name)
		case g.from > high:
			r.add("%s: out of reach, the highest total is %g", place, high)
		case !lowest && g.from <= low:
			r.add("%s: no lead gets a lower grade, the lowest total is %g", place, low)
		case lowest && g.from > low:
			r.add("%s: totals from %g up to there would have no grade", place, low)
		}
	}
}

// grade is a name and the least total it takes.
type grade struct {
	name string
	from float64
}

// grades are the grades, highest first.
func (m *Model) grades() []grade {
	grades := make([]grade, 0, len(m.Thresholds.Grade))
	for name, from := range m.Thresholds.Grade {
		grades = append(grades, grade{name, from})
	}
	slices.SortFunc(grades, func(a, b grade) int {
		return cmp.Or(cmp.Compare(b.from, a.from), strings.Compare(a.name, b.name))
	})
	return grades
}
