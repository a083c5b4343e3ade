package webhook

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"clew/ingest/event"
	"clew/ingest/stream"
)

const (
	// letterTopic takes what did not map. Ingest finds that it is no event and keeps it as a dead letter.
	letterTopic = event.TypeLead
	// maxReasons and maxReason, in bytes, bound what is said of a payload with many faults.
	maxReasons = 20
	maxReason  = 1 << 10
	// maxLetter is what a payload may become as JSON text; one with more to escape goes as base64.
	maxLetter = 768 << 10
)

// unmapped is a letter's value. It has none of an event's fields, so that it can never be taken for one.
type unmapped struct {
	Webhook string   `json:"webhook"`
	Reasons []string `json:"reasons"`
	Payload string   `json:"payload,omitempty"`
	// Base64 is the payload where it is not UTF-8.
	Base64 []byte `json:"payload_base64,omitempty"`
}

// note adds a reason, as far as there is room.
func note(reasons []string, err error) []string {
	if len(reasons) == maxReasons {
		return reasons
	}
	text := err.Error()
	return append(reasons, strings.ToValidUTF8(text[:min(len(text), maxReason)], ""))
}

// letter keeps a payload that did not map, byte for byte, and why. Its key names the source.
func letter(source string, reasons []string, payload []byte) stream.Message {
	l := unmapped{Webhook: source, Reasons: reasons, Payload: string(payload)}
	value, err := json.Marshal(l)
	if err != nil || !utf8.Valid(payload) || len(value) > maxLetter {
		l.Payload, l.Base64 = "", payload
		if value, err = json.Marshal(l); err != nil {
			panic(err) // texts and bytes can always be marshalled
		}
	}
	return stream.Message{Topic: event.Topic(letterTopic), Key: []byte("webhook:" + source), Value: value}
}

// Reopen returns what a letter keeps: the name of the source and the payload as it came. It returns false for the value
// of any other message.
func Reopen(value []byte) (source string, payload []byte, ok bool) {
	var l unmapped
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil || l.Webhook == "" {
		return "", nil, false
	}
	if l.Base64 != nil {
		return l.Webhook, l.Base64, true
	}
	return l.Webhook, []byte(l.Payload), true
}
