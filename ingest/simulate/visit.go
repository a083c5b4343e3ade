package simulate

import (
	"time"

	"clew/ingest/event"
)

const site = "https://www.clew.example/"

var (
	pageGroups = []choice{{"home", 35}, {"product", 30}, {"case", 15}, {"pricing", 12}, {"careers", 5}, {"docs", 3}}
	devices    = []choice{{"desktop", 6}, {"mobile", 4}}
)

// touch tells a contact with a channel; without a campaign it is one that is not paid for.
func (s *story) touch(at time.Time, c *channel, kind string, k *campaign) {
	e := &event.Touchpoint{Header: s.head(at), Channel: c.name, Medium: c.medium, Touch: kind}
	e.AnonymousID = s.visitor
	if k != nil {
		e.Source, e.Campaign = k.source, k.name
	} else {
		e.Source = c.sources[0].value
	}
	if s.visitor != "" && (kind == "click" || kind == "visit" || kind == "form") {
		e.URL = site
		if kind == "form" {
			e.URL = site + "contact"
		}
	}
	s.add(e)
}

// other is a channel that leads also meet.
func (s *story) other() *channel {
	for {
		c := &channels[s.dice.IntN(len(channels))]
		if !c.office && c != s.campaign.channel {
			return c
		}
	}
}

// browse tells the visit that began at a moment and went up to the capture. Nobody knew then whose it was: the lead's
// first update ties the anonymous id to it.
func (s *story) browse(from time.Time) {
	if s.visitor == "" || !from.Before(s.created) {
		return
	}
	n := min(int(s.dice.ExpFloat64()*s.campaign.channel.pages), 25)
	if n == 0 {
		return
	}
	s.pages(from, n, s.created, "")
	if s.dice.chance(0.12) {
		s.act(s.created.Add(-time.Minute), "casebook_download", 0, "")
	}
	if s.campaign.channel.plan == planWebinar {
		s.act(s.created.Add(-2*time.Second), "webinar_registered", 0, "")
	}
}

// pages tells up to n page views of one visit that ends before a moment.
func (s *story) pages(from time.Time, n int, until time.Time, lead string) {
	device := event.Scalar(s.dice.pick(devices))
	session := ""
	at := from
	for range n {
		at = at.Add(s.dice.minutes(0.2, 4))
		if !at.Before(until) {
			return
		}
		group := s.dice.pick(pageGroups)
		e := &event.Behavior{
			Header: s.head(at), Name: "page_view", PageGroup: group,
			Properties: map[string]event.Scalar{"device": device},
		}
		if session == "" {
			session = "s-" + e.EventID
		}
		e.SessionID, e.LeadID, e.AnonymousID = session, lead, s.visitor
		s.add(e)
	}
}

// act tells a behaviour that is more than reading; value is in minutes for attended webinars.
func (s *story) act(at time.Time, name string, value float64, lead string) {
	e := &event.Behavior{Header: s.head(at), Name: name, Value: value}
	e.LeadID, e.AnonymousID = lead, s.visitor
	if lead == "" && s.visitor == "" {
		return
	}
	s.add(e)
}

// linger tells what the lead does after the capture: the better it is, the more.
func (s *story) linger() {
	d, p := s.dice, &s.profile
	if s.fate.end == event.LifecycleStageInvalid {
		return
	}
	warm := logistic((p.points-meanPoints)/sigmaPoints + 0.5*p.worth)
	if s.campaign.channel.plan == planWebinar && d.chance(0.65) {
		s.act(s.created.Add(days(d.between(0.1, 3))), "webinar_attended", float64(10+d.IntN(55)), s.id)
	}
	if d.chance(0.5 * warm) {
		s.act(s.created.Add(days(d.spread(1, 1))), "demo_request", 0, s.id)
	}
	if d.chance(0.35 * warm) {
		s.act(s.created.Add(days(d.spread(2, 1))), "casebook_download", 0, s.id)
	}
	if d.chance(0.15) {
		s.act(s.created.Add(days(d.spread(3, 1))), "blog_subscribe", 0, s.id)
	}
	if d.chance(0.3) {
		s.act(s.created.Add(days(d.spread(6, 1))), "email_open", 0, s.id)
	}
	if s.visitor != "" && d.chance(0.25+0.4*warm) {
		back := s.created.Add(days(d.spread(5, 1.2)))
		if d.chance(0.5) {
			s.touch(back, s.other(), "visit", nil)
		}
		s.pages(back, 1+int(d.ExpFloat64()*3*warm), back.Add(3*time.Hour), s.id)
	}
}

// revive tells how a lead that lay in the pool shows up again.
func (s *story) revive(at time.Time) {
	s.touch(at, s.other(), "click", nil)
	s.act(at.Add(time.Minute), "email_click", 0, s.id)
	s.pages(at.Add(2*time.Minute), 2+s.dice.IntN(3), at.Add(time.Hour), s.id)
}
