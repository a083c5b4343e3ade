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
	p.line(indent, "%s", comment(text))
}

// comment keeps a text on one line.
func comment(text string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(text) }

func (p *proposal) text() string {
	more := ""
	if p.sample.More {
		more = "first "
	}
	p.line(0, "# Proposed for %s from its %s%d rows. Each line is a guess from names and values of columns: read them all.",
		comment(p.file), more, len(p.sample.Values))
	p.line(0, "title: {en: %s, zh: %s}", quote("Import of "+p.file), quote("导入 "+p.file))
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
	if g.column.form == "" || p.manyAts {
		return
	}
	if other := g.column.swapped(); other != "" {
		p.line(0, "# Day and month could be the other way round: then it is %s.", other)
	}
	p.line(0, "times: [%s]", quote(g.column.form))
}

func (p *proposal) stages() {
	p.line(0, "tables:")
	p.line(2, "# Our stages: new, mql, sql, opportunity, won, lost, recycled, invalid. \"\" is none.")
	p.line(2, "stage:")
	for _, s := range p.sortedStages() {
		p.line(4, "%s: %s", quote(s[0]), quote(s[1]))
	}
	if p.sample.More {
		p.line(4, "# Values that are not in the rows looked at.")
		p.line(4, "\"*\": \"\"")
	}
}

func (p *proposal) input() {
	p.line(0, "inputs:")
	p.line(2, "- file: %s", quote(p.file))
	p.line(4, "format: %s", p.sample.Format)
	if p.sample.Format == "csv" && p.sample.Delimiter != ',' {
		p.line(4, "delimiter: %s", quote(string(p.sample.Delimiter)))
	}
	if p.sample.Skip > 0 {
		p.line(4, "skip: %d", p.sample.Skip)
	}
	if p.sample.Rows != "" {
		p.line(4, "rows: %s", quote(p.sample.Rows))
	}
	for _, name := range p.twice {
		p.line(4, "# Column %q is there twice and left out: rename one.", comment(name))
	}
	first := true
	for _, c := range p.columns {
		alias, ok := p.aliases[c.name]
		if ok && first {
			p.line(4, "columns:")
			first = false
		}
		if ok {
			p.line(6, "%s: %s", alias, quote(c.name))
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
		p.line(10, "%s", comment("# "+why+"."))
	}
	p.line(10, "event_id: %s", quote(p.slug()+":"+row+":"+suffix))
	p.line(10, "occurred_at: %s", quote(p.at(at)))
	if kind != "cost" {
		p.line(10, "lead_id: %s", quote(p.slug()+":"+lead))
	}
}

// field writes a field from a role, if a column has it.
func (p *proposal) field(key, name string, changes ...string) {
	if g := p.roles[key]; g != nil {
		p.because(10, key)
		p.line(10, "%s: %s", name, quote(p.place(g.column, changes...)))
	}
}

func (p *proposal) figure(key, name string) {
	if g := p.roles[key]; g != nil {
		p.because(10, key)
		p.line(10, "%s: %s", name, quote(p.number(g.column)))
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
		p.line(10, "created_at: %s", quote(p.at("created")))
	case p.has("created"):
		p.line(10, "# A lead of several rows is created at the earliest of them.")
	}
	p.field("name", "contact.name", "trim")
	for _, key := range []string{"phone", "email", "wechat"} {
		p.field(key, "contact."+key, "trim")
		if g := p.roles[key]; g != nil {
			p.line(10, "identifiers.%s: %s", key, quote(p.place(g.column, "trim", "lower")))
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
			p.line(10, "%s: %s", quote("attributes."+name), quote(value))
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
		p.line(10, "stage: %s", quote(mapped))
		p.because(6, "won_at")
		p.event("stage", "won", "won_at", mapped+" = won")
		p.line(10, "stage: won")
	} else {
		p.line(6, "# When the stage was reached is not in the file: it is dated as the lead is.")
		p.event("stage", "stage", "created", mapped)
		p.because(10, "stage")
		p.line(10, "stage: %s", quote(mapped))
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
	p.line(10, "date: %s", quote(p.at("created")))
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

func quote(s string) string { return strconv.Quote(s) }

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quote(s)
	}
	return strings.Join(out, ", ")
}
