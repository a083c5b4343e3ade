package simulate

import (
	"math"
	"time"

	"clew/ingest/event"
)

// fate is how far a lead gets, how it ends and when.
type fate struct {
	depth  int
	end    event.LifecycleStage // empty: it is still open at the end of time
	reason string
	// span is from creation to the end, as far as office hours let it be kept.
	span time.Duration
	// pause: the lead lies in the pool for a while before it gets on.
	pause bool
}

// How far leads get.
const (
	depthNew = iota
	depthMQL
	depthSQL
	depthOpportunity
	depthWon
)

// Of the leads that are not won, how many get further. Better leads get further: 1 sigma of points adds deeper logits.
var getFurther = [...]float64{0.5, 0.36, 0.42}

const deeper = 0.5

// ending is what becomes of the leads that got no further.
var endings = [...][]choice{
	depthNew:         {{string(event.LifecycleStageInvalid), 9}, {string(event.LifecycleStageRecycled), 45}, {"", 46}},
	depthMQL:         {{string(event.LifecycleStageRecycled), 50}, {string(event.LifecycleStageLost), 15}, {"", 35}},
	depthSQL:         {{string(event.LifecycleStageLost), 50}, {string(event.LifecycleStageRecycled), 30}, {"", 20}},
	depthOpportunity: {{string(event.LifecycleStageLost), 88}, {"", 12}},
}

var (
	lostReasons = []choice{
		{"price", 28}, {"competitor", 22}, {"no_budget", 18}, {"postponed", 17}, {"no_response", 15},
	}
	invalidReasons = []choice{
		{"dead_phone", 35}, {"need_mismatch", 25}, {"spam", 20}, {"duplicate", 10}, {"invalid_email", 10},
	}
	recycledReasons = []choice{{"no_intent", 50}, {"no_response", 30}, {"timing", 20}}
)

// In days. Together with the factors of channels and sizes, deals take 15 days in the median and 160 at the ninth
// decile, once every lead has had the time it needs.
const (
	cycleMedian = 12.3
	cycleSigma  = 1.84
	cycleMax    = 430.0
)

func (s *story) decide(fast bool) fate {
	d, p, c := s.dice, &s.profile, s.campaign.channel
	var f fate
	if d.chance(p.odds(c, fast)) {
		f.depth, f.end = depthWon, event.LifecycleStageWon
	} else {
		for f.depth < len(getFurther) &&
			d.chance(logistic(logit(getFurther[f.depth])+deeper*(p.points-meanPoints)/sigmaPoints)) {
			f.depth++
		}
		f.end = event.LifecycleStage(d.pick(endings[f.depth]))
	}
	n := d.spread(cycleMedian*c.cycle*sizeCycle[p.need[needSize]], cycleSigma)
	if n > cycleMax {
		n = cycleMax * d.between(0.7, 1)
	}
	f.span = days(n)
	switch f.end {
	case event.LifecycleStageInvalid:
		f.reason, f.span = d.pick(invalidReasons), days(math.Min(n, 5)*d.Float64())
	case event.LifecycleStageLost:
		f.reason = d.pick(lostReasons)
	case event.LifecycleStageRecycled:
		f.reason = d.pick(recycledReasons)
		f.span += days(2) // a lead is given two days before it is taken away
	default: // the other endings need no reason
	}
	f.pause = f.depth >= depthSQL && n > 60 && d.chance(0.25)
	return f
}

// sizeCycle is how long deals with large, medium and small companies take, relative to the average.
var sizeCycle = [3]float64{1.6, 1.1, 0.8}

// amounts are the medians of deals with large, medium and small companies.
var amounts = [3]float64{11000, 4200, 1600}

func (s *story) amount() float64 {
	return hundreds(s.dice.spread(amounts[s.profile.need[needSize]], 0.5))
}

// hundreds rounds a price as salespeople do.
func hundreds(amount float64) float64 { return math.Round(amount/100) * 100 }
