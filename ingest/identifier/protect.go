package identifier

import (
	"cmp"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"clew/ingest/event"
)

// Protect replaces what names a person in an event, before it is stored:
//
//   - of identifiers, each value of a personal kind by its hash, under the kind's one name (a mobile is a phone);
//     others, such as the id of a record in a CRM, stay;
//   - of a lead, phone, email and wechat by their masked form; their hashes are added to the identifiers;
//   - attributes and properties whose names say that they hold such a value by its masked form;
//   - in URLs, e-mail addresses and parameters of such names by the masked form.
//
// An address or number that is none goes under a name with InvalidSuffix. The contact's name stays: people work with it.
// So do lead ids and anonymous ids, which other systems know the person by. Protecting twice changes nothing more.
func (p *Protector) Protect(e event.Event) {
	h := e.Head()
	if len(h.Identifiers) > 0 {
		h.Identifiers = p.identifiers(h.Identifiers)
	}
	switch e := e.(type) {
	case *event.Touchpoint:
		e.URL, e.Referrer = MaskURL(e.URL), MaskURL(e.Referrer)
	case *event.Behavior:
		maskScalars(e.Properties)
	case *event.Lead:
		maskScalars(e.Attributes)
		if e.Contact != nil {
			p.contact(h, e.Contact)
		}
	}
}

// identifiers hashes the personal ones.
func (p *Protector) identifiers(of map[string]string) map[string]string {
	for name, value := range of {
		if !IsHash(value) && (KindOf(name) != KindNone || strings.Contains(value, "@")) {
			return p.hashed(of)
		}
	}
	return of
}

// hashed goes through the names in order, those that values are hashed under first: they keep their values.
func (p *Protector) hashed(of map[string]string) map[string]string {
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(-compareBool(Canonical(a) == a, Canonical(b) == b), cmp.Compare(a, b))
	})
	safe := make(map[string]string, len(of)+2)
	for _, name := range names {
		value := of[name]
		if KindOf(name) != KindNone && !IsHash(value) {
			p.add(safe, name, value)
			continue
		}
		// A name of one's own may hold an address all the same.
		if _, ok := normalEmail(value); ok {
			value = p.Hash(string(KindEmail), value)
		}
		safe[name] = value
	}
	return safe
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// add puts the hash of a personal identifier into the map, under the name of its kind, or where another value stands
// there under its own. The empty value and a masked one identify nobody.
func (p *Protector) add(to map[string]string, name, value string) {
	if strings.TrimSpace(value) == "" || IsHash(value) || IsMasked(value) {
		return
	}
	name = strings.TrimSuffix(name, InvalidSuffix)
	under := Canonical(name)
	normal, valid := Normalise(KindOf(name), value)
	sum := p.sum(under, normal)
	if !valid {
		name, under = name+InvalidSuffix, under+InvalidSuffix
	}
	if had, ok := to[under]; ok && had != sum {
		under = name
	}
	to[under] = sum
}

// contact masks a lead's contact and adds its identifiers. One that differs from what the event gives itself goes under
// contact_email, contact_phone or contact_wechat.
func (p *Protector) contact(h *event.Header, c *event.Contact) {
	for _, v := range []struct {
		name  string
		value *string
	}{{"contact_email", &c.Email}, {"contact_phone", &c.Phone}, {"contact_wechat", &c.WeChat}} {
		if *v.value == "" {
			continue
		}
		if h.Identifiers == nil {
			h.Identifiers = make(map[string]string, 3)
		}
		p.add(h.Identifiers, v.name, *v.value)
		*v.value = Mask(KindOf(v.name), *v.value)
	}
}

// maskScalars masks the values whose names say that they name a person, and which may: a column "phone" may also say
// yes or no. The map is the event's own.
func maskScalars(m map[string]event.Scalar) {
	for name, value := range m {
		if kind := KindOf(name); kind != KindNone && maybe(kind, string(value)) {
			m[name] = event.Scalar(Mask(kind, string(value)))
		}
	}
}

// The least a phone number and an id have, in digits and characters.
const (
	leastDigits = 6
	leastID     = 5
)

func maybe(k Kind, value string) bool {
	switch k {
	case KindEmail:
		return strings.ContainsAny(value, "@＠")
	case KindPhone:
		n := 0
		for _, r := range fold(value) {
			if r >= '0' && r <= '9' {
				n++
			}
		}
		return n >= leastDigits
	case KindNone, KindWeChat, KindOther:
	}
	return len(value) >= leastID
}

// emailInURL is an address in a URL, with its @ as it is or escaped.
var emailInURL = regexp.MustCompile(`(?i)[a-z0-9._+~-]+(%2B[a-z0-9._+~-]*)*(@|%40)[a-z0-9-]+(\.[a-z0-9-]+)+`)

// MaskURL masks the e-mail addresses in a URL behind its path, and the parameters whose names say that they name a
// person. A user before the host stays: it says nothing of a visitor.
func MaskURL(raw string) string {
	i := strings.IndexAny(raw, "?#")
	if i < 0 {
		return raw
	}
	query := raw[i:]
	if strings.Contains(query, "@") || strings.Contains(query, "%40") {
		query = emailInURL.ReplaceAllStringFunc(query, func(found string) string {
			if plain, err := url.QueryUnescape(found); err == nil {
				return Mask(KindEmail, plain)
			}
			return stars
		})
	}
	if masked := maskParameters(query); masked != raw[i:] {
		return raw[:i] + masked
	}
	return raw
}

// maskParameters masks values by the names of their parameters. What is not masked stays as it is written.
func maskParameters(query string) string {
	out, copied := []byte(nil), 0
	for at := 0; at < len(query); {
		end := len(query)
		if i := strings.IndexAny(query[at+1:], "&#?;"); i >= 0 {
			end = at + 1 + i
		}
		as := query[at+1 : end]
		if masked := maskParameter(as); masked != as {
			out = append(append(out, query[copied:at+1]...), masked...)
			copied = end
		}
		at = end
	}
	if out == nil {
		return query
	}
	return string(append(out, query[copied:]...))
}

func maskParameter(as string) string {
	name, value, _ := strings.Cut(as, "=")
	if strings.ContainsAny(name, "%+") {
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
	}
	kind := KindOf(name)
	if kind == KindNone {
		return as
	}
	plain, err := url.QueryUnescape(value)
	if err != nil {
		plain = value
	}
	// A plus sign is a space in a query, and mostly meant as one in a phone number.
	if kind == KindPhone && strings.HasPrefix(plain, " ") {
		plain = "+" + plain[1:]
	}
	if !maybe(kind, plain) || IsMasked(plain) {
		return as
	}
	written, _, _ := strings.Cut(as, "=")
	return written + "=" + strings.ReplaceAll(Mask(kind, plain), " ", "+")
}
