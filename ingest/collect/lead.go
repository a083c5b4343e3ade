package collect

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"clew/ingest/event"
)

// identifiers are the traits that tie an event to a person, from whichever object has them first.
func identifiers(traits ...value) map[string]string {
	var found map[string]string
	for _, id := range [...]struct{ name, trait string }{
		{"email", "email"}, {"phone", "phone"}, {"wechat_unionid", "unionid"}, {"wechat_unionid", "wechat_unionid"},
	} {
		for _, t := range traits {
			text := t.string(id.trait)
			if text == "" || utf8.RuneCountInString(text) > event.MaxID || found[id.name] != "" {
				continue
			}
			if found == nil {
				found = map[string]string{}
			}
			found[id.name] = text
		}
	}
	return found
}

// behavior maps track, page and screen. Everything the message holds is in the properties, also what has a field.
func (m *message) behavior(head event.Header) *event.Behavior {
	p := m.properties
	b := &event.Behavior{Header: head, Name: m.event, Value: amount(p)}
	switch m.kind {
	case kindPage:
		b.Name = "page_view"
	case kindScreen:
		b.Name = "screen_view"
	}
	b.PageGroup, _ = p.member("category").or(quoteIf(m.category), p.member("name"), quoteIf(m.name)).text()
	b.SessionID, _ = m.context.member("sessionId").or(m.context.member("session_id"), p.member("session_id")).text()
	all := new(flat)
	all.addAll("", p)
	for _, v := range [...]struct{ name, text string }{{"name", m.name}, {"category", m.category}} {
		if _, has := all.entries[v.name]; !has && v.text != "" {
			all.add(v.name, quote(v.text))
		}
	}
	all.add("traits", m.traits)
	m.surroundings(all)
	b.Properties = all.done()
	return b
}

// surroundings adds what stands around properties and traits. The traits within a context are left out: they are
// personal, and an identify brings them too.
func (m *message) surroundings(all *flat) {
	for name, v := range m.context.members() {
		if name != "traits" && !transport[name] {
			all.add("context."+name, v)
		}
	}
	all.merge(m.extra)
}

// amount is what an event is worth: its revenue, or else its value.
func amount(p value) float64 {
	for _, name := range []string{"revenue", "value", "total"} {
		if v, err := strconv.ParseFloat(p.string(name), 64); err == nil && v-v == 0 { // neither NaN nor infinite
			return v
		}
	}
	return 0
}

// lead maps identify, and group, whose traits are those of the lead's company.
func (m *message) lead(head event.Header) *event.Lead {
	l := &event.Lead{Header: head}
	all := new(flat)
	if m.kind == kindGroup {
		l.Company, _ = m.traits.member("name").text()
		all.add("group_id", quote(m.groupID))
		company(all, m.traits)
	} else {
		m.person(l, all)
	}
	m.surroundings(all)
	l.Attributes = all.done()
	return l
}

// person takes what is known of a lead out of its traits. The rest are attributes, under their own names.
func (m *message) person(l *event.Lead, all *flat) {
	traits := m.traits
	if traits == "" { // where browsers of some makers put them
		traits = m.context.member("traits")
	}
	var c event.Contact
	first, last := "", ""
	for name, v := range traits.members() {
		text, ok := v.text()
		switch name {
		case "name":
			c.Name = text
		case "firstName", "first_name":
			first = text
		case "lastName", "last_name":
			last = text
		case "email":
			c.Email = text
		case "phone":
			c.Phone = text
		case "wechat":
			c.WeChat = text
		case "source":
			l.Source = text
		case "createdAt", "created_at":
			l.CreatedAt = created(text)
			ok = l.CreatedAt != nil
		case "company":
			if l.Company = text; v.isObject() {
				l.Company = v.string("name")
				company(all, v)
				ok = true
			}
		default:
			ok = false
		}
		if !ok {
			all.add(name, v)
		}
	}
	if c.Name == "" {
		c.Name = fullName(first, last)
	} else {
		all.add("firstName", quoteIf(first))
		all.add("lastName", quoteIf(last))
	}
	if c != (event.Contact{}) {
		l.Contact = &c
	}
}

// company adds the traits of a company. Its industry and size are the lead's too: those are asked for by these names.
func company(all *flat, traits value) {
	for name, v := range traits.members() {
		switch name {
		case "name":
		case "industry", "employees":
			all.add(name, v)
		default:
			all.add("company."+name, v)
		}
	}
}

// fullName puts the family name first where it is written in Han characters, without a space.
func fullName(first, last string) string {
	if r, _ := utf8.DecodeRuneInString(last); unicode.Is(unicode.Han, r) {
		return last + first
	}
	return strings.TrimSpace(first + " " + last)
}

// created reads when a user was created: ISO 8601, or seconds or milliseconds since 1970.
func created(text string) *time.Time {
	if t, fault := instant(text, ""); fault == nil {
		return &t
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return nil
	}
	const milliseconds = 1e11 // as seconds, a time in the year 5138
	if n < milliseconds {
		n *= 1000
	}
	t := time.UnixMilli(n).UTC()
	return &t
}

// alias says that two ids are one person, by an update of the lead that carries both.
func (m *message) alias(head event.Header) *event.Lead {
	if head.AnonymousID != "" && head.AnonymousID != m.previousID {
		m.extra.add("anonymousId", quote(head.AnonymousID))
	}
	head.AnonymousID = m.previousID
	l := &event.Lead{Header: head}
	all := new(flat)
	all.addAll("", m.traits)
	m.surroundings(all)
	l.Attributes = all.done()
	return l
}
