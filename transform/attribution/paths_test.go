package attribution_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/transform/attribution"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// lines writes credits as "conversion number: touch channel", with the linear share.
func lines(rows []credit) []string {
	texts := make([]string, 0, len(rows))
	for _, c := range rows {
		texts = append(texts, fmt.Sprintf("%s %d: %d %s %.4g", c.Conversion, c.No, c.TouchNo, c.Channel, c.Linear))
	}
	return texts
}

func wantLines(t *testing.T, got []credit, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, lines(got)); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestConversionWithoutTouchIsUnattributed(t *testing.T) {
	db := warehousetest.Open(t)
	compute(t, db, attribution.Default(), person{id: "L", created: days(1), events: []event{
		reached(3, "won", 50), touch(4, "social"),
	}})
	for _, c := range credits(t, db) {
		if !c.Unattributed || c.Channel != "" || c.TouchAt != nil || c.TouchNo != 0 || c.Touches != 0 {
			t.Errorf("%+v is not unattributed", c)
		}
		for rule, share := range c.shares() {
			if share != 1 {
				t.Errorf("%s gives %v, want 1", rule, share)
			}
		}
	}
	wantLines(t, credits(t, db), "lead 1: 0  1", "won 1: 0  1")
}

func TestTouchWithoutChannelIsNotUnattributed(t *testing.T) {
	db := warehousetest.Open(t)
	compute(t, db, attribution.Default(), person{id: "L", created: days(1), events: []event{
		{id: "a", at: days(1)}, reached(3, "won", 50),
	}})
	for _, c := range credits(t, db) {
		if c.Unattributed || c.TouchNo != 1 {
			t.Errorf("%+v: there was a touch", c)
		}
	}
}

func TestTouchOutsideTheLookbackEarnsNothing(t *testing.T) {
	db := warehousetest.Open(t)
	cfg := attribution.Config{Lookback: days(10)}
	compute(t, db, cfg, person{id: "L", created: days(0), events: []event{
		{id: "a", channel: "late", at: days(10) - time.Millisecond},
		touch(10, "just"), touch(20, "now"), reached(20, "won", 1),
		touch(21, "after"),
	}})
	wantLines(t, wons(t, db), "won 1: 1 just 0.5", "won 1: 2 now 0.5")
}

func TestRepeatedTouchesAddUp(t *testing.T) {
	db := warehousetest.Open(t)
	compute(t, db, attribution.Default(), person{id: "L", events: []event{
		touch(1, "social"), touch(2, "search"), touch(3, "social"), touch(4, "social"), reached(5, "won", 1),
	}})
	sums := map[string]float64{}
	for _, c := range wons(t, db) {
		sums[c.Channel] += c.Linear
	}
	if want := map[string]float64{"social": 0.75, "search": 0.25}; !maps.Equal(sums, want) {
		t.Errorf("linear gives %v, want %v", sums, want)
	}
}

func TestConversionsOfOneLeadStaySeparate(t *testing.T) {
	db := warehousetest.Open(t)
	compute(t, db, attribution.Default(), person{id: "L", created: days(1.5), events: []event{
		touch(1, "search"), reached(2, "mql", 0), touch(3, "social"), reached(4, "won", 100),
		touch(5, "email"), reached(6, "mql", 0), touch(7, "fair"), reached(8, "won", 30), reached(9, "won", 7),
	}})
	wantLines(t, credits(t, db),
		"lead 1: 1 search 1",
		"mql 1: 1 search 1", // reached again on the sixth day, and the same lead
		"won 1: 1 search 0.5", "won 1: 2 social 0.5",
		"won 2: 1 email 0.5", "won 2: 2 fair 0.5",
		"won 3: 0  1")
	values := map[uint32]float64{}
	for _, c := range wons(t, db) {
		values[c.No] += c.Value * c.Linear
	}
	if want := map[uint32]float64{1: 100, 2: 30, 3: 7}; !maps.Equal(values, want) {
		t.Errorf("the deals have the values %v, want %v", values, want)
	}
}

func TestTiesGoByEventID(t *testing.T) {
	db := warehousetest.Open(t)
	compute(t, db, attribution.Default(), person{id: "L", created: days(1), events: []event{
		{at: days(1), id: "4", channel: "d"},
		{at: days(1), id: "3", stage: "won"},
		{at: days(1), id: "2", channel: "b"},
		{at: days(1), id: "1", channel: "c"},
		{at: days(1), id: "5", stage: "won"},
	}})
	wantLines(t, credits(t, db),
		// A creation has no id: what came with it counts.
		"lead 1: 1 c 0.3333", "lead 1: 2 b 0.3333", "lead 1: 3 d 0.3333",
		"won 1: 1 c 0.5", "won 1: 2 b 0.5", "won 2: 1 d 1")
}

