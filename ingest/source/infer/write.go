package infer

import (
	"fmt"
	"strconv"
	"strings"
)

// line writes a line of YAML.
func (p *proposal) line(indent int, format string, args ...any) {
	p.out.WriteString(strings.Repeat(" ", indent) + fmt.Sprintf(format, args...) + "\n")
}

// because writes why a role has its column.
func (p *proposal) because(indent int, key string) {
	g := p.roles[key]
	sure := "low"
	if g.score >= 0.9 {
		sure = "high"
	} else if g.score >= 0.6 {
		sure = "fair"
	}
	text := fmt.Sprintf("# %s is %q: %s (confidence %s)", key, g.column.name, g.why, sure)
	if len(g.others) > 0 {
		text += fmt.Sprintf("; or else %q", g.others[:min(3, len(g.others))])
	}
	p.line(indent, "%s", text)
}

func (p *proposal) text() string {
	more := ""
	if p.sample.More {
		more = "first "
	}
	p.line(0, "# Proposed for %q from its %s%d rows. Each line is a guess from names and values of columns: read them all.",
		p.file, more, len(p.sample.Values))
	p.line(0, "title: {en: %q, zh: %q}", "Import of "+p.file, "导入 "+p.file)
	zone := "UTC"
	if p.chineseHeader() {
		zone = "Asia/Shanghai"
	}
	p.line(0, "# The zone of times that state none.")
	p.line(0, "zone: %s", zone)
	p.times()
	if len(p.nulls) > 0 {
		p.line(0, "# These stand where nothing is known.")
		p.line(0, "nulls: [%s]", quoted(p.nulls))
	}
	if p.has("stage") && !p.report() {
		p.stages()
	}
	p.input()
	if p.report() {
		p.cost()
	} else {
		p.lead()
	}
	return p.out.String()
}

// report says that the file is about advertising and not about people.
func (p *proposal) report() bool {
	return p.has("spend") && p.has("created") && p.has("impressions", "clicks", "campaign") && !p.has("phone", "email")
}

func (p *proposal) times() {
	g := p.roles["created"]
	if g == nil {
		p.line(0, "# No column has times: all is dated %s, when the file was saved. Set a better day.", p.at("created"))
		return
	}
	if g.column.form == "" {
		return
	}
	if other := g.column.swapped(); other != "" {
		p.line(0, "# Day and month could be the other way round: then it is %s.", other)
	}
	p.line(0, "times: [%q]", g.column.form)
}

func (p *proposal) stages() {
	p.line(0, "tables:")
	p.line(2, "# Our stages: new, mql, sql, opportunity, won, lost, recycled, invalid. \"\" is none.")
	p.line(2, "stage:")
	for _, v := range p.roles["stage"].column.kinds {
		p.line(4, "%q: %q", v, stageOf(v))
	}
	if p.sample.More {
		p.line(4, "# Values that are not in the rows looked at.")
		p.line(4, "\"*\": \"\"")
	}
}

// pattern spells a file's name as the pattern that only it has: a browser saves a second leads.csv as leads[1].csv.
var pattern = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

func (p *proposal) input() {
	p.line(0, "inputs:")
	p.line(2, "- file: %q", pattern.Replace(p.file))
	p.line(4, "format: %s", p.sample.Format)
	if p.sample.Format == "csv" && p.sample.Delimiter != ',' {
		p.line(4, "delimiter: %q", string(p.sample.Delimiter))
	}
	if p.sample.Skip > 0 {
		p.line(4, "skip: %d", p.sample.Skip)
	}
	if p.sample.Rows != "" {
		p.line(4, "rows: %q", p.sample.Rows)
	}
	for _, name := range p.twice {
		p.line(4, "# Column %q is there twice and left out: rename one.", name)
	}
	first := true
	for _, c := range p.columns {
		alias, ok := p.aliases[c.name]
		if ok && first {
			p.line(4, "columns:")
			first = false
		}
		if ok {
			p.line(6, "%s: %q", alias, c.name)
		}
	}
	p.line(4, "events:")
}

// event begins an event.
func (p *proposal) event(kind, suffix, at string, when ...string) {
	row, lead, why := p.id()
	p.line(6, "- type: %s", kind)
	if len(when) > 0 {
		p.line(8, "when: [%s]", quoted(when))
	}
	p.line(8, "fields:")
	if suffix == "lead" || kind == "cost" {
		p.line(10, "# %s.", why)
	}
	p.line(10, "event_id: %q", p.slug()+":"+row+":"+suffix)
	p.line(10, "occurred_at: %q", p.at(at))
	if kind != "cost" {
		p.line(10, "lead_id: %q", p.slug()+":"+lead)
	}
}

