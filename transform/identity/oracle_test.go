package identity_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"clew/transform/identity"
)

// raw is a row of a raw table.
type raw struct {
	table, workspace, event, lead, anonymous string
	identifiers                              map[string]string
	at                                       time.Time
}

// id is a node.
type id struct{ workspace, kind, value string }

func (n id) own() string {
	if n.kind == "lead" {
		return n.value
	}
	return n.kind + ":" + n.value
}

// word is what rows say about a pair of nodes.
type word struct {
	first, seen time.Time
	stated      string // time and event id of the last update, in their order
	statedAt    time.Time
}

// told is how plain Go tells who is who, from all rows at once.
type told struct {
	ids, merges, aliases map[[2]id]*word
}

// tell computes the rows of identities and identity_shared as text, in order.
func tell(rows []raw, cfg identity.Config) (identities, shared []string) {
	t := told{map[[2]id]*word{}, map[[2]id]*word{}, map[[2]id]*word{}}
	leads := map[id]bool{}
	for _, r := range rows {
		if r.lead != "" {
			leads[id{r.workspace, "lead", r.lead}] = true
		}
	}
	for _, r := range rows {
		t.read(r, leads)
	}
	crowds := t.crowds(cfg)
	for n, leads := range crowds {
		shared = append(shared, fmt.Sprintf("%v|%d", n, leads))
	}
	person := t.persons(crowds)
	first := map[id]time.Time{}
	for _, words := range []map[[2]id]*word{t.ids, t.merges, t.aliases} {
		for pair, w := range words {
			for _, n := range pair {
				if at, ok := first[n]; !ok || w.first.Before(at) {
					first[n] = w.first
				}
			}
		}
	}
	for n, p := range person {
		if p != n.own() {
			identities = append(identities, fmt.Sprintf("%v|%s|%s", n, p, first[n].Format(time.RFC3339)))
		}
	}
	slices.Sort(identities)
	slices.Sort(shared)
	return identities, shared
}

func isRecord(n id) bool { return n.kind == "hubspot_deal" || n.kind == "gclid" }

func isID(value string) bool {
	return value != "" && value != "null" && value != "undefined" && value != "N/A"
}

// read notes what one row says.
func (t told) read(r raw, leads map[id]bool) {
	var nodes []id
	if isID(r.lead) {
		nodes = append(nodes, id{r.workspace, "lead", r.lead})
	}
	if isID(r.anonymous) {
		nodes = append(nodes, id{r.workspace, "anonymous", r.anonymous})
	}
	var named []id
	for kind, value := range r.identifiers {
		kind = strings.TrimPrefix(kind, "contact_")
		if kind != "company" && kind != "merged_into" && kind != "email_invalid" && isID(value) {
			named = append(named, id{r.workspace, kind, value})
		}
	}
	slices.SortFunc(named, func(a, b id) int {
		return cmp.Or(strings.Compare(fmt.Sprint(isRecord(a)), fmt.Sprint(isRecord(b))), strings.Compare(a.kind, b.kind),
			strings.Compare(a.value, b.value))
	})
	nodes = append(nodes, slices.Compact(named)...)
	update := r.table == "lead_updates"
	for i := 1; i < len(nodes); i++ {
		states := update && nodes[0].kind == "lead" && nodes[i].kind != "anonymous"
		note(t.ids, nodes[0], nodes[i], r, states)
	}
	into := id{r.workspace, "lead", r.identifiers["merged_into"]}
	if update && isID(r.lead) && isID(into.value) {
		note(t.merges, id{r.workspace, "lead", r.lead}, into, r, true)
	}
	if former := (id{r.workspace, "lead", r.anonymous}); update && r.lead != "" && r.lead != r.anonymous && leads[former] {
		note(t.aliases, id{r.workspace, "anonymous", r.anonymous}, former, r, false)
	}
}

func note(words map[[2]id]*word, a, b id, r raw, states bool) {
	w := words[[2]id{a, b}]
	if w == nil {
		w = &word{first: r.at}
		words[[2]id{a, b}] = w
	}
	if r.at.Before(w.first) {
		w.first = r.at
	}
	switch stamp := r.at.Format(time.RFC3339) + r.event; {
	case states && stamp > w.stated:
		w.stated, w.statedAt = stamp, r.at
	case !states && r.at.After(w.seen):
		w.seen = r.at
	}
}

