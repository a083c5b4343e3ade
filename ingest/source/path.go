package source

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// keyPath leads to a value inside JSON: contact.emails.0.value, or field_data[name=email].values. A key may have points
// itself: at each step the whole rest is tried as a key first. In an array, a number takes an element, [key=value] the
// elements that have it, and anything else goes on in every element.
type keyPath []step

type step struct {
	key  string
	rest string // key and all that follows, as it is written
	// With where set, the step takes the elements whose field where is equals.
	where, equals string
}

// enclosing, before a path, leaves the row for what it lies in: ^id is the id of the object that has the array.
const enclosing = "^"

func (c *compiler) path(at, text string) keyPath {
	out := keyPath{}
	for rest := text; rest != ""; {
		s := step{rest: rest}
		if strings.HasPrefix(rest, "[") {
			inside, after, closed := strings.Cut(rest[1:], "]")
			where, equals, compared := strings.Cut(inside, "=")
			if !closed || !compared || where == "" {
				c.fail(at, "%q has a bracket that is no [key=value]: write it so", text)
				return out
			}
			s.where, s.equals, rest = where, equals, strings.TrimPrefix(after, ".")
		} else {
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			s.key, rest = rest[:end], strings.TrimPrefix(rest[end:], ".")
		}
		out = append(out, s)
	}
	return out
}

// find returns the values at the end of a path, in order.
func (p keyPath) find(v any) []any {
	if len(p) == 0 || v == nil {
		return []any{v}
	}
	s := p[0]
	switch v := v.(type) {
	case map[string]any:
		if s.where != "" {
			return nil
		}
		if whole, ok := v[s.rest]; ok {
			return []any{whole}
		}
		if inner, ok := v[s.key]; ok {
			return p[1:].find(inner)
		}
	case []any:
		return p.findIn(v)
	}
	return nil
}

func (p keyPath) findIn(list []any) []any {
	s := p[0]
	if i, err := strconv.Atoi(s.key); err == nil && s.where == "" {
		if i < 0 || i >= len(list) {
			return nil
		}
		return p[1:].find(list[i])
	}
	var out []any
	for _, item := range list {
		switch fields, isObject := item.(map[string]any); {
		case s.where == "":
			out = append(out, p.find(item)...)
		case isObject && scalar(fields[s.where]) == s.equals:
			out = append(out, p[1:].find(item)...)
		}
	}
	return out
}

// scalar spells a value that holds no others. Null and absence are empty.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// spell returns values as one text, with commas between them. Empty ones are left out.
func spell(values []any) (string, error) {
	var out []string
	for _, v := range values {
		switch v := v.(type) {
		case map[string]any:
			return "", fmt.Errorf("holds several values: name one of them behind a point")
		case []any:
			inner, err := spell(v)
			if err != nil {
				return "", err
			}
			out = append(out, inner)
		default:
			out = append(out, scalar(v))
		}
	}
	if len(out) == 1 {
		return out[0], nil
	}
	return strings.Join(slices.DeleteFunc(out, func(s string) bool { return s == "" }), ","), nil
}

// tree is a row of nested data, and what it lies in, outermost first.
type tree struct {
	row   any
	above []any
}

// value returns a column of the tree.
func (t *tree) value(c *column) (string, error) {
	for i, p := range c.paths {
		from, depth := t.row, len(c.names[i])-len(strings.TrimLeft(c.names[i], enclosing))
		if depth > len(t.above) {
			continue
		}
		if depth > 0 {
			from, p = t.above[len(t.above)-depth], slices.Clone(p)
			p[0].key, p[0].rest = p[0].key[depth:], p[0].rest[depth:]
		}
		v, err := spell(p.find(from))
		if v != "" || err != nil {
			return v, err
		}
	}
	return "", nil
}

// rows goes down a path and opens every array on the way and at its end. There are none where the path leads nowhere.
func (t tree) rows(p keyPath) []tree {
	if list, ok := t.row.([]any); ok {
		var out []tree
		for _, item := range list {
			out = append(out, tree{item, t.above}.rows(p)...)
		}
		return out
	}
	if len(p) == 0 {
		if t.row == nil {
			return nil
		}
		return []tree{t}
	}
	fields, ok := t.row.(map[string]any)
	if !ok {
		return nil
	}
	return tree{fields[p[0].key], append(slices.Clone(t.above), fields)}.rows(p[1:])
}

// leads says that the keys of a path are there, even if the array at its end is empty.
func leads(v any, p keyPath) bool {
	if _, list := v.([]any); list || len(p) == 0 {
		return true
	}
	fields, _ := v.(map[string]any)
	inner, ok := fields[p[0].key]
	return ok && leads(inner, p[1:])
}

func pathless(line int64, in *input) *RowError {
	return &RowError{Line: line, Reason: fmt.Sprintf("there is no %q: correct rows of the mapping", in.rows[0].rest)}
}
