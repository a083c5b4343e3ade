package clause

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

const dateRangeHint = `use ["2026-01-01", "2026-03-31"], one day, "today", "yesterday", "this month", "last month" ` +
	`or "last 30 days" (days, weeks, months, quarters or years)`

// DateRange is a span of whole days, both ends included: either From and To as 2026-01-31, or Words.
type DateRange struct {
	From, To string
	Words    string
}

// Day is a day of the calendar, without a zone.
type Day struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDateRange takes two days, or one text that is a day or words. What they mean is seen by Resolve.
func ParseDateRange(parts ...string) DateRange {
	switch {
	case len(parts) == 2:
		return DateRange{From: parts[0], To: parts[1]}
	case len(parts) == 1 && parts[0] != "" && parts[0][0] >= '0' && parts[0][0] <= '9':
		return DateRange{From: parts[0], To: parts[0]}
	case len(parts) == 1:
		return DateRange{Words: parts[0]}
	}
	return DateRange{}
}

// Resolve gives the first and the last day. Words are counted from now, whose zone says which day is today; "last 7
// days" are the seven whole days that ended yesterday.
func (r DateRange) Resolve(now time.Time, weekStart time.Weekday) (first, last Day, err error) {
	if r.Words != "" {
		return relative(r.Words, now, weekStart)
	}
	if first, err = parseDay(r.From); err != nil {
		return Day{}, Day{}, err
	}
	if last, err = parseDay(r.To); err != nil {
		return Day{}, Day{}, err
	}
	if last.date().Before(first.date()) {
		return Day{}, Day{}, Invalid(CodeBadDateRange, "put the earlier day first", "dateRange %s ends before it begins", r)
	}
	return first, last, nil
}

// The years the engine's date types can hold, with room for the end of a range.
const minYear, maxYear = 1900, 2200

func parseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Day{}, Invalid(CodeBadDateRange, dateRangeHint, "%q is not a day of the form 2026-01-31", s)
	}
	if t.Year() < minYear || t.Year() > maxYear {
		return Day{}, Invalid(CodeBadDateRange, dateRangeHint, "%s is not between %d and %d", s, minYear, maxYear)
	}
	return dayOf(t), nil
}

var lastN = regexp.MustCompile(`^last (\d{1,5}) (day|week|month|quarter|year)s?$`)

func relative(words string, now time.Time, weekStart time.Weekday) (first, last Day, err error) {
	today := dayOf(now).date()
	text := strings.Join(strings.Fields(strings.ToLower(words)), " ")
	// span is the unit that holds today, moved by so many units; count units from there.
	unit, moved, count := "", 0, 1
	if m := lastN.FindStringSubmatch(text); m != nil {
		count, _ = strconv.Atoi(m[1])
		unit, moved = m[2], -count
	}
	switch text {
	case "today":
		unit = "day"
	case "yesterday":
		unit, moved = "day", -1
	case "this week", "this month", "this quarter", "this year":
		unit = text[len("this "):]
	case "last week", "last month", "last quarter", "last year":
		unit, moved = text[len("last "):], -1
	}
	if unit == "" || count == 0 {
		return Day{}, Day{}, Invalid(CodeBadDateRange, dateRangeHint, "dateRange %q is not known", words)
	}
	begin := addUnits(startOfUnit(today, unit, weekStart), unit, moved)
	end := addUnits(begin, unit, count).AddDate(0, 0, -1)
	if begin.Year() < minYear {
		return Day{}, Day{}, Invalid(CodeBadDateRange, dateRangeHint, "dateRange %q begins before %d", words, minYear)
	}
	return dayOf(begin), dayOf(end), nil
}

func startOfUnit(day time.Time, unit string, weekStart time.Weekday) time.Time {
	year, month, d := day.Date()
	switch unit {
	case "week":
		back := (int(day.Weekday()) - int(weekStart) + 7) % 7
		return day.AddDate(0, 0, -back)
	case "month":
		return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	case "quarter":
		return time.Date(year, month-(month-1)%3, 1, 0, 0, 0, 0, time.UTC)
	case "year":
		return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	default:
		return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
	}
}

func addUnits(day time.Time, unit string, n int) time.Time {
	switch unit {
	case "week":
		return day.AddDate(0, 0, 7*n)
	case "month":
		return day.AddDate(0, n, 0)
	case "quarter":
		return day.AddDate(0, 3*n, 0)
	case "year":
		return day.AddDate(n, 0, 0)
	default:
		return day.AddDate(0, 0, n)
	}
}

func dayOf(t time.Time) Day {
	year, month, day := t.Date()
	return Day{Year: year, Month: month, Day: day}
}

// String is the day as 2026-01-31.
func (d Day) String() string { return d.date().Format(time.DateOnly) }

// Next is the day after.
func (d Day) Next() Day { return dayOf(d.date().AddDate(0, 0, 1)) }

func (d Day) date() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// Start is the first moment of the day in a zone. Where clocks jump over midnight it is the moment of the jump; where
// midnight comes twice, the first.
func (d Day) Start(zone *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
	begin, end := t.ZoneBounds()
	if dayOf(t).date().Before(d.date()) {
		return end
	}
	if t.Hour() != 0 || t.Minute() != 0 {
		return begin
	}
	if begin.IsZero() {
		return t
	}
	_, now := t.Zone()
	_, before := begin.Add(-time.Nanosecond).Zone()
	if earlier := t.Add(time.Duration(now-before) * time.Second); earlier.Before(begin) && dayOf(earlier) == d {
		return earlier
	}
	return t
}
