package simulate

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"clew/ingest/event"
)

func within(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	t.Logf("%s: %.4f", what, got)
	if !(got >= low && got <= high) {
		t.Errorf("%s: %.4f is not within %v to %v", what, got, low, high)
	}
}

// life is what an analyst would find of one lead.
type life struct {
	created, firstAct, firstTalk time.Time
	assigned                     time.Time
	channel, owner               string
	attributes                   map[string]string
	reached                      map[event.LifecycleStage]time.Time
	amount                       float64
	latest                       event.LifecycleStage
	latestAt                     time.Time
}

func earliest(t *time.Time, at time.Time) {
	if t.IsZero() || at.Before(*t) {
		*t = at
	}
}

func (l *life) add(e event.Event) {
	at := e.Head().OccurredAt
	switch e := e.(type) {
	case *event.Lead:
		if e.CreatedAt != nil {
			l.created = *e.CreatedAt
		}
		for k, v := range e.Attributes {
			l.attributes[k] = string(v)
		}
	case *event.Touchpoint:
		if l.channel == "" {
			l.channel = e.Channel
		}
	case *event.Assignment:
		earliest(&l.assigned, at)
		l.owner = e.Owner
	case *event.Activity:
		earliest(&l.firstAct, at)
		if e.Effective {
			earliest(&l.firstTalk, at)
		}
	case *event.Stage:
		if _, ok := l.reached[e.Stage]; !ok {
			l.reached[e.Stage] = at
		}
		if !at.Before(l.latestAt) {
			l.latest, l.latestAt = e.Stage, at
		}
		if e.Stage == event.LifecycleStageWon {
			l.amount = e.Amount
		}
	case *event.Behavior, *event.Cost:
	}
}

func lives(t *testing.T, c Config) map[string]*life {
	t.Helper()
	out := map[string]*life{}
	for e := range Events(c) {
		id := e.Head().LeadID
		if id == "" {
			continue
		}
		l := out[id]
		if l == nil {
			l = &life{attributes: map[string]string{}, reached: map[event.LifecycleStage]time.Time{}}
			out[id] = l
		}
		l.add(e)
	}
	return out
}

// score is that of model s3-abc-v1, with nothing for what is not known.
func (l *life) score() float64 {
	sum := 0.0
	for _, n := range needs {
		if i := slices.Index(n.values[:], l.attributes[n.name]); i >= 0 {
			sum += n.points[i]
		}
	}
	return sum
}

func (l *life) grade() string {
	switch s := l.score(); {
	case s >= 80:
		return "A"
	case s >= 60:
		return "B"
	}
	return "C"
}

// rates counts how many leads of each group have something.
type rates map[string]*[2]float64

func (r rates) add(group string, has bool) {
	if r[group] == nil {
		r[group] = &[2]float64{}
	}
	r[group][0]++
	if has {
		r[group][1]++
	}
}

func (r rates) of(group string) float64 { return r[group][1] / r[group][0] }

// TestRatesOfAYear is what a demonstration shows: the latest cohorts are not over.
func TestRatesOfAYear(t *testing.T) {
	all, timely, recent := rates{}, rates{}, rates{}
	var response []float64
	for _, l := range lives(t, Config{Seed: 1, Leads: 20_000, To: asOf}) {
		for _, s := range event.LifecycleStages() {
			_, ok := l.reached[s]
			all.add(string(s), ok)
		}
		_, won := l.reached[event.LifecycleStageWon]
		age := asOf.Sub(l.created)
		recent.add(fmt.Sprint(age > 180*24*time.Hour), won)
		if age > 24*time.Hour && l.latest != event.LifecycleStageInvalid {
			in24h := !l.firstAct.IsZero() && l.firstAct.Sub(l.created) <= 24*time.Hour
			timely.add("", in24h)
			timely.add(l.owner, in24h)
		}
		if !l.firstTalk.IsZero() {
			response = append(response, l.firstTalk.Sub(l.assigned).Hours())
		}
	}
	within(t, "new", all.of("new"), 1, 1)
	within(t, "mql", all.of("mql"), 0.50, 0.60)
	within(t, "sql", all.of("sql"), 0.23, 0.29)
	within(t, "opportunity", all.of("opportunity"), 0.15, 0.19)
	within(t, "won", all.of("won"), 0.085, 0.10)
	within(t, "lost", all.of("lost"), 0.10, 0.15)
	within(t, "recycled", all.of("recycled"), 0.28, 0.36)
	within(t, "invalid", all.of("invalid"), 0.03, 0.05)
	within(t, "won, created in the first half", recent.of("true"), 0.095, 0.12)
	within(t, "won, created in the second half", recent.of("false"), 0.07, 0.09)
	within(t, "timeliness", timely.of(""), 0.88, 0.92)
	slices.Sort(response)
	within(t, "median hours to the first talk", response[len(response)/2], 2, 8)
	best, worst := 0.0, 1.0
	for o := range timely {
		if o != "" && timely[o][0] > 100 {
			best, worst = max(best, timely.of(o)), min(worst, timely.of(o))
		}
	}
	within(t, "timeliness of the best owner", best, 0.92, 0.98)
	within(t, "timeliness of the worst owner", worst, 0.65, 0.80)
}

