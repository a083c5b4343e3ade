package simulate

import (
	"time"

	"clew/ingest/event"
)

// work tells what the business does with the lead: assignment, follow-up and stages up to its end.
func (s *story) work() {
	if s.dice.chance(0.015) { // forgotten: a lead that nobody ever calls
		s.fate = fate{depth: depthNew}
		s.assign(s.created)
		s.recycle(s.office(s.created.Add(48*time.Hour), 0), "not_followed_up")
		return
	}
	at := s.assign(s.created)
	respond := s.response(at)
	s.fate = s.decide(respond.Sub(s.created) < 4*time.Hour)
	if s.fate.end == event.LifecycleStageInvalid {
		s.call(respond, false)
		s.stage(later(respond.Add(s.dice.minutes(1, 10)), s.office(s.created.Add(s.fate.span), 0)),
			event.LifecycleStageInvalid, 0, s.fate.reason)
		return
	}
	s.firstTalk = s.reach(respond)
	end := s.progress()
	s.followUp(end)
}

// assign gives the lead to its owner, and in a few cases back and to another one. It returns when the last one had it.
func (s *story) assign(from time.Time) time.Time {
	d := s.dice
	at := from.Add(d.minutes(0.5, 6))
	if d.chance(0.25) { // by hand
		at = s.after(from, time.Duration(d.spread(25, 0.9)*float64(time.Minute)), true)
	}
	s.assignment(at, event.ActionAssigned)
	if d.chance(0.03) {
		back := s.after(at, d.minutes(20, 400), true)
		s.assignment(back, event.ActionReturned)
		team := owners[s.profile.owner.team]
		s.profile.owner = team[d.IntN(len(team))]
		at = back.Add(d.minutes(2, 30))
		s.assignment(at, event.ActionAssigned)
	}
	return at
}

func (s *story) assignment(at time.Time, action event.Action) {
	e := &event.Assignment{Header: s.head(at), Owner: s.profile.owner.name, Team: s.profile.owner.team, Action: action}
	s.add(e)
}

// response draws when the owner first calls, after accepting the lead.
func (s *story) response(assigned time.Time) time.Time {
	d, o := s.dice, &s.profile.owner
	duty := d.chance(o.duty)
	wait := time.Duration(d.spread(float64(o.response), 1.25))
	if s.campaign.channel.capture == "call" { // somebody is on the line
		wait = d.minutes(1, 30)
	}
	at := s.after(assigned, wait, duty)
	accepted := later(assigned.Add(time.Second), at.Add(-d.minutes(1, 20)))
	s.assignment(accepted, event.ActionAccepted)
	return later(at, accepted.Add(30*time.Second))
}

// reach tells the calls until the lead is talked to, at most four, and returns when that was; zero: never.
func (s *story) reach(first time.Time) time.Time {
	d, at := s.dice, first
	chance := 0.68 + 0.1*s.profile.owner.skill
	for try := 1; ; try++ {
		last := try == 4
		if d.chance(chance) || last && s.fate.depth >= depthSQL {
			s.call(at, true)
			s.learn(at)
			return at
		}
		s.call(at, false)
		if last {
			return time.Time{}
		}
		at = s.after(at, d.minutes(60, 500), false)
	}
}

func (s *story) learn(at time.Time) {
	if known := s.learned(); len(known) > 0 {
		s.add(&event.Lead{Header: s.head(at.Add(s.dice.minutes(5, 30))), Attributes: known})
	}
}

// progress tells the stages and returns the moment of the end, or until when an open lead is worked.
func (s *story) progress() time.Time {
	d, f := s.dice, &s.fate
	span := float64(f.span)
	part := func(low, high float64) time.Duration { return time.Duration(span * d.between(low, high)) }
	at := s.created
	if f.depth >= depthMQL {
		at = s.step(at, min(part(0.03, 0.15), days(d.spread(1, 0.9))))
		s.stage(at, event.LifecycleStageMQL, 0, "")
	}
	if f.pause {
		at = s.pause(at, part(0.15, 0.25), part(0.2, 0.3))
	}
	if f.depth >= depthSQL {
		at = s.step(later(at, s.firstTalk), part(0.05, 0.2))
		s.stage(at, event.LifecycleStageSQL, 0, "")
	}
	amount := s.amount()
	if f.depth >= depthOpportunity {
		at = s.step(at, part(0.1, 0.3))
		s.stage(at, event.LifecycleStageOpportunity, hundreds(amount*d.between(0.9, 1.3)), "")
	}
	if f.end == "" {
		return later(at, s.created.Add(days(d.spread(25, 0.8))))
	}
	if end := s.created.Add(f.span); end.After(at) {
		at = end
	}
	at = s.step(later(at, s.firstTalk), 0)
	s.finish(at, amount)
	return at
}

// step returns a moment in office hours, at least some minutes after another.
func (s *story) step(from time.Time, gap time.Duration) time.Time {
	return s.office(from.Add(gap+s.dice.minutes(2, 30)), s.dice.minutes(0, 120))
}

// pause sends the lead to the pool and has it come back.
func (s *story) pause(at time.Time, before, length time.Duration) time.Time {
	at = s.step(at, before)
	s.recycle(at, "no_progress")
	at = at.Add(length)
	s.revive(at)
	at = s.step(at, 0)
	s.assignment(at, event.ActionAssigned)
	s.assignment(at.Add(s.dice.minutes(1, 30)), event.ActionAccepted)
	return at
}

func (s *story) recycle(at time.Time, reason string) {
	s.stage(at, event.LifecycleStageRecycled, 0, reason)
	s.assignment(at, event.ActionRecycled)
}

func (s *story) finish(at time.Time, amount float64) {
	switch f := &s.fate; f.end {
	case event.LifecycleStageWon:
		s.stage(at, f.end, amount, "")
	case event.LifecycleStageRecycled:
		s.recycle(at, f.reason)
		if s.dice.chance(0.15) {
			again := s.pauseAfter(at)
			s.stage(again, event.LifecycleStageMQL, 0, "")
		}
	case event.LifecycleStageLost, event.LifecycleStageInvalid:
		s.stage(at, f.end, 0, f.reason)
	case event.LifecycleStageNew, event.LifecycleStageMQL, event.LifecycleStageSQL, event.LifecycleStageOpportunity:
		panic("simulate: a life does not end at " + string(f.end))
	}
}

// pauseAfter has a recycled lead come back after a month or two.
func (s *story) pauseAfter(at time.Time) time.Time {
	at = at.Add(days(s.dice.spread(45, 0.5)))
	s.revive(at)
	at = s.step(at, 0)
	s.assignment(at, event.ActionAssigned)
	at = s.step(at, s.dice.minutes(20, 200))
	s.call(at, true)
	return s.step(at, 0)
}
