package simulate

import (
	"sort"
	"time"
)

// calendar knows when the business works and when its customers write.
type calendar struct{ zone *time.Location }

// How much arrives in each hour of the day, on working days and on others.
var (
	workdayHours = [24]float64{
		0.4, 0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1.2, 3.5, 8, 9.5, 8, 4, 5.5, 8.5, 9.5, 8.5, 6.5, 3.5, 3, 3.4, 3, 2, 1,
	}
	restdayHours = [24]float64{
		1, 0.5, 0.3, 0.2, 0.2, 0.3, 0.8, 1.5, 3, 5, 6.5, 6.5, 5, 5.5, 6.5, 7, 6.5, 5.5, 4.5, 5.5, 7, 6.5, 4.5, 2.5,
	}
	// Sunday first.
	weekdayLeads = [7]float64{0.36, 1.1, 1.1, 1.05, 1, 0.9, 0.42}
	// January first: quiet around the Spring Festival and in summer.
	monthLeads = [12]float64{0.85, 0.6, 1.1, 1.1, 1, 1.05, 0.9, 0.9, 1.15, 1.05, 1.15, 0.95}
)

const (
	holidayLeads = 0.2
	growthAYear  = 0.4
)

// springFestivals are the lunar New Year's days. In years that are not here it is not kept.
var springFestivals = map[int]time.Time{
	2024: time.Date(2024, 2, 10, 0, 0, 0, 0, time.UTC), 2025: time.Date(2025, 1, 29, 0, 0, 0, 0, time.UTC),
	2026: time.Date(2026, 2, 17, 0, 0, 0, 0, time.UTC), 2027: time.Date(2027, 2, 6, 0, 0, 0, 0, time.UTC),
	2028: time.Date(2028, 1, 26, 0, 0, 0, 0, time.UTC), 2029: time.Date(2029, 2, 13, 0, 0, 0, 0, time.UTC),
	2030: time.Date(2030, 2, 3, 0, 0, 0, 0, time.UTC),
}

// holiday reports whether a local day is a public holiday in China; days worked in exchange are not known here.
func holiday(t time.Time) bool {
	y, m, d := t.Date()
	switch {
	case m == time.January && d == 1, m == time.April && (d == 4 || d == 5), m == time.May && d <= 3,
		m == time.October && d <= 7:
		return true
	}
	first, known := springFestivals[y]
	since := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(first)
	return known && since >= -24*time.Hour && since <= 6*24*time.Hour
}

func restday(t time.Time) bool {
	return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday || holiday(t)
}

// season is how many leads a local day brings relative to an ordinary one, years after the start of the window.
func season(day time.Time, years float64) float64 {
	w := monthLeads[day.Month()-1] * weekdayLeads[day.Weekday()] * (1 + growthAYear*years)
	if holiday(day) {
		w *= holidayLeads
	}
	return w
}

func hours(day time.Time) *[24]float64 {
	if restday(day) {
		return &restdayHours
	}
	return &workdayHours
}

// share returns which part of a day's arrivals lies before a time after its midnight.
func share(day time.Time, since time.Duration) float64 {
	h := hours(day)
	before, sum := 0.0, 0.0
	for i, w := range h {
		sum += w
		before += w * min(max(since.Hours()-float64(i), 0), 1)
	}
	return before / sum
}

// moment is the inverse of share.
func moment(day time.Time, part float64) time.Duration {
	h := hours(day)
	var sums [24]float64
	sum := 0.0
	for i, w := range h {
		sum += w
		sums[i] = sum
	}
	left := part * sum
	i := min(sort.SearchFloat64s(sums[:], left), 23)
	return time.Duration((float64(i) + 1 - (sums[i]-left)/h[i]) * float64(time.Hour))
}

// open returns the office hours of the local day of t. On duty people also answer on days of rest, but for holidays.
func (c calendar) open(t time.Time, duty bool) (from, to time.Time, ok bool) {
	t = t.In(c.zone)
	y, m, d := t.Date()
	first, last := 9, 18
	if restday(t) {
		if !duty || holiday(t) {
			return t, t, false
		}
		first, last = 10, 16
	}
	return time.Date(y, m, d, first, 0, 0, 0, c.zone), time.Date(y, m, d, last, 0, 0, 0, c.zone), true
}

func (c calendar) midnight(t time.Time, plus int) time.Time {
	y, m, d := t.In(c.zone).Date()
	return time.Date(y, m, d+plus, 0, 0, 0, 0, c.zone)
}

// after returns the moment when an amount of office time has passed since t.
func (c calendar) after(t time.Time, office time.Duration, duty bool) time.Time {
	for {
		from, to, ok := c.open(t, duty)
		if start := later(t, from); ok && start.Before(to) {
			if left := to.Sub(start); office >= left {
				office -= left
			} else {
				return start.Add(office)
			}
		}
		t = c.midnight(t, 1)
	}
}

// office moves a moment outside office hours to the next opening, some minutes in.
func (c calendar) office(t time.Time, minutes time.Duration) time.Time {
	if from, to, ok := c.open(t, false); ok && !t.Before(from) && t.Before(to) {
		return t
	}
	return c.after(t, minutes, false)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