// TestRatesInTheEnd takes only leads that had all the time they needed.
func TestRatesInTheEnd(t *testing.T) {
	won, grades := rates{}, rates{}
	var cycles []float64
	for id, l := range lives(t, Config{Seed: 1, Leads: 40_000, From: asOf.AddDate(-3, 0, 0), To: asOf}) {
		if asOf.Sub(l.created) < 460*24*time.Hour {
			continue
		}
		at, ok := l.reached[event.LifecycleStageWon]
		won.add("", ok)
		won.add(l.channel, ok)
		grades.add(l.grade(), ok)
		if !ok {
			continue
		}
		cycles = append(cycles, at.Sub(l.created).Hours()/24)
		order := []event.LifecycleStage{"new", "mql", "sql", "opportunity", "won"}
		for i := 1; i < len(order); i++ {
			if a, b := l.reached[order[i-1]], l.reached[order[i]]; a.IsZero() || !a.Before(b) {
				t.Fatalf("%s is won, but %s at %s and %s at %s", id, order[i-1], a, order[i], b)
			}
		}
		if l.amount <= 0 {
			t.Errorf("%s is won for %v", id, l.amount)
		}
	}
	within(t, "won", won.of(""), 0.10, 0.115)
	for _, c := range channels {
		// Within a fifth, or three standard errors where the channel is small.
		slack := max(0.2*c.won, 3*math.Sqrt(c.won*(1-c.won)/won[c.name][0]))
		within(t, "won of "+c.name, won.of(c.name), c.won-slack, c.won+slack)
	}
	within(t, "won of grade A", grades.of("A"), 0.25, 0.34)
	within(t, "won of grade B", grades.of("B"), 0.08, 0.13)
	within(t, "won of grade C", grades.of("C"), 0.01, 0.04)
	within(t, "share of grade A", grades["A"][0]/won[""][0], 0.15, 0.25)
	within(t, "share of grade B", grades["B"][0]/won[""][0], 0.28, 0.40)
	slices.Sort(cycles)
	within(t, "median days to won", cycles[len(cycles)/2], 13.5, 16.5)
	within(t, "ninth decile of days to won", cycles[len(cycles)*9/10], 140, 180)
}

func TestCosts(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	cost, clicks, leads := map[string]float64{}, map[string]uint64{}, map[string]float64{}
	channelOf := map[string]string{}
	spent, brought := map[string]bool{}, map[string]bool{}
	for e := range Events(Config{Seed: 3, Leads: 20_000, To: asOf, Currency: "EUR"}) {
		switch e := e.(type) {
		case *event.Cost:
			day := e.OccurredAt.In(zone).Format(time.DateOnly)
			if day != e.Date || e.Currency != "EUR" || e.Campaign == "" || e.Amount <= 0 ||
				cents(e.Amount) != e.Amount {
				t.Fatalf("odd cost on %s: %+v", day, e)
			}
			cost[e.Channel] += e.Amount
			clicks[e.Channel] += e.Clicks
			if spent[e.Date+e.Campaign] {
				t.Errorf("%s costs twice on %s", e.Campaign, e.Date)
			}
			spent[e.Date+e.Campaign] = true
		case *event.Touchpoint:
			brought[e.OccurredAt.In(zone).Format(time.DateOnly)+e.Campaign] = true
			if channelOf[e.LeadID] == "" {
				channelOf[e.LeadID] = e.Channel
				leads[e.Channel]++
			}
		}
	}
	for _, c := range channels {
		if c.cpl == 0 {
			within(t, "cost of "+c.name, cost[c.name], 0, 0)
			continue
		}
		within(t, "cost a lead of "+c.name, cost[c.name]/leads[c.name], 0.85*c.cpl, 1.15*c.cpl)
		if c.cpc > 0 {
			within(t, "cost a click of "+c.name, cost[c.name]/float64(clicks[c.name]), 0.95*c.cpc, 1.05*c.cpc)
		}
	}
	idle := 0
	for k := range spent {
		if !brought[k] {
			idle++
		}
	}
	within(t, "days of a campaign with cost and without a lead", float64(idle)/float64(len(spent)), 0.02, 0.2)
}
