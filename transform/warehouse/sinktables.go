package warehouse

import (
	"cmp"
	"slices"
	"time"

	"clew/ingest"
	"clew/ingest/event"
)

// defaultWorkspace is the workspace of an event that names none.
const defaultWorkspace = "default"

type (
	record = *ingest.Record
	letter = *ingest.DeadLetter
)

// rawTables says which table holds the events of a type.
var rawTables = map[event.Type]*table[record]{
	event.TypeTouchpoint: &events,
	event.TypeBehavior:   &events,
	event.TypeLead:       &leadUpdates,
	event.TypeActivity:   &activities,
	event.TypeStage:      &stageChanges,
	event.TypeAssignment: &assignments,
	event.TypeCost:       &costs,
}

var events = rawTable("events", personFields, []field[record]{
	of("type", func(r record) string { return string(r.Event.Kind()) }),
	of("name", func(r record) string { return cmp.Or(touchpoint(r).Touch, behavior(r).Name) }),
	of("channel", func(r record) string { return touchpoint(r).Channel }),
	of("source", func(r record) string { return touchpoint(r).Source }),
	of("medium", func(r record) string { return touchpoint(r).Medium }),
	of("campaign", func(r record) string { return touchpoint(r).Campaign }),
	of("content", func(r record) string { return touchpoint(r).Content }),
	of("term", func(r record) string { return touchpoint(r).Term }),
	of("url", func(r record) string { return touchpoint(r).URL }),
	of("referrer", func(r record) string { return touchpoint(r).Referrer }),
	of("page_group", func(r record) string { return behavior(r).PageGroup }),
	of("value", func(r record) float64 { return behavior(r).Value }),
	of("session_id", func(r record) string { return behavior(r).SessionID }),
	ofMap("properties", func(r record) map[string]event.Scalar { return behavior(r).Properties }),
})

var leadUpdates = rawTable("lead_updates", personFields, []field[record]{
	of("created_at", func(r record) *time.Time { return as[event.Lead](r).CreatedAt }),
	of("contact_name", func(r record) string { return contact(r).Name }),
	of("phone", func(r record) string { return contact(r).Phone }),
	of("email", func(r record) string { return contact(r).Email }),
	of("wechat", func(r record) string { return contact(r).WeChat }),
	of("company", func(r record) string { return as[event.Lead](r).Company }),
	of("source", func(r record) string { return as[event.Lead](r).Source }),
	ofMap("attributes", func(r record) map[string]event.Scalar { return as[event.Lead](r).Attributes }),
})

var activities = rawTable("activities", personFields, []field[record]{
	of("owner", func(r record) string { return as[event.Activity](r).Owner }),
	of("method", func(r record) string { return as[event.Activity](r).Method }),
	of("duration_s", func(r record) float64 { return as[event.Activity](r).DurationS }),
	of("effective", func(r record) bool { return as[event.Activity](r).Effective }),
	of("outcome", func(r record) string { return as[event.Activity](r).Outcome }),
	of("next_action", func(r record) string { return as[event.Activity](r).NextAction }),
	of("next_at", func(r record) *time.Time { return as[event.Activity](r).NextAt }),
	of("emotion", func(r record) string { return as[event.Activity](r).Emotion }),
})

var stageChanges = rawTable("stage_changes", personFields, []field[record]{
	of("stage", func(r record) string { return string(as[event.Stage](r).Stage) }),
	of("amount", func(r record) float64 { return as[event.Stage](r).Amount }),
	of("currency", func(r record) string { return as[event.Stage](r).Currency }),
	of("reason", func(r record) string { return as[event.Stage](r).Reason }),
})

var assignments = rawTable("assignments", personFields, []field[record]{
	of("owner", func(r record) string { return as[event.Assignment](r).Owner }),
	of("team", func(r record) string { return as[event.Assignment](r).Team }),
	of("action", func(r record) string { return string(as[event.Assignment](r).Action) }),
})

// A cost belongs to no lead, so it has no personFields.
var costs = rawTable("costs", []field[record]{
	// A day that is none must be found before anything is sent.
	ofDay("date", func(r record) string { return as[event.Cost](r).Date }),
	of("channel", func(r record) string { return as[event.Cost](r).Channel }),
	of("campaign", func(r record) string { return as[event.Cost](r).Campaign }),
	of("amount", func(r record) float64 { return as[event.Cost](r).Amount }),
	of("currency", func(r record) string { return as[event.Cost](r).Currency }),
	of("impressions", func(r record) uint64 { return as[event.Cost](r).Impressions }),
	of("clicks", func(r record) uint64 { return as[event.Cost](r).Clicks }),
})

var deadLetters = table[letter]{
	name: "dead_letters",
	at:   func(l letter) ingest.Position { return l.Position },
	fields: slices.Concat([]field[letter]{
		of("topic", func(l letter) string { return l.Topic }),
		of("reason", func(l letter) string { return l.Reason }),
		of("detail", func(l letter) string { return l.Detail }),
		of("key", func(l letter) string { return string(l.Key) }),
		of("raw", func(l letter) string { return string(l.Raw) }),
		of("received_at", func(l letter) time.Time { return l.ReceivedAt }),
	}, positionFields(func(l letter) ingest.Position { return l.Position })),
}

// headFields are the columns that every event has.
var headFields = []field[record]{
	of("workspace", func(r record) string { return cmp.Or(r.Event.Head().Workspace, defaultWorkspace) }),
	of("event_id", func(r record) string { return r.Event.Head().EventID }),
	of("occurred_at", func(r record) time.Time { return r.Event.Head().OccurredAt }),
	of("received_at", func(r record) time.Time { return r.ReceivedAt }),
	of("clamped", func(r record) bool { return r.Clamped }),
}

// personFields are the columns of events that belong to someone.
var personFields = []field[record]{
	of("lead_id", func(r record) string { return r.Event.Head().LeadID }),
	of("anonymous_id", func(r record) string { return r.Event.Head().AnonymousID }),
	ofMap("identifiers", func(r record) map[string]string { return r.Event.Head().Identifiers }),
}

func positionFields[R any](at func(R) ingest.Position) []field[R] {
	return []field[R]{
		of("_src", func(r R) uint64 { return at(r).Source }),
		of("_partition", func(r R) uint32 { return at(r).Partition }),
		of("_offset", func(r R) uint64 { return at(r).Offset }),
		of("_row", func(r R) uint16 { return at(r).Row }),
	}
}

func rawTable(name string, own ...[]field[record]) table[record] {
	at := func(r record) ingest.Position { return r.Position }
	return table[record]{
		name: name, at: at, fields: slices.Concat(headFields, slices.Concat(own...), positionFields(at)),
	}
}

// as is the record's event, whose type the table has settled.
func as[E any, P interface {
	*E
	event.Event
}](r record) P {
	return r.Event.(P)
}

// Where two types share a table, the other's fields are empty.
var (
	noTouchpoint event.Touchpoint
	noBehavior   event.Behavior
	noContact    event.Contact
)

func touchpoint(r record) *event.Touchpoint {
	if e, ok := r.Event.(*event.Touchpoint); ok {
		return e
	}
	return &noTouchpoint
}

func behavior(r record) *event.Behavior {
	if e, ok := r.Event.(*event.Behavior); ok {
		return e
	}
	return &noBehavior
}

func contact(r record) *event.Contact { return cmp.Or(as[event.Lead](r).Contact, &noContact) }
