package source

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"clew/ingest/event"
)

// data returns a folder of the public data sets, which lie beside the repository.
func data(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		found := filepath.Join(dir, "..", "shared", "data", name)
		if _, err := os.Stat(found); err == nil {
			return found
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("no ../shared/data/%s beside the repository: CI must have it", name)
	}
	t.Skipf("no ../shared/data/%s beside the repository", name)
	return ""
}

// load returns every event of a shipped mapping over real files. They must be valid, with ids that are all different.
func load(t *testing.T, name string) []event.Event {
	t.Helper()
	dir := data(t, name)
	m, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []event.Event
	ids := map[string]bool{}
	for e, err := range Read(t.Context(), m, dir) {
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Validate(); err != nil {
			t.Fatalf("%s: %v", e.Head().EventID, err)
		}
		if ids[e.Head().EventID] {
			t.Fatalf("event id %s twice", e.Head().EventID)
		}
		ids[e.Head().EventID] = true
		out = append(out, e)
	}
	return out
}

func wantTypes(t *testing.T, events []event.Event, want map[event.Type]int) {
	t.Helper()
	got := map[event.Type]int{}
	for _, e := range events {
		got[e.Kind()]++
	}
	if !maps.Equal(got, want) {
		t.Errorf("events by type: got %v, want %v", got, want)
	}
}

func TestOlist(t *testing.T) {
	events := load(t, "olist")
	wantTypes(t, events, map[event.Type]int{
		event.TypeTouchpoint: 7940, event.TypeLead: 8000 + 842, event.TypeStage: 8000 + 842,
	})
	origin, channel := map[string]string{}, map[string]string{}
	created, won := map[string]event.Lead{}, map[string]event.Stage{}
	deals := 0
	for _, e := range events {
		switch e := e.(type) {
		case *event.Touchpoint:
			channel[e.LeadID] = e.Channel
		case *event.Lead:
			if e.CreatedAt == nil {
				deals++
				continue
			}
			origin[e.LeadID], created[e.LeadID] = e.Source, *e
		case *event.Stage:
			if e.Stage == event.LifecycleStageWon {
				won[e.LeadID] = *e
			}
		}
	}
	if len(created) != 8000 || len(won) != 842 || deals != 842 {
		t.Errorf("%d leads, %d won, %d deals; want 8000, 842, 842", len(created), len(won), deals)
	}
	checkOrigins(t, origin, channel, won)
	checkDaysToWon(t, created, won)
}

