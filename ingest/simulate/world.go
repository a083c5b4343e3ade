package simulate

import (
	"math"
	"strconv"
	"time"

	"clew/ingest/event"
)

// world is the business: its days, its campaigns, and how much each of them brings and costs.
type world struct {
	resolved
	calendar
	prefix    string      // of every id
	days      []time.Time // local midnights
	brings    []float64   // leads of the days before each day, and of all days at the end
	campaigns []campaign
}

// campaign is a campaign, or what comes of a channel without one.
type campaign struct {
	channel      *channel
	number       int
	name, source string
	first        int       // the day of pull[0] and spend[0]
	pull         []float64 // leads a day, as a part of all leads
	spend        []float64 // currency a day
}

func newWorld(r resolved) *world {
	w := &world{resolved: r, calendar: calendar{r.zone}, prefix: "sim" + strconv.FormatUint(r.Seed, 36)}
	for day := w.midnight(r.From, 0); !day.After(r.To); day = w.midnight(day, 1) {
		w.days = append(w.days, day)
	}
	for i := range channels {
		w.plan(&channels[i])
	}
	w.level()
	return w
}

// plan lays a channel's campaigns over the days, with weights that level turns into leads and currency.
func (w *world) plan(c *channel) {
	switch c.plan {
	case planNone, planAlways:
		for _, s := range c.sources {
			w.run(c, s, s.value, 0, len(w.days)-1, steady)
		}
	case planMonthly:
		for from := 0; from < len(w.days); {
			to := from
			for to+1 < len(w.days) && w.days[to+1].Month() == w.days[from].Month() {
				to++
			}
			for _, s := range c.sources {
				w.run(c, s, s.value+w.days[from].Format("-2006-01"), from, to, steady)
			}
			from = to + 1
		}
	case planFair, planWebinar:
		w.planEvents(c)
	}
}

// planEvents lays fairs and webinars over the days by the calendar, not by the start of the window.
func (w *world) planEvents(c *channel) {
	for d, day := range w.days {
		_, week := day.ISOWeek()
		s := c.sources[week/6%len(c.sources)]
		switch {
		case c.plan == planFair && week%6 == 2 && day.Weekday() == time.Tuesday:
			w.run(c, s, s.value+day.Format("-2006-01-02"), d-14, d+6, fair)
		case c.plan == planWebinar && week%2 == 0 && day.Weekday() == time.Thursday:
			w.run(c, s, s.value+day.Format("-2006-01-02"), d-7, d+1, webinar)
		}
	}
}

// A shape gives the weights of a campaign's leads and of its spend on the day with a number, from 0.
type shape func(day time.Time, n int) (pull, spend float64)

// steady spends on days of rest too, when less comes of it.
func steady(day time.Time, _ int) (pull, spend float64) {
	if restday(day) {
		return 1, 0.6
	}
	return 1, 1
}

// fair pays a deposit two weeks ahead, brings most on its three days and a few afterwards.
func fair(_ time.Time, n int) (pull, spend float64) {
	switch {
	case n == 0:
		return 0, 2
	case n < 14:
		return 0, 0
	case n < 17:
		return 1, 1
	}
	return 0.1, 0
}

// webinar is advertised for a week; people register in the last days, most on the day itself.
func webinar(_ time.Time, n int) (pull, spend float64) {
	switch {
	case n < 4:
		return 0, 1
	case n < 7:
		return 0.3, 1
	case n == 7:
		return 1, 0.5
	}
	return 0.2, 0
}

// run adds a campaign from one day to another, as far as these are in the window.
func (w *world) run(c *channel, source choice, name string, from, to int, s shape) {
	first, last := max(from, 0), min(to, len(w.days)-1)
	k := campaign{channel: c, number: len(w.campaigns), name: name, source: source.value, first: first}
	if c.plan == planNone {
		k.name = ""
	}
	for d := first; d <= last; d++ {
		pull, spend := s(w.days[d], d-from)
		k.pull = append(k.pull, pull*source.weight*w.season(d))
		k.spend = append(k.spend, spend)
	}
	w.campaigns = append(w.campaigns, k)
}

