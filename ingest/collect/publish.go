package collect

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// writeLimit is how long a write may go on, also after its client was told to send again. Its memory is held until
// then: so what waits for a Kafka that is away is bounded.
const writeLimit = time.Minute

// errLate says that Kafka did not answer in time.
var errLate = errors.New("kafka did not acknowledge in time")

// publish writes the messages and waits for Kafka, but no longer than AckTimeout.
func (c *Collector) publish(ctx context.Context, d *delivery) *Fault {
	if len(d.messages) == 0 {
		d.hold.release()
		return nil
	}
	done := make(chan error, 1)
	c.pending.Go(func() {
		// What was begun is ended, also when the client hangs up.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
		defer cancel()
		err := c.cfg.Writer.Write(ctx, d.messages...)
		d.hold.release()
		done <- err
	})
	late := time.NewTimer(c.cfg.AckTimeout)
	defer late.Stop()
	var err error
	select {
	case err = <-done:
	case <-late.C:
		err = errLate
	}
	if err != nil {
		c.stats.kafkaFailures.Add(1)
		c.cfg.Log.Warn("kafka did not take collected events, their senders were told to send again: check the brokers",
			slog.Int("messages", len(d.messages)), slog.Any("error", err))
		return &Fault{Code: CodeUnavailable, Detail: "the events could not be stored now: send them again later"}
	}
	c.stats.took(d)
	return nil
}

// accepted is the answer to a request that was taken.
type accepted struct {
	Success bool `json:"success"`
	// Rejected are the first events of a batch that are no valid ones, and More how many further there are.
	Rejected []*Fault `json:"rejected,omitempty"`
	More     int      `json:"more_rejected,omitempty"`
}

// refused is the answer to a request that was not taken.
type refused struct {
	Success bool `json:"success"`
	*Fault
}

func (c *Collector) refuse(w http.ResponseWriter, fault *Fault) {
	switch fault.Code {
	case CodeBusy, CodeUnavailable:
		// 1 to 3 seconds: all should not come back at once.
		w.Header().Set("Retry-After", strconv.Itoa(1+rand.IntN(3)))
	case CodeSlow:
		w.Header().Set("Connection", "close")
	default: // it can never be taken
		c.stats.reject(fault.Code)
	}
	answer(w, fault.status(), refused{Fault: fault})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that has gone sends again
}
