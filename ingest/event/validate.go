package event

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// The limits of the contract. Lengths are in characters (Unicode code points), as JSON Schema counts them.
const (
	// MaxSize is the largest message in bytes: 1 MiB, what a Kafka broker takes by default.
	MaxSize = 1 << 20
	// MaxEventID is the longest event_id.
	MaxEventID = 64
	// MaxID is the longest lead_id, anonymous_id, workspace, identifier, and name of a map's entry.
	MaxID = 256
	// MaxText is the longest value of any other text field.
	MaxText = 4096
	// MaxEntries is the most entries of identifiers, properties or attributes.
	MaxEntries = 256
)

var (
	minTime = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTime = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// checker keeps the first fault, so that a Validate reads as a list of rules.
type checker struct{ fault *Fault }

func (c *checker) fail(reason, field, format string, args ...any) {
	if c.fault == nil {
		c.fault = &Fault{Reason: reason, Field: field, Detail: field + " " + fmt.Sprintf(format, args...)}
	}
}

// err avoids the trap of a nil *Fault in a non-nil error.
func (c *checker) err() error {
	if c.fault == nil {
		return nil
	}
	return c.fault
}

func (c *checker) required(field, value string, limit int) {
	if value == "" {
		c.fail(ReasonMissingField, field, "is missing: send it, not empty")
	}
	c.text(field, value, limit)
}

func (c *checker) text(field, value string, limit int) {
	if !utf8.ValidString(value) {
		c.fail(ReasonInvalidValue, field, "is not valid UTF-8: send text in UTF-8")
	}
	if len(value) > limit && utf8.RuneCountInString(value) > limit {
		c.fail(ReasonInvalidValue, field, "has %d characters: shorten it to %d or fewer",
			utf8.RuneCountInString(value), limit)
	}
}

func (c *checker) texts(fields ...[2]string) {
	for _, f := range fields {
		c.text(f[0], f[1], MaxText)
	}
}

func (c *checker) time(field string, t time.Time) {
	if t.Before(minTime) || !t.Before(maxTime) {
		c.fail(ReasonInvalidValue, field, "is %s: send a time in the years 1970 to 2199", t.Format(time.RFC3339))
	}
}

func (c *checker) number(field string, v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		c.fail(ReasonInvalidValue, field, "is %v: send a finite number", v)
	}
}

// currency wants upper case, so that "usd" and "USD" do not become two currencies.
func (c *checker) currency(value string) {
	ok := len(value) == 3
	for i := range len(value) {
		ok = ok && value[i] >= 'A' && value[i] <= 'Z'
	}
	if !ok {
		c.fail(ReasonInvalidValue, "currency", "is %s: send three capital letters of ISO 4217, such as CNY",
			strconv.Quote(clip(value)))
	}
}

// entries checks the names and sizes of a map; a name that is at fault is the field.
func entries[V ~string](c *checker, field string, m map[string]V, limit int, emptyOK bool) {
	if len(m) > MaxEntries {
		c.fail(ReasonInvalidValue, field, "has %d entries: send %d or fewer", len(m), MaxEntries)
		return
	}
	for name, v := range m {
		if name == "" || len(name) > MaxID || len(v) > limit || (v == "" && !emptyOK) ||
			!utf8.ValidString(name) || !utf8.ValidString(string(v)) {
			// At fault, or perhaps only long in bytes: look at all, once, in the order of names.
			value := func(n string) string { return string(m[n]) }
			c.entryFault(field, slices.Sorted(maps.Keys(m)), value, limit, emptyOK)
			return
		}
	}
}

// entryFault finds the first fault in the order of names, so that one message always gives one answer.
func (c *checker) entryFault(field string, names []string, value func(string) string, limit int, emptyOK bool) {
	for _, name := range names {
		path := field + "." + clip(name)
		switch {
		case name == "":
			c.fail(ReasonInvalidValue, field, "has an entry without a name: name it or leave it out")
		case !utf8.ValidString(name):
			c.fail(ReasonInvalidValue, field, "has a name that is not valid UTF-8: send text in UTF-8")
		case utf8.RuneCountInString(name) > MaxID:
			c.fail(ReasonInvalidValue, path, "has a name of more than %d characters: shorten it", MaxID)
		case value(name) == "" && !emptyOK:
			c.fail(ReasonInvalidValue, path, "is empty: leave it out when it is not known")
		default:
			c.text(path, value(name), limit)
		}
	}
}