// season is that of the day, less what lies outside the window on its first and last day.
func (w *world) season(d int) float64 {
	low, high := w.inside(d)
	return season(w.days[d], w.days[d].Sub(w.days[0]).Hours()/(365*24)) * (high - low)
}

// inside returns which part of a day's arrivals lies in the window.
func (w *world) inside(d int) (low, high float64) {
	day := w.days[d]
	return share(day, max(w.From.Sub(day), 0)), share(day, w.To.Sub(day))
}

// level turns weights into leads and currency: each channel brings its share of the leads and costs its cpl.
func (w *world) level() {
	sums := map[*channel]float64{}
	for _, k := range w.campaigns {
		for _, p := range k.pull {
			sums[k.channel] += p
		}
	}
	total := 0.0
	for i := range channels {
		if sums[&channels[i]] > 0 {
			total += channels[i].share
		}
	}
	w.brings = make([]float64, len(w.days)+1)
	for _, k := range w.campaigns {
		leads, spend := 0.0, 0.0
		for i := range k.pull {
			if k.pull[i] > 0 {
				k.pull[i] *= k.channel.share / total / sums[k.channel]
			}
			leads, spend = leads+k.pull[i], spend+k.spend[i]
			w.brings[k.first+i+1] += k.pull[i]
		}
		for i := range k.spend {
			if spend > 0 {
				k.spend[i] *= leads * float64(w.Leads) * k.channel.cpl / spend
			}
		}
	}
	for d := range w.days {
		w.brings[d+1] += w.brings[d]
	}
}

// leadsOn is rounded so that the days sum to exactly Config.Leads.
func (w *world) leadsOn(d int) int {
	all := w.brings[len(w.days)]
	at := func(d int) int { return int(math.Round(w.brings[d] / all * float64(w.Leads))) }
	return at(d+1) - at(d)
}

// campaignsOn returns the campaigns that bring leads on a day, and how much.
func (w *world) campaignsOn(d int) []pulled {
	var out []pulled
	for i := range w.campaigns {
		k := &w.campaigns[i]
		if n := d - k.first; n >= 0 && n < len(k.pull) && k.pull[n] > 0 {
			out = append(out, pulled{k, k.pull[n]})
		}
	}
	return out
}

type pulled struct {
	*campaign
	weight float64
}

// costsOn returns what a day cost, booked at 23:00 unless that is after To.
func (w *world) costsOn(d int) []event.Event {
	at := w.days[d].Add(23 * time.Hour)
	if at.After(w.To) {
		return nil
	}
	dice := newDice()
	dice.reset(w.Seed, kindDay, uint64(w.days[d].Unix()))
	date := w.days[d].Format(time.DateOnly)
	var out []event.Event
	for i := range w.campaigns {
		k := &w.campaigns[i]
		n := d - k.first
		if n < 0 || n >= len(k.spend) || k.spend[n] == 0 {
			continue
		}
		cost := &event.Cost{
			Date: date, Channel: k.channel.name, Campaign: k.name,
			Amount: cents(k.spend[n] * dice.between(0.8, 1.2)), Currency: w.Currency,
		}
		cost.EventID, cost.OccurredAt = w.prefix+"-cost-"+date+"-"+strconv.Itoa(k.number), at.UTC()
		if k.channel.cpc > 0 {
			cost.Clicks = uint64(cost.Amount / k.channel.cpc * dice.between(0.85, 1.15))
			cost.Impressions = uint64(float64(cost.Clicks) / dice.between(0.012, 0.03))
		}
		out = append(out, cost)
	}
	return out
}

func cents(amount float64) float64 { return math.Round(amount*100) / 100 }