func checkOrigins(t *testing.T, origin, channel map[string]string, won map[string]event.Stage) {
	t.Helper()
	want := map[string][2]int{
		"organic_search": {2296, 271}, "paid_search": {1586, 195}, "social": {1350, 75}, "unknown": {1099, 179},
		"direct_traffic": {499, 56}, "email": {493, 15}, "referral": {284, 24}, "other": {150, 4},
		"display": {118, 6}, "other_publicities": {65, 3}, "": {60, 14},
	}
	got := map[string][2]int{}
	for id, o := range origin {
		n := got[o]
		n[0]++
		if _, ok := won[id]; ok {
			n[1]++
		}
		got[o] = n
		if channel[id] != o {
			t.Errorf("lead %s of origin %q has channel %q", id, o, channel[id])
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("leads and won by origin: got %v, want %v", got, want)
	}
}

func checkDaysToWon(t *testing.T, created map[string]event.Lead, won map[string]event.Stage) {
	t.Helper()
	var days []float64
	sum, early := 0.0, 0
	for id, w := range won {
		lead, ok := created[id]
		if !ok {
			t.Fatalf("deal %s without a lead", id)
		}
		if w.Amount != 0 || w.Currency != "" {
			t.Errorf("deal %s has an amount the file does not have", id)
		}
		d := w.OccurredAt.Sub(*lead.CreatedAt).Hours() / 24
		days, sum = append(days, d), sum+d
		if d < 0 {
			early++
		}
	}
	slices.Sort(days)
	median := (days[len(days)/2-1] + days[len(days)/2]) / 2
	got := fmt.Sprintf("median %.2f mean %.2f min %.2f max %.1f before created %d",
		median, sum/float64(len(days)), days[0], days[len(days)-1], early)
	if want := "median 14.65 mean 49.10 min -1.18 max 427.6 before created 1"; got != want {
		t.Errorf("days to won: got %s, want %s", got, want)
	}
}

// campaign sums in hundredths, so that no rounding of floats can hide.
type campaign struct{ cost, revenue, clicks, leads, orders int64 }

func (c campaign) String() string {
	return fmt.Sprintf("CPL %.2f ROMI %.1f", float64(c.cost)/100/float64(c.leads),
		100*(float64(c.revenue)/float64(c.cost)-1))
}

func cents(t *testing.T, amount float64) int64 {
	t.Helper()
	n := math.Round(amount * 100)
	if n/100 != amount {
		t.Errorf("%v is no whole number of hundredths", amount)
	}
	return int64(n)
}

// campaigns sums by "channel", "channel/campaign" and "" for all.
func campaigns(t *testing.T, events []event.Event) map[string]campaign {
	t.Helper()
	out := map[string]campaign{}
	of := map[string][2]string{}
	add := func(channel, name string, c campaign) {
		for _, key := range []string{"", channel, channel + "/" + name} {
			s := out[key]
			out[key] = campaign{
				s.cost + c.cost, s.revenue + c.revenue, s.clicks + c.clicks, s.leads + c.leads, s.orders + c.orders,
			}
		}
	}
	for _, e := range events {
		switch e := e.(type) {
		case *event.Cost:
			if e.Currency != "INR" || e.Date != e.OccurredAt.In(shanghai(t)).Format("2006-01-02") {
				t.Errorf("cost %s: %s on %s at %s", e.EventID, e.Currency, e.Date, e.OccurredAt)
			}
			add(e.Channel, e.Campaign, campaign{cost: cents(t, e.Amount), clicks: int64(e.Clicks)})
		case *event.Touchpoint:
			of[e.LeadID] = [2]string{e.Channel, e.Campaign}
		case *event.Lead:
			add(of[e.LeadID][0], of[e.LeadID][1], campaign{leads: 1})
		case *event.Stage:
			add(of[e.LeadID][0], of[e.LeadID][1], campaign{orders: 1, revenue: cents(t, e.Amount)})
		}
	}
	return out
}

func TestMarketing(t *testing.T) {
	events := load(t, "marketing")
	wantTypes(t, events, map[event.Type]int{
		event.TypeCost: 308, event.TypeTouchpoint: 65579, event.TypeLead: 65579, event.TypeStage: 8043,
	})
	sums := campaigns(t, events)
	want := campaign{cost: 3059087982, revenue: 4288936600, clicks: 2999919, leads: 65579, orders: 8043}
	if sums[""] != want {
		t.Errorf("sums: got %+v, want %+v", sums[""], want)
	}
	if len(sums) != 1+4+11 {
		t.Errorf("%d sums, want all, 4 categories and 11 campaigns: %v", len(sums), slices.Sorted(maps.Keys(sums)))
	}
	for key, want := range map[string]string{
		"": "CPL 466.47 ROMI 40.2", "influencer/youtube_blogger": "CPL 408.61 ROMI 277.3",
		"social/facebook_lal": "CPL 1383.94 ROMI -88.6", "social/instagram_tier2": "CPL 102.77 ROMI -37.1",
	} {
		if got := sums[key].String(); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
	for key, want := range map[string]string{
		"influencer": "490.31", "media": "495.29", "search": "486.90", "social": "439.67",
	} {
		if got := fmt.Sprintf("%.2f", float64(sums[key].cost)/100/float64(sums[key].leads)); got != want {
			t.Errorf("%s: CPL %s, want %s", key, got, want)
		}
	}
}

func TestImportIsDeterministic(t *testing.T) {
	for _, name := range []string{"attribution", "bank", "marketing", "olist", "webfunnel", "xeducation"} {
		first, again := load(t, name), load(t, name)
		if !slices.EqualFunc(first, again, func(a, b event.Event) bool { return reflect.DeepEqual(a, b) }) {
			t.Errorf("%s: two imports of %d and %d events differ", name, len(first), len(again))
		}
	}
}

func BenchmarkEvents(b *testing.B) {
	dir := data(b, "marketing")
	m, err := Load("marketing")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for _, err := range Read(b.Context(), m, dir) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

func shanghai(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
