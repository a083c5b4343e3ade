// Package webhook takes in what CRMs, form tools and messengers post when something changes, and writes it to Kafka as
// events.
//
// A source proves itself as its system documents it: by a signature, by encryption or by a shared secret. None is
// taken unproved. Its payload becomes events by the same mapping as its exports. Event ids come from the payload, so
// that a payload sent twice, and a change that also stands in an export, count once.
//
//	200  everything is acknowledged by Kafka. What does not map is kept as a dead letter, with the reason: sending it
//	     again would change nothing, and after an error most systems send the same again for a day
//	400  the body ended early: send again
//	401  the signature, its time or the secret is wrong
//	404  no source has this name
//	405  the method is neither POST nor, where a system checks the address that way, GET
//	413  the body is too large
//	503  Kafka is away, or too many requests are under way: send again after Retry-After
package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
)

// Path is where the handler is to be mounted; the rest of the path is the name of a source.
const Path = "/v1/sources/"

const (
	// maxBody is the largest body in bytes. As a dead letter in base64 it still fits into one message.
	maxBody = 512 << 10
	// maxEvent is the largest event in bytes, below the million that Kafka takes. A smaller payload can make a larger one
	// where JSON escapes its texts.
	maxEvent = 960 << 10
	// maxRequests bounds the requests under way, and with maxBody the memory they take.
	maxRequests = 64
	// readTimeout bounds the reading of a body, against senders that drip it.
	readTimeout = 10 * time.Second
	// writeTimeout bounds the wait for Kafka: HubSpot and WeCom give up on a request after five seconds.
	writeTimeout = 4 * time.Second
	// retryAfter is in seconds.
	retryAfter = "5"
)

// Writer sends messages to Kafka and returns when all are acknowledged. After an error any of them may have been
// taken; sending them again is safe.
type Writer interface {
	Write(ctx context.Context, messages ...stream.Message) error
}

// Source is one sender.
type Source struct {
	// Proof is how it proves itself.
	Proof Proof
	// Events makes the events of one payload, which is JSON. An error stands in the place of what did not map, and
	// the sequence may go on after it.
	Events func(payload []byte) iter.Seq2[event.Event, error]
	// Workspace is given to events that name none.
	Workspace string
}

// Config is what a Handler works with. All fields are required to serve, Sources alone to check them by New.
type Config struct {
	// Sources by name.
	Sources map[string]Source
	Writer  Writer
	Now     func() time.Time
	Log     *slog.Logger
}

// Stat is what a source sent since the start.
type Stat struct {
	Source string
	// Requests that proved themselves; Refused that did not.
	Requests, Refused uint64
	// Events acknowledged by Kafka.
	Events uint64
	// Unmapped are payloads of which a part became a dead letter; Ignored those that the mapping makes nothing of, as it
	// is meant to be for changes that say nothing of leads.
	Unmapped, Ignored uint64
	// Failed are requests answered 503 because Kafka did not take them.
	Failed uint64
}

// Handler serves the sources. It is safe for concurrent use.
type Handler struct {
	cfg   Config
	slots chan struct{}
	inns  map[string]*inn
}

// inn is where the requests of one source come in.
type inn struct {
	Source
	name   string
	scheme scheme
	aes    []byte // the decoded Proof.AESKey

	requests, refused, events, unmapped, ignored, failed atomic.Uint64
}

// New returns a handler. Its error lists the faults of all sources at once, each naming its key and the remedy.
func New(cfg Config) (*Handler, error) {
	h := &Handler{cfg: cfg, slots: make(chan struct{}, maxRequests), inns: map[string]*inn{}}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(cfg.Sources)) {
		s := cfg.Sources[name]
		if err := checkName(name); err != nil {
			faults = append(faults, err)
		}
		if err := s.Proof.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("sources.%s: %w", name, err))
			continue
		}
		in := &inn{Source: s, name: name, scheme: schemes[s.Proof.Scheme]}
		in.aes, _ = s.Proof.aesKey() // Validate has seen it
		h.inns[name] = in
	}
	return h, errors.Join(faults...)
}

// checkName keeps names plain in addresses, metrics and the names of environment variables.
func checkName(name string) error {
	if name == "" || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return fmt.Errorf("sources: name %q is not usable: take 1 to 64 of a-z, 0-9, - and _", name)
	}
	return nil
}