func clip(s string) string {
	if len(s) <= 64 {
		return s
	}
	cut := 64
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func (c *checker) header(h *Header, want Type) {
	switch {
	case h.Type == "" || h.Type == want:
	case Topic(h.Type) == "":
		c.fail(ReasonUnknownType, "type", "is %q, which is no type there is: send %q or leave it out",
			clip(string(h.Type)), want)
	default:
		c.fail(ReasonInvalidValue, "type", "is %q in a message that is a %s: send it to topic %s",
			h.Type, want, Topic(h.Type))
	}
	c.required("event_id", h.EventID, MaxEventID)
	if h.OccurredAt.IsZero() {
		c.fail(ReasonMissingField, "occurred_at", "is missing: send when it happened, such as 2026-01-31T08:00:00.000Z")
	}
	c.time("occurred_at", h.OccurredAt)
	c.text("lead_id", h.LeadID, MaxID)
	c.text("anonymous_id", h.AnonymousID, MaxID)
	c.text("workspace", h.Workspace, MaxID)
	entries(c, "identifiers", h.Identifiers, MaxID, false)
	if want != TypeCost && h.LeadID == "" && h.AnonymousID == "" && len(h.Identifiers) == 0 {
		c.fail(ReasonMissingField, "lead_id",
			"is missing: send lead_id, anonymous_id or identifiers to say whose event this is")
	}
}

// Validate reports the first fault as a *Fault, or nil.
func (e *Touchpoint) Validate() error {
	var c checker
	c.header(&e.Header, TypeTouchpoint)
	c.required("channel", e.Channel, MaxText)
	c.required("touch", e.Touch, MaxText)
	c.texts([2]string{"source", e.Source}, [2]string{"medium", e.Medium}, [2]string{"campaign", e.Campaign},
		[2]string{"content", e.Content}, [2]string{"term", e.Term}, [2]string{"url", e.URL},
		[2]string{"referrer", e.Referrer})
	return c.err()
}

// Validate reports the first fault as a *Fault, or nil.
func (e *Behavior) Validate() error {
	var c checker
	c.header(&e.Header, TypeBehavior)
	c.required("name", e.Name, MaxText)
	c.texts([2]string{"page_group", e.PageGroup}, [2]string{"session_id", e.SessionID})
	c.number("value", e.Value)
	entries(&c, "properties", e.Properties, MaxText, true)
	return c.err()
}

// Validate reports the first fault as a *Fault, or nil.
func (e *Lead) Validate() error {
	var c checker
	c.header(&e.Header, TypeLead)
	if e.CreatedAt != nil {
		c.time("created_at", *e.CreatedAt)
	}
	if p := e.Contact; p != nil {
		c.texts([2]string{"contact.name", p.Name}, [2]string{"contact.phone", p.Phone},
			[2]string{"contact.email", p.Email}, [2]string{"contact.wechat", p.WeChat})
	}
	c.texts([2]string{"company", e.Company}, [2]string{"source", e.Source})
	entries(&c, "attributes", e.Attributes, MaxText, true)
	return c.err()
}

// Validate reports the first fault as a *Fault, or nil.
func (e *Activity) Validate() error {
	var c checker
	c.header(&e.Header, TypeActivity)
	c.required("owner", e.Owner, MaxText)
	c.required("method", e.Method, MaxText)
	c.number("duration_s", e.DurationS)
	if e.DurationS < 0 {
		c.fail(ReasonInvalidValue, "duration_s", "is %v: send seconds, 0 or more", e.DurationS)
	}
	c.texts([2]string{"outcome", e.Outcome}, [2]string{"next_action", e.NextAction}, [2]string{"emotion", e.Emotion})
	if e.NextAt != nil {
		c.time("next_at", *e.NextAt)
	}
	return c.err()
}

// Validate reports the first fault as a *Fault, or nil.
func (e *Stage) Validate() error {
	var c checker
	c.header(&e.Header, TypeStage)
	c.required("stage", string(e.Stage), MaxText)
	if !slices.Contains(LifecycleStages(), e.Stage) {
		c.fail(ReasonInvalidValue, "stage", "is %q: send one of %q", clip(string(e.Stage)), LifecycleStages())
	}
	c.number("amount", e.Amount)
	if e.Amount != 0 && e.Currency == "" {
		c.fail(ReasonMissingField, "currency", "is missing: an amount needs its currency, such as CNY")
	}
	if e.Currency != "" {
		c.currency(e.Currency)
	}
	c.text("reason", e.Reason, MaxText)
	return c.err()
}

// Validate reports the first fault as a *Fault, or nil.
func (e *Assignment) Validate() error {
	var c checker
	c.header(&e.Header, TypeAssignment)
	c.required("action", string(e.Action), MaxText)
	if !slices.Contains(Actions(), e.Action) {
		c.fail(ReasonInvalidValue, "action", "is %q: send one of %q", clip(string(e.Action)), Actions())
	}
	c.texts([2]string{"owner", e.Owner}, [2]string{"team", e.Team})
	return c.err()
}

// Validate reports the first fault as a *Fault, or nil. A negative amount is a credit.
func (e *Cost) Validate() error {
	var c checker
	c.header(&e.Header, TypeCost)
	c.required("date", e.Date, MaxText)
	if day, err := time.Parse(time.DateOnly, e.Date); err != nil {
		c.fail(ReasonInvalidValue, "date", "is %q: send a day such as 2026-01-31", clip(e.Date))
	} else {
		c.time("date", day)
	}
	c.required("channel", e.Channel, MaxText)
	c.text("campaign", e.Campaign, MaxText)
	c.number("amount", e.Amount)
	if e.Currency == "" {
		c.fail(ReasonMissingField, "currency", "is missing: an amount needs its currency, such as CNY")
	}
	c.currency(e.Currency)
	return c.err()
}
