package event

import (
	"math"
	"strconv"
	"time"
)

// The readers of values. Each takes one value; null makes the field what it is when absent.

func (s *scanner) str(dst *string) {
	*dst = ""
	switch {
	case s.null():
	case s.peek() != '"':
		s.mismatch("a string")
	default:
		*dst = s.quoted()
	}
}

// number reports whether there was one.
func (s *scanner) number(dst *float64) bool {
	*dst = 0
	if s.null() {
		return false
	}
	text, ok := s.numeral("a number")
	if !ok {
		return false
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		s.fail(ReasonInvalidValue, "is "+clip(text)+": send a number that is not that large")
	}
	*dst = v
	return true
}

// count reads a whole number, also one that is written as 12.0 or 1e3.
func (s *scanner) count(dst *uint64) {
	*dst = 0
	if s.null() {
		return
	}
	text, ok := s.numeral("a whole number, 0 or more")
	if !ok {
		return
	}
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(text, 64)
		if ferr != nil || f < 0 || f != math.Trunc(f) || f > maxExact {
			s.fail(ReasonInvalidValue, "is "+clip(text)+": send a whole number, 0 or more")
			return
		}
		v = uint64(f)
	}
	*dst = v
}

// maxExact is the largest number up to which a float64 tells all whole numbers apart.
const maxExact = 1 << 53

func (s *scanner) numeral(want string) (string, bool) {
	if c := s.peek(); c != '-' && !isDigit(c) {
		s.mismatch(want)
		return "", false
	}
	text := s.digits()
	if text == "" {
		s.broken("a number is badly written")
	}
	return text, text != ""
}

// boolean reports whether there was one.
func (s *scanner) boolean(dst *bool) bool {
	*dst = false
	switch {
	case s.null():
		return false
	case s.literal("true"):
		*dst = true
	case s.literal("false"):
	default:
		s.mismatch("true or false")
		return false
	}
	return true
}

// time reports whether there was one. An empty string is none.
func (s *scanner) time(dst *time.Time) bool {
	*dst = time.Time{}
	var text string
	if s.str(&text); text == "" {
		return false
	}
	var t time.Time
	// UnmarshalText is stricter than time.Parse, which takes hours of one digit.
	if err := t.UnmarshalText([]byte(text)); err != nil {
		s.fail(ReasonInvalidValue, "is "+strconv.Quote(clip(text))+
			": send RFC 3339 with a zone, such as 2026-01-31T08:00:00.000Z")
		return false
	}
	*dst = t.UTC().Truncate(time.Millisecond)
	return true
}

func (s *scanner) optionalTime(dst **time.Time) {
	*dst = nil
	var t time.Time
	if s.time(&t) {
		*dst = &t
	}
}

func (s *scanner) scalars(dst *map[string]Scalar) {
	*dst = nil
	if s.null() {
		return
	}
	s.each(func(name string) {
		if *dst == nil {
			*dst = make(map[string]Scalar)
		}
		(*dst)[name] = s.scalar()
	})
}

func (s *scanner) scalar() Scalar {
	switch c := s.peek(); {
	case c == '"':
		return Scalar(s.quoted())
	case c == '-' || isDigit(c):
		text, _ := s.numeral("a number")
		return Scalar(text)
	case s.literal("true"):
		return "true"
	case s.literal("false"):
		return "false"
	case s.null():
	default:
		s.mismatch("a string, number or boolean")
	}
	return ""
}

// identifiers leaves out those that are null.
func (s *scanner) identifiers(dst *map[string]string) {
	*dst = nil
	if s.null() {
		return
	}
	s.each(func(name string) {
		var v string
		if s.null() {
			delete(*dst, name)
			return
		}
		s.str(&v)
		if *dst == nil {
			*dst = make(map[string]string)
		}
		(*dst)[name] = v
	})
	if len(*dst) == 0 {
		*dst = nil
	}
}
