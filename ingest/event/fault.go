package event

// The stable reasons of a Fault. Dead letters are counted and searched by them.
const (
	// ReasonMalformedJSON: the bytes are not one JSON object in UTF-8.
	ReasonMalformedJSON = "malformed_json"
	// ReasonTooLarge: the message is above MaxSize.
	ReasonTooLarge = "too_large"
	// ReasonUnknownTopic: the topic is not one of Topics.
	ReasonUnknownTopic = "unknown_topic"
	// ReasonUnknownType: the type field names no type there is.
	ReasonUnknownType = "unknown_type"
	// ReasonMissingField: a required field is absent, null or empty.
	ReasonMissingField = "missing_field"
	// ReasonWrongType: a field holds another JSON type than the contract says.
	ReasonWrongType = "wrong_type"
	// ReasonInvalidValue: a field has the right JSON type and a value that is not allowed.
	ReasonInvalidValue = "invalid_value"
	// ReasonUnknownField: a field the contract does not have, most often a typing error.
	ReasonUnknownField = "unknown_field"
)

// Fault is why something is not a valid event.
type Fault struct {
	// Reason is one of the stable codes above.
	Reason string
	// Field is the path of the field at fault, as "channel" or "contact.email"; empty when the whole message is.
	Field string
	// Detail is for people: it names the field, what is wrong with it and the remedy.
	Detail string
}

// Error returns the reason and the detail.
func (f *Fault) Error() string { return f.Reason + ": " + f.Detail }
