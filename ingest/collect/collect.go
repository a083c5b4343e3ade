// Package collect takes events over HTTP and writes them to Kafka. It speaks the protocol of Segment, so that the SDKs
// of Segment and RudderStack need no more than its address; it takes CloudEvents and events of our own contract too.
//
// An event is acknowledged by 200 only after Kafka has acknowledged it. Trouble that passes (Kafka away, too much under
// way, a body that did not arrive) is answered by 503, 429 and 408, after which SDKs send again: an event may so be
// written twice, and counts once by its event_id. What can never be taken is answered by another 4xx, after which SDKs
// give up. In a batch, the good events are kept, and the bad go to their topic as they are, where ingest makes dead
// letters of them: they can be corrected and sent again.
package collect

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"clew/ingest/stream"
)

// Writer is where events go: a *stream.Writer.
//
// Write blocks until all messages are acknowledged or one of them failed; an error leaves open which were taken, and
// the client sends all of them again. It is called by many goroutines at once. An error is always taken to pass.
type Writer interface {
	Write(ctx context.Context, messages ...stream.Message) error
}

// Config says what a collector takes and where it writes.
type Config struct {
	Writer Writer
	// Keys are the write keys, each with the workspace whose events it brings.
	Keys map[string]string
	// Origins are those of the pages that may send from a browser, as "https://www.example.com"; "*" stands for all.
	Origins []string
	// MaxBody is the most bytes of a batch, unpacked. 0 means 4 MiB, which is RudderStack's limit and above Segment's.
	MaxBody int64
	// MaxEvent is the most bytes of one message. 0 means 32 KiB, which is Segment's and RudderStack's limit.
	MaxEvent int64
	// MaxPending bounds the memory of all requests under way, in bytes. 0 means 64 MiB.
	MaxPending int64
	// AckTimeout is how long Kafka may take to acknowledge before the client is told to send again. 0 means 8 s: SDKs
	// wait 10 s.
	AckTimeout time.Duration
	Now        func() time.Time
	Log        *slog.Logger
}

// Collector is an http.Handler.
type Collector struct {
	cfg     Config
	keys    keys
	own     map[string]bool // hosts of Origins
	budget  budget
	mux     *http.ServeMux
	stats   stats
	pending sync.WaitGroup
}

// New returns a collector. Its error says what is wrong with the keys or origins, by their names in the settings.
func New(cfg Config) (*Collector, error) {
	cfg.MaxBody = cmp.Or(cfg.MaxBody, 4<<20)
	cfg.MaxEvent = cmp.Or(cfg.MaxEvent, 32<<10)
	cfg.MaxPending = cmp.Or(cfg.MaxPending, 64<<20)
	cfg.AckTimeout = cmp.Or(cfg.AckTimeout, 8*time.Second)
	if err := errors.Join(CheckKeys(cfg.Keys), CheckOrigins(cfg.Origins)); err != nil {
		return nil, err
	}
	c := &Collector{cfg: cfg, keys: newKeys(cfg.Keys), own: map[string]bool{}}
	c.budget.limit = cfg.MaxPending
	for _, o := range cfg.Origins {
		if u, err := url.Parse(o); err == nil && u.Hostname() != "" {
			c.own[bareHost(u.Hostname())] = true
		}
	}
	c.route()
	return c, nil
}

// route names the paths. The browser's SDK uses the first letters, below whatever its apiHost says.
func (c *Collector) route() {
	c.mux = http.NewServeMux()
	for _, kind := range []string{kindTrack, kindIdentify, kindPage, kindScreen, kindGroup, kindAlias} {
		one := c.taking(c.cfg.MaxEvent, func(d *delivery) *Fault { return d.single(kind) })
		for _, path := range []string{"/v1/" + kind, "/v1/" + kind[:1], "/" + kind[:1]} {
			c.mux.Handle("POST "+path, one)
		}
	}
	batch := c.taking(c.cfg.MaxBody, (*delivery).batch)
	for _, path := range []string{"/v1/batch", "/v1/import", "/v1/b", "/b"} {
		c.mux.Handle("POST "+path, batch)
	}
	c.mux.Handle("POST /v1/events", c.taking(c.cfg.MaxBody, (*delivery).facts))
	c.mux.HandleFunc("GET /v1/projects/{key}/settings", c.settings)
}

// ServeHTTP answers a request, or a browser that asks whether it may send one.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seen := &seenWriter{ResponseWriter: w}
	c.allowOrigin(w.Header(), r)
	if r.Method == http.MethodOptions {
		c.preflight(seen, r)
	} else {
		c.mux.ServeHTTP(seen, r)
	}
	c.stats.answered(seen.status, r.Header.Get("X-Retry-Count"))
}

// seenWriter remembers the status.
type seenWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status and passes it on.
func (w *seenWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap serves http.ResponseController and http.MaxBytesReader.
func (w *seenWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Close waits until Kafka has answered for every request, also those whose clients have gone. Call it after the server
// has stopped, and close the Writer afterwards.
func (c *Collector) Close() { c.pending.Wait() }

// taking is a handler that takes the events of a body.
func (c *Collector) taking(limit int64, read func(*delivery) *Fault) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := &delivery{Collector: c, header: r.Header}
		if fault := c.take(w, r, limit, d, read); fault != nil {
			c.refuse(w, fault)
			return
		}
		answer(w, http.StatusOK, accepted{Success: true, Rejected: d.rejected, More: d.more})
	})
}

// take runs one request: who sends, what is sent, to Kafka. It returns after Kafka's answer.
func (c *Collector) take(
	w http.ResponseWriter, r *http.Request, limit int64, d *delivery, parse func(*delivery) *Fault,
) *Fault {
	key, _, _ := r.BasicAuth() // where SDKs put the write key
	workspace, known := c.keys.workspace(key)
	if key != "" && !known {
		return unauthorized()
	}
	if !known { // anybody can send this
		limit = min(limit, unknownBody)
	}
	h, fault := c.budget.open()
	if fault != nil {
		return fault
	}
	owned := true
	defer func() {
		if owned {
			h.release()
		}
	}()
	body, fault := read(w, r, h, limit)
	if fault == nil && !known {
		if workspace, known = c.keys.workspace(body.string("writeKey")); !known {
			fault = unauthorized()
		}
	}
	if fault != nil {
		return fault
	}
	c.stats.bytes.Add(uint64(len(body)))
	d.envelope = envelope{workspace: workspace, received: c.now(), own: c.own}
	d.body, d.hold = body, h
	if fault := parse(d); fault != nil {
		return fault
	}
	owned = false // from here on Kafka's answer gives it back
	return c.publish(r.Context(), d)
}

func (c *Collector) now() time.Time { return c.cfg.Now().UTC().Truncate(time.Millisecond) }
