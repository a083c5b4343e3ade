package sla

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Calendar says when some teams work.
type Calendar struct {
	header `yaml:",inline"`
	// Timezone is an IANA name. Absent: the business time zone.
	Timezone string `yaml:"timezone"`
	// Teams have this calendar. The calendar named default is that of all others and lists none.
	Teams []string `yaml:"teams"`
	// Week lists spans such as 09:00-12:00 by weekday in lower case, in order; 24:00 ends a day. A day that is not listed
	// is free. Times that a change of clocks skips or repeats are no good as the begin or end of a span.
	Week map[string][]string `yaml:"week"`
	// Makeup are the spans of a working day that makes up for a holiday, whichever weekday it is.
	Makeup []string `yaml:"makeup"`
	// Holidays names lists of holidays.
	Holidays []string `yaml:"holidays"`
	// Pauses are times without work, whatever the week says.
	Pauses []Pause `yaml:"pauses"`
}

// Pause is a time from From up to but without Until.
type Pause struct {
	From  time.Time `yaml:"from"`
	Until time.Time `yaml:"until"`
	Why   string    `yaml:"why"`
}

// Holidays are days off, and working days that make up for them.
type Holidays struct {
	header  `yaml:",inline"`
	DaysOff []struct {
		From string `yaml:"from"`
		// To is the last day off.
		To  string `yaml:"to"`
		Why string `yaml:"why"`
	} `yaml:"days_off"`
	WorkingDays []struct {
		Day string `yaml:"day"`
		Why string `yaml:"why"`
	} `yaml:"working_days"`
}

func (c Calendar) named() string { return c.Name }
func (h Holidays) named() string { return h.Name }

// defaultCalendar is the calendar of teams that have none of their own.
const defaultCalendar = "default"

// Span is a time of work, from Start up to but without End.
type Span struct{ Start, End time.Time }

// clockTime is a span within a day, in minutes since its midnight.
type clockTime struct{ from, until int }

// parseSpans reads the spans of one day.
func parseSpans(texts []string) ([]clockTime, error) {
	var spans []clockTime
	for _, text := range texts {
		from, until, _ := strings.Cut(text, "-")
		a, err := minutes(from)
		b, err2 := minutes(until)
		if err != nil || err2 != nil || a >= b || (len(spans) > 0 && a < spans[len(spans)-1].until) {
			return nil, fmt.Errorf("%q in %q: want spans such as 09:00-12:00, in order and apart from each other", text, texts)
		}
		spans = append(spans, clockTime{a, b})
	}
	return spans, nil
}

func minutes(text string) (int, error) {
	if text == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != 5 {
		return 0, fmt.Errorf("%q is no time of day such as 09:00", text)
	}
	return t.Hour()*60 + t.Minute(), nil
}

var weekdays = map[string]time.Weekday{
	"sunday": time.Sunday, "monday": time.Monday, "tuesday": time.Tuesday, "wednesday": time.Wednesday,
	"thursday": time.Thursday, "friday": time.Friday, "saturday": time.Saturday,
}

func (c Calendar) validate(holidays []Holidays) []error {
	f := &faults{file: "calendar " + c.Name}
	if c.Name == "" || c.Source == "" {
		f.add("has no name or no source: say whose hours they are")
	}
	if c.Timezone != "" {
		if err := zone("timezone", c.Timezone); err != nil {
			f.add("%v", err)
		}
	}
	if c.Name == defaultCalendar && len(c.Teams) > 0 {
		f.add("lists teams; it is that of all teams that no other calendar lists")
	}
	if c.Name != defaultCalendar && len(c.Teams) == 0 {
		f.add("lists no teams")
	}
	hours := len(c.Makeup)
	for _, day := range slices.Sorted(maps.Keys(c.Week)) {
		if _, ok := weekdays[day]; !ok {
			f.add("week: %q is no weekday such as monday", day)
		}
		if _, err := parseSpans(c.Week[day]); err != nil {
			f.add("week: %s: %v", day, err)
		}
		hours += len(c.Week[day])
	}
	if hours == 0 {
		f.add("has no working hours: nothing would ever be due")
	}
	if _, err := parseSpans(c.Makeup); err != nil {
		f.add("makeup: %v", err)
	}
	for _, name := range c.Holidays {
		if !slices.ContainsFunc(holidays, func(h Holidays) bool { return h.Name == name }) {
			f.add("holidays: there is no file of kind holidays with the name %q", name)
		}
	}
	for _, pause := range c.Pauses {
		if !pause.From.Before(pause.Until) {
			f.add("pauses: %s is not before %s", pause.From.Format(time.RFC3339), pause.Until.Format(time.RFC3339))
		}
	}
	return f.all
}

