package funnel

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/query/clause"
	"clew/transform/warehouse/warehousetest"
)

// path is a lead with the given times in milliseconds.
func path(times map[string]int64) lead { return lead{times: times} }

// funnelCase states how many leads pass each step, and the facts about the whole. seen is 40 ms after epoch.
type funnelCase struct {
	name       string
	leads      []lead
	request    string
	converted  []uint64
	open       uint64
	complete   bool
	disordered uint64
}

var funnelCases = []funnelCase{
	{
		name:      "nobody at all gives rows of zeroes with their labels",
		request:   `{"steps":[{"stage":"new"},{"stage":"mql"},{"stage":"won"}],"window":"1d"}`,
		converted: []uint64{0, 0, 0}, complete: true,
	},
	{
		name:      "only the second step ever happens, within decades",
		leads:     []lead{path(map[string]int64{"new": 0, "won": 5})},
		request:   `{"steps":[{"stage":"mql"},{"stage":"won"}],"window":"20000d"}`,
		converted: []uint64{0, 0}, complete: true,
	},
	{
		name:      "an instant conversion counts",
		leads:     []lead{path(map[string]int64{"new": 7, "mql": 7, "sql": 7})},
		request:   `{"steps":[{"stage":"new"},{"stage":"mql"},{"stage":"sql"}],"window":1}`,
		converted: []uint64{1, 1, 1}, complete: true,
	},
	{
		name: "the window holds its last millisecond and not the next",
		leads: []lead{
			path(map[string]int64{"new": 0, "won": 10}),
			path(map[string]int64{"new": 0, "won": 11}),
		},
		request:   `{"steps":[{"stage":"new"},{"stage":"won"}],"window":10}`,
		converted: []uint64{2, 1}, complete: true,
	},
	{
		name:      "the window runs from the first step, not from the one before",
		leads:     []lead{path(map[string]int64{"new": 0, "mql": 6, "won": 12})},
		request:   `{"steps":[{"stage":"new"},{"stage":"mql"},{"stage":"won"}],"window":10}`,
		converted: []uint64{1, 1, 0}, complete: true,
	},
	{
		name:      "a deal dated before the lead is shown and not counted as a conversion",
		leads:     []lead{path(map[string]int64{"new": 5, "won": 3}), path(map[string]int64{"new": 5, "won": 6})},
		request:   `{"steps":[{"stage":"new"},{"stage":"won"}],"window":10}`,
		converted: []uint64{2, 1}, complete: true, disordered: 1,
	},
	{
		name:      "a millisecond before the step before is before",
		leads:     []lead{path(map[string]int64{"new": 0, "mql": 6, "sql": 5, "won": 8})},
		request:   `{"steps":[{"stage":"new"},{"stage":"mql"},{"stage":"sql"},{"stage":"won"}],"window":10}`,
		converted: []uint64{1, 1, 0, 0}, complete: true, disordered: 1,
	},
	{
		name:  "unordered takes the same lead, its window from the earliest step",
		leads: []lead{path(map[string]int64{"new": 0, "mql": 6, "sql": 5, "won": 8})},
		request: `{"steps":[{"stage":"new"},{"stage":"mql"},{"stage":"sql"},{"stage":"won"}],"window":8,
			"order":"unordered"}`,
		converted: []uint64{1, 1, 1, 1}, complete: true, disordered: 1,
	},
	{
		name:      "unordered steps further apart than the window",
		leads:     []lead{path(map[string]int64{"new": 20, "won": 9})},
		request:   `{"steps":[{"stage":"new"},{"stage":"won"}],"window":10,"order":"unordered"}`,
		converted: []uint64{1, 0}, complete: true, disordered: 1,
	},
	{
		name:      "a skipped stage is not passed",
		leads:     []lead{path(map[string]int64{"new": 0, "won": 5})},
		request:   `{"steps":[{"stage":"new"},{"stage":"mql"},{"stage":"won"}],"window":10}`,
		converted: []uint64{1, 0, 0}, complete: true,
	},
	{
		name: "an entrant is open until its window is over, unless it has passed everything",
		leads: []lead{
			path(map[string]int64{"new": 29}),            // over: 39 < 40
			path(map[string]int64{"new": 30}),            // open: something may still come at 40
			path(map[string]int64{"new": 31, "won": 32}), // passed
		},
		request:   `{"steps":[{"stage":"new"},{"stage":"won"}],"window":10}`,
		converted: []uint64{3, 1}, open: 1, complete: false,
	},
	{
		name:      "invalid leads do not enter",
		leads:     []lead{{invalid: true, times: map[string]int64{"new": 0, "won": 1}}, path(map[string]int64{"new": 0})},
		request:   `{"steps":[{"stage":"new"},{"stage":"won"}],"window":10}`,
		converted: []uint64{1, 0}, complete: true,
	},
	{
		name: "the date range is of the first step",
		leads: []lead{
			path(map[string]int64{"new": -1, "mql": 1, "won": 2}),
			path(map[string]int64{"new": 0, "mql": -1, "won": 2}),
		},
		request:   `{"steps":[{"stage":"mql"},{"stage":"won"}],"window":10,"dateRange":["2026-01-01","2026-01-01"]}`,
		converted: []uint64{1, 1}, complete: true,
	},
	{
		name: "fourteen days where no window is given",
		leads: []lead{
			path(map[string]int64{"new": 0, "won": 14 * 86_400_000}),
			path(map[string]int64{"new": 0, "won": 14*86_400_000 + 1}),
		},
		request:   `{"steps":[{"stage":"new"},{"stage":"won"}]}`,
		converted: []uint64{2, 1}, open: 1, complete: false,
	},
	{
		name: "filters keep leads as in queries",
		leads: []lead{
			{channel: "A'b\\", times: map[string]int64{"new": 0, "won": 1}},
			{channel: "b", times: map[string]int64{"new": 0}},
		},
		request: `{"steps":[{"stage":"new"},{"stage":"won"}],"window":10,
			"filters":[{"member":"channel","operator":"equals","values":["A'b\\"]}]}`,
		converted: []uint64{1, 1}, complete: true,
	},
}

