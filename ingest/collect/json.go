package collect

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"clew/ingest/event"
)

// value is one JSON value, cut out of a text that is known to be valid: its methods check nothing and copy little. The
// zero value stands for a value that is absent.
type value string

// parse checks a whole text. Everything after it may rely on that.
func parse(text []byte) (value, error) {
	if !utf8.Valid(text) {
		return "", &Fault{Code: event.ReasonMalformedJSON, Detail: "the body is not UTF-8: send JSON in UTF-8"}
	}
	if !json.Valid(text) {
		return "", &Fault{Code: event.ReasonMalformedJSON, Detail: "the body is not JSON: " + whyInvalid(text)}
	}
	return value(strings.TrimSpace(string(text))), nil
}

func whyInvalid(text []byte) string {
	err := json.Unmarshal(text, new(json.RawMessage))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("%v at byte %d", syntax, syntax.Offset)
	}
	return fmt.Sprint(err)
}

func (v value) isObject() bool { return v != "" && v[0] == '{' }

func (v value) isArray() bool { return v != "" && v[0] == '[' }

// isNull is true for null and for a value that is absent.
func (v value) isNull() bool { return v == "" || v[0] == 'n' }

// text returns the text of a string, number or boolean, a number in its own spelling. False stands for all else.
func (v value) text() (string, bool) {
	switch {
	case v.isNull() || v.isObject() || v.isArray():
		return "", false
	case v[0] != '"':
		return string(v), true
	}
	if inner := string(v[1 : len(v)-1]); !strings.Contains(inner, `\`) {
		return inner, true
	}
	var s string
	// It was valid as a whole, and half a surrogate pair becomes the replacement character.
	_ = json.Unmarshal([]byte(v), &s)
	return s, true
}

// or returns the first that is neither absent, null nor an empty string.
func (v value) or(others ...value) value {
	for _, o := range others {
		if !v.isNull() && v != `""` {
			return v
		}
		v = o
	}
	return v
}

// members are those of an object; anything else has none. Of two with one name both come.
func (v value) members() iter.Seq2[string, value] {
	return func(yield func(string, value) bool) {
		if !v.isObject() {
			return
		}
		for i := gap(v, 1); v[i] != '}'; {
			end := skip(v, i)
			name, _ := v[i:end].text()
			i = gap(v, gap(v, end)+1) // behind the colon
			end = skip(v, i)
			if !yield(name, v[i:end]) {
				return
			}
			if i = gap(v, end); v[i] == ',' {
				i = gap(v, i+1)
			}
		}
	}
}

// elements are those of an array; anything else has none.
func (v value) elements() iter.Seq[value] {
	return func(yield func(value) bool) {
		if !v.isArray() {
			return
		}
		for i := gap(v, 1); v[i] != ']'; {
			end := skip(v, i)
			if !yield(v[i:end]) {
				return
			}
			if i = gap(v, end); v[i] == ',' {
				i = gap(v, i+1)
			}
		}
	}
}

// member returns a member by name, the last one where there are several.
func (v value) member(name string) (found value) {
	for n, m := range v.members() {
		if n == name {
			found = m
		}
	}
	return found
}

// string is text of a member, "" where it has none.
func (v value) string(name string) string {
	s, _ := v.member(name).text()
	return s
}

// joined is an object with the members of two.
func joined(a, b value) value {
	head, tail := strings.TrimSpace(string(a[1:len(a)-1])), strings.TrimSpace(string(b[1:len(b)-1]))
	if head != "" && tail != "" {
		head += ","
	}
	return value("{" + head + tail + "}")
}

// gap returns where the white space from i on ends.
func gap(v value, i int) int {
	for i < len(v) && (v[i] == ' ' || v[i] == '\n' || v[i] == '\t' || v[i] == '\r') {
		i++
	}
	return i
}

// skip returns where the value that begins at i ends. It does not recurse: depth costs nothing.
func skip(v value, i int) int {
	depth := 0
	for ; ; i++ {
		switch v[i] {
		case '"':
			i = quoted(v, i)
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ',', ':', ' ', '\n', '\t', '\r':
			continue
		default:
			i = bare(v, i)
		}
		if depth == 0 {
			return i + 1
		}
	}
}

// quoted returns where the string that begins at i has its closing quote.
func quoted(v value, i int) int {
	for i++; v[i] != '"'; i++ {
		if v[i] == '\\' {
			i++
		}
	}
	return i
}

// bare returns the last byte of a number, true, false or null.
func bare(v value, i int) int {
	for i+1 < len(v) {
		switch v[i+1] {
		case ',', ']', '}', ' ', '\n', '\t', '\r':
			return i
		}
		i++
	}
	return i
}
