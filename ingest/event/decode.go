package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
	"unsafe"
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
		return nil, tooLarge(len(raw))
	}
	return raw, nil
}

// Decode reads one message of a topic and validates it. Its error is always a *Fault. Times are cut to milliseconds, in
// UTC. The event's texts are parts of raw, which must not be changed afterwards: a copy would double the memory that a
// message takes.
func Decode(topic string, raw []byte) (Event, error) {
	e := New(TypeOf(topic))
	switch {
	case e == nil:
		return nil, &Fault{Reason: ReasonUnknownTopic, Detail: fmt.Sprintf(
			"topic %s holds no type of event: send to one of %q", clip(topic), Topics())}
	case len(raw) > MaxSize:
		return nil, tooLarge(len(raw))
	case !utf8.Valid(raw):
		return nil, malformed("it is not UTF-8")
	}
	s := scanner{text: unsafe.String(unsafe.SliceData(raw), len(raw))}
	s.message(e.(fields))
	if s.fault != nil {
		return nil, s.explain(e, raw)
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	if f := s.absent(e); f != nil {
		return nil, f
	}
	return e, nil
}

func tooLarge(size int) *Fault {
	return &Fault{Reason: ReasonTooLarge, Detail: fmt.Sprintf(
		"the message has %d bytes: shorten it to %d or fewer", size, MaxSize)}
}

func malformed(why string) *Fault {
	return &Fault{Reason: ReasonMalformedJSON, Detail: "the message is not one JSON object in UTF-8: " + why +
		": correct it and send it again"}
}

// explain turns the first fault into the one to report: that the message is not JSON at all comes before any field.
func (s *scanner) explain(e Event, raw []byte) *Fault {
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(raw, new(json.RawMessage)); {
	case len(raw) == 0:
		return malformed("it is empty")
	case errors.As(err, &syntax):
		return malformed(fmt.Sprintf("%v at byte %d", syntax, syntax.Offset))
	case s.fault.Reason == ReasonUnknownField:
		s.fault.Detail = fmt.Sprintf("%s is no field of a %s: correct the name, or leave it out", s.fault.Field, e.Kind())
	}
	return s.fault
}

// absent finds what must be sent although its zero value is allowed, so that forgetting it is not taken for zero.
func (s *scanner) absent(e Event) *Fault {
	var c checker
	switch e := e.(type) {
	case *Activity:
		if !s.hasEffective {
			c.fail(ReasonMissingField, "effective", "is missing: send true when the lead was reached and answered, else false")
		}
	case *Stage:
		if s.hasAmount && e.Currency == "" {
			c.fail(ReasonMissingField, "currency", "is missing: an amount needs its currency, such as CNY")
		}
	case *Cost:
		if !s.hasAmount {
			c.fail(ReasonMissingField, "amount", "is missing: send the cost, 0 when it is free")
		}
	}
	return c.fault
}
