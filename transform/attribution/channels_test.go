package attribution_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/transform/attribution"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// walked is what so many people did: the channels they touched, and whether they converted.
type walked struct {
	paths     float64
	channels  []string
	converted bool
}

// steps counts them as the engine does.
func steps(all ...walked) []attribution.Step {
	counts := map[[2]attribution.State]float64{}
	for _, w := range all {
		states := []attribution.State{{Kind: attribution.Start}}
		for _, channel := range slices.Compact(slices.Clone(w.channels)) {
			states = append(states, attribution.State{Channel: channel})
		}
		end := attribution.State{Kind: attribution.Lost}
		if w.converted {
			end.Kind = attribution.Converted
		}
		states = append(states, end)
		for i := range len(states) - 1 {
			counts[[2]attribution.State{states[i], states[i+1]}] += w.paths
		}
	}
	var steps []attribution.Step
	for step, n := range counts {
		steps = append(steps, attribution.Step{From: step[0], To: step[1], Paths: n})
	}
	return steps
}

func sharesText(shares map[string]float64) string {
	text := ""
	for _, channel := range slices.Sorted(maps.Keys(shares)) {
		text += fmt.Sprintf("%s %.6f ", channel, shares[channel])
	}
	return text
}

func markov(t *testing.T, all ...walked) map[string]float64 {
	t.Helper()
	shares, err := attribution.Markov(steps(all...))
	if err != nil {
		t.Fatal(err)
	}
	return shares
}

