package collect

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"clew/ingest/event"
)

// fact is one event at /v1/events: an event of our contract, or a CloudEvent (CloudEvents 1.0).
type fact struct {
	// cloud says that it is a CloudEvent; id, source, subject and time are its attributes then.
	cloud                           bool
	kind, id, source, subject, time string
	data                            value
	// extensions are the attributes that CloudEvents does not define, each as ce.NAME.
	extensions flat
}

// newFact reads one element of a body. It is a CloudEvent when it says its specversion.
func newFact(raw value) (*fact, *Fault) {
	if !raw.isObject() {
		return nil, &Fault{Code: event.ReasonMalformedJSON, Detail: "the event is not a JSON object: send one"}
	}
	if raw.member("specversion") == "" {
		return &fact{kind: raw.string("type"), data: raw}, nil
	}
	f := &fact{cloud: true}
	for name, v := range raw.members() {
		text, _ := v.text()
		switch name {
		case "data":
			f.data = v
		case "data_base64":
			data, fault := decoded(text)
			if fault != nil {
				return nil, fault
			}
			f.data = data
		default:
			f.attribute(name, text, v)
		}
	}
	return f, f.check(raw.string("specversion"))
}

// headerFact reads a CloudEvent in binary mode: attributes in headers, data in the body.
func headerFact(h http.Header, data value) (*fact, *Fault) {
	f := &fact{cloud: true, data: data}
	for name := range h {
		attribute, ok := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ok {
			continue
		}
		text := h.Get(name)
		if plain, err := url.PathUnescape(text); err == nil { // the binding of CloudEvents to HTTP encodes by percent
			text = plain
		}
		f.attribute(attribute, text, quote(text))
	}
	return f, f.check(h.Get("Ce-Specversion"))
}

func (f *fact) attribute(name, text string, v value) {
	switch name {
	case "specversion", "datacontenttype", "dataschema":
	case "type":
		f.kind = text
	case "id":
		f.id = text
	case "source":
		f.source = text
	case "subject":
		f.subject = text
	case "time":
		f.time = text
	default:
		f.extensions.add("ce."+name, v)
	}
}

func decoded(text string) (value, *Fault) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", &Fault{
			Code: event.ReasonInvalidValue, At: "data_base64", Detail: "data_base64 is not base64: send JSON as data",
		}
	}
	v, err := parse(data)
	if err != nil {
		return "", asFault(err).within("data_base64")
	}
	return v, nil
}

// check looks at what CloudEvents requires.
func (f *fact) check(version string) *Fault {
	for _, a := range [...][2]string{{"id", f.id}, {"source", f.source}, {"type", f.kind}} {
		if a[1] == "" {
			return &Fault{
				Code: event.ReasonMissingField, At: a[0], Detail: a[0] + " is missing: CloudEvents requires id, source and type",
			}
		}
	}
	if version != "1.0" {
		return &Fault{Code: event.ReasonInvalidValue, At: "specversion", Detail: fmt.Sprintf(
			"specversion is %.40q: send CloudEvents 1.0", version)}
	}
	return nil
}

// ourType is the type of our contract that a CloudEvent's type names: "clew.stage", "com.example.stage" and "stage" are
// stages. It is "" for all others.
func (f *fact) ourType() event.Type {
	name := f.kind[strings.LastIndexByte(f.kind, '.')+1:]
	if !f.cloud {
		name = f.kind
	}
	if event.Topic(event.Type(name)) == "" {
		return ""
	}
	return event.Type(name)
}

// toEvent makes the event. For one of our types that is not valid it returns the bytes that should have been the event.
// A CloudEvent of a type that is not ours is a behaviour of that name.
func (e *envelope) toEvent(f *fact) (event.Event, []byte, *Fault) {
	kind := f.ourType()
	switch {
	case kind == "" && f.cloud:
		return e.other(f)
	case kind == "":
		return nil, nil, &Fault{Code: event.ReasonUnknownType, At: "type", Detail: fmt.Sprintf(
			"type is %.40q: send one of %q", f.kind, event.Types())}
	case !f.data.isObject():
		return nil, nil, &Fault{
			Code: event.ReasonMalformedJSON, At: "data", Detail: "data is not a JSON object: send the fields of the event",
		}
	}
	if own := f.data.string("workspace"); own != "" && own != e.workspace {
		return nil, nil, &Fault{Code: event.ReasonInvalidValue, At: "workspace", Detail: fmt.Sprintf(
			"workspace is %.40q and the write key is for %q: leave it out, or use the other's key", own, e.workspace)}
	}
	raw := e.complete(f, kind)
	decoded, err := event.Decode(event.Topic(kind), raw)
	if err != nil {
		return nil, raw, asFault(err)
	}
	return decoded, raw, nil
}

// complete writes an event of ours with what the CloudEvent says around it. Members of the data come later and win: of
// two members with one name the last counts.
func (e *envelope) complete(f *fact, kind event.Type) []byte {
	around := map[string]any{}
	if f.cloud {
		around["event_id"] = digest(f.source, f.id)
		around["occurred_at"] = cmp.Or(f.time, e.received.Format(time.RFC3339Nano))
		if f.subject != "" && f.data.string("lead_id") == "" && f.data.string("anonymous_id") == "" {
			around["lead_id"] = f.subject
		}
	}
	head, _ := json.Marshal(around) // texts are always valid
	last, _ := json.Marshal(map[string]any{"type": kind, "workspace": e.workspace})
	return []byte(joined(joined(value(head), f.data), value(last)))
}

// other makes a behaviour of a CloudEvent whose type is not ours.
func (e *envelope) other(f *fact) (event.Event, []byte, *Fault) {
	b := &event.Behavior{Name: f.kind, Value: amount(f.data), Header: event.Header{
		EventID: digest(f.source, f.id), OccurredAt: e.received, Workspace: e.workspace,
		Identifiers: identifiers(f.data),
		LeadID:      cmp.Or(f.data.string("lead_id"), f.data.string("userId"), f.subject),
		AnonymousID: cmp.Or(f.data.string("anonymous_id"), f.data.string("anonymousId")),
	}}
	var all flat
	if f.data.isObject() {
		all.addAll("", f.data)
	} else {
		all.add("data", f.data)
	}
	all.add("ce.source", quote(f.source))
	all.add("ce.id", quote(f.id))
	all.merge(f.extensions)
	var fault *Fault
	if f.time != "" {
		if b.OccurredAt, fault = instant(f.time, "time"); fault != nil {
			all.add("ce.time", quote(f.time))
		}
	}
	b.Properties = all.done()
	return b, nil, fault
}

// isBinaryCloudEvent tells the binary mode from the others: it has the version in a header.
func isBinaryCloudEvent(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return h.Get("Ce-Specversion") != "" && !strings.HasPrefix(kind, "application/cloudevents")
}
