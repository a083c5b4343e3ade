// Package event is the contract of what producers send: one JSON object a message, one topic a type.
//
// Times are RFC 3339 with a zone, kept in UTC at millisecond precision. The Kafka key is the lead id, or else the
// anonymous id, so that everything about one lead stays in order in one partition.
//
// Decode is strict. A field the contract does not have is refused, with its name in its exact case: a typing error must
// not lose data silently, and what is refused is kept and can be sent again, also after a field was added here. A field
// without omitempty below is required. Null stands for absent. Of two fields with one name the last counts. The schema/
// folder says the same as JSON Schema, for producers; it is stricter in that it takes no null outside free attributes.
package event

import "time"

// Type names what an event says. Each type has one topic.
type Type string

// The seven types.
const (
	TypeTouchpoint Type = "touchpoint"
	TypeBehavior   Type = "behavior"
	TypeLead       Type = "lead"
	TypeActivity   Type = "activity"
	TypeStage      Type = "stage"
	TypeAssignment Type = "assignment"
	TypeCost       Type = "cost"
)

// Header is what every event carries. At least one of LeadID, AnonymousID and Identifiers must be set, except on a
// cost, which belongs to no lead.
type Header struct {
	// Type repeats the topic's type. It may be left out; where given it must agree with the topic.
	Type Type `json:"type,omitempty"`
	// EventID counts once however often it is sent. 1 to 64 characters.
	EventID string `json:"event_id"`
	// OccurredAt is when it happened at the source, not when it was sent.
	OccurredAt time.Time `json:"occurred_at"`
	// LeadID is the id of a lead. Several leads may turn out to be one person: all ids of an event are taken for one's.
	LeadID string `json:"lead_id,omitempty"`
	// AnonymousID is that of a browser or device. On an update of a lead it may also be a former lead id.
	AnonymousID string `json:"anonymous_id,omitempty"`
	// Identifiers tie the event to a person: email, phone, wechat_unionid and the like. What an update of a lead gives of
	// a kind replaces what was known of that kind. On an update, merged_into merges the lead into the one of that id, and
	// with the lead's own id keeps it apart from others.
	Identifiers map[string]string `json:"identifiers,omitempty"`
	// Workspace separates tenants. Empty means "default".
	Workspace string `json:"workspace,omitempty"`
}

// Touchpoint is a contact of a person with a channel.
type Touchpoint struct {
	Header
	Channel  string `json:"channel"`
	Source   string `json:"source,omitempty"`
	Medium   string `json:"medium,omitempty"`
	Campaign string `json:"campaign,omitempty"`
	Content  string `json:"content,omitempty"`
	Term     string `json:"term,omitempty"`
	// Touch is the kind of contact: impression, click, visit, form, call, chat, scan and so on.
	Touch    string `json:"touch"`
	URL      string `json:"url,omitempty"`
	Referrer string `json:"referrer,omitempty"`
}

// Behavior is something a person did on a site, in an app or with a message.
type Behavior struct {
	Header
	// Name is the behaviour: page_view, casebook_download, demo_request and so on.
	Name       string            `json:"name"`
	PageGroup  string            `json:"page_group,omitempty"`
	Value      float64           `json:"value,omitempty"`
	SessionID  string            `json:"session_id,omitempty"`
	Properties map[string]Scalar `json:"properties,omitempty"`
}

// Lead states or updates what is known of a lead. A later update wins field by field; an absent field changes nothing.
type Lead struct {
	Header
	// CreatedAt is when the lead was captured; absent, the first update's OccurredAt stands for it.
	CreatedAt *time.Time `json:"created_at,omitempty"`
	Contact   *Contact   `json:"contact,omitempty"`
	Company   string     `json:"company,omitempty"`
	// Source is where the lead came from, fixed by the first update that names one.
	Source string `json:"source,omitempty"`
	// Attributes: industry, employees, title, region, product, budget, urgency, decision_chain and so on.
	Attributes map[string]Scalar `json:"attributes,omitempty"`
}

// Contact is the person behind a lead.
type Contact struct {
	Name   string `json:"name,omitempty"`
	Phone  string `json:"phone,omitempty"`
	Email  string `json:"email,omitempty"`
	WeChat string `json:"wechat,omitempty"`
}

// Activity is one follow-up by the owner of a lead.
type Activity struct {
	Header
	Owner string `json:"owner"`
	// Method is how: call, email, wechat, visit and so on.
	Method string `json:"method"`
	// DurationS is in seconds.
	DurationS float64 `json:"duration_s,omitempty"`
	// Effective says that the lead was reached and answered.
	Effective  bool       `json:"effective"`
	Outcome    string     `json:"outcome,omitempty"`
	NextAction string     `json:"next_action,omitempty"`
	NextAt     *time.Time `json:"next_at,omitempty"`
	Emotion    string     `json:"emotion,omitempty"`
}

// LifecycleStage is a stage a lead can be in.
type LifecycleStage string

// The stages. LifecycleStageNew to LifecycleStageWon are the way forward; the others leave it.
const (
	LifecycleStageNew         LifecycleStage = "new"
	LifecycleStageMQL         LifecycleStage = "mql"
	LifecycleStageSQL         LifecycleStage = "sql"
	LifecycleStageOpportunity LifecycleStage = "opportunity"
	LifecycleStageWon         LifecycleStage = "won"
	LifecycleStageLost        LifecycleStage = "lost"
	LifecycleStageRecycled    LifecycleStage = "recycled"
	LifecycleStageInvalid     LifecycleStage = "invalid"
)

// Stage says that a lead entered a stage.
type Stage struct {
	Header
	Stage LifecycleStage `json:"stage"`
	// Amount is in Currency (ISO 4217); on won, the value of the deal.
	Amount   float64 `json:"amount,omitempty"`
	Currency string  `json:"currency,omitempty"`
	Reason   string  `json:"reason,omitempty"`
}

// Action is what happened to the ownership of a lead.
type Action string

// The assignment actions.
const (
	ActionAssigned Action = "assigned"
	ActionAccepted Action = "accepted"
	ActionReturned Action = "returned"
	ActionRecycled Action = "recycled"
	ActionLocked   Action = "locked"
)

// Assignment is a change in who works a lead.
type Assignment struct {
	Header
	Owner  string `json:"owner,omitempty"`
	Team   string `json:"team,omitempty"`
	Action Action `json:"action"`
}

// Cost is what one day of one campaign cost. Several costs of one day and campaign add up.
type Cost struct {
	Header
	// Date is the day of the spend in the business time zone, as 2026-01-31.
	Date     string `json:"date"`
	Channel  string `json:"channel"`
	Campaign string `json:"campaign,omitempty"`
	// Amount is in Currency (ISO 4217).
	Amount      float64 `json:"amount"`
	Currency    string  `json:"currency"`
	Impressions uint64  `json:"impressions,omitempty"`
	Clicks      uint64  `json:"clicks,omitempty"`
}
