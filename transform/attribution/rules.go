package attribution

import (
	"math"
	"slices"
	"time"
)

// Touch is one touch of a path.
type Touch struct {
	// At is in milliseconds since 1970.
	At      int64
	Channel string
}

// Path is what led to one conversion: the touches that belong to it, in the order of (time, event id).
type Path struct {
	Touches []Touch
	// ConvertedAt is the moment of the conversion, CreatedAt that of the lead, in milliseconds since 1970.
	ConvertedAt, CreatedAt int64
}

// Rule shares one conversion out to the touches of its path: one share a touch, together 1. A path without a touch has
// no shares.
type Rule func(Config, Path) []float64

// Rules are the seven by their names, which are those of the columns of attribution_credits.
func Rules() map[string]Rule {
	return map[string]Rule{
		"first": First, "last": Last, "last_non_direct": LastNonDirect, "linear": Linear, "time_decay": TimeDecay,
		"position": Position, "w_shaped": WShaped,
	}
}

// First gives all to the first touch.
func First(_ Config, p Path) []float64 { return only(p, 0) }

// Last gives all to the last touch.
func Last(_ Config, p Path) []float64 { return only(p, len(p.Touches)-1) }

// LastNonDirect gives all to the last touch that is not direct, or to the last where each is.
func LastNonDirect(c Config, p Path) []float64 {
	for i, touch := range slices.Backward(p.Touches) {
		if !slices.Contains(c.Direct, touch.Channel) {
			return only(p, i)
		}
	}
	return Last(c, p)
}

// only gives all to touch i.
func only(p Path, i int) []float64 {
	shares := make([]float64, len(p.Touches))
	if len(shares) > 0 {
		shares[i] = 1
	}
	return shares
}

// Linear gives each touch the same.
func Linear(_ Config, p Path) []float64 {
	return shared(p, func(int) float64 { return 1 })
}

// TimeDecay gives a touch half as much for each half-life that it lies before the conversion.
func TimeDecay(c Config, p Path) []float64 {
	half := float64(c.halfLife().Milliseconds())
	return shared(p, func(i int) float64 { return math.Exp2(float64(p.Touches[i].At-p.ConvertedAt) / half) })
}

// halfLife is a quarter of the lookback, and at least a day.
func (c Config) halfLife() time.Duration { return max(c.Lookback/4, 24*time.Hour) }

// Position gives 0.4 to the first touch and to the last and shares 0.2 among the others; of two each has a half.
func Position(_ Config, p Path) []float64 {
	n := len(p.Touches)
	return shared(p, func(i int) float64 {
		if i == 0 || i == n-1 {
			return 0.4
		}
		return 0.2 / float64(n-2)
	})
}

// WShaped gives 0.3 to the first touch, to the one that made the lead and to the last, and shares 0.1 among the others.
// A touch that is two of these has both shares; a part that no touch can have goes to the others in proportion.
func WShaped(_ Config, p Path) []float64 {
	milestones := make([]int, len(p.Touches))
	if len(milestones) > 0 {
		milestones[0]++
		milestones[len(milestones)-1]++
	}
	if made := p.made(); made >= 0 {
		milestones[made]++
	}
	others := 0
	for _, n := range milestones {
		if n == 0 {
			others++
		}
	}
	return shared(p, func(i int) float64 {
		if milestones[i] == 0 {
			return 0.1 / float64(others)
		}
		return 0.3 * float64(milestones[i])
	})
}

// made is the touch that made the lead, the last one not after its creation; −1: none.
func (p Path) made() int {
	made := -1
	for i, t := range p.Touches {
		if t.At <= p.CreatedAt {
			made = i
		}
	}
	return made
}

// shared gives each touch its weight's part of all weights.
func shared(p Path, weight func(i int) float64) []float64 {
	shares, total := make([]float64, len(p.Touches)), 0.0
	for i := range shares {
		shares[i] = weight(i)
		total += shares[i]
	}
	for i := range shares {
		shares[i] /= total
	}
	return shares
}
