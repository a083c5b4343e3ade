package source

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"

	"clew/ingest/event"
)

// Mapping says how the files and webhook payloads of one origin become events. It is for any number of goroutines.
type Mapping struct {
	// Name is what the mapping was loaded by.
	Name string
	// Title says in a line what comes from where, by language: en, zh.
	Title map[string]string
	// System is the product the data comes from; empty for a single data set.
	System string
	// Docs is the address of the system's own description of the data.
	Docs string
	// Hash is the SHA-256 of its text, in hexadecimal: with another text a Position means another place.
	Hash     string
	calendar calendar
	nulls    []string
	inputs   []input
}

// input is one file, the files of one pattern, or the payloads of a webhook, that share their columns.
type input struct {
	file      string // empty: payloads only
	optional  bool   // the file may be absent, as long as another is there
	payload   bool
	format    string
	delimiter byte
	skip      int               // lines before the header
	encoding  encoding.Encoding // nil: to be found out
	rows      keyPath           // to the array of rows
	columns   []column          // what the templates use
	joins     []join
	when      []condition
	templates []template
}

// column is a value that templates use.
type column struct {
	name     string // as the mapping calls it
	names    []string
	paths    []keyPath // the same for nested data
	required bool
	origin   origin
	join     int // with originJoin: the place in input.joins
	place    int // with originJoin: the place in join.in.columns
}

// origin is where the value of a column comes from.
type origin int

const (
	originFile origin = iota
	originJoin
	originRowNumber
	originFileName
)

// join looks up a row of another file.
type join struct {
	name     string
	in       *input // its first column is the key
	match    int    // place in input.columns of what the key must equal
	optional bool
}

// template makes the events of one type from a row. Columns are places in input.columns; -1 is none.
type template struct {
	kind   event.Type
	when   []condition
	repeat int
	within int
	fields []field
}

type field struct {
	name   string
	text   text
	target target
}

// compiler collects the faults of a mapping while it is made ready to run.
type compiler struct {
	lines    map[string]int // by path
	faults   []fault
	calendar calendar
	tables   map[string]map[string]string
	in       *input
	aliases  map[string]list
	at       string // what is being compiled, for faults found deep inside
}

func (c *compiler) mapping(name string, doc document) *Mapping {
	zone, err := time.LoadLocation(doc.Zone)
	switch {
	case doc.Zone == "" || doc.Zone == "Local":
		c.fail("zone", "is missing: name the time zone of times that state none, such as UTC or Asia/Shanghai")
	case err != nil:
		c.fail("zone", "%q is not known: use an IANA name such as UTC or Asia/Shanghai", doc.Zone)
	}
	c.calendar.zone = zone
	for i, text := range doc.Times {
		if err := c.calendar.add(text); err != nil {
			c.fail(fmt.Sprintf("times[%d]", i), "%v", err)
		}
	}
	for _, language := range slices.Sorted(maps.Keys(doc.Title)) {
		if language != "en" && language != "zh" {
			c.fail("title."+language, "is no language there is: write en and zh")
		}
	}
	c.tables = doc.Tables
	if len(doc.Inputs) == 0 {
		c.fail("inputs", "is missing: list at least one file")
	}
	m := &Mapping{Name: name, Title: doc.Title, System: doc.System, Docs: doc.Docs, nulls: doc.Nulls}
	for i, d := range doc.Inputs {
		m.inputs = append(m.inputs, c.input(fmt.Sprintf("inputs[%d]", i), d))
	}
	m.calendar = c.calendar
	return m
}

func (c *compiler) input(at string, d inputDoc) input {
	c.in, c.aliases = &input{payload: d.Payload, optional: d.Optional}, d.Columns
	c.file(c.in, at, joinDoc{File: d.File, Format: d.Format, Encoding: d.Encoding, Delimiter: d.Delimiter})
	if c.in.payload && c.in.format == formatCSV {
		c.fail(at+".payload", "is JSON, and %s is not: give payloads an input of their own", d.File)
	}
	c.in.skip = d.Skip
	if d.Skip < 0 || d.Skip > 1000 {
		c.fail(at+".skip", "%d is no count of lines: give 0 to 1000", d.Skip)
	}
	if d.Rows != "" {
		if slices.Contains(formats(), c.in.format) && !nested(c.in.format) {
			c.fail(at+".rows", "is for JSON: a %s file has its rows without it", c.in.format)
		}
		c.in.rows = c.path(at+".rows", d.Rows)
		if strings.ContainsAny(d.Rows, "[]^") {
			c.fail(at+".rows", "%q is no path to an array: name the keys that lead to it, with points between", d.Rows)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Columns)) {
		if len(d.Columns[name]) == 0 {
			c.fail(at+".columns."+name, "is empty: name the columns that may stand for it")
		}
	}
	for i, j := range d.Join {
		c.join(fmt.Sprintf("%s.join[%d]", at, i), j, d.Payload)
	}
	c.in.when = c.conditions(at+".when", d.When)
	if len(d.Events) == 0 {
		c.fail(at+".events", "is missing: say what a row becomes")
	}
	for i, e := range d.Events {
		c.in.templates = append(c.in.templates, c.template(fmt.Sprintf("%s.events[%d]", at, i), e))
	}
	return *c.in
}

