package attribution_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/transform/attribution"
)

// path is touches of the channels a, b, … with a day between, the last at the conversion. created is the number of the
// last one not after the lead's creation, from 1; 0: none.
func path(created int, channels ...string) attribution.Path {
	p := attribution.Path{ConvertedAt: ms(days(100)), CreatedAt: ms(days(0))}
	for i, channel := range channels {
		at := ms(days(float64(100 - len(channels) + 1 + i)))
		p.Touches = append(p.Touches, attribution.Touch{At: at, Channel: channel})
		if i+1 == created {
			p.CreatedAt = at
		}
	}
	return p
}

// TestRules holds each rule to shares reckoned by hand. Lookback is four days, so half-life is one.
func TestRules(t *testing.T) {
	cfg := attribution.Config{Lookback: days(4), Direct: []string{"direct"}}
	for _, c := range []struct {
		rule string
		path attribution.Path
		want string
	}{
		{"first", path(0, "a", "b", "c"), "[1 0 0]"},
		{"last", path(0, "a", "b", "c"), "[0 0 1]"},
		{"last_non_direct", path(0, "a", "b", "direct"), "[0 1 0]"},
		{"last_non_direct", path(0, "direct", "direct"), "[0 1]"},
		{"linear", path(0, "a", "b", "a", "b"), "[0.25 0.25 0.25 0.25]"},
		{"time_decay", path(0, "a", "b", "c"), "[0.1429 0.2857 0.5714]"},
		{"position", path(0, "a"), "[1]"},
		{"position", path(0, "a", "b"), "[0.5 0.5]"},
		{"position", path(0, "a", "b", "c"), "[0.4 0.2 0.4]"},
		{"position", path(0, "a", "b", "c", "d"), "[0.4 0.1 0.1 0.4]"},
		{"w_shaped", path(0, "a"), "[1]"},
		{"w_shaped", path(1, "a"), "[1]"},
		{"w_shaped", path(0, "a", "b"), "[0.5 0.5]"},
		{"w_shaped", path(1, "a", "b"), "[0.6667 0.3333]"},
		{"w_shaped", path(2, "a", "b", "c"), "[0.3333 0.3333 0.3333]"},
		{"w_shaped", path(3, "a", "b", "c", "d", "e"), "[0.3 0.05 0.3 0.05 0.3]"},
		{"w_shaped", path(5, "a", "b", "c", "d", "e"), "[0.3 0.03333 0.03333 0.03333 0.6]"},
		{"w_shaped", path(0, "a", "b", "c", "d"), "[0.4286 0.07143 0.07143 0.4286]"},
	} {
		if got := fmt.Sprintf("%.4g", attribution.Rules()[c.rule](cfg, c.path)); got != c.want {
			t.Errorf("%s gives %s, want %s of %v", c.rule, got, c.want, c.path)
		}
	}
}

func TestSharesOfEachRuleSumToOne(t *testing.T) {
	cfg := attribution.Default()
	rules := attribution.Rules()
	if len(rules) != 7 {
		t.Errorf("there are %d rules, want seven", len(rules))
	}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		if shares := rules[name](cfg, attribution.Path{}); len(shares) != 0 {
			t.Errorf("%s gives %v to no touch", name, shares)
		}
		for n := 1; n <= 40; n++ {
			for created := 0; created <= n; created++ {
				sum := 0.0
				for _, share := range rules[name](cfg, path(created, make([]string, n)...)) {
					sum += share
				}
				if math.Abs(sum-1) > 1e-12 {
					t.Fatalf("%s gives %v in all to %d touches", name, sum, n)
				}
			}
		}
	}
}

// TestHalfLifeIsAtLeastADay: of a lookback of an hour a quarter would weigh nothing but the last minutes.
func TestHalfLifeIsAtLeastADay(t *testing.T) {
	got := fmt.Sprintf("%.4g", attribution.TimeDecay(attribution.Config{Lookback: days(1)}, path(0, "a", "b")))
	if diff := cmp.Diff("[0.3333 0.6667]", got); diff != "" {
		t.Error(diff)
	}
}