// crowds are the shared nodes, with the number of their leads.
func (t told) crowds(cfg identity.Config) map[id]int {
	others := map[id]map[string]map[id]bool{}
	for pair := range t.ids {
		for i, n := range pair {
			other := pair[1-i]
			if others[n] == nil {
				others[n] = map[string]map[id]bool{}
			}
			if others[n][other.kind] == nil {
				others[n][other.kind] = map[id]bool{}
			}
			others[n][other.kind][other] = true
		}
	}
	crowds := map[id]int{}
	for n, kinds := range others {
		most := cfg.SharedLeads
		if n.kind == "anonymous" {
			most = cfg.BrowserLeads
		}
		for kind, of := range kinds {
			limit := most
			if kind == "anonymous" {
				limit *= 10
			}
			if n.kind != "lead" && !isRecord(id{kind: kind}) && len(of) > limit {
				crowds[n] = len(kinds["lead"])
			}
		}
	}
	return crowds
}

// persons gives every node its person.
func (t told) persons(crowds map[id]int) map[id]string {
	into, apart, last := map[id]id{}, map[id]bool{}, map[id]string{}
	label := map[id]id{}
	for pair, w := range t.merges {
		label[pair[0]], label[pair[1]] = pair[0], pair[1]
		if w.stated > last[pair[0]] {
			last[pair[0]], into[pair[0]] = w.stated, pair[1]
		}
	}
	for n, to := range into {
		apart[n] = n == to
	}
	type edge struct {
		a, b  id
		first time.Time
	}
	var strong, lone, records []edge
	latest := map[[2]string]string{}
	latestAt := map[[2]string]time.Time{}
	slot := func(p [2]id) [2]string { return [2]string{fmt.Sprint(p[0]), p[1].kind} }
	for p, w := range t.ids {
		if w.stated > latest[slot(p)] {
			latest[slot(p)], latestAt[slot(p)] = w.stated, w.statedAt
		}
	}
	for p, w := range t.ids {
		label[p[0]], label[p[1]] = p[0], p[1]
		_, crowded := crowds[p[0]]
		_, crowdedToo := crowds[p[1]]
		said := latest[slot(p)]
		holds := said == "" || w.stated == said || w.seen.After(latestAt[slot(p)])
		switch e := (edge{p[0], p[1], w.first}); {
		case crowded || crowdedToo || isRecord(p[0]):
		case isRecord(p[1]):
			records = append(records, e)
		case !holds:
		case apart[p[0]]:
			lone = append(lone, e)
		default:
			strong = append(strong, e)
		}
	}
	for p := range t.aliases {
		label[p[1]] = p[1]
		if _, crowded := crowds[p[0]]; crowded {
			continue
		}
		if apart[p[1]] {
			lone = append(lone, edge{p[1], p[0], time.Time{}})
		} else {
			strong = append(strong, edge{p[0], p[1], time.Time{}})
		}
	}
	for n, to := range into {
		strong = append(strong, edge{n, to, time.Time{}})
	}
	for again := true; again; {
		again = false
		for _, e := range strong {
			if label[e.a] != label[e.b] {
				from, to := label[e.a], label[e.b]
				for n, l := range label {
					if l == from {
						label[n] = to
					}
				}
				again = true
			}
		}
	}
	for _, edges := range [][]edge{lone, records} {
		led := map[id]bool{}
		for n, l := range label {
			led[l] = led[l] || n.kind == "lead"
		}
		slices.SortFunc(edges, func(x, y edge) int {
			return cmp.Or(strings.Compare(fmt.Sprint(!led[label[x.a]]), fmt.Sprint(!led[label[y.a]])), x.first.Compare(y.first),
				strings.Compare(x.a.own(), y.a.own()))
		})
		taken := map[id]id{}
		for _, e := range edges {
			if _, ok := taken[label[e.b]]; !ok && !led[label[e.b]] {
				taken[label[e.b]] = label[e.a]
			}
		}
		for n, l := range label {
			if to, ok := taken[l]; ok {
				label[n] = to
			}
		}
	}
	first := map[id]time.Time{}
	for _, words := range []map[[2]id]*word{t.ids, t.merges, t.aliases} {
		for p, w := range words {
			for _, n := range p {
				if at, ok := first[n]; n.kind == "lead" && (!ok || w.first.Before(at)) {
					first[n] = w.first
				}
			}
		}
	}
	class := func(n id) int {
		switch to, merged := into[n]; {
		case n.kind == "lead" && merged && to != n:
			return 1
		case n.kind == "lead":
			return 0
		case isRecord(n):
			return 4
		case n.kind == "anonymous":
			return 3
		}
		return 2
	}
	best := map[id]id{}
	for _, n := range slices.Collect(maps.Keys(label)) {
		b, ok := best[label[n]]
		if !ok || cmp.Or(cmp.Compare(class(n), class(b)), first[n].Compare(first[b]), strings.Compare(n.own(), b.own())) < 0 {
			best[label[n]] = n
		}
	}
	person := map[id]string{}
	for n, l := range label {
		person[n] = best[l].own()
	}
	return person
}