func TestCases(t *testing.T) {
	for _, c := range funnelCases {
		t.Run(c.name, func(t *testing.T) {
			db := warehousetest.Open(t)
			store(t, db, c.leads)
			r, err := Decode([]byte(c.request))
			if err != nil {
				t.Fatal(err)
			}
			a := ask(t, db, r)
			got := funnelCase{
				name: c.name, leads: c.leads, request: c.request, open: a.EntrantsStillOpen, complete: a.WindowComplete,
				disordered: a.OutOfOrder,
			}
			for _, s := range a.Steps {
				got.converted = append(got.converted, s.Converted)
			}
			if diff := cmp.Diff(c, got, cmp.AllowUnexported(funnelCase{}, lead{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAnswerText holds the whole shape of an answer: labels, nulls, times between steps and the order of groups. The
// empty value takes no place among the largest, and a channel that is named Other stays apart from the rest.
func TestAnswerText(t *testing.T) {
	db := warehousetest.Open(t)
	store(t, db, []lead{
		{channel: "", times: map[string]int64{"new": 0}},
		{channel: "", times: map[string]int64{"new": 0}},
		{channel: "Other", times: map[string]int64{"new": 0, "won": 4}},
		{channel: "Other", times: map[string]int64{"new": 0, "won": 7}},
		{channel: "b", times: map[string]int64{"new": 2, "won": 1}},
		{channel: "社交", times: map[string]int64{"new": 0}},
	})
	r, err := Decode([]byte(`{"steps":[{"stage":"new"},{"stage":"won"}],"window":10,
		"breakdown":{"dimension":"channel","limit":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	a := ask(t, db, r)
	a.AsOf = &clause.Instant{Time: time.Date(2026, 11, 21, 8, 0, 0, 5_000_000, time.FixedZone("", 8*3600))}
	got, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	warehousetest.Golden(t, "testdata/answer.golden.txt", string(got)+"\n")
}
