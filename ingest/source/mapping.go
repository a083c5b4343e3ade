package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"golang.org/x/text/encoding"

	"clew/ingest/event"
)

// Mapping says how the files of one origin become events.
type Mapping struct {
	// Name is what the mapping was loaded by.
	Name string
	// Hash is the SHA-256 of its text, in hexadecimal: with another text a Position means another place.
	Hash    string
	zone    *time.Location
	forms   []string // as the mapping writes them, for messages
	layouts []string // the same for package time
	inputs  []input
}

// input is one file, or the files of one pattern, that share their columns.
type input struct {
	file      string
	delimiter byte
	skip      int               // lines before the header
	encoding  encoding.Encoding // nil: to be found out
	columns   []string          // the columns the templates use
	templates []template
}

// template makes the events of one type from a row. Columns are places in input.columns; -1 is none.
type template struct {
	kind   event.Type
	when   int
	repeat int
	within int
	fields []field
}

type field struct {
	name   string
	text   text
	target target
}

// document is a mapping as it is written.
type document struct {
	Zone   string     `yaml:"zone"`
	Times  []string   `yaml:"times"`
	Inputs []inputDoc `yaml:"inputs"`
}

type inputDoc struct {
	File      string        `yaml:"file"`
	Delimiter string        `yaml:"delimiter"`
	Events    []templateDoc `yaml:"events"`
}

type templateDoc struct {
	Type       event.Type        `yaml:"type"`
	When       string            `yaml:"when"`
	Repeat     string            `yaml:"repeat"`
	Within     string            `yaml:"within"`
	Fields     map[string]string `yaml:"fields"`
	Attributes []string          `yaml:"attributes"`
}

// Parse reads a mapping. Its error lists every fault of the mapping at once, one a line.
func Parse(name string, data []byte) (*Mapping, error) {
	var doc document
	c := &compiler{}
	if err := yaml.Load(data, &doc, yaml.WithKnownFields()); err != nil && len(data) > 0 {
		typed, ok := errors.AsType[*yaml.LoadErrors](err)
		if !ok {
			return nil, fmt.Errorf("mapping %q is not YAML: %w", name, err)
		}
		for _, e := range typed.Errors {
			c.fail("line %d: %s", e.Mark.Line, unknownKey(e.Message))
		}
	}
	m := c.mapping(name, doc)
	m.Hash = fmt.Sprintf("%x", sha256.Sum256(data))
	if len(c.faults) > 0 {
		return nil, fmt.Errorf("mapping %q is wrong:\n  %s", name, strings.Join(c.faults, "\n  "))
	}
	return m, nil
}

// unknownKey says of an unknown key what a person can act on; the library's text names Go types. Other texts stay.
func unknownKey(message string) string {
	key, _, found := strings.Cut(message, " not found in type ")
	if !found {
		return message
	}
	return fmt.Sprintf("key %q is unknown: correct or remove it", strings.TrimPrefix(key, "field "))
}

// compiler collects the faults of a mapping while it is made ready to run.
type compiler struct {
	faults []string
	in     *input
}

func (c *compiler) fail(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

func (c *compiler) mapping(name string, doc document) *Mapping {
	m := &Mapping{Name: name, forms: doc.Times}
	zone, err := time.LoadLocation(doc.Zone)
	switch {
	case doc.Zone == "" || doc.Zone == "Local":
		c.fail("zone is missing: name the time zone of times that state none, such as UTC or Asia/Shanghai")
	case err != nil:
		c.fail("zone %q is not known: use an IANA name such as UTC or Asia/Shanghai", doc.Zone)
	}
	m.zone = zone
	if len(doc.Times) == 0 {
		c.fail("times is missing: list the forms of the times, such as YYYY-MM-DD hh:mm:ss")
	}
	for _, form := range doc.Times {
		l, err := layout(form)
		if err != nil {
			c.fail("times: %v", err)
		}
		m.layouts = append(m.layouts, l)
	}
	if len(doc.Inputs) == 0 {
		c.fail("inputs is missing: list at least one file")
	}
	for i, d := range doc.Inputs {
		m.inputs = append(m.inputs, c.input(fmt.Sprintf("inputs[%d]", i), d))
	}
	return m
}

func (c *compiler) input(at string, d inputDoc) input {
	c.in = &input{file: d.File, delimiter: ','}
	if err := checkPattern(d.File); err != nil {
		c.fail("%s.file %q %v", at, d.File, err)
	}
	if d.Delimiter != "" {
		if len(d.Delimiter) != 1 || strings.Contains("\"\r\n", d.Delimiter) || d.Delimiter[0] >= utf8.RuneSelf {
			c.fail("%s.delimiter %q is not usable: give one character, such as \";\" or \"\\t\"", at, d.Delimiter)
		}
		c.in.delimiter = d.Delimiter[0]
	}
	if len(d.Events) == 0 {
		c.fail("%s.events is missing: say what a row becomes", at)
	}
	for i, e := range d.Events {
		c.in.templates = append(c.in.templates, c.template(fmt.Sprintf("%s.events[%d]", at, i), e))
	}
	return *c.in
}

func (c *compiler) template(at string, d templateDoc) template {
	t := template{kind: d.Type, when: c.column(d.When), repeat: c.column(d.Repeat), within: c.column(d.Within)}
	if event.New(d.Type) == nil {
		c.fail("%s.type %q is no event type: use one of %q", at, d.Type, event.Types())
		return t
	}
	if d.Within != "" && d.Repeat == "" {
		c.fail("%s.within needs repeat: it says which column the repeats must not exceed", at)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Fields)) {
		t.fields = append(t.fields, c.field(at, &t, name, d.Fields[name]))
	}
	for _, column := range d.Attributes {
		t.fields = append(t.fields, c.attribute(at, &t, column))
	}
	c.unique(at, &t)
	return t
}

func (c *compiler) field(at string, t *template, name, value string) field {
	f := field{name: name}
	var err error
	if f.target, err = targetOf(t.kind, name); err != nil {
		c.fail("%s.fields.%s %v", at, name, err)
	}
	if f.text, err = c.text(value, t.repeat >= 0); err != nil {
		c.fail("%s.fields.%s %q %v", at, name, value, err)
	}
	return f
}

func (c *compiler) attribute(at string, t *template, column string) field {
	f := field{name: "attributes." + column, text: text{{column: c.column(column)}}}
	var err error
	if f.target, err = targetOf(t.kind, f.name); err != nil {
		c.fail("%s.attributes: a %s has none: list them on a lead", at, t.kind)
	}
	return f
}

// unique refuses repeats that would all have one event id: they would count once.
func (c *compiler) unique(at string, t *template) {
	id := slices.IndexFunc(t.fields, func(f field) bool { return f.name == "event_id" })
	switch {
	case id < 0:
		c.fail("%s.fields.event_id is missing: build it from columns that identify the row", at)
	case t.repeat >= 0 && !t.fields[id].text.uses(partIndex):
		c.fail("%s.fields.event_id is the same for every repeat: put {index} in it", at)
	}
}

// column returns the place of a column among those the templates use, or -1 for no column.
func (c *compiler) column(name string) int {
	if name == "" {
		return -1
	}
	if i := slices.Index(c.in.columns, name); i >= 0 {
		return i
	}
	c.in.columns = append(c.in.columns, name)
	return len(c.in.columns) - 1
}
