package feature_test

import "slices"

// ofOthers counts the other people of a company for whom something holds at the moment of the view.
func ofOthers(count func(view) float64) func([]person, person, view) any {
	return func(people []person, p person, v view) any {
		if p.account == "" {
			return nil
		}
		n := 0.0
		for _, other := range people {
			if other.account == p.account && other.id != p.id {
				n += count(other.see(v.now, false, 0, v.zone))
			}
		}
		return n
	}
}

func (v view) isCaptured() float64 {
	_, ok := v.captured()
	return one(ok)
}

// firstSource is the first stated source, else that of the first touch, as of a moment.
func (p person) firstSource(at int64) string {
	for _, u := range p.updates {
		if u.at <= at && u.stated["source"] != "" {
			return u.stated["source"]
		}
	}
	for _, e := range p.events {
		if e.at <= at && e.kind == "touchpoint" && e.source != "" {
			return e.source
		}
	}
	return ""
}

// decision is who had a person when it was first won or lost, and which it was.
func (v view) decision() (owner, as string) {
	for _, e := range v.all {
		if e.kind == "assignment" && e.owner != "" {
			owner = e.owner
		}
		if e.kind == "stage" && (e.name == "won" || e.name == "lost") {
			return owner, e.name
		}
	}
	return "", ""
}

// shared are features that look at other people too.
var shared = map[string]func([]person, person, view) any{
	"A01": ofOthers(view.isCaptured),
	"A02": ofOthers(func(v view) float64 { return one(v.within(30) > 0) }),
	"A03": ofOthers(func(v view) float64 { return v.within(30) }),
	"A04": ofOthers(func(v view) float64 {
		return one(slices.ContainsFunc(v.updates, func(u update) bool { return u.stated["is_decision_maker"] == "1" }))
	}),
	"A05": ofOthers(func(v view) float64 {
		all := v.stages()
		return one(len(all) > 0 && all[len(all)-1].name == "opportunity")
	}),
	"A06": ofOthers(func(v view) float64 { return one(len(v.at("won")) > 0) }),
	"A07": ofOthers(func(v view) float64 { return one(len(v.at("lost")) > 0) }),
	"P06": func(people []person, p person, v view) any {
		if p.account == "" {
			return nil
		}
		return ofOthers(view.isCaptured)(people, p, v).(float64) + v.isCaptured()
	},
	"S15": func(people []person, p person, v view) any {
		source := p.firstSource(v.now)
		if source == "" {
			return nil
		}
		won, all := 0.0, 0.0
		for _, other := range people {
			captured, ok := other.see(1<<60, false, 0, v.zone).captured()
			ripe := captured + 90*day
			if !ok || other.id == p.id || ripe > v.now || other.firstSource(ripe) != source {
				continue
			}
			all++
			won += one(len(other.see(ripe, false, 0, v.zone).at("won")) > 0)
		}
		return share(won, all)
	},
	"F14": func(people []person, p person, v view) any {
		mine := ""
		for _, e := range v.all {
			if e.kind == "assignment" && e.owner != "" {
				mine = e.owner
			}
		}
		if mine == "" {
			return nil
		}
		won, all := 0.0, 0.0
		for _, other := range people {
			if owner, as := other.see(v.now, false, 0, v.zone).decision(); owner == mine && other.id != p.id {
				all, won = all+1, won+one(as == "won")
			}
		}
		return share(won, all)
	},
}
