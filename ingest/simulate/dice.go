package simulate

import (
	"math"
	"math/rand/v2"
	"time"
)

// dice draws everything that is left to chance. It is thrown anew for each lead and each day, so that none of them
// depends on how many draws another took.
type dice struct {
	source *rand.PCG
	*rand.Rand
}

func newDice() *dice {
	source := rand.NewPCG(0, 0)
	return &dice{source: source, Rand: rand.New(source)}
}

// reset makes the dice those of one thing: the kind keeps leads and days apart.
func (d *dice) reset(seed uint64, kind, number uint64) {
	d.source.Seed(mix(seed), mix(kind<<56^number))
}

// mix is the finaliser of splitmix64: it spreads neighbouring numbers over all bits.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (d *dice) chance(p float64) bool { return d.Float64() < p }

func (d *dice) between(low, high float64) float64 { return low + (high-low)*d.Float64() }

// spread is log-normal: half of the draws lie below the median, and sigma is that of the logarithm.
func (d *dice) spread(median, sigma float64) float64 { return median * math.Exp(sigma*d.NormFloat64()) }

func (d *dice) minutes(low, high float64) time.Duration {
	return time.Duration(d.between(low, high) * float64(time.Minute))
}

// choice is a value and how often it is drawn, relative to its neighbours.
type choice struct {
	value  string
	weight float64
}

func (d *dice) pick(from []choice) string {
	sum := 0.0
	for _, c := range from {
		sum += c.weight
	}
	left := d.Float64() * sum
	for _, c := range from {
		if left -= c.weight; left < 0 {
			return c.value
		}
	}
	return from[len(from)-1].value
}

func days(n float64) time.Duration { return time.Duration(n * 24 * float64(time.Hour)) }

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
