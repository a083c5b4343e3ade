package collect

import (
	"encoding/json"
	"fmt"
	"net/http"

	"clew/ingest/event"
	"clew/ingest/stream"
)

const (
	// maxEvents is the most events of one request. SDKs send tens.
	maxEvents = 5000
	// maxLetter is the largest message that is kept as a dead letter, in bytes: brokers take about a megabyte.
	maxLetter = 512 << 10
	// maxListed is how many rejected events an answer lists.
	maxListed = 10
	// messageCost is what a message takes in memory beside its key and value, roughly.
	messageCost = 256
)

// delivery is one request on its way to Kafka.
type delivery struct {
	*Collector
	envelope
	header http.Header
	body   value
	hold   *hold
	// messages go to Kafka; taken are the events among them.
	messages []stream.Message
	taken    map[event.Type]uint64
	// rejected are the first that were not taken, more those that are not listed.
	rejected []*Fault
	more     int
}

// single reads the one message of a body. What is wrong with it is answered.
func (d *delivery) single(kind string) *Fault {
	if !d.body.isObject() {
		return &Fault{Code: event.ReasonMalformedJSON, Detail: "the body is not a JSON object: send one message"}
	}
	_, fault := d.message(newMessage(d.body, kind))
	return fault
}

// message adds the events of one message. With a fault it returns what it made of the message, nil where nothing.
func (d *delivery) message(m *message) (event.Event, *Fault) {
	made, touch, fault := d.toEvents(m)
	if fault == nil {
		fault = d.add(made)
	}
	if fault == nil && touch != nil {
		fault = d.add(touch)
	}
	return made, fault
}

// batch reads the messages of a body. Only what is wrong with the body is answered; messages go to the dead letters.
func (d *delivery) batch() *Fault {
	batch := d.body.member("batch")
	if !batch.isArray() {
		return &Fault{
			Code: event.ReasonMissingField, At: "batch", Detail: `batch is missing: send {"batch":[…]} with the messages`,
		}
	}
	for _, name := range []string{"sentAt", "context"} { // what is read anew for each message
		if fault := d.sized(d.body.member(name)); fault != nil {
			return fault.within(name)
		}
	}
	d.sentAt, d.context = d.body.string("sentAt"), d.body.member("context")
	return d.each("batch", batch, func(raw value) (stream.Message, *Fault) {
		if !raw.isObject() {
			return d.unread(raw, nil), &Fault{
				Code: event.ReasonMalformedJSON, Detail: "the message is not a JSON object: send one",
			}
		}
		made, fault := d.message(newMessage(raw, ""))
		if fault == nil {
			return stream.Message{}, nil
		}
		return d.remains(made, raw, fault), fault
	})
}

// facts reads CloudEvents and events of our own: one or an array of them.
func (d *delivery) facts() *Fault {
	if isBinaryCloudEvent(d.header) {
		f, fault := headerFact(d.header, d.body)
		return d.fact(f, fault)
	}
	if !d.body.isArray() {
		return d.fact(newFact(d.body))
	}
	return d.each("", d.body, func(raw value) (stream.Message, *Fault) {
		f, fault := newFact(raw)
		if fault != nil {
			return d.unread(raw, fault), fault
		}
		e, own, fault := d.toEvent(f)
		if fault == nil {
			fault = d.add(e)
		}
		switch {
		case fault == nil:
			return stream.Message{}, nil
		case own != nil: // ingest reads the same bytes and finds the same fault
			return stream.Message{Topic: event.Topic(f.ourType()), Value: own}, fault
		}
		return d.remains(e, raw, fault), fault
	})
}

func (d *delivery) fact(f *fact, fault *Fault) *Fault {
	if fault != nil {
		return fault
	}
	if fault := d.sized(d.body); fault != nil {
		return fault
	}
	e, _, fault := d.toEvent(f)
	if fault != nil {
		return fault
	}
	return d.add(e)
}

