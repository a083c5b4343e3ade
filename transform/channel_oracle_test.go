package transform_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clew/transform"
	"clew/transform/cost"
	"clew/transform/warehouse/warehousetest"
)

// TestChannelsAgreeWithPlainGo lets the model of spend and plain Go code tell the same random costs and leads, drawn from
// few days, names, currencies and amounts. Amounts and rates are multiples of a power of two, so sums are exact.
func TestChannelsAgreeWithPlainGo(t *testing.T) {
	db := warehousetest.Open(t)
	asOf := at("2026-02-25T00:00:00.000Z")
	for round := range uint64(3) {
		t.Run(fmt.Sprint("seed ", round), func(t *testing.T) {
			s, rates := randomSpend(rand.New(rand.NewPCG(round, 5)), 300)
			clearAll(t, db)
			s.insertBadly(t, db)
			cfg := transform.Config{Timezone: "Asia/Shanghai", Costs: cost.Config{
				Currency: "EUR", Rates: func() ([]cost.Rate, error) { return rates, nil },
			}}.Only("channel_daily")
			if _, err := transform.Run(t.Context(), db, asOf, cfg); err != nil {
				t.Fatal(err)
			}
			want := tellChannels(t, s, rates, asOf)
			if diff := differences(content(t, db, "channel_daily", modelOf(t, "channel_daily").Columns), want); diff != "" {
				t.Errorf("%.3000s", diff)
			}
		})
	}
}

func randomSpend(r *rand.Rand, n int) (seed, []cost.Rate) {
	s := seed{}
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	moment := func() time.Time { return at("2026-01-20T03:00:00Z").Add(time.Duration(r.IntN(100)) * 12 * time.Hour) }
	for i := range n {
		day := at("2026-01-20T00:00:00Z").AddDate(0, 0, r.IntN(60))
		s["costs"] = append(s["costs"], row{
			"workspace": pick("default", "other"), "event_id": fmt.Sprint("c", r.IntN(n)), "date": day, "occurred_at": day,
			"received_at": day.Add(time.Duration(r.IntN(4)) * time.Hour), "_partition": r.IntN(2), "_offset": i,
			"channel": pick("", "social", "search"), "campaign": pick("", "c1"), "amount": float64(r.IntN(9)-2) / 4,
			"currency": pick("CNY", "USD", "EUR", "XTS"), "impressions": r.IntN(100), "clicks": r.IntN(10),
		})
		lead := row{"workspace": pick("default", "other"), "lead_id": fmt.Sprint("L", i)}
		created := moment()
		add := func(table string, fields row) {
			all := row{"event_id": fmt.Sprint(table, i), "workspace": lead["workspace"], "lead_id": lead["lead_id"], "occurred_at": created}
			maps.Copy(all, fields)
			s[table] = append(s[table], all)
		}
		add("lead_updates", row{})
		add("events", row{"type": "touchpoint", "channel": pick("", "social", "search"), "campaign": pick("", "c1")})
		if stage := pick("", "mql", "won", "won", "invalid"); stage != "" {
			change := row{"stage": stage, "occurred_at": created.Add(time.Duration(r.IntN(20)) * 12 * time.Hour)}
			if change["amount"] = float64(r.IntN(5)) / 2; change["amount"] != 0.0 || r.IntN(2) == 0 {
				change["currency"] = pick("CNY", "USD", "EUR", "XTS")
			}
			add("stage_changes", change)
		}
	}
	var rates []cost.Rate
	for _, currency := range []string{"CNY", "USD"} {
		for day := 5; day < 60; day += 1 + r.IntN(20) {
			date := at("2026-01-20T00:00:00Z").AddDate(0, 0, day)
			rates = append(rates, cost.Rate{Date: date, Currency: currency, Rate: float64(1+r.IntN(40)) / 8})
		}
	}
	return s, rates
}

// spot is the key of a row of channel_daily but for its currency.
type spot struct{ workspace, date, channel, campaign string }

// spend is a row of channel_daily under way.
type spend struct {
	cost, won, costBase, wonBase float64
	impressions, clicks          uint64
	leads, invalid, mqls, deals  int
	unratedCosts, unratedDeals   int
	hasCost                      bool
}

type spends map[spot]map[string]*spend

func (s spends) row(at spot, currency string) *spend {
	if s[at] == nil {
		s[at] = map[string]*spend{}
	}
	if s[at][currency] == nil {
		s[at][currency] = &spend{}
	}
	return s[at][currency]
}

// main is the currency of a spot's largest spend, or empty.
func (s spends) main(at spot) string {
	var found string
	var largest *spend
	for currency, row := range s[at] {
		if row.hasCost && (largest == nil || row.cost > largest.cost || row.cost == largest.cost && currency < found) {
			found, largest = currency, row
		}
	}
	return found
}

