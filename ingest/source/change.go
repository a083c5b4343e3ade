package source

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// change reads one change of a placeholder, the word behind a |.
func (c *compiler) change(word string, repeats bool) (op, error) {
	name, arg, has := strings.Cut(word, ":")
	switch {
	case has && arg != "":
		return c.changeBy(name, arg)
	case has:
		return nil, unknownChange(word)
	case name == "trim":
		return plain(strings.TrimSpace), nil
	case name == "lower":
		return plain(strings.ToLower), nil
	case name == "upper":
		return plain(strings.ToUpper), nil
	case name == "hash":
		return plain(hash), nil
	case name == "number":
		return fallible(number), nil
	case name == "bool":
		return fallible(boolean), nil
	case name == "share" && repeats:
		return func(v string, s *scope) (string, error) { return share(v, s.index, s.count) }, nil
	case name == "share":
		return nil, fmt.Errorf("shares an amount without repeats: add repeat, or leave share out")
	}
	return nil, unknownChange(word)
}

// changeBy reads a change that takes an argument.
func (c *compiler) changeBy(name, arg string) (op, error) {
	switch name {
	case "default":
		return plain(func(v string) string { return cmp.Or(v, arg) }), nil
	case "or":
		other := c.column(arg)
		return func(v string, s *scope) (string, error) { return cmp.Or(v, s.values[other]), nil }, nil
	case "number":
		if arg != "comma" {
			return nil, fmt.Errorf("has number:%s: write number, or number:comma for 1.234,50", arg)
		}
		return fallible(numberComma), nil
	case "time":
		own := calendar{mapping: c.calendar.mapping, zone: c.calendar.zone}
		if err := own.add(arg); err != nil {
			return nil, err
		}
		return fallible(own.normal), nil
	case "empty":
		return plain(func(v string) string {
			if v == arg {
				return ""
			}
			return v
		}), nil
	case "pad":
		return pad(arg)
	case "divide":
		return divide(arg)
	case "map":
		return c.lookup(arg)
	case "band":
		return c.band(arg)
	}
	return nil, unknownChange(name + ":" + arg)
}

func unknownChange(word string) error {
	return fmt.Errorf("has an unknown change %q: use trim, lower, upper, number, number:comma, bool, hash, share, "+
		"default:VALUE, empty:VALUE, or:COLUMN, pad:LENGTH, divide:NUMBER, time:FORM, map:TABLE or band:TABLE", word)
}

func plain(f func(string) string) op {
	return func(v string, _ *scope) (string, error) { return f(v), nil }
}

// fallible changes a value that is there; an empty one stays empty.
func fallible(f func(string) (string, error)) op {
	return func(v string, _ *scope) (string, error) {
		if v == "" {
			return "", nil
		}
		return f(v)
	}
}

// pad puts zeros before a value, so that ids sort as the numbers in them do.
func pad(length string) (op, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 1 || n > 64 {
		return nil, fmt.Errorf("pads to %s: write a length from 1 to 64, such as pad:8", length)
	}
	return fallible(func(v string) (string, error) {
		return strings.Repeat("0", max(0, n-len(v))) + v, nil
	}), nil
}

// divide changes the unit of a number: milliseconds into seconds, millionths of a currency into the currency.
func divide(by string) (op, error) {
	n, err := strconv.ParseFloat(by, 64)
	if err != nil || n == 0 || math.IsInf(n, 0) || math.IsNaN(n) {
		return nil, fmt.Errorf("divides by %s: write a number such as divide:1000", by)
	}
	return fallible(func(v string) (string, error) {
		value, err := number(v)
		if err != nil {
			return "", err
		}
		f, err := strconv.ParseFloat(value, 64)
		return strconv.FormatFloat(f/n, 'f', -1, 64), err
	}), nil
}

// otherwise is the key of a table whose value stands for all that are not in it.
const otherwise = "*"

// lookup puts a table's value in the place of a value.
func (c *compiler) lookup(name string) (op, error) {
	table, ok := c.tables[name]
	if !ok {
		return nil, c.noTable(name)
	}
	rest, has := table[otherwise]
	return fallible(func(v string) (string, error) {
		out, known := table[v]
		if !known && !has {
			return "", fmt.Errorf("is not in table %q of mapping %q: add it there, or add %q for all others",
				name, c.calendar.mapping, otherwise)
		}
		if !known {
			return rest, nil
		}
		return out, nil
	}), nil
}

func (c *compiler) noTable(name string) error {
	if len(c.tables) == 0 {
		return fmt.Errorf("has an unknown table %q: write it under tables", name)
	}
	return fmt.Errorf("has an unknown table %q: use one of %q, or write it under tables",
		name, slices.Sorted(maps.Keys(c.tables)))
}

// bound is a row of a table whose keys are lower bounds.
type bound struct {
	from  float64
	value string
}

// band puts the value of the greatest key that is not above a number in the number's place.
func (c *compiler) band(name string) (op, error) {
	table, ok := c.tables[name]
	if !ok {
		return nil, c.noTable(name)
	}
	steps := make([]bound, 0, len(table))
	for key, value := range table {
		from, err := strconv.ParseFloat(key, 64)
		if err != nil {
			return nil, fmt.Errorf("has table %q as bands, and its key %q is no number: write lower bounds", name, key)
		}
		steps = append(steps, bound{from, value})
	}
	slices.SortFunc(steps, func(a, b bound) int { return cmp.Compare(a.from, b.from) })
	return fallible(func(v string) (string, error) {
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return "", fmt.Errorf("is no number, and table %q has bands: correct it, or put number before band", name)
		}
		i, found := slices.BinarySearchFunc(steps, n, func(b bound, n float64) int { return cmp.Compare(b.from, n) })
		if !found {
			i--
		}
		if i < 0 {
			return "", fmt.Errorf("is below every band of table %q: add a lower one", name)
		}
		return steps[i].value, nil
	}), nil
}

// hash makes an id of 32 characters from a text of any length.
func hash(v string) string {
	if v == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(v))
	return hex.EncodeToString(sum[:16])
}
