package feature_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"clew/transform/feature"
	"clew/transform/warehouse/warehousetest"
)

func safeFeatures() []feature.Feature {
	return slices.DeleteFunc(feature.Catalogue(), func(f feature.Feature) bool { return !f.Safe() })
}

// TestNothingLeaks adds to histories what came later and what sales did, and asks for the vectors of before once more.
func TestNothingLeaks(t *testing.T) {
	db := warehousetest.Open(t)
	d := dice{rand.New(rand.NewPCG(7, 7))}
	people := d.people(80)
	for i := range people {
		people[i].events = slices.DeleteFunc(people[i].events, func(h happening) bool { return h.kind == "activity" })
	}
	insert(t, db, people)
	observed := map[string][]int64{}
	for _, p := range people {
		observed[p.id] = d.observations(p, 3)
	}
	safe, all := safeFeatures(), feature.Catalogue()
	before, everything := vectors(t, db, safe, observed), vectors(t, db, all, observed)
	if err := db.Exec(t.Context(), "TRUNCATE TABLE lead_journeys", nil); err != nil {
		t.Fatal(err)
	}

	// Whatever comes after the last observation, for anybody.
	last := slices.Max(slices.Concat(slices.Collect(values(observed))...))
	for i := range people {
		p := &people[i]
		for _, h := range d.history(i, 10, false) {
			h.at += last + 1 - start
			p.events = append(p.events, h)
		}
		for _, u := range d.states(2) {
			u.at += last + 1 - start
			p.updates = append(p.updates, u)
		}
	}
	insert(t, db, people)
	compare(t, "later events", all, everything, vectors(t, db, all, observed))
	if err := db.Exec(t.Context(), "TRUNCATE TABLE lead_journeys", nil); err != nil {
		t.Fatal(err)
	}

	// A follow-up the millisecond after the first observation, and all kinds of things after it: a vector that is
	// asked for later is the one of the first observation.
	moved := map[string][]int64{}
	for i := range people {
		p := &people[i]
		first := slices.Min(observed[p.id])
		p.events = slices.DeleteFunc(p.events, func(h happening) bool { return h.at > first })
		p.events = append(p.events, happening{at: first + 1, kind: "activity", name: "call", effective: true})
		for _, h := range d.history(i, 20, false) {
			h.at += first + 1 - start
			p.events = append(p.events, h)
		}
		p.updates = slices.DeleteFunc(p.updates, func(u update) bool { return u.at > first })
		for _, u := range d.states(3) {
			u.at += first + 1 - start
			p.updates = append(p.updates, u)
		}
		observed[p.id], moved[p.id] = []int64{first}, []int64{first + 1 + int64(d.IntN(int(200*day)))}
	}
	insert(t, db, people)
	got := vectors(t, db, safe, moved)
	// What the others of a company did, and how a source went, did change.
	own := []int{}
	for i, f := range safe {
		if f.Source != feature.SourceAccount && f.Source != feature.SourcePrior {
			own = append(own, i)
		}
	}
	after := map[key][]any{}
	for k, v := range got {
		after[key{k.lead, observed[k.lead][0]}] = only(own, v)
	}
	safe = only(own, safe)
	first := map[key][]any{}
	for lead, moments := range observed {
		first[key{lead, moments[0]}] = only(own, before[key{lead, moments[0]}])
	}
	compare(t, "sales", safe, first, after)
}

// only gives some elements of a list.
func only[T any](some []int, of []T) []T {
	list := make([]T, len(some))
	for i, at := range some {
		list[i] = of[at]
	}
	return list
}

func values(of map[string][]int64) func(func([]int64) bool) {
	return func(yield func([]int64) bool) {
		for _, v := range of {
			if !yield(v) {
				return
			}
		}
	}
}

func compare(t *testing.T, what string, features []feature.Feature, want, got map[key][]any) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%s: %d vectors became %d", what, len(want), len(got))
	}
	wrong := 0
	for k, vector := range want {
		for i, f := range features {
			if !same(got[k][i], vector[i]) && wrong < 10 {
				wrong++
				t.Errorf("%s: %s of %v was %v and became %v", what, f.ID, k, vector[i], got[k][i])
			}
		}
	}
}