// field writes a field from a role, if a column has it.
func (p *proposal) field(key, name string, changes ...string) {
	if g := p.roles[key]; g != nil {
		p.because(10, key)
		p.line(10, "%s: %q", name, p.place(g.column, changes...))
	}
}

func (p *proposal) figure(key, name string) {
	if g := p.roles[key]; g != nil {
		p.because(10, key)
		p.line(10, "%s: %q", name, p.number(g.column))
	}
}

func (p *proposal) lead() {
	if p.has("created") {
		p.because(6, "created")
	}
	if p.has("id") {
		p.because(6, "id")
	}
	p.event("lead", "lead", "created")
	switch row, lead, _ := p.id(); {
	case p.has("created") && row == lead:
		p.line(10, "created_at: %q", p.at("created"))
	case p.has("created"):
		p.line(10, "# A lead of several rows is created at the earliest of them.")
	}
	p.field("name", "contact.name", "trim")
	for _, key := range []string{"phone", "email", "wechat"} {
		p.field(key, "contact."+key, "trim")
		if g := p.roles[key]; g != nil {
			p.line(10, "identifiers.%s: %q", key, p.place(g.column, "trim", "lower"))
		}
	}
	p.field("company", "company", "trim")
	p.field("source", "source", "trim")
	p.attributes()
	p.touch()
	if g := p.roles["owner"]; g != nil {
		p.event("assignment", "owner", "created", p.place(g.column))
		p.field("owner", "owner", "trim")
		p.field("team", "team", "trim")
		p.line(10, "action: assigned")
	}
	if p.has("stage") {
		p.stage()
	}
}

func (p *proposal) attributes() {
	used := map[string]bool{}
	for _, c := range p.rest() {
		name := p.roleOf(c)
		if name == "" || used[name] {
			name = c.name
		}
		if used[name] {
			continue
		}
		used[name] = true
		value := p.place(c)
		if c.shape == shapeNumber {
			value = p.number(c)
		}
		if len([]rune(name)) <= 200 {
			p.line(10, "%q: %q", "attributes."+name, value)
		}
	}
}

func (p *proposal) touch() {
	key := "channel"
	if !p.has(key) {
		key = "source"
	}
	if !p.has(key) {
		return
	}
	p.event("touchpoint", "touch", "created", p.place(p.roles[key].column))
	p.field(key, "channel", "trim")
	if key == "channel" && p.has("source") {
		p.field("source", "source", "trim")
	}
	p.field("campaign", "campaign", "trim")
	p.line(10, "# How the contact was made is not in the file.")
	p.line(10, "touch: form")
}

func (p *proposal) stage() {
	mapped := p.place(p.roles["stage"].column, "map:stage")
	if p.has("won_at") {
		p.event("stage", "stage", "created", mapped, mapped+" != won")
		p.because(10, "stage")
		p.line(10, "stage: %q", mapped)
		p.because(6, "won_at")
		p.event("stage", "won", "won_at", mapped+" = won")
		p.line(10, "stage: won")
	} else {
		p.line(6, "# When the stage was reached is not in the file: it is dated as the lead is.")
		p.event("stage", "stage", "created", mapped)
		p.because(10, "stage")
		p.line(10, "stage: %q", mapped)
	}
	if p.has("amount") {
		p.figure("amount", "amount")
		p.currency()
	}
}

func (p *proposal) currency() {
	p.line(10, "# The file states no currency.")
	if p.chineseHeader() {
		p.line(10, "currency: CNY")
		return
	}
	p.line(10, "currency: USD")
}

func (p *proposal) cost() {
	p.because(6, "created")
	p.event("cost", "cost", "created")
	p.line(10, "date: %q", p.at("created"))
	switch {
	case p.has("channel"):
		p.field("channel", "channel", "trim")
	case p.has("source"):
		p.field("source", "channel", "trim")
	default:
		p.line(10, "# No column names the channel.")
		p.line(10, "channel: ads")
	}
	p.field("campaign", "campaign", "trim")
	p.figure("spend", "amount")
	p.currency()
	p.figure("impressions", "impressions")
	p.figure("clicks", "clicks")
}

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strconv.Quote(s)
	}
	return strings.Join(out, ", ")
}
