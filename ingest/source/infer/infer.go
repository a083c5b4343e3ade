// Package infer proposes a mapping for a file that nobody has described, from the names and values of its columns.
package infer

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"clew/ingest/event"
	"clew/ingest/source"
)

// sampleRows is how many rows a proposal looks at.
const sampleRows = 5000

// Propose returns a mapping for a file as YAML, with the reason for every choice as a comment. It is a proposal: what a
// column means is known to who wrote the file. The mapping has no faults of its own; a row with what no event can hold,
// such as a text beyond event.MaxText, is refused by it as by any other.
func Propose(file string) ([]byte, error) {
	sample, err := source.TakeSample(file, sampleRows)
	if err != nil {
		return nil, err
	}
	if len(sample.Columns) == 0 || len(sample.Values) == 0 {
		return nil, fmt.Errorf("file %q has no rows to guess from: export some", file)
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	p := &proposal{sample: sample, file: filepath.Base(file), saved: info.ModTime()}
	p.look()
	text := []byte(p.text())
	if _, err := source.Parse(p.slug(), text); err != nil {
		return nil, fmt.Errorf("file %q: no mapping could be proposed: %w", file, err)
	}
	return text, nil
}

// special is what a name must not have to stand in a placeholder or a condition.
var special = regexp.MustCompile(`[{}|^#=<>]|\?$|^index$| (in|not in|is empty)( |$)`)

// proposal is a mapping on its way.
type proposal struct {
	sample  *source.Sample
	file    string
	saved   time.Time
	columns []*column
	nulls   []string
	roles   map[string]*guess
	aliases map[string]string // by column name, where it cannot stand in a placeholder
	twice   []string          // columns that are there twice
	out     strings.Builder
}

func (p *proposal) look() {
	p.columns, p.nulls = columns(p.sample)
	p.aliases = map[string]string{}
	count := map[string]int{}
	for _, c := range p.columns {
		if count[c.name]++; count[c.name] == 2 {
			p.twice = append(p.twice, c.name)
		}
	}
	p.columns = slices.DeleteFunc(p.columns, func(c *column) bool {
		return c.name == "" || count[c.name] > 1 || c.shape == shapeEmpty
	})
	for i, c := range p.columns {
		if special.MatchString(c.name) {
			p.aliases[c.name] = "column" + strconv.Itoa(i+1)
		}
	}
	p.roles = assign(p.columns)
	known := func(v string) bool { return stageOf(v) != "" }
	if s := p.roles["stage"]; s != nil && !slices.ContainsFunc(s.column.kinds, known) {
		delete(p.roles, "stage")
	}
	if won := p.roles["won_at"]; won != nil && !p.has("created") {
		p.roles["created"] = won
		delete(p.roles, "won_at")
	}
}

// slug begins the ids, so that two files do not share them.
func (p *proposal) slug() string {
	name, _, _ := strings.Cut(p.file, ".")
	slug := strings.Trim(strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToLower(r)
		}
		return '-'
	}, name), "-")
	if slug == "" {
		return "import"
	}
	return slug[:min(len(slug), 20)]
}

// has says whether a role has a column.
func (p *proposal) has(keys ...string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return p.roles[k] != nil })
}

// ref is a column's name as a placeholder has it.
func (p *proposal) ref(c *column) string { return cmp.Or(p.aliases[c.name], c.name) }

// place is a column's placeholder with changes.
func (p *proposal) place(c *column, changes ...string) string {
	return "{" + strings.Join(append([]string{p.ref(c)}, changes...), "|") + "}"
}

// number is a placeholder for a number, changed only where it must be.
func (p *proposal) number(c *column) string {
	if c.loose {
		return p.place(c, "number")
	}
	return p.place(c)
}

// at is a placeholder for a time. The mapping lists the form of created; another form is stated where it is used, so
// that neither is read as the other.
func (p *proposal) at(key string) string {
	g, first := p.roles[key], p.roles["created"]
	switch g {
	case nil:
		return p.saved.UTC().Format(time.DateOnly)
	case first:
		return p.place(g.column)
	}
	var changes []string
	if form := g.column.form; form != "" && form != first.column.form {
		changes = append(changes, "time:"+form)
	}
	return p.place(g.column, append(changes, "or:"+p.ref(first.column))...)
}

// chineseHeader says whether a column has a Chinese name.
func (p *proposal) chineseHeader() bool {
	return slices.ContainsFunc(p.columns, func(c *column) bool {
		return strings.ContainsFunc(c.name, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	})
}

// id returns the text that tells rows apart, the text that tells leads apart, and why.
func (p *proposal) id() (row, lead, why string) {
	number := "{#row|pad:8}"
	for _, key := range []string{"id", "phone", "email"} {
		g := p.roles[key]
		if g == nil || len(g.column.values) < g.column.rows {
			continue
		}
		one := p.place(g.column)
		if key != "id" {
			one = p.place(g.column, "trim", "lower", "hash")
		} else if g.column.longest()+len(p.slug()) > event.MaxEventID-10 {
			one = p.place(g.column, "hash")
		}
		if g.column.unique {
			return one, one, fmt.Sprintf("%q tells the rows apart", g.column.name)
		}
		return number, one, fmt.Sprintf("%q is in several rows, so the number of the row tells them apart: the file must "+
			"keep its order", g.column.name)
	}
	return number, number, "no column tells the rows apart, so their number does: the file must keep its order"
}

func (c *column) longest() int {
	n := 0
	for _, v := range c.values {
		n = max(n, len(v))
	}
	return n
}

// rest are the columns that no field of its own takes, for attributes.
func (p *proposal) rest() []*column {
	used := map[*column]bool{}
	for key, g := range p.roles {
		if p.takes(key) {
			used[g.column] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(p.columns), func(c *column) bool { return used[c] })
}

// takes says that the events about a lead have a field for a role.
func (p *proposal) takes(key string) bool {
	switch key {
	case "id", "created", "name", "phone", "email", "wechat", "company", "source", "channel":
		return true
	case "campaign":
		return p.has("channel", "source")
	case "owner", "team":
		return p.has("owner")
	case "stage", "won_at", "amount":
		return p.has("stage")
	}
	return false
}

// attributeRole says that a role only names an attribute.
func attributeRole(key string) bool {
	return slices.Contains([]string{"industry", "region", "product", "budget", "title", "employees"}, key)
}

// roleOf returns the attribute role of a column, or nothing.
func (p *proposal) roleOf(c *column) string {
	for key, g := range p.roles {
		if g.column == c && attributeRole(key) {
			return key
		}
	}
	return ""
}
