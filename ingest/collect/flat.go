package collect

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"clew/ingest/event"
)

// The contract keeps free attributes as a flat map of at most event.MaxEntries texts of at most event.MaxText
// characters. Whatever an SDK sends must go in there without loss.
const (
	// flatRoom is how many entries are filled by name. What is over goes into restName as JSON; the difference to
	// event.MaxEntries is for the further parts of long values: a message of 32 KB has no more than 16 of them.
	flatRoom = 224
	// flatDepth is how deep objects are taken apart; below, they stay JSON.
	flatDepth = 4
	restName  = "_rest"
	// longestName leaves room for the number of a further part.
	longestName = event.MaxID - len("#00")
)

// flat makes a flat map from JSON. Objects are taken apart, as "address.city"; arrays stay JSON. Of a long text the
// first part has the name, the next ones name#2, name#3 and so on. Null is nothing. The zero value is ready.
type flat struct {
	entries map[string]event.Scalar
	rest    []string // members of an object
}

// add puts in what stands under a name.
func (f *flat) add(name string, v value) { f.put(name, v, flatDepth) }

func (f *flat) put(name string, v value, depth int) {
	switch {
	case v.isNull():
	case v.isObject() && depth > 0 && f.fits(name, v):
		for n, m := range v.members() {
			f.put(name+"."+n, m, depth-1)
		}
	case v.isObject(), v.isArray():
		f.set(name, string(v), v)
	default:
		text, _ := v.text()
		f.set(name, text, v)
	}
}

// fits says whether the members of an object can each have an entry.
func (f *flat) fits(name string, v value) bool {
	room := flatRoom - len(f.entries)
	for n, m := range v.members() {
		if m.isNull() {
			continue
		}
		if room--; room < 0 || n == "" || len(name)+1+len(n) > longestName {
			return false
		}
	}
	return true
}

func (f *flat) set(name, text string, v value) {
	_, taken := f.entries[name]
	if taken || name == "" || name == restName || len(name) > longestName || len(f.entries) >= flatRoom {
		f.rest = append(f.rest, string(quote(name)+":"+v))
		return
	}
	f.setLong(name, text)
}

func (f *flat) setLong(name, text string) {
	if f.entries == nil {
		f.entries = make(map[string]event.Scalar)
	}
	head, tail := split(text, event.MaxText)
	f.entries[name] = event.Scalar(head)
	for part := 2; tail != ""; part++ {
		head, tail = split(tail, event.MaxText)
		f.entries[name+"#"+strconv.Itoa(part)] = event.Scalar(head)
	}
}

// addAll puts in the members of an object.
func (f *flat) addAll(prefix string, object value) {
	for name, v := range object.members() {
		f.add(prefix+name, v)
	}
}

// merge puts in what another has, in the order of names.
func (f *flat) merge(other flat) {
	for _, name := range slices.Sorted(maps.Keys(other.entries)) {
		f.add(name, quote(string(other.entries[name])))
	}
	f.rest = append(f.rest, other.rest...)
}

// quote is a text as a value.
func quote(text string) value {
	raw, _ := json.Marshal(text) // a string is always valid
	return value(raw)
}

// quoteIf is a text as a value, absent where it is empty.
func quoteIf(text string) value {
	if text == "" {
		return ""
	}
	return quote(text)
}

// done returns the map, nil where nothing was put in.
func (f *flat) done() map[string]event.Scalar {
	if len(f.rest) > 0 {
		f.setLong(restName, "{"+strings.Join(f.rest, ",")+"}")
	}
	return f.entries
}

// split cuts a text after n characters.
func split(text string, n int) (head, tail string) {
	if len(text) <= n {
		return text, ""
	}
	for i := range text {
		if n--; n < 0 {
			return text[:i], text[i:]
		}
	}
	return text, ""
}

// cut keeps the first n characters.
func cut(text string, n int) string {
	head, _ := split(text, n)
	return head
}
