package attribution_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clew/transform"
	"clew/transform/attribution"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// spend is a row of channel_daily.
type spend struct {
	date              string
	channel, campaign string
	currency          string
	cost              float64
	base              *float64
}

// rate is a row of exchange_rates.
type rate struct {
	date, currency string
	rate           float64
}

// place is the key of a row of attribution_daily.
type place struct {
	Model        string `ch:"model"`
	Date         string `ch:"day"`
	Channel      string `ch:"channel"`
	Campaign     string `ch:"campaign"`
	Currency     string `ch:"currency"`
	Unattributed bool   `ch:"unattributed"`
}

// daily is a row of attribution_daily.
type daily struct {
	place
	Leads             float64  `ch:"leads"`
	MQLs              float64  `ch:"mqls"`
	SQLs              float64  `ch:"sqls"`
	Opportunities     float64  `ch:"opportunities"`
	Won               float64  `ch:"won"`
	OpportunityAmount float64  `ch:"opportunity_amount"`
	WonAmount         float64  `ch:"won_amount"`
	Cost              float64  `ch:"cost"`
	WonAmountBase     *float64 `ch:"won_amount_base"`
	CostBase          *float64 `ch:"cost_base"`
}

func (d daily) String() string {
	optional := func(f *float64) any {
		if f == nil {
			return "none"
		}
		return fmt.Sprintf("%.6f", *f)
	}
	return fmt.Sprintf("%s %s %q %q %q %v: %.6f %.6f %.6f %.6f %.6f, %.6f %.6f, %.6f, %v %v", d.Model, d.Date,
		d.Channel, d.Campaign, d.Currency, d.Unattributed, d.Leads, d.MQLs, d.SQLs, d.Opportunities, d.Won, d.OpportunityAmount,
		d.WonAmount, d.Cost, optional(d.WonAmountBase), optional(d.CostBase))
}

// computeDaily replaces attribution_daily and gives its rows in order.
func computeDaily(t *testing.T, db *warehouse.DB, spends []spend, rates []rate) []daily {
	t.Helper()
	columns := []string{"workspace", "date", "channel", "campaign", "currency", "cost", "cost_base"}
	fill(t, db, "channel_daily", columns, len(spends), func(i int) []any {
		s := spends[i]
		return []any{"w", s.date, s.channel, s.campaign, s.currency, s.cost, s.base}
	})
	fill(t, db, "exchange_rates", []string{"date", "currency", "rate"}, len(rates), func(i int) []any {
		return []any{rates[i].date, rates[i].currency, rates[i].rate}
	})
	models, err := transform.Models()
	if err != nil {
		t.Fatal(err)
	}
	m := models[slices.IndexFunc(models, func(m transform.Model) bool { return m.Table == "attribution_daily" })]
	p := warehouse.Params{"tz": "Asia/Shanghai", "base_currency": "CNY"}
	if _, err := db.Replace(t.Context(), m.Table, m.Columns, m.SQL, p); err != nil {
		t.Fatal(err)
	}
	var rows []daily
	for _, rule := range slices.Sorted(maps.Keys(attribution.Rules())) {
		var of []daily
		err := db.Select(t.Context(), &of, fmt.Sprintf(`SELECT '%[1]s' AS model, toString(date) AS day, channel, campaign,
    currency, unattributed, leads.%[1]s AS leads, mqls.%[1]s AS mqls, sqls.%[1]s AS sqls,
    opportunities.%[1]s AS opportunities, won.%[1]s AS won, opportunity_amount.%[1]s AS opportunity_amount,
    won_amount.%[1]s AS won_amount, cost, won_amount_base.%[1]s AS won_amount_base, cost_base
FROM attribution_daily ORDER BY date, channel, campaign, currency, unattributed`, rule), nil)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, of...)
	}
	return rows
}

