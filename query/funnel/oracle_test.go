package funnel

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"clew/query/catalog"
	"clew/query/clause"
	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// lead is a row of lead_facts with the channel of its row of leads. Times are milliseconds after epoch; absent ones are
// not in the map.
type lead struct {
	channel string
	invalid bool
	times   map[string]int64
}

var (
	epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	seen  = int64(40)
	// nullable are the columns of the stages that may not have come.
	nullable = []string{"mql", "sql", "opportunity", "won", "lost", "recycled"}
)

func at(ms int64) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

// store writes the leads into empty tables.
func store(t *testing.T, db *warehouse.DB, leads []lead) {
	t.Helper()
	columns := []string{"workspace", "lead_id", "created_at", "is_invalid"}
	for _, stage := range nullable {
		columns = append(columns, stage+"_at")
	}
	facts, err := db.Insert(t.Context(), "lead_facts", columns)
	if err != nil {
		t.Fatal(err)
	}
	who, err := db.Insert(t.Context(), "leads", []string{"workspace", "lead_id", "created_at", "channel"})
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range leads {
		id := fmt.Sprintf("L%05d", i)
		row := []any{"default", id, at(l.times["new"]), l.invalid}
		for _, stage := range nullable {
			var moment *time.Time
			if ms, ok := l.times[stage]; ok {
				x := at(ms)
				moment = &x
			}
			row = append(row, moment)
		}
		if err := facts.Append(row...); err != nil {
			t.Fatal(err)
		}
		if err := who.Append("default", id, at(l.times["new"]), l.channel); err != nil {
			t.Fatal(err)
		}
	}
	marks, err := db.Insert(t.Context(), "watermarks", []string{"name", "as_of"})
	if err != nil {
		t.Fatal(err)
	}
	if err := marks.Append(transform.WatermarkName, at(seen)); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*warehouse.Batch{facts, who, marks} {
		if err := b.Send(); err != nil {
			t.Fatal(err)
		}
	}
}

// ask compiles a request, runs it and reads the answer.
func ask(t *testing.T, db *warehouse.DB, r Request) *Answer {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Timezone = "UTC"
	st, err := Compile(r, c, o)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query(t.Context(), st.SQL, st.Params)
	if err != nil {
		t.Fatalf("%v\n%s", err, st.SQL)
	}
	defer rows.Close()
	var all [][]any
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, values)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v\n%s", err, st.SQL)
	}
	a, err := st.Answer(all)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// oracle answers the request lead by lead, without any SQL.
func oracle(t *testing.T, leads []lead, r Request) *Answer {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	a := &Answer{
		Groups: []Group{}, WindowComplete: true, Warnings: []string{},
		Meta: Meta{Engine: Engine, Why: why, WindowMS: r.Window.Milliseconds(), Order: r.Order},
	}
	var entrants []lead
	for _, l := range leads {
		first, entered := l.times[r.Steps[0].Stage]
		if l.invalid || !entered {
			continue
		}
		entrants = append(entrants, l)
		open := first+r.Window.Milliseconds() >= seen
		if open {
			a.WindowComplete = false
		}
		if open && len(passes(l, r)) < len(r.Steps) {
			a.EntrantsStillOpen++
		}
		if disordered(l, r) {
			a.OutOfOrder++
		}
	}
	a.Steps = count(c, entrants, r)
	if r.Breakdown != nil {
		a.Groups = groups(c, entrants, r)
	}
	return a
}

// passes are the moments at which a lead had passed the first, the first two … steps; it ends at the first step that it
// did not pass.
func passes(l lead, r Request) []int64 {
	first := l.times[r.Steps[0].Stage]
	moments, low, high, last := []int64{first}, first, first, first
	for _, s := range r.Steps[1:] {
		ms, reached := l.times[s.Stage]
		if !reached || (r.Order == OrderOrdered && ms < last) {
			return moments
		}
		low, high, last = min(low, ms), max(high, ms), ms
		if high-low > r.Window.Milliseconds() {
			return moments
		}
		moments = append(moments, high)
	}
	return moments
}

func disordered(l lead, r Request) bool {
	for i, earlier := range r.Steps {
		for _, later := range r.Steps[i+1:] {
			a, reachedA := l.times[earlier.Stage]
			b, reachedB := l.times[later.Stage]
			if reachedA && reachedB && b < a {
				return true
			}
		}
	}
	return false
}

