package simulate

import (
	"time"

	"clew/ingest/event"
)

// How leads are worked, by how far they get: what is done, what comes of it, and what is promised next.
var (
	methods = [...][]choice{
		depthNew:         {{"call", 5}, {"wechat", 3}, {"email", 2}},
		depthMQL:         {{"call", 5}, {"wechat", 4}, {"email", 2}},
		depthSQL:         {{"call", 4}, {"wechat", 4}, {"video", 2}, {"visit", 1}},
		depthOpportunity: {{"call", 3}, {"wechat", 4}, {"video", 2}, {"visit", 2}},
		depthWon:         {{"call", 3}, {"wechat", 4}, {"video", 2}, {"visit", 3}},
	}
	outcomes = [...][]choice{
		depthNew:         {{"need_unclear", 5}, {"material_sent", 3}, {"refused", 2}},
		depthMQL:         {{"need_confirmed", 4}, {"material_sent", 4}, {"postponed", 2}},
		depthSQL:         {{"need_confirmed", 3}, {"demo_done", 3}, {"proposal_sent", 3}, {"postponed", 1}},
		depthOpportunity: {{"proposal_sent", 3}, {"quote_sent", 4}, {"negotiating", 3}},
		depthWon:         {{"proposal_sent", 2}, {"quote_sent", 3}, {"negotiating", 4}, {"contract_discussed", 3}},
	}
	nextActions = [...][]choice{
		depthNew:         {{"send_material", 5}, {"call_again", 3}, {"", 2}},
		depthMQL:         {{"send_material", 4}, {"call_again", 3}, {"invite_webinar", 2}, {"", 1}},
		depthSQL:         {{"demo", 4}, {"send_proposal", 4}, {"visit", 2}},
		depthOpportunity: {{"send_quote", 4}, {"visit", 3}, {"negotiate", 3}},
		depthWon:         {{"send_quote", 3}, {"negotiate", 4}, {"send_contract", 4}},
	}
	failures = []choice{{"no_answer", 6}, {"busy", 3}, {"hung_up", 1}}
	emotions = []choice{{"positive", 4}, {"neutral", 5}, {"negative", 1}, {"", 3}}
)

// maxFollowUps bounds the activities after the first talk; long deals are called less and less often.
const maxFollowUps = 14

// gaps are the median days to the next activity, for leads of the best needs.
var gaps = [...]float64{1.5, 2, 3, 4, 5, 7, 7, 10, 14}

// talked is how often a follow-up reaches the lead, by how far it gets.
var talked = [...]float64{depthNew: 0.5, depthMQL: 0.65, depthSQL: 0.75, depthOpportunity: 0.8, depthWon: 0.85}

// followUp tells the activities between the first talk and the end.
func (s *story) followUp(end time.Time) {
	if s.firstTalk.IsZero() {
		return
	}
	d := s.dice
	slow := 1.0
	if s.profile.points < meanPoints {
		slow = 2
	}
	at := s.firstTalk
	for n := range maxFollowUps {
		gap := d.spread(gaps[min(n, len(gaps)-1)]*slow, 0.6)
		at = s.office(at.Add(days(gap)), d.minutes(5, 200))
		if !at.Before(end) || at.After(s.To) {
			return
		}
		if d.chance(talked[s.fate.depth]) {
			s.talk(at, s.depthAt(at, end))
		} else {
			s.call(at, false)
		}
	}
}

// depthAt guesses how far the lead is at a moment before its end.
func (s *story) depthAt(at, end time.Time) int {
	done := float64(at.Sub(s.created)) / float64(max(end.Sub(s.created), 1))
	return min(s.fate.depth, int(done*float64(s.fate.depth+1)))
}

// call tells a telephone call that reached the lead, or did not.
func (s *story) call(at time.Time, reached bool) {
	if reached {
		s.activity(at, "call", depthNew)
		return
	}
	s.add(&event.Activity{
		Header: s.head(at), Owner: s.profile.owner.name, Method: "call", DurationS: float64(s.dice.IntN(20)),
		Outcome: s.dice.pick(failures), NextAction: "call_again", NextAt: s.next(at, 1),
	})
}

func (s *story) talk(at time.Time, depth int) {
	s.activity(at, s.dice.pick(methods[depth]), depth)
}

func (s *story) activity(at time.Time, method string, depth int) {
	d := s.dice
	e := &event.Activity{
		Header: s.head(at), Owner: s.profile.owner.name, Method: method, Effective: true,
		DurationS: s.duration(method), Outcome: d.pick(outcomes[depth]), NextAction: d.pick(nextActions[depth]),
		Emotion: d.pick(emotions),
	}
	if e.NextAction != "" {
		e.NextAt = s.next(at, d.between(1, 7))
	}
	s.add(e)
}

// duration is in seconds; written messages take none.
func (s *story) duration(method string) float64 {
	switch method {
	case "call":
		return float64(int(s.dice.spread(180, 0.7)))
	case "video":
		return float64(1200 + s.dice.IntN(2400))
	case "visit":
		return float64(1800 + s.dice.IntN(5400))
	}
	return 0
}

// next is a promise, so it may lie after To.
func (s *story) next(at time.Time, inDays float64) *time.Time {
	t := s.office(at.Add(days(inDays)), time.Hour).UTC().Truncate(time.Minute)
	return &t
}