// tellChannels gives the rows of channel_daily.
func tellChannels(t *testing.T, s seed, rates []cost.Rate, asOf time.Time) [][]string {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	day := func(at time.Time) string { return at.In(zone).Format(time.DateOnly) }
	rate := func(currency, date string) (float64, bool) {
		found, ok := 1.0, currency == "EUR"
		for _, r := range rates {
			if r.Currency == currency && r.Date.Format(time.DateOnly) <= date {
				found, ok = r.Rate, true
			}
		}
		return found, ok
	}
	told := spends{}
	// What lies on a later day is not seen: a cost that is moved there stays, until then, where it was.
	seen := slices.DeleteFunc(slices.Clone(s["costs"]), func(c row) bool {
		return c["date"].(time.Time).Format(time.DateOnly) > day(asOf)
	})
	for _, c := range lastReports(seen) {
		date := c["date"].(time.Time).Format(time.DateOnly)
		row := told.row(spot{c["workspace"].(string), date, c["channel"].(string), c["campaign"].(string)}, c["currency"].(string))
		amount := c["amount"].(float64)
		worth, ok := rate(c["currency"].(string), date)
		if !ok && amount != 0 {
			row.unratedCosts++
		}
		row.hasCost, row.cost, row.costBase = true, row.cost+amount, row.costBase+amount*worth
		row.impressions += uint64(c["impressions"].(int))
		row.clicks += uint64(c["clicks"].(int))
	}
	tellBrought(told, s, asOf, day, rate)
	return tellSpends(told)
}

// lastReports is the last report of each cost: by time, then arrival, then place in the topic.
func lastReports(costs []row) map[[2]string]row {
	last := map[[2]string]row{}
	for _, c := range costs {
		key := [2]string{c["workspace"].(string), c["event_id"].(string)}
		old := last[key]
		if old == nil || cmp.Or(when(c).Compare(when(old)), c["received_at"].(time.Time).Compare(old["received_at"].(time.Time)),
			cmp.Compare(c["_partition"].(int), old["_partition"].(int)), cmp.Compare(c["_offset"].(int), old["_offset"].(int))) > 0 {
			last[key] = c
		}
	}
	return last
}

// tellBrought adds what leads brought. Each has one update, one touch and at most one change of stage.
func tellBrought(told spends, s seed, asOf time.Time, day func(time.Time) string, rate func(string, string) (float64, bool)) {
	changes := map[leadKey]row{}
	for _, c := range s["stage_changes"] {
		changes[leadKey{c["workspace"].(string), c["lead_id"].(string)}] = c
	}
	mains := map[spot]string{}
	for i, u := range s["lead_updates"] {
		if when(u).After(asOf) {
			continue
		}
		touch := s["events"][i]
		at := spot{u["workspace"].(string), day(when(u)), touch["channel"].(string), touch["campaign"].(string)}
		if _, known := mains[at]; !known {
			mains[at] = told.main(at)
		}
		row := told.row(at, mains[at])
		change := changes[leadKey{u["workspace"].(string), u["lead_id"].(string)}]
		if change != nil && when(change).After(asOf) {
			change = nil
		}
		switch {
		case change == nil:
			row.leads++
		case change["stage"] == "invalid":
			row.invalid++
		case change["stage"] == "mql":
			row.leads++
			row.mqls++
		default:
			row.leads++
			row.deals++
			if amount := change["amount"].(float64); amount != 0 {
				currency := change["currency"].(string)
				worth, ok := rate(currency, day(when(change)))
				money := told.row(at, currency)
				money.won, money.wonBase = money.won+amount, money.wonBase+amount*worth
				if !ok {
					money.unratedDeals++
				}
			}
		}
	}
}

// tellSpends writes the rows in the order of the table.
func tellSpends(told spends) [][]string {
	var rows [][]string
	for at, currencies := range told {
		for currency, r := range currencies {
			costBase, wonBase := any(r.costBase), any(r.wonBase)
			if r.unratedCosts > 0 {
				costBase = nil
			}
			if r.unratedDeals > 0 {
				wonBase = nil
			}
			line := []string{at.workspace, at.date, at.channel, at.campaign, currency}
			for _, v := range []any{
				r.cost, r.impressions, r.clicks, r.leads, r.invalid, r.mqls, 0, 0, r.deals, r.won, costBase, wonBase,
				r.unratedCosts, r.unratedDeals,
			} {
				line = append(line, text(v))
			}
			rows = append(rows, line)
		}
	}
	slices.SortFunc(rows, func(a, b []string) int { return slices.Compare(a[:5], b[:5]) })
	return rows
}
