package clause

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Decode reads one JSON object into dest, a pointer to a struct. A key the struct does not have, a value of another
// type and anything behind the object are problems that name the place.
func Decode(raw []byte, dest any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(dest); err != nil {
		return decodeProblem(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Invalid(CodeBadJSON, "send one object", "something follows the object at byte %d", d.InputOffset())
	}
	return nil
}

func decodeProblem(err error) error {
	var (
		problem *Problem
		syntax  *json.SyntaxError
		kind    *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &kind):
		return Invalid(CodeWrongType, "", "%s: want %s, got %s", place(kind.Field), typeWord(kind.Type), kind.Value)
	case errors.As(err, &syntax):
		return Invalid(CodeBadJSON, "send one JSON object", "%s at byte %d", syntax, syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Invalid(CodeBadJSON, "send one JSON object", "the body ends before the object does")
	}
	// The package has no type for this one; its text is: json: unknown field "x".
	if _, key, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return Invalid(CodeUnknownKey, "remove it or correct its spelling", "unknown key %s", key)
	}
	return Invalid(CodeBadJSON, "send one JSON object", "%s", err)
}

func place(field string) string {
	if field == "" {
		return "the body"
	}
	return field
}

func typeWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	default:
		return "an object"
	}
}

// Excerpt is the beginning of a piece of JSON in one line, for messages.
func Excerpt(data []byte) string {
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		return "not JSON"
	}
	return fmt.Sprintf("%.80s", b.String())
}

// Value is one value of a filter. JSON numbers and booleans are taken as their text: 5 and "5" are the same.
type Value string

// UnmarshalJSON refuses null, lists and objects.
func (v *Value) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		return json.Unmarshal(data, (*string)(v))
	case '{', '[', 'n':
		return Invalid(CodeWrongType, `for "no value" use the operator notSet`,
			"values: want text, a number or a boolean, got %s", Excerpt(data))
	default:
		*v = Value(data)
		return nil
	}
}

// UnmarshalJSON takes a pair of days, one day alone, or words as "last 30 days".
func (r *DateRange) UnmarshalJSON(data []byte) error {
	var days []string
	switch data[0] {
	case '"':
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		*r = ParseDateRange(s)
		return nil
	case '[':
		if err := json.Unmarshal(data, &days); err == nil && (len(days) == 1 || len(days) == 2) {
			*r = ParseDateRange(days...)
			return nil
		}
	}
	return Invalid(CodeBadDateRange, dateRangeHint, "dateRange is %s", Excerpt(data))
}

// MarshalJSON writes the range as it was given.
func (r DateRange) MarshalJSON() ([]byte, error) {
	if r.Words != "" {
		return json.Marshal(r.Words)
	}
	return json.Marshal([]string{r.From, r.To})
}

// String is the range for messages.
func (r DateRange) String() string {
	if r.Words != "" {
		return fmt.Sprintf("%q", r.Words)
	}
	return fmt.Sprintf("[%q, %q]", r.From, r.To)
}
