package collect

import (
	"errors"
	"net/http"

	"clew/ingest/event"
)

// Fault is why a request or one message of it is not taken. Code is a reason of package event, or one of those below.
type Fault struct {
	Code string `json:"code"`
	// At is the place: "batch[3].event", or "" where the whole request is meant.
	At string `json:"at,omitempty"`
	// Detail says what is wrong and what to do.
	Detail string `json:"detail"`
}

// The codes of faults that are not about the content of an event.
const (
	// CodeUnauthorized: no write key came, or one that nobody knows.
	CodeUnauthorized = "unauthorized"
	// CodeEncoding: the body is compressed in a way that is not taken, or the compressed data is broken.
	CodeEncoding = "unsupported_encoding"
	// CodeSlow: the body did not arrive in time. It can be sent again.
	CodeSlow = "body_incomplete"
	// CodeBusy: too much is under way. It can be sent again.
	CodeBusy = "busy"
	// CodeUnavailable: Kafka did not acknowledge. It can be sent again.
	CodeUnavailable = "kafka_unavailable"
)

// Error returns the place and the detail.
func (f *Fault) Error() string {
	if f.At == "" {
		return f.Detail
	}
	return f.At + ": " + f.Detail
}

// within puts a fault into its place in the request.
func (f *Fault) within(place string) *Fault {
	switch {
	case place == "":
	case f.At == "":
		f.At = place
	default:
		f.At = place + "." + f.At
	}
	return f
}

// asFault takes what event says about one of its own.
func asFault(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	if f, ok := errors.AsType[*event.Fault](err); ok {
		return &Fault{Code: f.Reason, At: f.Field, Detail: f.Detail}
	}
	return &Fault{Code: event.ReasonInvalidValue, Detail: err.Error()}
}

// status is what a fault is in HTTP. SDKs send again after 408, 429 and 5xx, and give up after any other 4xx: so
// trouble that passes is never one of those.
func (f *Fault) status() int {
	switch f.Code {
	case CodeUnauthorized:
		return http.StatusUnauthorized
	case event.ReasonTooLarge:
		return http.StatusRequestEntityTooLarge
	case CodeEncoding:
		return http.StatusUnsupportedMediaType
	case CodeSlow:
		return http.StatusRequestTimeout
	case CodeBusy:
		return http.StatusTooManyRequests
	case CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}
