package source

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// condition is one line of when.
type condition struct {
	left     text
	operator string // empty: there is a value; "is empty": there is none
	right    []string
}

// The operators that stand between two values; the first of them in a line counts.
var operators = []string{" not in ", " in ", " != ", " <= ", " >= ", " = ", " < ", " > "}

// conditions reads when: each must hold. The left side is a column, or a text with placeholders.
func (c *compiler) conditions(at string, lines list) []condition {
	c.at = at
	out := make([]condition, 0, len(lines))
	for _, line := range lines {
		one, err := c.condition(line)
		if err != nil {
			c.fail(at, "%q %v", line, err)
		}
		out = append(out, one)
	}
	return out
}

func (c *compiler) condition(line string) (condition, error) {
	var out condition
	left := line
	at := len(line)
	for _, o := range operators {
		if i := strings.Index(line+" ", o); i >= 0 && i < at {
			at, left, out.operator = i, line[:i], strings.TrimSpace(o)
			out.right = []string{strings.TrimSpace((line + " ")[i+len(o):])}
		}
	}
	if rest, empty := strings.CutSuffix(left, " is empty"); empty && out.operator == "" {
		left, out.operator = rest, "is empty"
	}
	if strings.HasSuffix(out.operator, "in") {
		out.right = strings.Split(out.right[0], ",")
		for i, v := range out.right {
			out.right[i] = strings.TrimSpace(v)
		}
	}
	if strings.ContainsAny(out.operator, "<>") {
		if _, err := strconv.ParseFloat(out.right[0], 64); err != nil {
			return out, fmt.Errorf("compares with what is no number: write a number behind %s", out.operator)
		}
	}
	if left == "" {
		return out, fmt.Errorf("has no column: write COLUMN, COLUMN is empty, COLUMN = VALUE, COLUMN > NUMBER, " +
			"COLUMN in A, B")
	}
	var err error
	if strings.Contains(left, "{") {
		out.left, err = c.text(left, false)
	} else {
		out.left = text{{column: c.column(left)}}
	}
	return out, err
}

// hold says whether all conditions do. Its error is a *cellError.
func hold(conditions []condition, s *scope) (bool, error) {
	for i := range conditions {
		if ok, err := conditions[i].holds(s); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (c *condition) holds(s *scope) (bool, error) {
	v, err := c.left.render(s)
	if err != nil {
		return false, err
	}
	switch c.operator {
	case "":
		return v != "", nil
	case "is empty":
		return v == "", nil
	case "=", "in":
		return slices.Contains(c.right, v), nil
	case "!=", "not in":
		return !slices.Contains(c.right, v), nil
	}
	if v == "" {
		return false, nil
	}
	return c.compare(v)
}

func (c *condition) compare(v string) (bool, error) {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return false, &cellError{c.left.column(), fmt.Errorf("is no number, and when compares it with %s: correct it, or "+
			"write {column|number} there", c.right[0])}
	}
	bound, err := strconv.ParseFloat(c.right[0], 64)
	switch c.operator {
	case "<":
		return n < bound, err
	case "<=":
		return n <= bound, err
	case ">":
		return n > bound, err
	}
	return n >= bound, err
}