func TestExcludingDirectRedistributesBeforeWeights(t *testing.T) {
	db := warehousetest.Open(t)
	p := person{id: "L", events: []event{
		touch(1, "direct"), touch(2, "search"), touch(3, "direct"), touch(4, "social"), touch(5, "direct"),
		reached(6, "won", 1),
	}}
	onlyDirect := person{id: "M", events: []event{touch(1, "direct"), reached(2, "won", 1)}}
	cfg := attribution.Default()
	compute(t, db, cfg, p)
	rows := wons(t, db)
	wantLines(t, rows, "won 1: 1 direct 0.2", "won 1: 2 search 0.2", "won 1: 3 direct 0.2", "won 1: 4 social 0.2",
		"won 1: 5 direct 0.2")
	if rows[0].First != 1 || rows[4].Last != 1 || rows[3].LastNonDirect != 1 {
		t.Errorf("without excluding, direct touches count for all rules but last_non_direct: %+v", rows)
	}
	cfg.ExcludeDirect = true
	compute(t, db, cfg, p, onlyDirect)
	rows = wons(t, db)
	wantLines(t, rows, "won 1: 1 search 0.5", "won 1: 2 social 0.5", "won 1: 1 direct 1")
	if rows[0].First != 1 || rows[1].Last != 1 || rows[0].Position != 0.5 {
		t.Errorf("the others do not share what direct touches had: %+v", rows)
	}
}

func TestVisitorsHavePathsAndNoConversion(t *testing.T) {
	db := warehousetest.Open(t)
	compute(t, db, attribution.Default(), person{id: "anonymous:V", visitor: true, events: []event{touch(1, "search")}})
	if rows := credits(t, db); len(rows) != 0 {
		t.Errorf("a visitor has the conversions %v", lines(rows))
	}
	want := []string{" 1 [lead mql opportunity sql won] [search]"}
	if diff := cmp.Diff(want, paths(t, db)); diff != "" {
		t.Error(diff)
	}
}

// paths reads attribution_paths in order: conversion, number, what it may lead to, channels.
func paths(t *testing.T, db *warehouse.DB) []string {
	t.Helper()
	var rows []struct {
		Conversion string   `ch:"conversion"`
		No         uint32   `ch:"conversion_no"`
		OpenFor    []string `ch:"open_for"`
		Channel    []string `ch:"channel"`
	}
	err := db.Select(t.Context(), &rows, `SELECT conversion, conversion_no, open_for, channel FROM attribution_paths
ORDER BY lead_id, conversion, conversion_no`, nil)
	if err != nil {
		t.Fatal(err)
	}
	texts := make([]string, 0, len(rows))
	for _, r := range rows {
		slices.Sort(r.OpenFor)
		texts = append(texts, fmt.Sprint(r.Conversion, " ", r.No, " ", r.OpenFor, " ", r.Channel))
	}
	return texts
}

func TestRefusedConfig(t *testing.T) {
	for _, lookback := range []time.Duration{0, -time.Hour, time.Microsecond} {
		err := attribution.Config{Lookback: lookback}.Validate()
		if err == nil || !strings.Contains(err.Error(), "give a positive time") {
			t.Errorf("lookback %s: %v", lookback, err)
		}
	}
	if err := (attribution.Config{Lookback: time.Hour, ExcludeDirect: true}).Validate(); err == nil {
		t.Error("excluding direct channels without naming one was taken")
	}
	if err := attribution.Default().Validate(); err != nil {
		t.Error(err)
	}
}

// randomPersons draws journeys from few moments, channels and ids, so that ties and repetitions are the rule.
func randomPersons(r *rand.Rand, n int) []person {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	moment := func() time.Duration { return days(float64(r.IntN(30)) / 2) }
	var persons []person
	for i := range n {
		p := person{id: fmt.Sprintf("L%04d", i), created: moment(), visitor: r.IntN(5) == 0}
		for k := range r.IntN(12) {
			e := event{at: moment(), id: fmt.Sprint(pick("a", "b", "c"), k)}
			switch {
			case r.IntN(6) == 0:
				e.channel = "behavior"
			case r.IntN(3) == 0 && !p.visitor:
				e.stage = pick("new", "mql", "sql", "opportunity", "won", "won", "won", "lost", "invalid")
				e.value, e.currency = float64(r.IntN(100))/8, pick("", "CNY", "USD")
			default:
				e.channel, e.detail = pick("search", "social", "direct", "", "线下"), pick("", "spring")
			}
			p.events = append(p.events, e)
		}
		persons = append(persons, p)
	}
	return persons
}

