package collect

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"clew/ingest/event"
)

// The kinds of messages of the Segment specification.
const (
	kindTrack    = "track"
	kindIdentify = "identify"
	kindPage     = "page"
	kindScreen   = "screen"
	kindGroup    = "group"
	kindAlias    = "alias"
)

// message is one message of an SDK. Fields that are of another type than they should be are in extra, and so are those
// that the specification does not have.
type message struct {
	raw                                                     value
	kind, id, userID, anonymousID, name, category           string
	event, groupID, previousID, sentAt, originalAt, claimed string
	properties, traits, context                             value
	extra                                                   flat
}

// transport are the members that serve the SDK and its server, and say nothing of the event.
var transport = map[string]bool{
	"writeKey": true, "integrations": true, "_metadata": true, "channel": true, "version": true, "library": true,
	"receivedAt": true, "rudderId": true,
}

// newMessage reads a message. Kind is what the path says, "" where the message says it itself.
func newMessage(raw value, kind string) *message {
	m := &message{raw: raw}
	for name, v := range raw.members() {
		if !m.set(name, v) && !transport[name] {
			m.extra.add(name, v)
		}
	}
	if kind != "" {
		m.kind = kind
	}
	return m
}

func (m *message) set(name string, v value) (ok bool) {
	switch name {
	case "type":
		m.kind, ok = v.text()
	case "messageId":
		m.id, ok = v.text()
	case "userId":
		m.userID, ok = v.text()
	case "anonymousId":
		m.anonymousID, ok = v.text()
	case "event":
		m.event, ok = v.text()
	case "name":
		m.name, ok = v.text()
	case "category":
		m.category, ok = v.text()
	case "groupId":
		m.groupID, ok = v.text()
	case "previousId":
		m.previousID, ok = v.text()
	case "sentAt":
		m.sentAt, ok = v.text()
	case "originalTimestamp":
		m.originalAt, ok = v.text()
	case "timestamp":
		m.claimed, ok = v.text()
	case "properties":
		m.properties, ok = v, v.isObject()
	case "traits":
		m.traits, ok = v, v.isObject()
	case "context":
		m.context, ok = v, v.isObject()
	}
	return ok
}

// envelope is what a request says of all its messages.
type envelope struct {
	workspace string
	received  time.Time
	// sentAt and context stand for those that a message does not have.
	sentAt  string
	context value
	// own are hosts whose pages are ours: a visit that comes from one is no touch.
	own map[string]bool
}

// toEvents maps a message to its event, and to the touch that it tells of, if any. Where it returns a fault and an
// event, the event is as far as it could be made: invalid, and fit to be corrected.
func (e *envelope) toEvents(m *message) (made event.Event, touch *event.Touchpoint, fault *Fault) {
	if m.context == "" {
		m.context = e.context
	}
	if m.sentAt == "" {
		m.sentAt = e.sentAt
	}
	at, fault := e.occurredAt(m)
	head := event.Header{
		EventID: m.eventID(), OccurredAt: at, LeadID: m.userID, AnonymousID: m.anonymousID, Workspace: e.workspace,
		Identifiers: identifiers(m.traits, m.context.member("traits")),
	}
	switch m.kind {
	case kindTrack, kindPage, kindScreen:
		made = m.behavior(head)
	case kindIdentify, kindGroup:
		made = m.lead(head)
	case kindAlias:
		made = m.alias(head)
	case "":
		return nil, nil, &Fault{
			Code: event.ReasonMissingField, At: "type",
			Detail: "type is missing: send track, identify, page, screen, group or alias",
		}
	default:
		return nil, nil, &Fault{Code: event.ReasonUnknownType, At: "type", Detail: fmt.Sprintf(
			"type is %.40q: send track, identify, page, screen, group or alias", m.kind)}
	}
	if fault == nil {
		fault = m.lacks(len(head.Identifiers) > 0)
	}
	if fault == nil {
		touch = e.touch(m, head)
	}
	return made, touch, fault
}

// lacks looks for what the specification asks of a message. A person may be known by a trait instead, such as an email.
func (m *message) lacks(known bool) *Fault {
	missing := func(field, remedy string) *Fault {
		return &Fault{Code: event.ReasonMissingField, At: field, Detail: field + " is missing: " + remedy}
	}
	switch {
	case m.userID == "" && m.anonymousID == "" && !known:
		return missing("userId", "send userId or anonymousId, to say whose event this is")
	case m.kind == kindTrack && m.event == "":
		return missing("event", "send the name of what was done")
	case m.kind == kindAlias && m.previousID == "":
		return missing("previousId", "send the id that userId had before")
	case m.kind == kindAlias && m.userID == "":
		return missing("userId", "send the id that previousId is from now on")
	}
	return nil
}

// eventID is the message's id, so that a message that is sent again counts once. A longer one is hashed. A message
// without an id is known by its content when it has a time, and otherwise counts as often as it comes.
func (m *message) eventID() string {
	switch {
	case m.id != "" && utf8.RuneCountInString(m.id) <= event.MaxEventID:
		return m.id
	case m.id != "":
		return digest(m.id)
	case m.originalAt != "" || m.claimed != "":
		return digest(string(m.raw))
	}
	return rand.Text()
}

// digest hashes texts into 64 hexadecimal digits, as many as an event_id has.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// occurredAt corrects the clock of the sender by how far its sending time is off: received − (sent − happened). Sent
// again later, a message is dated a little differently; its event_id is the same and counts once.
func (e *envelope) occurredAt(m *message) (time.Time, *Fault) {
	text, field := m.originalAt, "originalTimestamp"
	if text == "" {
		text, field = m.claimed, "timestamp"
	}
	if text == "" {
		return e.received, nil
	}
	happened, fault := instant(text, field)
	if fault != nil {
		m.extra.add(field, quote(text))
		return happened, fault
	}
	if m.originalAt != "" && m.claimed != "" && m.claimed != m.originalAt {
		m.extra.add("timestamp", quote(m.claimed))
	}
	if m.sentAt == "" {
		return happened, nil
	}
	if sent, fault := instant(m.sentAt, "sentAt"); fault == nil {
		return e.received.Add(-sent.Sub(happened)).Truncate(time.Millisecond), nil
	}
	// No reason to refuse what happened.
	m.extra.add("sentAt", quote(m.sentAt))
	return happened, nil
}

// layouts are the ways in which SDKs write times. One without a zone is in UTC.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", time.DateTime, time.DateOnly,
}

func instant(text, field string) (time.Time, *Fault) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return t.UTC().Truncate(time.Millisecond), nil
		}
	}
	return time.Time{}, &Fault{Code: event.ReasonInvalidValue, At: field, Detail: fmt.Sprintf(
		"%s is %.40q: send a time in ISO 8601, such as 2026-01-31T08:00:00.000Z", field, text)}
}
