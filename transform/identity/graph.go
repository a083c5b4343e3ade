package identity

import (
	"cmp"
	"math"
	"strings"
)

// said is a row of identity_links in the direction from the id that decided over the raw row.
type said struct {
	Node, Other uint64
	Link        int8
	// OfLead, OfRecord and Record say of what kind node and other are.
	OfLead, OfRecord, Record bool
	OtherKind                string
	// Owner is the person of node where other may belong to it.
	Owner string
	// FirstAt and SeenAt are in milliseconds; SeenAt is never where no row but updates said so.
	FirstAt, SeenAt int64
	Stated          stamp
}

// The links of identity_links that said has; the others are their other directions.
const (
	linkID     = 0
	linkAlias  = 2
	linkMerged = 4
)

const never = math.MinInt64

// stamp orders the updates of a lead. Of an event that there was its id is not empty.
type stamp struct {
	at int64
	id string
}

func (s stamp) compare(other stamp) int {
	return cmp.Or(cmp.Compare(s.at, other.at), cmp.Compare(s.id, other.id))
}

// graph joins nodes to components. It takes the links of one node after the other.
type graph struct {
	// shared are the nodes that link nobody.
	shared map[uint64]bool
	index  map[uint64]int32
	ids    []uint64
	parent []int32
	// lead, away and apart are of leads: away was merged into another one, apart into itself.
	lead, away, apart []bool
	aliases           []pair
	// ties are the ids that leads come with.
	ties []tie
	// belongs are the links that cannot merge two leads.
	belongs []belonging
	// latest is kept for its memory.
	latest map[string]stamp
	kinds  map[string]string
}

type pair struct{ a, b int32 }

// tie is a link of the lead a with an id of a kind.
type tie struct {
	pair
	kind string
}

// belonging says that b, and what is linked with it, is a's unless a lead has it. B is a record, or a an apart lead.
type belonging struct {
	pair
	record  bool
	firstAt int64
	owner   string
}

func newGraph(shared map[uint64]bool) *graph {
	return &graph{shared: shared, index: map[uint64]int32{}, latest: map[string]stamp{}, kinds: map[string]string{}}
}

func (g *graph) node(id uint64) int32 {
	i, ok := g.index[id]
	if !ok {
		i = int32(len(g.ids))
		g.index[id], g.ids, g.parent = i, append(g.ids, id), append(g.parent, i)
		g.lead, g.away, g.apart = append(g.lead, false), append(g.away, false), append(g.apart, false)
	}
	return i
}

// find gives the component of a node by one of its members.
func (g *graph) find(i int32) int32 {
	for g.parent[i] != i {
		g.parent[i] = g.parent[g.parent[i]]
		i = g.parent[i]
	}
	return i
}

func (g *graph) join(p pair) { g.parent[g.find(p.a)] = g.find(p.b) }

// add takes all that is said from one node.
func (g *graph) add(rows []said) {
	a := g.node(rows[0].Node)
	g.lead[a] = rows[0].OfLead
	g.merge(a, rows)
	clear(g.latest)
	for _, r := range rows {
		if r.Link == linkID && r.Stated.id != "" && r.Stated.compare(g.latest[r.OtherKind]) > 0 {
			g.latest[r.OtherKind] = r.Stated
		}
	}
	for _, r := range rows {
		if g.shared[r.Node] || g.shared[r.Other] || r.Link == linkMerged {
			continue
		}
		p := pair{a, g.node(r.Other)}
		switch {
		case r.Link == linkAlias:
			g.lead[p.b] = true
			g.aliases = append(g.aliases, p)
		case r.Record && r.OfRecord:
		case r.Record || g.apart[a] && g.holds(r):
			g.belongs = append(g.belongs, belonging{p, r.Record, r.FirstAt, r.Owner})
		case g.holds(r):
			g.join(p)
			if r.OfLead {
				g.ties = append(g.ties, tie{p, g.kind(r.OtherKind)})
			}
		}
	}
}

// kind gives equal texts the same memory.
func (g *graph) kind(name string) string {
	if _, ok := g.kinds[name]; !ok {
		name = strings.Clone(name)
		g.kinds[name] = name
	}
	return g.kinds[name]
}

// via says of each lead what it shares with another one: the first kind of an id by name, or that it was merged by hand.
// A lead that shares nothing itself is not in it.
func (g *graph) via() map[int32]string {
	leads := make([]uint8, len(g.ids))
	for _, t := range g.ties {
		leads[t.b] = min(leads[t.b]+1, 2)
	}
	for _, p := range g.aliases {
		leads[p.a] = min(leads[p.a]+1, 2)
	}
	via := map[int32]string{}
	for _, t := range g.ties {
		if had, ok := via[t.a]; leads[t.b] > 1 && (!ok || t.kind < had) {
			via[t.a] = t.kind
		}
	}
	for i, away := range g.away {
		if away {
			via[int32(i)] = KindMergedInto
		}
	}
	return via
}

// merge follows the last word on which lead this one was merged into.
func (g *graph) merge(a int32, rows []said) {
	var last said
	for _, r := range rows {
		if r.Link != linkMerged {
			continue
		}
		g.lead[g.node(r.Other)] = true
		if r.Stated.compare(last.Stated) > 0 {
			last = r
		}
	}
	switch {
	case last.Stated.id == "":
	case last.Other == last.Node:
		g.apart[a] = true
	default:
		g.away[a] = true
		g.join(pair{a, g.node(last.Other)})
	}
}

// holds says whether no update has replaced what the row says. Two values stated by one update hold both.
func (g *graph) holds(r said) bool {
	last := g.latest[r.OtherKind]
	return last.id == "" || r.Stated == last || r.SeenAt > last.at
}

// finish follows the links that depend on others.
func (g *graph) finish() {
	for _, p := range g.aliases {
		if g.apart[p.b] {
			g.belongs = append(g.belongs, belonging{pair{p.b, p.a}, false, never, ""})
			continue
		}
		g.join(p)
	}
	led := make([]bool, len(g.ids))
	for i, lead := range g.lead {
		if lead {
			led[g.find(int32(i))] = true
		}
	}
	// First what leads that stand apart have for themselves, then records, which may belong to that.
	g.settle(led, false)
	g.settle(led, true)
}

// settle gives components without a lead to those that they first belong to.
func (g *graph) settle(led []bool, records bool) {
	first := map[int32]belonging{}
	for _, b := range g.belongs {
		owned := g.find(b.b)
		if b.record != records || led[owned] {
			continue
		}
		if other, ok := first[owned]; !ok || g.compare(b, other, led) < 0 {
			first[owned] = b
		}
	}
	for owned, b := range first {
		g.parent[owned] = g.find(b.a)
	}
}

// compare puts who is led by a lead first, then who came first.
func (g *graph) compare(a, b belonging, led []bool) int {
	if is := led[g.find(a.a)]; is != led[g.find(b.a)] {
		if is {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.firstAt, b.firstAt), cmp.Compare(a.owner, b.owner))
}