// TestMarkovByHand: of three paths, a b → converted, a → lost and b c → lost, each with one person. From the start a
// has 2/3 and b 1/3; after a come b and the end with 1/2 each; after b conversion and c with 1/2 each; after c the end.
// So a path at b converts with 1/2, at a with 1/4, at the start with 2/3·1/4 + 1/3·1/2 = 1/3. Without a that is
// 1/3·1/2, half of it is lost; without b all; without c nothing. Of a half and a whole a has a third.
func TestMarkovByHand(t *testing.T) {
	got := sharesText(markov(t, walked{1, []string{"a", "b"}, true}, walked{1, []string{"a"}, false},
		walked{1, []string{"b", "c"}, false}))
	if want := "a 0.333333 b 0.666667 c 0.000000 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestMarkovIsTheRemovalEffect holds the shares of random paths to chains from which a channel was taken out and whose
// chances are found by going on step by step.
func TestMarkovIsTheRemovalEffect(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for range 30 {
		var all []walked
		names := []string{"a", "b", "c", "d", ""}
		for range 1 + r.IntN(12) {
			w := walked{paths: float64(1 + r.IntN(9)), converted: r.IntN(3) > 0}
			for range 1 + r.IntN(6) {
				w.channels = append(w.channels, names[r.IntN(len(names))])
			}
			all = append(all, w)
		}
		chain := steps(all...)
		whole, effects, total := converts(chain, nil), map[string]float64{}, 0.0
		for _, channel := range names {
			effects[channel] = whole - converts(chain, &channel)
			total += effects[channel]
		}
		shares := markov(t, all...)
		for _, channel := range names {
			want := 0.0
			if total > 0 {
				want = effects[channel] / total
			}
			if got := shares[channel]; math.Abs(got-want) > 1e-9 {
				t.Fatalf("%q has %v, want %v of %v", channel, got, want, all)
			}
		}
	}
}

// converts is the chance that a path converts where one channel loses all who come to it.
func converts(steps []attribution.Step, without *string) float64 {
	total := map[attribution.State]float64{}
	for _, s := range steps {
		total[s.From] += s.Paths
	}
	chance := map[attribution.State]float64{{Kind: attribution.Converted}: 1}
	for range 500 {
		next := map[attribution.State]float64{{Kind: attribution.Converted}: 1}
		for _, s := range steps {
			if without == nil || s.From != (attribution.State{Channel: *without}) {
				next[s.From] += s.Paths / total[s.From] * chance[s.To]
			}
		}
		chance = next
	}
	return chance[attribution.State{Kind: attribution.Start}]
}

func TestMarkovWithoutConversionSharesNothing(t *testing.T) {
	if shares := markov(t, walked{4, []string{"a", "b"}, false}); shares["a"] != 0 || shares["b"] != 0 {
		t.Errorf("got %v", shares)
	}
	if shares := markov(t); len(shares) != 0 {
		t.Errorf("got %v", shares)
	}
}

func TestMarkovRefusesAChainWithoutEnd(t *testing.T) {
	a, b := attribution.State{Channel: "a"}, attribution.State{Channel: "b"}
	_, err := attribution.Markov([]attribution.Step{
		{From: attribution.State{Kind: attribution.Start}, To: a, Paths: 1},
		{From: a, To: b, Paths: 1},
		{From: b, To: a, Paths: 1},
	})
	if err == nil {
		t.Error("a chain that never ends was taken")
	}
}

// TestAlikeChannelsGetTheSameAndOthersNothing: a and b are alike, c is in no path that converts.
func TestAlikeChannelsGetTheSameAndOthersNothing(t *testing.T) {
	shares := markov(t, walked{3, []string{"a", "b"}, true}, walked{3, []string{"b", "a"}, true},
		walked{2, []string{"a"}, false}, walked{2, []string{"b"}, false}, walked{5, []string{"c"}, false})
	if shares["a"] != shares["b"] || shares["a"] == 0 || shares["c"] != 0 {
		t.Errorf("Markov gives %v", shares)
	}
	credits := attribution.Shapley([]attribution.Set{{Channels: []string{"a", "b"}, Conversions: 6, Value: 12}})
	if credits["a"] != credits["b"] || credits["a"].Conversions != 3 || credits["c"].Conversions != 0 {
		t.Errorf("Shapley gives %v", credits)
	}
}

// TestShapleyByHand: a alone won 6, with b 4 and with b and c 3.
func TestShapleyByHand(t *testing.T) {
	got := attribution.Shapley([]attribution.Set{
		{[]string{"a"}, 6, 60},
		{[]string{"a", "b"}, 4, 8},
		{[]string{"a", "b", "c"}, 3, 0},
		{nil, 5, 1},
	})
	want := map[string]attribution.Credit{
		"a": {Conversions: 9, Value: 64}, "b": {Conversions: 3, Value: 4}, "c": {Conversions: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestShapleyIsItsDefinition compares with what each channel adds over all orders of joining, and where they are too
// many over some of them.
func TestShapleyIsItsDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 2))
	for _, c := range []struct {
		channels, orders int
		tolerance        float64
	}{{1, 0, 1e-9}, {4, 0, 1e-9}, {8, 0, 1e-9}, {15, 20_000, 0.35}} {
		sets := randomSets(r, c.channels)
		worth := func(coalition uint32) (sum float64) {
			for _, s := range sets {
				if s.mask&^coalition == 0 {
					sum += s.set.Conversions
				}
			}
			return sum
		}
		want := coalitions(c.channels, worth)
		if c.orders > 0 {
			want = orders(r, c.channels, c.orders, worth)
		}
		var plain []attribution.Set
		total := 0.0
		for _, s := range sets {
			plain, total = append(plain, s.set), total+s.set.Conversions
		}
		got, sum := attribution.Shapley(plain), 0.0
		for i, w := range want {
			credit := got[fmt.Sprint(i)].Conversions
			sum += credit
			if math.Abs(credit-w) > c.tolerance {
				t.Errorf("of %d channels, %d has %v, want %v", c.channels, i, credit, w)
			}
		}
		if math.Abs(sum-total) > 1e-9 {
			t.Errorf("the credits of %d channels sum to %v, want %v", c.channels, sum, total)
		}
	}
}

type masked struct {
	mask uint32
	set  attribution.Set
}

func randomSets(r *rand.Rand, channels int) []masked {
	var sets []masked
	for range 12 {
		s := masked{mask: 1 + r.Uint32N(1<<channels-1)}
		for i := range channels {
			if s.mask&(1<<i) != 0 {
				s.set.Channels = append(s.set.Channels, fmt.Sprint(i))
			}
		}
		s.set.Conversions = float64(1 + r.IntN(5))
		sets = append(sets, s)
	}
	return sets
}

// coalitions weighs what each player adds to each coalition of the others by |S|! (n−|S|−1)! / n!.
func coalitions(n int, worth func(uint32) float64) []float64 {
	values := make([]float64, n)
	for s := range uint32(1) << n {
		size := 0
		for i := range n {
			size += int(s >> i & 1)
		}
		for i := range n {
			if s>>i&1 == 0 {
				weight := math.Exp(lfact(size) + lfact(n-size-1) - lfact(n))
				values[i] += weight * (worth(s|1<<i) - worth(s))
			}
		}
	}
	return values
}

func lfact(n int) float64 {
	v, _ := math.Lgamma(float64(n + 1))
	return v
}

// orders draws orders in which the players join and gives what each adds on average.
func orders(r *rand.Rand, n, samples int, worth func(uint32) float64) []float64 {
	values := make([]float64, n)
	for range samples {
		joined := uint32(0)
		for _, i := range r.Perm(n) {
			values[i] += (worth(joined|1<<i) - worth(joined)) / float64(samples)
			joined |= 1 << i
		}
	}
	return values
}

// channel is a row of attribution_channels.
type channel struct {
	Conversion   string  `ch:"conversion"`
	Model        string  `ch:"model"`
	Channel      string  `ch:"channel"`
	Unattributed bool    `ch:"unattributed"`
	Currency     string  `ch:"currency"`
	Credit       float64 `ch:"credit"`
	Value        float64 `ch:"value"`
}

func channels(t *testing.T, db *warehouse.DB) []channel {
	t.Helper()
	var rows []channel
	err := db.Select(t.Context(), &rows, `SELECT conversion, model, channel, unattributed, currency, credit, value
FROM attribution_channels ORDER BY workspace, conversion, model, channel, unattributed, currency`, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// wonChannels are those of deals alone.
func wonChannels(t *testing.T, db *warehouse.DB) []channel {
	t.Helper()
	return slices.DeleteFunc(channels(t, db), func(c channel) bool { return c.Conversion != "won" })
}

// TestChannels: two deals in yuan and one in dollars, of which one had no touch, two leads without a deal, and one that
// turned out invalid.
func TestChannels(t *testing.T) {
	db := warehousetest.Open(t)
	dollars := reached(4, "won", 10)
	dollars.currency = "USD"
	persons := []person{
		{id: "A", events: []event{touch(1, "a"), touch(2, "b"), reached(3, "won", 100)}},
		{id: "B", events: []event{touch(1, "a"), touch(2, "b"), dollars}},
		{id: "C", events: []event{reached(3, "won", 7)}},
		{id: "D", visitor: true, events: []event{touch(1, "a")}},
		{id: "E", visitor: true, events: []event{touch(1, "b"), touch(2, "c")}},
		{id: "F", events: []event{touch(1, "d"), reached(2, "won", 999), reached(3, "invalid", 0)}},
	}
	compute(t, db, attribution.Default(), persons...)
	// The chain is that of TestMarkovByHand with a b counted twice: a converts with 2/3 · 2/3 = 4/9 and b with 2/3; of
	// the start 3/4 go to a and 1/4 to b, 1/2 in all. Without a 1/6 is left, without b nothing: 2/3 to 1.
	want := []channel{
		{"won", "markov", "", true, "CNY", 1, 7},
		{"won", "markov", "a", false, "CNY", 0.4, 40},
		{"won", "markov", "a", false, "USD", 0.4, 4},
		{"won", "markov", "b", false, "CNY", 0.6, 60},
		{"won", "markov", "b", false, "USD", 0.6, 6},
		{"won", "shapley", "", true, "CNY", 1, 7},
		{"won", "shapley", "a", false, "CNY", 0.5, 50},
		{"won", "shapley", "a", false, "USD", 0.5, 5},
		{"won", "shapley", "b", false, "CNY", 0.5, 50},
		{"won", "shapley", "b", false, "USD", 0.5, 5},
	}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })
	first := wonChannels(t, db)
	if diff := cmp.Diff(want, first, near); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	slices.Reverse(persons)
	compute(t, db, attribution.Default(), persons...)
	if diff := cmp.Diff(first, wonChannels(t, db)); diff != "" {
		t.Errorf("another order of the leads gives other credits:\n%s", diff)
	}
}
