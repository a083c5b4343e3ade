package feature_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"clew/transform/feature"
	"clew/transform/warehouse/warehousetest"
)

// view is what the oracle sees of a person: events in a window, and all updates, up to a moment.
type view struct {
	events  []happening
	all     []happening
	updates []update
	now     int64
	zone    *time.Location
}

// see cuts a history at a moment, and before the first follow-up where a feature must see none.
func (p person) see(observed int64, safe bool, days int, zone *time.Location) view {
	v := view{now: observed, zone: zone}
	if safe {
		for _, e := range p.events {
			if e.kind == "activity" && e.at <= v.now {
				v.now = e.at - 1
			}
		}
	}
	for _, e := range p.events {
		if e.at > v.now {
			continue
		}
		v.all = append(v.all, e)
		if days == 0 || v.now-e.at < int64(days)*day {
			v.events = append(v.events, e)
		}
	}
	for _, u := range p.updates {
		if u.at <= v.now {
			v.updates = append(v.updates, u)
		}
	}
	return v
}

// meaning is what a name of an event stands for.
func (h happening) meaning() string {
	switch h.kind {
	case "behavior":
		return spelled[h.name]
	case "touchpoint":
		if h.name == "表单" {
			return "form"
		}
		return strings.ToLower(h.name)
	}
	return h.name
}

// want is the value of a feature by its own lights: nil, a float64 or a string.
func want(f feature.Feature, people []person, p person, observed int64, zone *time.Location) any {
	v := p.see(observed, f.Safe(), f.Window, zone)
	id := f.ID
	if f.Base != "" {
		id = f.Base
	}
	if weigh, ok := sums[id]; ok {
		sum := 0.0
		for _, e := range v.events {
			x := weigh(e)
			if f.HalfLife > 0 {
				x *= pow2(-float64(v.now-e.at) / float64(day) / float64(f.HalfLife))
			}
			sum += x
		}
		return sum
	}
	if key, ok := texts[id]; ok {
		return text(v.attr(key))
	}
	if key, ok := numbers[id]; ok {
		return v.number(key)
	}
	if key, ok := flags[id]; ok {
		return v.flag(key)
	}
	if name, ok := once[id]; ok {
		return bit(v.count("behavior", name) > 0)
	}
	if of, ok := shared[id]; ok {
		return of(people, p, v)
	}
	if of, ok := others[id]; ok {
		return of(v)
	}
	return "no oracle for " + f.ID
}

// TestOracle holds every feature against a computation of its own, over random histories at moments chosen to tie.
func TestOracle(t *testing.T) {
	db := warehousetest.Open(t)
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	d := dice{rand.New(rand.NewPCG(5, 2))}
	people := d.people(320)
	insert(t, db, people)
	observed := map[string][]int64{}
	for _, p := range people {
		observed[p.id] = d.observations(p, 7)
	}
	all := feature.Catalogue()
	filled := make([]map[string]bool, len(all))
	for i := range filled {
		filled[i] = map[string]bool{}
	}
	got := vectors(t, db, all, observed)
	wrong := 0
	for _, p := range people {
		for _, at := range observed[p.id] {
			for i, f := range all {
				have, want := got[key{p.id, at}][i], want(f, people, p, at, zone)
				filled[i][show(want)] = true
				if !same(have, want) && wrong < 20 {
					wrong++
					t.Errorf("%s %s of %s at %d: the engine says %v, the oracle %v", f.ID, f.Name, p.id, at, have, want)
				}
			}
		}
	}
	for i, f := range all {
		if len(filled[i]) < 2 {
			t.Errorf("%s %s is always %v: the histories do not try it", f.ID, f.Name, slices.Collect(maps.Keys(filled[i])))
		}
	}
}

// same compares floats to 1e-9 of their size, for sums may be taken in another order.
func same(a, b any) bool {
	x, isFloat := a.(float64)
	y, ok := b.(float64)
	if isFloat && ok {
		return math.Abs(x-y) <= 1e-9*max(1, math.Abs(x), math.Abs(y))
	}
	return a == b
}

func pow2(x float64) float64 { return math.Pow(2, x) }

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func bit(yes bool) any {
	if yes {
		return 1.0
	}
	return 0.0
}

// attr is the latest value of an attribute that is not empty.
func (v view) attr(meaning string) string {
	for _, u := range slices.Backward(v.updates) {
		for _, s := range stating {
			if s.means == meaning && u.stated[s.name] != "" {
				return strings.TrimSpace(u.stated[s.name])
			}
		}
	}
	return ""
}

func (v view) number(meaning string) any {
	text := strings.ReplaceAll(v.attr(meaning), ",", "")
	if n, ok := parse(text); ok {
		return n
	}
	return nil
}

func (v view) flag(meaning string) any {
	switch strings.ToLower(v.attr(meaning)) {
	case "true", "yes", "1", "是":
		return 1.0
	case "false", "no", "0", "否", "n":
		return 0.0
	}
	return nil
}

// count is how many events of a kind mean something; an empty meaning stands for any.
func (v view) count(kind, meaning string) int {
	n := 0
	for _, e := range v.events {
		if e.kind == kind && (meaning == "" || e.meaning() == meaning) {
			n++
		}
	}
	return n
}

// pick gives the events that are wanted.
func (v view) pick(wanted func(happening) bool) []happening {
	return slices.DeleteFunc(slices.Clone(v.events), func(h happening) bool { return !wanted(h) })
}

func (v view) customer() []happening {
	return v.pick(func(h happening) bool { return h.kind == "behavior" || h.kind == "touchpoint" })
}

func (v view) named(name string) []happening {
	return v.pick(func(h happening) bool { return h.kind == "behavior" && h.meaning() == name })
}

func (v view) met() (channels []string) {
	for _, e := range v.events {
		if e.kind == "touchpoint" && e.channel != "" {
			channels = append(channels, e.channel)
		}
	}
	return channels
}

// ago is the days since the last of events, nil without one.
func (v view) ago(events []happening) any {
	if len(events) == 0 {
		return nil
	}
	return float64(v.now-events[len(events)-1].at) / float64(day)
}

// within counts the customer's events of the last days.
func (v view) within(days int) float64 {
	n := 0.0
	for _, e := range v.customer() {
		if v.now-e.at < int64(days)*day {
			n++
		}
	}
	return n
}

func (v view) local(at int64) time.Time { return time.UnixMilli(at).In(v.zone) }

// captured is the first moment that something but touches and behaviours is known of.
func (v view) captured() (at int64, ok bool) {
	for _, e := range v.all {
		if e.kind != "touchpoint" && e.kind != "behavior" {
			at, ok = e.at, true
			break
		}
	}
	if len(v.updates) > 0 && (!ok || v.updates[0].at < at) {
		return v.updates[0].at, true
	}
	return at, ok
}

// share is part over whole, nil over nothing.
func share(part, whole float64) any {
	if whole == 0 {
		return nil
	}
	return part / whole
}

// distinct counts different values of the events.
func distinct[T comparable](events []happening, of func(happening) T) any {
	seen := map[T]bool{}
	for _, e := range events {
		seen[of(e)] = true
	}
	return float64(len(seen))
}
