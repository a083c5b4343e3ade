package event

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads one JSON object in one pass, straight into an event. The first fault sticks and ends the pass.
//
// It is our own because the contract asks for what libraries do not give: the field at fault by name, also when the
// value is a bad time; names in their exact case; unknown fields refused; broken text refused and not repaired. And it
// takes a fraction of the time of encoding/json. Texts are parts of the message, so they need no memory of their own.
type scanner struct {
	text  string // valid UTF-8
	pos   int
	outer string // the field whose object is being read, "" at the top
	field string
	fault *Fault

	hasAmount, hasEffective bool // sent and not null
}

// fail keeps the first fault. What says what is wrong with the field and the remedy.
func (s *scanner) fail(reason, what string) {
	if s.fault != nil {
		return
	}
	field := clip(s.field)
	if s.outer != "" {
		field = s.outer + "." + field
	}
	s.fault = &Fault{Reason: reason, Field: field, Detail: field + " " + what}
}

// broken is a fault of syntax. Decode finds better words for it.
func (s *scanner) broken(why string) {
	if s.fault == nil {
		s.fault = malformed(why)
	}
}

// peek skips white space and returns the next byte without taking it; 0 at the end.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.text); s.pos++ {
		if c := s.text[s.pos]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// take takes the next byte if it is c, which is not 0.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) literal(word string) bool {
	if s.peek(); !strings.HasPrefix(s.text[s.pos:], word) {
		return false
	}
	s.pos += len(word)
	return true
}

// null takes a null. It stands for a field that is absent.
func (s *scanner) null() bool { return s.literal("null") }

// message reads the whole text into dst.
func (s *scanner) message(dst fields) {
	if s.peek() != '{' {
		s.broken("it does not begin with {")
		return
	}
	s.object(dst)
	if s.peek(); s.pos < len(s.text) {
		s.broken("something follows the object")
	}
}

// object reads an object, each member by dst.
func (s *scanner) object(dst fields) {
	s.each(func(name string) {
		if !dst.set(s, name) {
			s.fail(ReasonUnknownField, "is not known")
		}
	})
}

// each calls fn for each member of an object, to read its value. The name of the member is then the field.
func (s *scanner) each(fn func(name string)) {
	if !s.take('{') {
		s.mismatch("an object")
		return
	}
	outer, field := s.outer, s.field
	s.outer = field
	for first := true; s.fault == nil && !s.take('}'); first = false {
		if !first && !s.take(',') {
			s.broken("a comma is missing")
			break
		}
		if s.field = s.quoted(); s.fault == nil && !s.take(':') {
			s.broken("a colon is missing")
		}
		if s.fault == nil {
			fn(s.field)
		}
	}
	s.outer, s.field = outer, field
}

// mismatch is the fault of a value that is not of the type that is wanted.
func (s *scanner) mismatch(want string) {
	is := ""
	switch c := s.peek(); c {
	case '{':
		is = "an object"
	case '[':
		is = "an array"
	case '"':
		is = "a string"
	case 't', 'f':
		is = "a boolean"
	case 'n':
		is = "null"
	default:
		if c != '-' && !isDigit(c) {
			s.broken("a value is missing")
			return
		}
		is = "a number"
	}
	s.fail(ReasonWrongType, "is "+is+": send "+want)
}

// quoted takes a string.
func (s *scanner) quoted() string {
	if !s.take('"') {
		s.broken("a quote is missing")
		return ""
	}
	start := s.pos
	for ; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return s.text[start : s.pos-1]
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			s.broken("a control character is not escaped")
			return ""
		}
	}
	s.broken("a string has no end")
	return ""
}

// escaped takes the rest of a string that begins at start and has its first backslash at pos.
func (s *scanner) escaped(start int) string {
	var b strings.Builder
	for s.pos < len(s.text) && s.fault == nil {
		switch c := s.text[s.pos]; {
		case c == '"':
			b.WriteString(s.text[start:s.pos])
			s.pos++
			return b.String()
		case c == '\\':
			b.WriteString(s.text[start:s.pos])
			b.WriteRune(s.escape())
			start = s.pos
		case c < ' ':
			s.broken("a control character is not escaped")
		default:
			s.pos++
		}
	}
	s.broken("a string has no end")
	return ""
}

// escape takes one escape sequence, a pair of surrogates as one.
func (s *scanner) escape() rune {
	if s.pos+1 >= len(s.text) {
		s.broken("a string has no end")
		return 0
	}
	c := s.text[s.pos+1]
	if c == 'u' {
		return s.unicode()
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		s.broken("a string holds an unknown escape")
		return 0
	}
	s.pos += 2
	return rune("\"\\/\b\f\n\r\t"[i])
}

func (s *scanner) unicode() rune {
	r := s.hex()
	if !utf16.IsSurrogate(r) {
		return r
	}
	other := utf8.RuneError
	if strings.HasPrefix(s.text[s.pos:], `\u`) {
		other = s.hex()
	}
	if r = utf16.DecodeRune(r, other); r == utf8.RuneError {
		s.broken("a string holds half of a surrogate pair, which is no character")
	}
	return r
}

// hex takes a \u and its four digits.
func (s *scanner) hex() rune {
	if s.pos+6 > len(s.text) {
		s.broken("a string has no end")
		return 0
	}
	var r rune
	for _, c := range []byte(s.text[s.pos+2 : s.pos+6]) {
		switch {
		case isDigit(c):
			r = r<<4 + rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 + rune(c|0x20-'a'+10)
		default:
			s.broken("a string holds an unknown escape")
			return 0
		}
	}
	s.pos += 6
	return r
}

// digits takes the text of a number, "" when there is none.
func (s *scanner) digits() string {
	s.peek()
	start, i := s.pos, s.pos
	at := func() byte {
		if i < len(s.text) {
			return s.text[i]
		}
		return 0
	}
	run := func() bool {
		from := i
		for isDigit(at()) {
			i++
		}
		return i > from
	}
	if at() == '-' {
		i++
	}
	zero := at() == '0'
	from := i
	ok := run() && (!zero || i == from+1)
	if ok && at() == '.' {
		i++
		ok = run()
	}
	if ok && at()|0x20 == 'e' {
		i++
		if at() == '+' || at() == '-' {
			i++
		}
		ok = run()
	}
	if !ok {
		return ""
	}
	s.pos = i
	return s.text[start:i]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
