package attribution

import (
	"fmt"
	"math"
	"slices"
)

// Step is how often a path went from one channel to another.
type Step struct {
	// From is a channel or Start, To a channel, Converted or Lost.
	From, To State
	Paths    float64
}

// State is where a path can be: at a channel, before the first, or at one of its two ends.
type State struct {
	Kind    StateKind
	Channel string
}

// StateKind says which of the four a State is.
type StateKind uint8

// The kinds of State. A channel may have any name, the empty one included, so none stands for the others.
const (
	AtChannel StateKind = iota
	Start
	Converted
	Lost
)

// Markov gives each channel's share of all conversions, by how much of the chance to convert is lost without it. Steps
// make a chain of order 1: where a path goes next depends on the channel it is at, and on nothing before. The shares
// sum to 1. Without a step to Converted there are none. Every channel must have a way to one of the ends.
//
// What is lost without a channel is the chance that a path comes to it and converts later. A path's chance to ever come
// from the start to channel c is n(start, c) / n(c, c), n being the mean number of visits, which the inverse of I − Q
// holds; so one inverse gives the removal effects of all channels, without a chain for each.
func Markov(steps []Step) (map[string]float64, error) {
	chain := newChain(steps)
	visits, err := inverse(chain.stay)
	if err != nil {
		return nil, err
	}
	n := len(chain.channels)
	// chance[c] is that a path at c converts.
	chance := make([]float64, n)
	for c := range n {
		for k := range n {
			chance[c] += visits[c][k] * chain.convert[k]
		}
	}
	effects, total := make([]float64, n), 0.0
	for c := range n {
		for k := range n {
			effects[c] += chain.start[k] * visits[k][c] / visits[c][c]
		}
		effects[c] *= chance[c]
		total += effects[c]
	}
	shares := map[string]float64{}
	for c, channel := range chain.channels {
		if total > 0 {
			shares[channel] = effects[c] / total
		}
	}
	return shares, nil
}

// chain holds the chances of each step.
type chain struct {
	channels []string
	// start[c] is the chance that a path begins with c; stay is I − Q, where Q[a][b] is the chance that b comes after
	// a; convert[c] is the chance that the conversion comes after c.
	start, convert []float64
	stay           [][]float64
}

func newChain(steps []Step) chain {
	c := chain{channels: channelsOf(steps)}
	n := len(c.channels)
	// The counts from each channel, and in the last row from the start.
	to, converted, total := matrix(n+1, n), make([]float64, n+1), make([]float64, n+1)
	for _, s := range steps {
		from := n
		if s.From.Kind == AtChannel {
			from, _ = slices.BinarySearch(c.channels, s.From.Channel)
		}
		total[from] += s.Paths
		switch s.To.Kind {
		case AtChannel:
			i, _ := slices.BinarySearch(c.channels, s.To.Channel)
			to[from][i] += s.Paths
		case Converted:
			converted[from] += s.Paths
		case Start, Lost:
		}
	}
	c.start, c.convert, c.stay = make([]float64, n), make([]float64, n), matrix(n, n)
	for i := range n {
		if total[n] > 0 {
			c.start[i] = to[n][i] / total[n]
		}
		c.stay[i][i] = 1
		if total[i] == 0 {
			continue
		}
		c.convert[i] = converted[i] / total[i]
		for k := range n {
			c.stay[i][k] -= to[i][k] / total[i]
		}
	}
	return c
}

// channelsOf are the channels of the steps, sorted.
func channelsOf(steps []Step) []string {
	var channels []string
	for _, s := range steps {
		for _, state := range []State{s.From, s.To} {
			if state.Kind == AtChannel {
				channels = append(channels, state.Channel)
			}
		}
	}
	slices.Sort(channels)
	return slices.Compact(channels)
}

func matrix(rows, columns int) [][]float64 {
	m := make([][]float64, rows)
	for i := range m {
		m[i] = make([]float64, columns)
	}
	return m
}

// inverse inverts a by Gauss and Jordan, each time with the largest pivot of the column. It changes a.
func inverse(a [][]float64) ([][]float64, error) {
	n := len(a)
	inv := matrix(n, n)
	for i := range n {
		inv[i][i] = 1
	}
	for column := range n {
		pivot := column
		for row := column + 1; row < n; row++ {
			if math.Abs(a[row][column]) > math.Abs(a[pivot][column]) {
				pivot = row
			}
		}
		if math.Abs(a[pivot][column]) < 1e-12 {
			return nil, fmt.Errorf("the chain of %d channels never ends: after some channel comes neither a conversion "+
				"nor the end of a path", n)
		}
		a[column], a[pivot], inv[column], inv[pivot] = a[pivot], a[column], inv[pivot], inv[column]
		divide(a[column][column], a[column], inv[column])
		for row := range n {
			if row != column {
				factor := a[row][column]
				subtract(factor, a[column], a[row])
				subtract(factor, inv[column], inv[row])
			}
		}
	}
	return inv, nil
}

func divide(by float64, rows ...[]float64) {
	for _, row := range rows {
		for i := range row {
			row[i] /= by
		}
	}
}

// subtract takes factor times what from a row.
func subtract(factor float64, what, from []float64) {
	for i := range from {
		from[i] -= factor * what[i]
	}
}