// fill replaces the rows of a table.
func fill(t *testing.T, db *warehouse.DB, table string, columns []string, n int, row func(i int) []any) {
	t.Helper()
	if err := db.Exec(t.Context(), "TRUNCATE TABLE "+table, nil); err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		return
	}
	batch, err := db.Insert(t.Context(), table, columns)
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Abort()
	for i := range n {
		if err := batch.Append(row(i)...); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

// businessDay is the day of a moment in Shanghai.
func businessDay(at time.Time) string {
	return at.In(time.FixedZone("CST", 8*3600)).Format(time.DateOnly)
}

// toldDaily adds up credits and spend in plain Go.
func toldDaily(rows []credit, spends []spend, rates []rate) map[place]daily {
	all := map[place]daily{}
	at := func(p place) daily {
		d, ok := all[p]
		if !ok {
			zero := 0.0
			d = daily{place: p, WonAmountBase: &zero, CostBase: &zero}
		}
		return d
	}
	for _, model := range slices.Sorted(maps.Keys(attribution.Rules())) {
		for _, s := range spends {
			d := at(place{model, s.date, s.channel, s.campaign, s.currency, false})
			d.Cost, d.CostBase = s.cost, s.base
			all[d.place] = d
		}
		for _, c := range rows {
			share := c.shares()[model]
			if c.Invalid {
				continue
			}
			when := c.ConvertedAt
			if c.TouchAt != nil {
				when = *c.TouchAt
			}
			date := businessDay(when)
			p := place{model, date, c.Channel, c.Campaign, largest(spends, date, c), c.Unattributed}
			d := at(p)
			switch c.Conversion {
			case "lead":
				d.Leads += share
			case "mql":
				d.MQLs += share
			case "sql":
				d.SQLs += share
			case "opportunity":
				d.Opportunities += share
			case "won":
				d.Won += share
			}
			all[p] = d
			if c.Currency != "" {
				p.Currency = c.Currency
			}
			if c.Value == 0 || (c.Conversion != "won" && c.Conversion != "opportunity") {
				continue
			}
			d = at(p)
			if c.Conversion == "opportunity" {
				d.OpportunityAmount += share * c.Value
			} else {
				d.WonAmount += share * c.Value
				rate := worth(rates, p.Currency, businessDay(c.ConvertedAt))
				if share != 0 {
					d.WonAmountBase = plus(d.WonAmountBase, share*c.Value, rate)
				}
			}
			all[p] = d
		}
	}
	return all
}

// largest is the currency of the largest spend of a touch's day, channel and campaign.
func largest(spends []spend, date string, c credit) string {
	var found spend
	for _, s := range spends {
		if s.date == date && s.channel == c.Channel && s.campaign == c.Campaign &&
			(s.cost > found.cost || (s.cost == found.cost && s.currency < found.currency)) {
			found = s
		}
	}
	return found.currency
}

// worth is what one of a currency was worth in yuan on a day, 0 where that is not known.
func worth(rates []rate, currency, date string) float64 {
	if currency == "CNY" {
		return 1
	}
	var found rate
	for _, r := range rates {
		if r.currency == currency && r.date <= date && r.date > found.date {
			found = r
		}
	}
	return found.rate
}

func plus(sum *float64, amount, rate float64) *float64 {
	if sum == nil || rate == 0 {
		return nil
	}
	total := *sum + amount*rate
	return &total
}

// TestDailyAgreesWithPlainGo draws journeys, spend and rates that share days, channels and campaigns.
func TestDailyAgreesWithPlainGo(t *testing.T) {
	db := warehousetest.Open(t)
	for round := range uint64(3) {
		r := rand.New(rand.NewPCG(round, 11))
		compute(t, db, attribution.Config{Lookback: days(6), Direct: []string{"direct"}}, randomPersons(r, 250)...)
		rows := credits(t, db)
		spends, rates := randomSpends(r), []rate{{"2026-01-04", "USD", 7.25}, {"2026-01-09", "USD", 7}}
		got, want := computeDaily(t, db, spends, rates), toldDaily(rows, spends, rates)
		for _, d := range got {
			if expected, ok := want[d.place]; !ok || d.String() != expected.String() {
				t.Fatalf("got  %s\nwant %s", d, expected)
			}
			delete(want, d.place)
		}
		for _, d := range want {
			t.Fatalf("there is no row %s", d)
		}
		checkReconciled(t, got, rows, spends)
	}
}

func randomSpends(r *rand.Rand) []spend {
	var spends []spend
	seen := map[spend]bool{}
	for range 60 {
		key := spend{
			date:    fmt.Sprintf("2026-01-%02d", 1+r.IntN(15)),
			channel: []string{"search", "social", "", "print"}[r.IntN(4)], campaign: []string{"", "spring"}[r.IntN(2)],
			currency: []string{"CNY", "USD", "EUR"}[r.IntN(3)],
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		key.cost = float64(1+r.IntN(20)) / 4
		if base := key.cost * 7; key.currency != "EUR" {
			key.base = &base
		}
		spends = append(spends, key)
	}
	return spends
}

// checkReconciled sees to it that by each model the days sum to the conversions of valid leads, their value, and spend.
func checkReconciled(t *testing.T, got []daily, rows []credit, spends []spend) {
	t.Helper()
	var leads, won, value, cost float64
	for _, c := range rows {
		if c.TouchNo > 1 || c.Invalid {
			continue
		}
		switch c.Conversion {
		case "lead":
			leads++
		case "won":
			won++
			value += c.Value
		}
	}
	for _, s := range spends {
		cost += s.cost
	}
	sums := map[string][4]float64{}
	for _, d := range got {
		s := sums[d.Model]
		sums[d.Model] = [4]float64{s[0] + d.Leads, s[1] + d.Won, s[2] + d.WonAmount, s[3] + d.Cost}
	}
	if len(sums) != 7 {
		t.Errorf("there are %d models, want seven", len(sums))
	}
	for model, sum := range sums {
		for i, want := range []float64{leads, won, value, cost} {
			if math.Abs(sum[i]-want) > 1e-9*max(1, want) {
				t.Errorf("%s: sum %d is %v, want %v", model, i, sum[i], want)
			}
		}
	}
}

// TestCostsAndCreditStandOnTheirDays: spend that brought nothing, spend that did, and credit without spend.
func TestCostsAndCreditStandOnTheirDays(t *testing.T) {
	db := warehousetest.Open(t)
	compute(t, db, attribution.Default(), person{id: "L", created: days(0.5), events: []event{
		touch(0.2, "search"), touch(2, "fair"), reached(8, "won", 90),
	}})
	base := 20.0
	rows := computeDaily(t, db, []spend{
		{"2026-01-01", "search", "", "CNY", 20, &base}, {"2026-01-08", "search", "", "CNY", 20, &base},
	}, nil)
	var got []string
	for _, d := range rows {
		if d.Model == "linear" {
			got = append(got, d.String())
		}
	}
	want := []string{
		`linear 2026-01-01 "search" "" "CNY" false: 1.000000 0.000000 0.000000 0.000000 0.500000, ` +
			`0.000000 45.000000, 20.000000, 45.000000 20.000000`,
		`linear 2026-01-03 "fair" "" "" false: 0.000000 0.000000 0.000000 0.000000 0.500000, ` +
			`0.000000 0.000000, 0.000000, 0.000000 0.000000`,
		`linear 2026-01-03 "fair" "" "CNY" false: 0.000000 0.000000 0.000000 0.000000 0.000000, ` +
			`0.000000 45.000000, 0.000000, 45.000000 0.000000`,
		`linear 2026-01-08 "search" "" "CNY" false: 0.000000 0.000000 0.000000 0.000000 0.000000, ` +
			`0.000000 0.000000, 20.000000, 0.000000 20.000000`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", fmt.Sprint(got), fmt.Sprint(want))
	}
}
