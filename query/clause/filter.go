package clause

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"clew/query/catalog"
)

// Filter is a condition: Member, Operator and Values, or a list of filters under And or Or.
type Filter struct {
	Member   string   `json:"member,omitempty"`
	Operator string   `json:"operator,omitempty"`
	Values   []Value  `json:"values,omitempty"`
	And      []Filter `json:"and,omitempty"`
	Or       []Filter `json:"or,omitempty"`
}

// None stands for the empty value of a dimension, in answers and in filters.
const None = "(none)"

// The bounds on filters keep one request from becoming an endless statement.
const (
	maxDepth   = 8
	maxFilters = 200
	maxValues  = 10_000
)

// Filters are compiled: what holds for rows, and what holds for groups.
type Filters struct {
	Where, Having []string
}

// Members lists what the filters name, in order, after checking their shape and that each is known.
func Members(c *catalog.Catalog, filters []Filter) ([]Use, error) {
	var uses []Use
	for i := range filters {
		if err := members(c, &filters[i], 1, &uses); err != nil {
			return nil, err
		}
	}
	if len(uses) > maxFilters {
		return nil, Invalid(CodeTooManyFilters, "one filter takes many values", "%d filters, at most %d",
			len(uses), maxFilters)
	}
	return uses, nil
}

func members(c *catalog.Catalog, f *Filter, depth int, uses *[]Use) error {
	if depth > maxDepth {
		return Invalid(CodeTooManyFilters, "flatten them", "filters are nested deeper than %d", maxDepth)
	}
	leaf, and, or := f.Member != "" || f.Operator != "" || f.Values != nil, f.And != nil, f.Or != nil
	if (leaf && (and || or)) || (and && or) || (!leaf && len(f.And)+len(f.Or) == 0) {
		return Invalid(CodeBadFilter, `write {"member","operator","values"}, {"and":[…]} or {"or":[…]}`,
			"a filter must have a member or a list under either and or or")
	}
	if leaf {
		if err := checkMember(c, f.Member); err != nil {
			return err
		}
		*uses = append(*uses, Use{Member: f.Member})
		return nil
	}
	for _, list := range [][]Filter{f.And, f.Or} {
		for i := range list {
			if err := members(c, &list[i], depth+1, uses); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkMember(c *catalog.Catalog, member string) error {
	if kindOf(c, member) != kindUnknown {
		return nil
	}
	if _, _, named := c.Dimension(member); named {
		return CheckDimension(c, member)
	}
	return unknownMember(c, "member", member)
}

type kind int

const (
	kindUnknown kind = iota
	kindMeasure
	kindDimension
	kindTime
)

func kindOf(c *catalog.Catalog, member string) kind {
	if _, ok := c.Measure(member); ok {
		return kindMeasure
	}
	if _, ok := c.TimeDimension(member); ok {
		return kindTime
	}
	if CheckDimension(c, member) == nil {
		return kindDimension
	}
	return kindUnknown
}

// Filters compiles filters that Members has checked.
func (s *Scope) Filters(filters []Filter) (Filters, error) {
	var out Filters
	for i := range filters {
		sql, err := s.filter(&filters[i])
		if err != nil {
			return Filters{}, err
		}
		switch onMeasures, onRows := s.touches(&filters[i]); {
		case onMeasures && onRows:
			return Filters{}, Invalid(CodeBadFilter, "put them side by side in filters, where all must hold",
				"measures and dimensions stand under one and or or")
		case onMeasures:
			out.Having = append(out.Having, sql)
		default:
			out.Where = append(out.Where, sql)
		}
	}
	return out, nil
}

func (s *Scope) touches(f *Filter) (onMeasures, onRows bool) {
	if f.Member != "" {
		measure := kindOf(s.Catalog, f.Member) == kindMeasure
		return measure, !measure
	}
	for _, list := range [][]Filter{f.And, f.Or} {
		for i := range list {
			m, r := s.touches(&list[i])
			onMeasures, onRows = onMeasures || m, onRows || r
		}
	}
	return onMeasures, onRows
}

func (s *Scope) filter(f *Filter) (string, error) {
	if f.Member != "" {
		return s.leaf(f)
	}
	list, word := f.And, " AND "
	if f.Or != nil {
		list, word = f.Or, " OR "
	}
	parts := make([]string, len(list))
	for i := range list {
		sql, err := s.filter(&list[i])
		if err != nil {
			return "", err
		}
		parts[i] = sql
	}
	return join(parts, word), nil
}

func (s *Scope) leaf(f *Filter) (string, error) {
	if len(f.Values) > maxValues {
		return "", Invalid(CodeTooManyFilters, "narrow it by another member", "filter on %s has %d values, at most %d",
			f.Member, len(f.Values), maxValues)
	}
	switch kindOf(s.Catalog, f.Member) {
	case kindMeasure:
		return s.measureFilter(f)
	case kindTime:
		return s.timeFilter(f)
	case kindDimension, kindUnknown:
	}
	return s.dimensionFilter(f)
}

// comparisons compare numbers; each takes one value.
var comparisons = map[string]string{"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

func (s *Scope) dimensionFilter(f *Filter) (string, error) {
	if err := f.count(); err != nil {
		return "", err
	}
	expr := s.Dimension(f.Member)
	switch f.Operator {
	case "set":
		return expr + " != ''", nil
	case "notSet":
		return expr + " = ''", nil
	case "equals":
		return s.among(expr, "=", "IN", f.Values), nil
	case "notEquals":
		return s.among(expr, "!=", "NOT IN", f.Values), nil
	case "contains":
		return s.each(f, "positionCaseInsensitiveUTF8(%s, %s) > 0", expr, " OR ")
	case "notContains":
		return s.each(f, "positionCaseInsensitiveUTF8(%s, %s) = 0", expr, " AND ")
	case "startsWith":
		return s.each(f, "startsWith(lowerUTF8(%s), lowerUTF8(%s))", expr, " OR ")
	case "endsWith":
		return s.each(f, "endsWith(lowerUTF8(%s), lowerUTF8(%s))", expr, " OR ")
	}
	if op, ok := comparisons[f.Operator]; ok {
		n, err := f.number(0)
		if err != nil {
			return "", err
		}
		// Texts that are no numbers are neither above nor below.
		return fmt.Sprintf("toFloat64OrNull(%s) %s %s", expr, op, s.Args.Add("Float64", n)), nil
	}
	return "", f.badOperator("a dimension takes equals, notEquals, contains, notContains, startsWith, endsWith, " +
		"gt, gte, lt, lte, set and notSet")
}

// among compares with one value, or with a list of them.
func (s *Scope) among(expr, one, many string, values []Value) string {
	texts := make([]string, len(values))
	for i, v := range values {
		if texts[i] = string(v); v == None {
			texts[i] = ""
		}
	}
	if len(texts) == 1 {
		return fmt.Sprintf("%s %s %s", expr, one, s.Args.Add("String", texts[0]))
	}
	return fmt.Sprintf("%s %s %s", expr, many, s.Args.Add("Array(String)", texts))
}

func (s *Scope) each(f *Filter, format, expr, word string) (string, error) {
	parts := make([]string, len(f.Values))
	for i, v := range f.Values {
		if v == "" {
			return "", Invalid(CodeBadFilterValue, "for \"no value\" use notSet",
				"%s on %s: the empty text is part of every text", f.Operator, f.Member)
		}
		parts[i] = fmt.Sprintf(format, expr, s.Args.Add("String", string(v)))
	}
	return join(parts, word), nil
}

func (s *Scope) measureFilter(f *Filter) (string, error) {
	if err := f.count(); err != nil {
		return "", err
	}
	expr := s.Measure(f.Member)
	switch f.Operator {
	case "set":
		return expr + " IS NOT NULL", nil
	case "notSet":
		return expr + " IS NULL", nil
	case "equals", "notEquals":
		return s.equalNumbers(f, expr)
	}
	op, ok := comparisons[f.Operator]
	if !ok {
		return "", f.badOperator("a measure takes equals, notEquals, gt, gte, lt, lte, set and notSet")
	}
	n, err := f.number(0)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s %s", expr, op, s.Args.Add("Float64", n)), nil
}

func (s *Scope) equalNumbers(f *Filter, expr string) (string, error) {
	op, word := "=", " OR "
	if f.Operator == "notEquals" {
		op, word = "!=", " AND "
	}
	parts := make([]string, len(f.Values))
	for i := range f.Values {
		n, err := f.number(i)
		if err != nil {
			return "", err
		}
		parts[i] = fmt.Sprintf("%s %s %s", expr, op, s.Args.Add("Float64", n))
	}
	return join(parts, word), nil
}

// count checks that the operator has as many values as it takes: none, one or any number from one.
func (f *Filter) count() error {
	n, want := len(f.Values), "one or more values"
	ok := n >= 1
	if f.Operator == "set" || f.Operator == "notSet" {
		ok, want = n == 0, "no value"
	} else if _, compare := comparisons[f.Operator]; compare || f.Operator == "beforeDate" || f.Operator == "afterDate" {
		ok, want = n == 1, "one value"
	}
	if ok {
		return nil
	}
	return Invalid(CodeBadFilterValue, "", "%s on %s takes %s, got %d", f.Operator, f.Member, want, n)
}

func (f *Filter) number(i int) (float64, error) {
	n, err := strconv.ParseFloat(string(f.Values[i]), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, Invalid(CodeBadFilterValue, "give a decimal number", "%s on %s: %.40q is not a number",
			f.Operator, f.Member, f.Values[i])
	}
	return n, nil
}

func (f *Filter) badOperator(hint string) error {
	if f.Operator == "" {
		return Invalid(CodeBadFilter, hint, "the filter on %s has no operator", f.Member)
	}
	return Invalid(CodeBadOperator, hint, "%.40q does not work on %s", f.Operator, f.Member)
}

// join puts more than one part into brackets, so that the result can stand anywhere.
func join(parts []string, word string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, word) + ")"
}