func count(c *catalog.Catalog, entrants []lead, r Request) []StepCount {
	took := make([][]int64, len(r.Steps))
	for _, l := range entrants {
		moments := passes(l, r)
		for i, m := range moments {
			took[i] = append(took[i], m-moments[max(i-1, 0)])
		}
	}
	var out []StepCount
	for i, s := range r.Steps {
		stage, _ := c.Stage(s.Stage)
		n := uint64(len(took[i]))
		step := StepCount{Step: s, Title: stage.Title, Entered: uint64(len(took[max(i-1, 0)])), Converted: n}
		step.RateFromPrevious = over(float64(n), float64(step.Entered))
		step.RateFromStart = over(float64(n), float64(len(entrants)))
		if i > 0 && n > 0 {
			step.MedianSeconds, step.MeanSeconds = median(took[i]), mean(took[i])
		}
		out = append(out, step)
	}
	return out
}

func over(a, b float64) *float64 {
	if b == 0 {
		return nil
	}
	q := a / b
	return &q
}

func median(ms []int64) *float64 {
	slices.Sort(ms)
	m := float64(ms[(len(ms)-1)/2]+ms[len(ms)/2]) / 2 / 1000
	return &m
}

func mean(ms []int64) *float64 {
	var sum int64
	for _, x := range ms {
		sum += x
	}
	m := float64(sum) / float64(len(ms)) / 1000
	return &m
}

func groups(c *catalog.Catalog, entrants []lead, r Request) []Group {
	by := map[string][]lead{}
	for _, l := range entrants {
		by[l.channel] = append(by[l.channel], l)
	}
	var names []string
	for name := range by {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(by[b]), len(by[a])), strings.Compare(a, b))
	})
	out := []Group{}
	var rest []lead
	for i, name := range names {
		if i < r.Breakdown.Limit {
			out = append(out, Group{Value: name, Kind: groupValue, Steps: count(c, by[name], r)})
		} else {
			rest = append(rest, by[name]...)
		}
	}
	if len(by[""]) > 0 {
		out = append(out, Group{Value: clause.None, Kind: groupNone, Steps: count(c, by[""], r)})
	}
	if len(rest) > 0 {
		out = append(out, Group{Value: Other, Kind: groupOther, Steps: count(c, rest, r)})
	}
	return out
}

// randomLeads are few values close together, so that ties and edges of windows are common.
func randomLeads(rnd *rand.Rand, n int) []lead {
	channels := []string{"", "a", "b", "c", "Other", "(none)", "社交"}
	out := make([]lead, n)
	for i := range out {
		l := lead{channel: channels[rnd.IntN(len(channels))], invalid: rnd.IntN(10) == 0, times: map[string]int64{}}
		l.times["new"] = rnd.Int64N(40)
		for _, stage := range nullable {
			if rnd.IntN(3) > 0 {
				l.times[stage] = l.times["new"] - 3 + rnd.Int64N(20)
			}
		}
		out[i] = l
	}
	return out
}

func randomRequest(rnd *rand.Rand) Request {
	names := append([]string{"new"}, nullable...)
	rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	r := Request{Order: OrderOrdered, Window: Window{time.Duration(1+rnd.IntN(30)) * time.Millisecond}}
	if rnd.IntN(3) == 0 {
		r.Order = OrderUnordered
	}
	for _, name := range names[:2+rnd.IntN(len(names)-1)] {
		r.Steps = append(r.Steps, Step{Stage: name})
	}
	if rnd.IntN(2) == 0 {
		r.Breakdown = &Breakdown{Dimension: "channel", Limit: 1 + rnd.IntN(7)}
	}
	return r
}

// TestTheEngineAgreesWithTheOracle draws leads and funnels and demands equality in every field.
func TestTheEngineAgreesWithTheOracle(t *testing.T) {
	const seed = 20261121
	rnd := rand.New(rand.NewPCG(seed, 1))
	for round := range 5 {
		leads := randomLeads(rnd, rnd.IntN(300))
		db := warehousetest.Open(t)
		store(t, db, leads)
		for range 20 {
			r := randomRequest(rnd)
			got, want := ask(t, db, r), oracle(t, leads, r)
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d round %d, %d leads, %+v (-oracle +engine):\n%s", seed, round, len(leads), r, diff)
			}
			groupsSumToTotal(t, got)
		}
	}
}

func groupsSumToTotal(t *testing.T, a *Answer) {
	t.Helper()
	if len(a.Groups) == 0 {
		return
	}
	for i, whole := range a.Steps {
		var entered, converted uint64
		for _, g := range a.Groups {
			entered, converted = entered+g.Steps[i].Entered, converted+g.Steps[i].Converted
		}
		if entered != whole.Entered || converted != whole.Converted {
			t.Fatalf("step %d: groups sum to %d, %d; the whole is %d, %d", i+1, entered, converted, whole.Entered,
				whole.Converted)
		}
	}
}