// Stats returns what each source sent, in the order of names.
func (h *Handler) Stats() []Stat {
	out := make([]Stat, 0, len(h.inns))
	for _, name := range slices.Sorted(maps.Keys(h.inns)) {
		in := h.inns[name]
		out = append(out, Stat{
			Source: name, Requests: in.requests.Load(), Refused: in.refused.Load(), Events: in.events.Load(),
			Unmapped: in.unmapped.Load(), Ignored: in.ignored.Load(), Failed: in.failed.Load(),
		})
	}
	return out
}

// ServeHTTP answers one request; the package says how.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := h.inns[strings.TrimPrefix(r.URL.Path, Path)]
	if in == nil {
		answer(w, http.StatusNotFound, "no source has this name: configure it under sources")
		return
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		unavailable(w, "too many requests are under way: send again later")
		return
	}
	switch {
	case r.Method == http.MethodPost:
		h.post(w, r, in)
	case r.Method == http.MethodGet && in.scheme.challenge != nil:
		h.challenge(w, r, in)
	default:
		answer(w, http.StatusMethodNotAllowed, "post the payload")
	}
}

// challenge proves to a system that it is we who live at the address.
func (h *Handler) challenge(w http.ResponseWriter, r *http.Request, in *inn) {
	text, err := in.scheme.challenge(in, r.URL.Query())
	if err != nil {
		h.refuse(w, in, err)
		return
	}
	answer(w, http.StatusOK, text)
}

func (h *Handler) post(w http.ResponseWriter, r *http.Request, in *inn) {
	// Not every ResponseWriter has deadlines; a real connection does.
	_ = http.NewResponseController(w).SetReadDeadline(h.cfg.Now().Add(readTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		answer(w, http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the body is larger than %d bytes: send less at once", maxBody))
		return
	}
	if err != nil {
		answer(w, http.StatusBadRequest, "the body ended early: send it again")
		return
	}
	payload, err := in.scheme.open(in, &request{Request: r, body: body, now: h.cfg.Now()})
	if refused, ok := errors.AsType[*refusal](err); ok {
		h.refuse(w, in, refused)
		return
	}
	in.requests.Add(1)
	var messages []stream.Message
	var reasons []string
	if err != nil {
		payload, reasons = body, note(nil, err)
	} else {
		messages, reasons = in.Messages(payload)
	}
	events := len(messages)
	if len(reasons) > 0 {
		messages = append(messages, letter(in.name, reasons, payload))
	}
	if err := h.write(r.Context(), messages); err != nil {
		in.failed.Add(1)
		h.cfg.Log.Error("kafka did not take a webhook's events, the sender was told to try again", "source", in.name,
			"error", err)
		unavailable(w, "kafka does not take events now: send again later")
		return
	}
	in.events.Add(uint64(events))
	switch {
	case len(reasons) > 0:
		in.unmapped.Add(1)
		h.cfg.Log.Warn("a webhook's payload does not map and is kept as a dead letter: correct the mapping, then replay it",
			"source", in.name, "reasons", reasons)
	case events == 0:
		in.ignored.Add(1)
	}
	in.scheme.reply(w)
}

// Messages makes the events of a payload ready for Kafka, and tells why others did not become one, of the first 20.
func (s Source) Messages(payload []byte) (messages []stream.Message, reasons []string) {
	for e, err := range s.Events(payload) {
		var value []byte
		if err == nil {
			if h := e.Head(); h.Workspace == "" {
				h.Workspace = s.Workspace
			}
			value, err = event.Encode(e)
		}
		if len(value) > maxEvent {
			err = fmt.Errorf("event %s has %d bytes, the limit is %d: map less into it", e.Head().EventID, len(value), maxEvent)
		}
		if err != nil {
			reasons = note(reasons, err)
			continue
		}
		messages = append(messages, stream.Message{
			Topic: event.Topic(e.Kind()), Key: []byte(event.Key(e)), Value: value,
		})
	}
	return messages, reasons
}

func (h *Handler) write(ctx context.Context, messages []stream.Message) error {
	if len(messages) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return h.cfg.Writer.Write(ctx, messages...)
}

// refuse answers 401 and leaves the cause to the log: it would help whoever guesses.
func (h *Handler) refuse(w http.ResponseWriter, in *inn, cause error) {
	in.refused.Add(1)
	h.cfg.Log.Warn("a webhook did not prove itself: compare its secret with that of the sender", "source", in.name,
		"scheme", in.Proof.Scheme, "cause", cause)
	answer(w, http.StatusUnauthorized, "the request does not prove that it comes from the source")
}

func unavailable(w http.ResponseWriter, text string) {
	w.Header().Set("Retry-After", retryAfter)
	answer(w, http.StatusServiceUnavailable, text)
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	// Nobody is left to tell when the sender has gone.
	_, _ = io.WriteString(w, text)
}
