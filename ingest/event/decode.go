package event

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode returns the JSON of a valid event. An invalid one is answered with its *Fault.
func Encode(e Event) ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode %s %s: %w", e.Kind(), e.Head().EventID, err)
	}
	if len(raw) > MaxSize {
		return nil, &Fault{Reason: ReasonTooLarge, Detail: fmt.Sprintf(
			"the event has %d bytes of JSON: shorten it to %d or fewer", len(raw), MaxSize)}
	}
	return raw, nil
}

// Decode reads one message of a topic. Its error is always a *Fault.
func Decode(topic string, raw []byte) (Event, error) {
	e := New(TypeOf(topic))
	if e == nil {
		return nil, &Fault{Reason: ReasonUnknownTopic, Detail: "no event type has topic " + topic}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(e); err != nil {
		return nil, &Fault{Reason: ReasonMalformedJSON, Detail: err.Error()}
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return e, nil
}