// told is what the rules in Go say of a person's conversions.
func told(cfg attribution.Config, p person) (rows []credit, shares []map[string]float64) {
	events := p.sorted()
	conversions := map[string]int{}
	add := func(kind string, number int, from, to int, at time.Duration, value float64, currency string) {
		var path []event
		for _, e := range events[from:to] {
			if e.stage == "" && e.channel != "behavior" && e.at >= at-cfg.Lookback {
				path = append(path, e)
			}
		}
		direct := func(e event) bool { return slices.Contains(cfg.Direct, e.channel) }
		if cfg.ExcludeDirect && !slices.ContainsFunc(path, func(e event) bool { return !direct(e) }) {
			direct = func(event) bool { return false }
		}
		if cfg.ExcludeDirect {
			path = slices.DeleteFunc(path, direct)
		}
		ap := attribution.Path{ConvertedAt: ms(at), CreatedAt: ms(p.created)}
		for _, e := range path {
			ap.Touches = append(ap.Touches, attribution.Touch{At: ms(e.at), Channel: e.channel})
		}
		row := credit{
			LeadID: p.id, Conversion: kind, No: uint32(number), Touches: uint32(len(path)), ConvertedAt: day.Add(at),
			Value: value, Currency: currency, Invalid: p.invalid(),
		}
		if len(path) == 0 {
			row.Unattributed = true
			rows = append(rows, row)
			all := map[string]float64{}
			for rule := range attribution.Rules() {
				all[rule] = 1
			}
			shares = append(shares, all)
		}
		for i, e := range path {
			touched := day.Add(e.at)
			row.TouchNo, row.TouchAt, row.Channel, row.Campaign = uint32(i+1), &touched, e.channel, e.detail
			rows = append(rows, row)
			all := map[string]float64{}
			for name, rule := range attribution.Rules() {
				all[name] = rule(cfg, ap)[i]
			}
			shares = append(shares, all)
		}
	}
	if !p.visitor {
		until := 0
		for until < len(events) && events[until].at <= p.created {
			until++
		}
		add("lead", 1, 0, until, p.created, 0, "")
	}
	lastWon := 0
	for _, kind := range []string{"mql", "opportunity", "sql", "won"} {
		for i, e := range events {
			if e.stage != kind || (kind != "won" && conversions[kind] > 0) {
				continue
			}
			conversions[kind]++
			add(kind, conversions[kind], lastWon, i, e.at, e.value, e.currency)
			if kind == "won" {
				lastWon = i
			}
		}
	}
	return rows, shares
}

// TestModelAgreesWithTheRulesInGo holds path and shares of random journeys, and what must be true of all of them.
func TestModelAgreesWithTheRulesInGo(t *testing.T) {
	db := warehousetest.Open(t)
	for round, cfg := range []attribution.Config{
		attribution.Default(),
		{Lookback: days(3), Direct: []string{"direct", "线下"}},
		{Lookback: days(6), Direct: []string{"direct", ""}, ExcludeDirect: true},
		{Lookback: time.Hour},
	} {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
			persons := randomPersons(rand.New(rand.NewPCG(uint64(round), 5)), 400)
			compute(t, db, cfg, persons...)
			got := credits(t, db)
			var want []credit
			var shares []map[string]float64
			for _, p := range persons {
				rows, s := told(cfg, p)
				want, shares = append(want, rows...), append(shares, s...)
			}
			if len(got) != len(want) {
				t.Fatalf("%d rows, want %d", len(got), len(want))
			}
			if len(want) < 300 {
				t.Fatalf("only %d rows were drawn", len(want))
			}
			for i, row := range got {
				for rule, share := range row.shares() {
					if math.Abs(share-shares[i][rule]) > 1e-12 {
						t.Fatalf("%s gives %v, want %v of %+v", rule, share, shares[i][rule], want[i])
					}
				}
				row.First, row.Last, row.LastNonDirect, row.Linear = 0, 0, 0, 0
				row.TimeDecay, row.Position, row.WShaped = 0, 0, 0
				if diff := cmp.Diff(want[i], row); diff != "" {
					t.Fatalf("want (-), got (+):\n%s", diff)
				}
			}
			checkConserved(t, db, got)
		})
	}
}

// checkConserved sees to it that credit sums to conversions by each rule, and to those of valid leads by each model.
func checkConserved(t *testing.T, db *warehouse.DB, rows []credit) {
	t.Helper()
	type total struct{ conversions, value float64 }
	rules, conversions, valid := map[string]total{}, map[string]total{}, map[string]total{}
	plus := func(to map[string]total, key string, n, value float64) {
		to[key] = total{to[key].conversions + n, to[key].value + value}
	}
	for _, c := range rows {
		for rule, share := range c.shares() {
			plus(rules, rule+" "+c.Conversion, share, share*c.Value)
		}
		if c.TouchNo <= 1 {
			plus(conversions, c.Conversion, 1, c.Value)
			if !c.Invalid {
				plus(valid, c.Conversion+" "+c.Currency, 1, c.Value)
			}
		}
	}
	same := func(what string, got, want total) {
		if math.Abs(got.conversions-want.conversions) > 1e-9 ||
			math.Abs(got.value-want.value) > 1e-9*max(1, want.value) {
			t.Errorf("%s: credit %v, want %v", what, got, want)
		}
	}
	for key, got := range rules {
		_, conversion, _ := strings.Cut(key, " ")
		same(key, got, conversions[conversion])
	}
	models := map[string]total{}
	for _, c := range channels(t, db) {
		plus(models, c.Model+": "+c.Conversion+" "+c.Currency, c.Credit, c.Value)
	}
	if len(models) != 2*len(valid) {
		t.Errorf("the models have %d games, want two of %d", len(models), len(valid))
	}
	for key, want := range valid {
		same("markov "+key, models["markov: "+key], want)
		same("shapley "+key, models["shapley: "+key], want)
	}
}
