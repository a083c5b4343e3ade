package simulate

import (
	"slices"
	"strconv"
	"time"

	"clew/ingest/event"
)

// The kinds of dice.reset.
const (
	kindLead = 1
	kindDay  = 2
)

// story is the life of one lead, told in one go and then put in order.
type story struct {
	*world
	dice      *dice
	number    int
	id        string
	visitor   string // the anonymous id; empty where nobody was on the site
	campaign  *campaign
	created   time.Time
	profile   profile
	told      [5]bool // needs that the form said
	fate      fate
	sequence  int
	events    []event.Event
	firstTalk time.Time // first effective activity
}

// begin draws who the lead is and when it comes: at a part of the arrivals of a day.
func (s *story) begin(number, day int, part float64, from []pulled) {
	s.dice.reset(s.Seed, kindLead, uint64(number))
	*s = story{
		world: s.world, dice: s.dice, number: number, events: s.events[:0],
		id: s.prefix + "-" + strconv.Itoa(number),
	}
	s.campaign = s.choose(from)
	low, high := s.inside(day)
	start := s.days[day]
	s.created = s.clip(start.Add(moment(start, low+(high-low)*part)))
	if c := s.campaign.channel; c.office && !restday(start) {
		// The day's course is squeezed into office hours.
		passed := share(start, s.created.Sub(start)) * 9 * float64(time.Hour)
		if t := start.Add(9*time.Hour + time.Duration(passed)); !t.After(s.To) {
			s.created = s.clip(t)
		}
	}
	s.profile = s.dice.profile(s.campaign.channel)
	if s.dice.chance(min(0.95, 0.2+s.campaign.channel.pages/4)) {
		s.visitor = "v-" + s.id
	}
}

// clip moves a moment into the window and takes it to milliseconds.
func (s *story) clip(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Millisecond)
	switch {
	case t.Before(s.From):
		return s.From
	case t.After(s.To):
		return s.To
	}
	return t
}

func (s *story) choose(from []pulled) *campaign {
	sum := 0.0
	for _, k := range from {
		sum += k.weight
	}
	left := s.dice.Float64() * sum
	for _, k := range from {
		if left -= k.weight; left < 0 {
			return k.campaign
		}
	}
	return from[len(from)-1].campaign
}

// head numbers an event. The number is spent even if the event is dropped, so ids do not depend on To.
func (s *story) head(at time.Time) event.Header {
	s.sequence++
	var id [80]byte
	b := append(append(id[:0], s.id...), '.')
	b = strconv.AppendInt(b, int64(s.sequence), 10)
	return event.Header{EventID: string(b), OccurredAt: at.UTC().Truncate(time.Millisecond), LeadID: s.id}
}

func (s *story) add(e event.Event) {
	if at := e.Head().OccurredAt; !at.After(s.To) && !at.Before(s.From) {
		s.events = append(s.events, e)
	}
}

// live tells the life up to To. The slice is good until the next begin.
func (s *story) live() []event.Event {
	s.arrive()
	s.work()
	s.linger()
	slices.SortStableFunc(s.events, func(a, b event.Event) int {
		return a.Head().OccurredAt.Compare(b.Head().OccurredAt)
	})
	s.disturb()
	return s.events
}

// disturb does to the order what networks do: a few events come late, and a few twice.
func (s *story) disturb() {
	for i := 0; i+1 < len(s.events); i++ {
		if s.dice.chance(0.012) {
			to := min(i+1+s.dice.IntN(4), len(s.events)-1)
			e := s.events[i]
			copy(s.events[i:to], s.events[i+1:to+1])
			s.events[to] = e
		}
	}
	for i, n := 0, len(s.events); i < n; i++ {
		if s.dice.chance(0.004) {
			at := i + 1 + s.dice.IntN(len(s.events)-i)
			s.events = slices.Insert(s.events, at, s.events[i])
		}
	}
}

// arrive tells everything up to the capture.
func (s *story) arrive() {
	c := s.campaign.channel
	first := s.created
	if s.visitor != "" {
		first = s.clip(s.created.Add(-s.dice.minutes(3, 40)))
		if s.dice.chance(0.35) {
			first = s.clip(s.created.Add(-days(s.dice.spread(4, 1))))
		}
	}
	s.touch(first, c, c.first, s.campaign)
	s.browse(first)
	if s.created.Sub(first) > 24*time.Hour && s.dice.chance(0.6) {
		between := first.Add(time.Duration(s.dice.between(0.2, 0.9) * float64(s.created.Sub(first))))
		s.touch(between, s.other(), "visit", nil)
	}
	if first.Before(s.created) {
		s.touch(s.created.Add(-time.Second), c, c.capture, s.campaign)
	}
	s.capture()
}

// capture tells the birth of the lead.
func (s *story) capture() {
	p, d := &s.profile, s.dice
	lead := &event.Lead{Header: s.head(s.created), Source: s.campaign.source, Attributes: s.known()}
	lead.AnonymousID = s.visitor
	created := lead.OccurredAt
	lead.CreatedAt = &created
	contact := event.Contact{Name: p.contact}
	if d.chance(0.96) {
		contact.Phone = phone(s.number)
	}
	if d.chance(0.7) {
		contact.Email = mail(s.number)
	}
	if d.chance(0.45) {
		contact.WeChat = wechat(s.number)
	}
	lead.Contact = &contact
	if d.chance(0.94) {
		lead.Company = p.company
	}
	s.add(lead)
	s.stage(s.created, event.LifecycleStageNew, 0, "")
}

func (s *story) stage(at time.Time, stage event.LifecycleStage, amount float64, reason string) {
	e := &event.Stage{Header: s.head(at), Stage: stage, Amount: amount, Reason: reason}
	if amount != 0 {
		e.Currency = s.Currency
	}
	s.add(e)
}
