package event

// Event is one of *Touchpoint, *Behavior, *Lead, *Activity, *Stage, *Assignment and *Cost.
type Event interface {
	// Head returns the common fields, to read or to change.
	Head() *Header
	// Kind returns the type, also where Header.Type was left out.
	Kind() Type
	// Validate reports the first fault as a *Fault, or nil. It changes nothing.
	Validate() error
}

// Head returns the header itself.
func (h *Header) Head() *Header { return h }

// Kind returns TypeTouchpoint.
func (*Touchpoint) Kind() Type { return TypeTouchpoint }

// Kind returns TypeBehavior.
func (*Behavior) Kind() Type { return TypeBehavior }

// Kind returns TypeLead.
func (*Lead) Kind() Type { return TypeLead }

// Kind returns TypeActivity.
func (*Activity) Kind() Type { return TypeActivity }

// Kind returns TypeStage.
func (*Stage) Kind() Type { return TypeStage }

// Kind returns TypeAssignment.
func (*Assignment) Kind() Type { return TypeAssignment }

// Kind returns TypeCost.
func (*Cost) Kind() Type { return TypeCost }

// Types returns the seven types, in the order in which a lead meets them.
func Types() []Type {
	return []Type{
		TypeTouchpoint, TypeBehavior, TypeLead, TypeActivity, TypeStage, TypeAssignment, TypeCost,
	}
}

// New returns an empty event of a type, or nil for an unknown type.
func New(t Type) Event {
	switch t {
	case TypeTouchpoint:
		return &Touchpoint{}
	case TypeBehavior:
		return &Behavior{}
	case TypeLead:
		return &Lead{}
	case TypeActivity:
		return &Activity{}
	case TypeStage:
		return &Stage{}
	case TypeAssignment:
		return &Assignment{}
	case TypeCost:
		return &Cost{}
	}
	return nil
}

// Topic returns the Kafka topic of a type, or "" for an unknown type.
func Topic(t Type) string {
	switch t {
	case TypeTouchpoint:
		return "clew.touchpoints"
	case TypeBehavior:
		return "clew.behaviors"
	case TypeLead:
		return "clew.leads"
	case TypeActivity:
		return "clew.activities"
	case TypeStage:
		return "clew.stages"
	case TypeAssignment:
		return "clew.assignments"
	case TypeCost:
		return "clew.costs"
	}
	return ""
}

// Topics returns the seven topics, in the order of Types.
func Topics() []string {
	topics := make([]string, 0, len(Types()))
	for _, t := range Types() {
		topics = append(topics, Topic(t))
	}
	return topics
}

// TypeOf returns the type whose events a topic holds, or "" for a topic that is not ours.
func TypeOf(topic string) Type {
	switch topic {
	case "clew.touchpoints":
		return TypeTouchpoint
	case "clew.behaviors":
		return TypeBehavior
	case "clew.leads":
		return TypeLead
	case "clew.activities":
		return TypeActivity
	case "clew.stages":
		return TypeStage
	case "clew.assignments":
		return TypeAssignment
	case "clew.costs":
		return TypeCost
	}
	return ""
}

// Key returns the Kafka key that keeps everything about one lead in order in one partition: the lead id, else the
// anonymous id, else the first identifier by name, as "email:a@b.example". The key of a cost is its channel and
// campaign, as "search/brand".
func Key(e Event) string {
	if c, ok := e.(*Cost); ok {
		return c.Channel + "/" + c.Campaign
	}
	h := e.Head()
	switch {
	case h.LeadID != "":
		return h.LeadID
	case h.AnonymousID != "":
		return h.AnonymousID
	}
	first := ""
	for name := range h.Identifiers {
		if first == "" || name < first {
			first = name
		}
	}
	if first == "" {
		return ""
	}
	return first + ":" + h.Identifiers[first]
}

// LifecycleStages returns every stage a lead can be in.
func LifecycleStages() []LifecycleStage {
	return []LifecycleStage{
		LifecycleStageNew, LifecycleStageMQL, LifecycleStageSQL, LifecycleStageOpportunity,
		LifecycleStageWon, LifecycleStageLost, LifecycleStageRecycled, LifecycleStageInvalid,
	}
}

// Actions returns every assignment action.
func Actions() []Action {
	return []Action{ActionAssigned, ActionAccepted, ActionReturned, ActionRecycled, ActionLocked}
}
