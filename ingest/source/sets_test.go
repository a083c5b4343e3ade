package source

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"clew/ingest/event"
)

func TestXEducation(t *testing.T) {
	events := load(t, "xeducation")
	wantTypes(t, events, map[event.Type]int{
		event.TypeLead: 2 * 9240, event.TypeTouchpoint: 9240 - 36, event.TypeStage: 3561,
	})
	origin := map[string]string{}
	byOrigin := map[string][2]int{}
	for _, e := range events {
		switch e := e.(type) {
		case *event.Lead:
			for name, v := range e.Attributes {
				if v == "" || strings.EqualFold(string(v), "select") {
					t.Errorf("%s has %s %q", e.EventID, name, v)
				}
			}
			if o, first := e.Attributes["lead_origin"]; first {
				origin[e.LeadID] = string(o)
				byOrigin[string(o)] = [2]int{byOrigin[string(o)][0], byOrigin[string(o)][1] + 1}
			}
		case *event.Stage:
			n := byOrigin[origin[e.LeadID]]
			byOrigin[origin[e.LeadID]] = [2]int{n[0] + 1, n[1]}
		}
	}
	want := map[string][2]int{
		"Landing Page Submission": {1768, 4886}, "API": {1115, 3580}, "Lead Add Form": {664, 718},
		"Lead Import": {13, 55}, "Quick Add Form": {1, 1},
	}
	if !maps.Equal(byOrigin, want) {
		t.Errorf("converted of leads by origin: got %v, want %v", byOrigin, want)
	}
}

// call is one row of the bank's file.
type call struct {
	number, pdays string
	month         string
	won           bool
}

func TestBank(t *testing.T) {
	events := load(t, "bank")
	wantTypes(t, events, map[event.Type]int{
		event.TypeLead: 41188, event.TypeTouchpoint: 41188, event.TypeActivity: 41188, event.TypeStage: 4640,
	})
	rows := make([]call, 0, 41188)
	for _, e := range events {
		switch e := e.(type) {
		case *event.Lead:
			at := e.OccurredAt
			if want := fmt.Sprintf("bank:%05d", len(rows)+1); e.LeadID != want {
				t.Fatalf("lead %s in the place of %s", e.LeadID, want)
			}
			if m := strings.ToLower(at.Month().String()[:3]); m != string(e.Attributes["month"]) ||
				strings.ToLower(at.Weekday().String()[:3]) != string(e.Attributes["day_of_week"]) {
				t.Errorf("%s is dated %s, and the file says %s %s", e.LeadID, at, e.Attributes["day_of_week"],
					e.Attributes["month"])
			}
			rows = append(rows, call{
				number: string(e.Attributes["call_number"]), pdays: string(e.Attributes["pdays"]),
				month: at.Format("2006-01"),
			})
		case *event.Stage:
			rows[len(rows)-1].won = true
		}
	}
	if !slices.IsSortedFunc(rows, func(a, b call) int { return cmp.Compare(a.month, b.month) }) ||
		rows[0].month != "2008-05" || rows[41187].month != "2010-11" {
		t.Errorf("the rows are dated from %s to %s, not in order from 2008-05 to 2010-11", rows[0].month, rows[41187].month)
	}
	checkBankRates(t, rows)
}

func checkBankRates(t *testing.T, rows []call) {
	t.Helper()
	never, fifth := 0, [5][2]int{}
	number := map[string][2]int{}
	for i, r := range rows {
		k := r.number
		if len(k) > 1 || k >= "6" {
			k = "6+"
		}
		won := 0
		if r.won {
			won = 1
		}
		number[k] = [2]int{number[k][0] + won, number[k][1] + 1}
		fifth[i*5/len(rows)][0] += won
		fifth[i*5/len(rows)][1]++
		if r.pdays == "" {
			never++
		}
	}
	got := ""
	for _, k := range slices.Sorted(maps.Keys(number)) {
		got += fmt.Sprintf("%s %.2f ", k, 100*float64(number[k][0])/float64(number[k][1]))
	}
	for _, n := range fifth {
		got += fmt.Sprintf("%.1f ", 100*float64(n[0])/float64(n[1]))
	}
	if want := "1 13.04 2 11.46 3 10.75 4 9.39 5 7.50 6+ 5.49 3.1 5.4 5.9 11.1 30.8 "; got != want || never != 39673 {
		t.Errorf("by call number and fifth: got %s with %d never called, want %s with 39673", got, never, want)
	}
}

func TestAttribution(t *testing.T) {
	events := load(t, "attribution")
	wantTypes(t, events, map[event.Type]int{
		event.TypeTouchpoint: 62483, event.TypeLead: 62483, event.TypeStage: 1838,
	})
	// As the warehouse orders: by time, then by id.
	slices.SortStableFunc(events, func(a, b event.Event) int {
		return cmp.Or(cmp.Compare(a.Head().LeadID, b.Head().LeadID), a.Head().OccurredAt.Compare(b.Head().OccurredAt),
			cmp.Compare(a.Head().EventID, b.Head().EventID))
	})
	first, last, linear := map[string]int{}, map[string]int{}, map[string]float64{}
	journeys, value := map[string][]string{}, 0.0
	for _, e := range events {
		switch e := e.(type) {
		case *event.Touchpoint:
			journeys[e.LeadID] = append(journeys[e.LeadID], e.Channel)
		case *event.Stage:
			j := journeys[e.LeadID]
			value += e.Amount
			first[j[0]]++
			last[j[len(j)-1]]++
			for _, channel := range j {
				linear[channel] += 1 / float64(len(j))
			}
			delete(journeys, e.LeadID)
		default:
		}
	}
	got := ""
	for _, c := range slices.Sorted(maps.Keys(first)) {
		got += fmt.Sprintf("%s %d/%d/%.2f ", c, first[c], last[c], linear[c])
	}
	want := "Facebook 569/561/532.28 Instagram 226/237/234.63 Online Display 220/233/210.03 " +
		"Online Video 222/350/309.56 Paid Search 601/457/551.51 "
	if got != want || value != 11423.5 {
		t.Errorf("first/last/linear: got %s value %v, want %s value 11423.5", got, value, want)
	}
}

func TestWebFunnel(t *testing.T) {
	events := load(t, "webfunnel")
	wantTypes(t, events, map[event.Type]int{
		event.TypeLead: 90400, event.TypeBehavior: 90400 + 45200 + 6030 + 452, event.TypeStage: 45200 + 6030 + 452,
	})
	pages := []string{"home_page", "search_page", "payment_page", "payment_confirmation_page"}
	device := map[string]string{}
	got := map[string][4]int{}
	for _, e := range events {
		switch e := e.(type) {
		case *event.Lead:
			device[e.LeadID] = string(e.Attributes["device"])
		case *event.Behavior:
			at := slices.Index(pages, e.Name)
			if e.OccurredAt.Second() != at+1 {
				t.Errorf("%s at %s: want second %d", e.EventID, e.OccurredAt, at+1)
			}
			for _, key := range []string{"all", device[e.LeadID], e.OccurredAt.Format("2006-01")} {
				n := got[key]
				n[at]++
				got[key] = n
			}
		}
	}
	want := map[string][4]int{
		"all": {90400, 45200, 6030, 452}, "Desktop": {60200, 30100, 3010, 150}, "Mobile": {30200, 15100, 3020, 302},
		"2015-01": {22600, 13554, 2390, 189}, "2015-02": {22600, 13687, 2412, 173}, "2015-03": {22600, 8879, 631, 44},
		"2015-04": {22600, 9080, 597, 46},
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