// each takes the elements of an array, one by one. Take adds one, or returns its dead letter and why it is one.
func (d *delivery) each(place string, array value, take func(value) (stream.Message, *Fault)) *Fault {
	i := 0
	for raw := range array.elements() {
		if i == maxEvents {
			return &Fault{Code: event.ReasonTooLarge, At: place, Detail: fmt.Sprintf(
				"the request has more than %d events: send fewer at once", maxEvents)}
		}
		var letter stream.Message
		fault := d.sized(raw)
		if fault == nil {
			letter, fault = take(raw)
		} else {
			letter = d.unread(raw, fault)
		}
		if fault != nil && fault.Code != CodeBusy {
			fault = d.bury(letter, fault)
		}
		switch {
		case fault == nil:
		case fault.Code == CodeBusy:
			return fault
		default:
			d.list(fault.within(fmt.Sprintf("%s[%d]", place, i)))
		}
		i++
	}
	return nil
}

// sized says that an event, or what stands for a part of each, is too large.
func (d *delivery) sized(raw value) *Fault {
	if int64(len(raw)) <= d.cfg.MaxEvent {
		return nil
	}
	return &Fault{Code: event.ReasonTooLarge, Detail: fmt.Sprintf(
		"it has %d bytes: shorten it to %d or fewer", len(raw), d.cfg.MaxEvent)}
}

// add makes the Kafka message of an event.
func (d *delivery) add(e event.Event) *Fault {
	raw, err := event.Encode(e)
	if err != nil {
		return asFault(err)
	}
	if fault := d.send(event.Topic(e.Kind()), event.Key(e), raw); fault != nil {
		return fault
	}
	if d.taken == nil {
		d.taken = map[event.Type]uint64{}
	}
	d.taken[e.Kind()]++
	return nil
}

// send adds a message for Kafka.
func (d *delivery) send(topic, key string, raw []byte) *Fault {
	if fault := d.hold.take(int64(len(key) + len(raw) + messageCost)); fault != nil {
		return fault
	}
	d.messages = append(d.messages, stream.Message{Topic: topic, Key: []byte(key), Value: raw, Time: d.received})
	return nil
}

// remains is the dead letter of a message that became an event which is not valid: that event. Ingest finds the same
// fault, and it can be corrected where it is wrong.
func (d *delivery) remains(e event.Event, raw value, fault *Fault) stream.Message {
	if e == nil || e.Validate() == nil {
		return d.unread(raw, fault)
	}
	text, err := json.Marshal(e)
	if err != nil { // a time can be too wrong to be written
		return d.unread(raw, fault)
	}
	return stream.Message{Topic: event.Topic(e.Kind()), Key: []byte(event.Key(e)), Value: text}
}

// unread is the dead letter of a message that became no event: the message, among the behaviours. Two members are added
// to an object: the fault, for ingest can only say that the message is none of ours; and the workspace, for otherwise
// what looks like an event of ours would get into another's.
func (d *delivery) unread(raw value, fault *Fault) stream.Message {
	if raw.isObject() {
		added, _ := json.Marshal(map[string]string{"workspace": d.workspace, "collect_fault": fault.Error()})
		raw = joined(raw, value(added))
	}
	return stream.Message{Topic: event.Topic(event.TypeBehavior), Value: []byte(raw)}
}

// bury sends a dead letter, if it is not too large for that.
func (d *delivery) bury(letter stream.Message, fault *Fault) *Fault {
	if len(letter.Value) > maxLetter {
		fault.Detail += fmt.Sprintf("; it is not kept as a dead letter, which may have %d bytes", maxLetter)
		return fault
	}
	if full := d.send(letter.Topic, string(letter.Key), letter.Value); full != nil {
		return full
	}
	return fault
}

// list notes a rejected event for the answer.
func (d *delivery) list(fault *Fault) {
	d.stats.reject(fault.Code)
	if len(d.rejected) < maxListed {
		d.rejected = append(d.rejected, fault)
	} else {
		d.more++
	}
}