// file checks how a file is to be read.
func (c *compiler) file(in *input, at string, d joinDoc) {
	in.file, in.format, in.delimiter = d.File, d.Format, ','
	switch {
	case d.File == "" && in.payload:
		in.format = formatJSON
	case d.File == "" || checkPattern(d.File) != nil:
		c.fail(at+".file", "%q %v", d.File, checkPattern(d.File))
	case d.Format == "":
		if in.format = formatOf(d.File); in.format == "" {
			c.fail(at+".file", "%q is of no format that can be read: use .csv, .tsv, .json, .ndjson or .parquet, "+
				"or state format", d.File)
		}
	case !slices.Contains(formats(), d.Format):
		c.fail(at+".format", "%q is not known: use one of %q", d.Format, formats())
	}
	if in.format == formatTSV {
		in.format, in.delimiter = formatCSV, '\t'
	}
	if d.Delimiter != "" {
		if len(d.Delimiter) != 1 || strings.Contains("\"\r\n", d.Delimiter) || d.Delimiter[0] >= utf8.RuneSelf {
			c.fail(at+".delimiter", "%q is not usable: give one character, such as \";\" or \"\\t\"", d.Delimiter)
		}
		in.delimiter = d.Delimiter[0]
	}
	if d.Encoding != "" {
		var err error
		if in.encoding, err = encodingOf(d.Encoding); err != nil {
			c.fail(at+".encoding", "%q %v", d.Encoding, err)
		}
	}
}

func (c *compiler) join(at string, d joinDoc, payload bool) {
	c.at = at
	if payload {
		c.fail(at, "joins a file to a webhook, which has none: give the file an input of its own")
	}
	if d.Name == "" || strings.ContainsAny(d.Name, ".{}|#?") {
		c.fail(at+".name", "%q is no name: use letters, to write {user.COLUMN}", d.Name)
	}
	j := join{name: d.Name, in: &input{}, optional: d.Optional}
	c.file(j.in, at, d)
	if d.Key == "" {
		c.fail(at+".key", "is missing: name the column of %s that tells its rows apart", d.File)
		d.Key = "-"
	}
	j.in.add(c, d.Key, column{name: d.Key, required: true})
	if d.Match == "" {
		d.Match = d.Key
	}
	j.match = c.column(d.Match)
	c.in.joins = append(c.in.joins, j)
}

func (c *compiler) template(at string, d templateDoc) template {
	c.at = at
	t := template{kind: d.Type, repeat: c.column(d.Repeat), within: c.column(d.Within)}
	t.when = c.conditions(at+".when", d.When)
	if event.New(d.Type) == nil {
		c.fail(at+".type", "%q is no event type: use one of %q", d.Type, event.Types())
		return t
	}
	if d.Within != "" && d.Repeat == "" {
		c.fail(at+".within", "needs repeat: it says which column the repeats must not exceed")
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
	at += ".fields." + name
	c.at = at
	var err error
	if f.target, err = targetOf(t.kind, name); err != nil {
		c.fail(at, "%v", err)
	}
	if f.text, err = c.text(value, t.repeat >= 0); err != nil {
		c.fail(at, "%q %v", value, err)
	}
	return f
}

func (c *compiler) attribute(at string, t *template, name string) field {
	c.at = at + ".attributes"
	f := field{name: "attributes." + strings.TrimSuffix(name, "?"), text: text{{column: c.column(name)}}}
	var err error
	if f.target, err = targetOf(t.kind, f.name); err != nil {
		c.fail(at+".attributes", "are not in a %s: list them on a lead", t.kind)
	}
	return f
}

// unique refuses repeats that would all have one event id: they would count once.
func (c *compiler) unique(at string, t *template) {
	id := slices.IndexFunc(t.fields, func(f field) bool { return f.name == "event_id" })
	switch {
	case id < 0:
		c.fail(at+".fields.event_id", "is missing: build it from columns that identify the row")
	case t.repeat >= 0 && !slices.ContainsFunc(t.fields[id].text, func(p part) bool { return p.kind == partIndex }):
		c.fail(at+".fields.event_id", "is the same for every repeat: put {index} in it")
	}
}

// column returns the place of a column among those the templates use, or -1 for no column. A ? behind the name says
// that the file may do without it.
func (c *compiler) column(name string) int {
	if name == "" {
		return -1
	}
	bare := strings.TrimSuffix(name, "?")
	add := column{name: bare, required: bare == name}
	switch prefix, rest, dotted := strings.Cut(bare, "."); {
	case bare == "#row":
		add.origin = originRowNumber
	case bare == "#file":
		add.origin = originFileName
	case dotted:
		for i, j := range c.in.joins {
			if j.name == prefix {
				add.origin, add.join = originJoin, i
				add.place = j.in.add(c, rest, column{name: rest, required: add.required})
			}
		}
	}
	return c.in.add(c, bare, add)
}

// add returns the place of a column, and adds it where it is new.
func (in *input) add(c *compiler, name string, add column) int {
	if i := slices.IndexFunc(in.columns, func(have column) bool { return have.name == name }); i >= 0 {
		in.columns[i].required = in.columns[i].required || add.required
		return i
	}
	add.names = []string{name}
	if alias := c.aliases[name]; len(alias) > 0 && in == c.in {
		add.names = alias
	}
	if nested(in.format) && add.origin == originFile {
		for _, n := range add.names {
			add.paths = append(add.paths, c.path(c.at, n))
		}
	}
	in.columns = append(in.columns, add)
	return len(in.columns) - 1
}

// Inputs returns the file patterns that the mapping reads, each once, and "webhook" where it takes payloads.
func (m *Mapping) Inputs() []string {
	out := m.patterns()
	if m.TakesPayload() {
		out = append(out, "webhook")
	}
	return out
}
