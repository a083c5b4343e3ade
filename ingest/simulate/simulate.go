// Package simulate makes up the events of a B2B business that sells software: leads from twelve sources, what they
// read, who followed them up, which of them bought, and what the advertising cost. It is for demonstrations and for
// load; nobody in it exists.
//
// The figures follow what is known of such businesses: about one lead in ten is won, between 3 % (cold visits) and
// 22 % (referred by customers); half of the deals take more than 15 days and a tenth more than 160, so the latest
// cohorts are not over; leads of a better grade are won more often; nine in ten are followed up within a day.
package simulate

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"clew/ingest/event"
)

// Config says what to make up. The same Config gives the same events, byte for byte; on processors that round
// differently, a time or an amount may differ in its last digit.
type Config struct {
	// Seed chooses the business. Lead and event ids carry it, so two of them can live in one warehouse.
	Seed uint64
	// Leads is how many leads are created from From to To, at least 1.
	Leads int
	// From is where the first lead may be created. Zero: a year before To.
	From time.Time
	// To is the moment the story is told at: nothing happens after it. It must be set.
	To time.Time
	// Timezone is where the business works, an IANA name. Empty: Asia/Shanghai.
	Timezone string
	// Currency of deals and costs, in ISO 4217; amounts are made up as for CNY whatever it is. Empty: CNY.
	Currency string
}

// maxDays bounds the window of a Config: the calendar is held in memory.
const maxDays = 3660

// Check reports every fault of the Config at once.
func (c Config) Check() error {
	_, err := c.resolve()
	return err
}

// resolved is a Config with its defaults filled in.
type resolved struct {
	Config
	zone *time.Location
}

func (c Config) resolve() (resolved, error) {
	if c.Timezone == "" {
		c.Timezone = "Asia/Shanghai"
	}
	if c.Currency == "" {
		c.Currency = "CNY"
	}
	if c.From.IsZero() {
		c.From = c.To.AddDate(-1, 0, 0)
	}
	c.From, c.To = c.From.UTC().Truncate(time.Millisecond), c.To.UTC().Truncate(time.Millisecond)
	var faults []error
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		faults = append(faults, fmt.Errorf("timezone %q is not known: use an IANA name such as Asia/Shanghai",
			c.Timezone))
	}
	if c.Leads < 1 {
		faults = append(faults, fmt.Errorf("leads is %d: ask for at least 1", c.Leads))
	}
	switch {
	case c.To.Year() < 1980:
		faults = append(faults, errors.New("to is not set: name the moment the story is told at, after 1980"))
	case !c.From.Before(c.To):
		faults = append(faults, errors.New("from is not before to: name an earlier from"))
	case c.To.Sub(c.From) > maxDays*24*time.Hour:
		faults = append(faults, fmt.Errorf("from lies more than %d days before to: shorten the window", maxDays))
	}
	probe := event.Cost{
		Header: event.Header{EventID: "1", OccurredAt: time.Unix(0, 0)},
		Date:   "2000-01-01", Channel: "c", Currency: c.Currency,
	}
	if err := probe.Validate(); err != nil {
		faults = append(faults, err)
	}
	return resolved{Config: c, zone: zone}, errors.Join(faults...)
}

// Events tells the story. It is told day by day: the leads created on a day one after the other, in the order of their
// creation, each with its whole life from its first touch to To; then what the day cost. Within a life events stand in
// the order they happened, but for about one in a hundred that comes late. About one in 250 comes twice, with the same
// id and the same content: the same pointer, so events must not be changed.
//
// Behaviours before the capture carry the anonymous id alone; the lead's first update ties it to the lead. A promised
// next action may lie after To.
//
// Only one life is held in memory. The sequence may be ranged over again. Events panics where Check reports a fault.
func Events(c Config) iter.Seq[event.Event] {
	r, err := c.resolve()
	if err != nil {
		panic(fmt.Sprintf("simulate.Events: %v", err))
	}
	return func(yield func(event.Event) bool) {
		newWorld(r).tell(yield)
	}
}

func (w *world) tell(yield func(event.Event) bool) {
	s := &story{world: w, dice: newDice()}
	number := 0
	for d := range w.days {
		today := w.campaignsOn(d)
		n := w.leadsOn(d)
		for k := range n {
			number++
			s.begin(number, d, (float64(k)+0.5)/float64(n), today)
			for _, e := range s.live() {
				if !yield(e) {
					return
				}
			}
		}
		for _, e := range w.costsOn(d) {
			if !yield(e) {
				return
			}
		}
	}
}