func (h Holidays) validate() []error {
	f := &faults{file: "holidays " + h.Name}
	if h.Name == "" || h.Source == "" {
		f.add("has no name or no source: say which years it knows")
	}
	off := map[string]bool{}
	for _, d := range h.DaysOff {
		from, err := time.Parse(time.DateOnly, d.From)
		to, err2 := time.Parse(time.DateOnly, d.To)
		if err != nil || err2 != nil || to.Before(from) || to.Sub(from) > 60*24*time.Hour {
			f.add("days_off: %q to %q; want two days such as 2026-01-01, in order and at most 60 days apart", d.From, d.To)
			continue
		}
		for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
			off[day.Format(time.DateOnly)] = true
		}
	}
	for _, d := range h.WorkingDays {
		if _, err := time.Parse(time.DateOnly, d.Day); err != nil {
			f.add("working_days: %q is no day such as 2026-01-04", d.Day)
		}
		if off[d.Day] {
			f.add("working_days: %s is a day off too", d.Day)
		}
	}
	return f.all
}

// calendarDays are the exceptions of some lists: by day, whether it is worked. A working day of one list wins over a day
// off of another.
func calendarDays(lists []Holidays) map[string]bool {
	worked := map[string]bool{}
	for _, h := range lists {
		for _, d := range h.DaysOff {
			from, _ := time.Parse(time.DateOnly, d.From)
			to, _ := time.Parse(time.DateOnly, d.To)
			for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
				worked[day.Format(time.DateOnly)] = false
			}
		}
	}
	for _, h := range lists {
		for _, d := range h.WorkingDays {
			worked[d.Day] = true
		}
	}
	return worked
}

// Spans are the times of work of a calendar between two moments, in order and apart from each other.
func (p *Plan) Spans(c Calendar, from, to time.Time) ([]Span, error) {
	name := c.Timezone
	if name == "" {
		name = p.Timezone
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("calendar %s: %w", c.Name, err)
	}
	exceptions := calendarDays(slices.DeleteFunc(slices.Clone(p.Holidays), func(h Holidays) bool {
		return !slices.Contains(c.Holidays, h.Name)
	}))
	week := map[time.Weekday][]clockTime{}
	for day, texts := range c.Week {
		if week[weekdays[day]], err = parseSpans(texts); err != nil {
			return nil, fmt.Errorf("calendar %s: %w", c.Name, err)
		}
	}
	makeup, err := parseSpans(c.Makeup)
	if err != nil {
		return nil, fmt.Errorf("calendar %s: %w", c.Name, err)
	}
	var spans []Span
	first := from.In(loc)
	for i := 0; ; i++ {
		day := time.Date(first.Year(), first.Month(), first.Day()+i, 12, 0, 0, 0, loc)
		hours := week[day.Weekday()]
		if worked, ok := exceptions[day.Format(time.DateOnly)]; ok {
			hours = nil
			if worked {
				hours = makeup
			}
		}
		for _, h := range hours {
			spans = c.append(spans, Span{atMinute(day, h.from), atMinute(day, h.until)}, from, to)
		}
		if day.After(to) {
			return spans, nil
		}
	}
}

func atMinute(day time.Time, minute int) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, minute, 0, 0, day.Location()).UTC()
}

// append adds what from, to and the pauses leave of a span.
func (c Calendar) append(spans []Span, s Span, from, to time.Time) []Span {
	left := []Span{{latest(s.Start, from), earliest(s.End, to)}}
	for _, pause := range c.Pauses {
		var next []Span
		for _, s := range left {
			next = append(next, Span{s.Start, earliest(s.End, pause.From.UTC())},
				Span{latest(s.Start, pause.Until.UTC()), s.End})
		}
		left = slices.DeleteFunc(next, func(s Span) bool { return !s.Start.Before(s.End) })
	}
	return append(spans, slices.DeleteFunc(left, func(s Span) bool { return !s.Start.Before(s.End) })...)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
