package source

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"clew/ingest/event"
)

// document is a mapping as it is written. Its language is in mappings/README.md.
type document struct {
	Title  map[string]string            `yaml:"title"`
	System string                       `yaml:"system"`
	Docs   string                       `yaml:"docs"`
	Zone   string                       `yaml:"zone"`
	Times  []string                     `yaml:"times"`
	Nulls  []string                     `yaml:"nulls"`
	Tables map[string]map[string]string `yaml:"tables"`
	Inputs []inputDoc                   `yaml:"inputs"`
}

type inputDoc struct {
	File      string          `yaml:"file"`
	Optional  bool            `yaml:"optional"`
	Payload   bool            `yaml:"payload"`
	Format    string          `yaml:"format"`
	Encoding  string          `yaml:"encoding"`
	Delimiter string          `yaml:"delimiter"`
	Skip      int             `yaml:"skip"`
	Rows      string          `yaml:"rows"`
	Columns   map[string]list `yaml:"columns"`
	Join      []joinDoc       `yaml:"join"`
	When      list            `yaml:"when"`
	Events    []templateDoc   `yaml:"events"`
}

type joinDoc struct {
	Name      string `yaml:"name"`
	File      string `yaml:"file"`
	Format    string `yaml:"format"`
	Encoding  string `yaml:"encoding"`
	Delimiter string `yaml:"delimiter"`
	Key       string `yaml:"key"`
	Match     string `yaml:"match"`
	Optional  bool   `yaml:"optional"`
}

type templateDoc struct {
	Type       event.Type        `yaml:"type"`
	When       list              `yaml:"when"`
	Repeat     string            `yaml:"repeat"`
	Within     string            `yaml:"within"`
	Fields     map[string]string `yaml:"fields"`
	Attributes []string          `yaml:"attributes"`
}

// list is one text or several.
type list []string

// UnmarshalYAML takes a scalar or a sequence of scalars.
func (l *list) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = list{n.Value}
		return nil
	}
	return n.Load((*[]string)(l))
}

// Parse reads a mapping. Its error lists every fault of the mapping at once, one a line, with its line in the text.
func Parse(name string, data []byte) (*Mapping, error) {
	var doc document
	c := &compiler{calendar: calendar{mapping: name}, lines: map[string]int{}}
	if err := yaml.Load(data, &doc, yaml.WithKnownFields()); err != nil && len(data) > 0 {
		typed, ok := errors.AsType[*yaml.LoadErrors](err)
		if !ok {
			return nil, fmt.Errorf("mapping %q is not YAML: %w", name, err)
		}
		for _, e := range typed.Errors {
			c.faults = append(c.faults, fault{e.Mark.Line, unknownKey(e.Message)})
		}
	}
	var root yaml.Node
	if err := yaml.Load(data, &root); err == nil && len(root.Content) > 0 {
		c.index("", root.Content[0])
	}
	m := c.mapping(name, doc)
	if len(c.faults) > 0 {
		return nil, fmt.Errorf("mapping %q is wrong:\n  %s", name, strings.Join(c.report(), "\n  "))
	}
	m.Hash = fmt.Sprintf("%x", sha256.Sum256(data))
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

// fault is one fault of a mapping. Line is 0 where nothing is written that could be pointed at.
type fault struct {
	line int
	text string
}

// index remembers the line of every key and item by its path, such as inputs[0].events[1].fields.lead_id.
func (c *compiler) index(path string, n *yaml.Node) {
	if _, known := c.lines[path]; !known {
		c.lines[path] = n.Line
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			at := strings.TrimPrefix(path+"."+n.Content[i].Value, ".")
			c.lines[at] = n.Content[i].Line
			c.index(at, n.Content[i+1])
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			c.index(fmt.Sprintf("%s[%d]", path, i), item)
		}
	default:
	}
}

// fail notes a fault at a path. What is missing is reported where it should stand.
func (c *compiler) fail(at, format string, args ...any) {
	line := 0
	for place := at; place != "" && line == 0; {
		line = c.lines[place]
		place = place[:max(0, strings.LastIndexAny(place, ".["))]
	}
	c.faults = append(c.faults, fault{line, at + " " + fmt.Sprintf(format, args...)})
}

// report returns the faults in the order of the text.
func (c *compiler) report() []string {
	slices.SortStableFunc(c.faults, func(a, b fault) int { return cmp.Compare(a.line, b.line) })
	out := make([]string, len(c.faults))
	for i, f := range c.faults {
		out[i] = f.text
		if f.line > 0 {
			out[i] = fmt.Sprintf("line %d: %s", f.line, f.text)
		}
	}
	return slices.Compact(out)
}
