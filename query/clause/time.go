package clause

import (
	"fmt"
	"time"

	"clew/query/catalog"
)

// timeFormat is how a moment is written into a parameter of type DateTime64(3, 'UTC').
const timeFormat = "2006-01-02 15:04:05.000"

// Between is the condition that a time dimension lies in a range, with the range's days.
func (s *Scope) Between(member string, r DateRange) (sql string, days DateRange, err error) {
	first, last, err := r.Resolve(s.Now.In(s.Zone), s.WeekStart)
	if err != nil {
		return "", DateRange{}, err
	}
	return s.InDays(s.Moment(member), first, last), DateRange{From: first.String(), To: last.String()}, nil
}

// Moment is a time dimension in the scope's cube.
func (s *Scope) Moment(member string) catalog.Moment {
	t, _ := s.Catalog.TimeDimension(member)
	return t.In[s.Cube.Name]
}

// InDays is the condition that a moment lies in the days from first to last.
func (s *Scope) InDays(m catalog.Moment, first, last Day) string {
	return fmt.Sprintf("%s >= %s AND %s < %s", m.SQL(), s.start(m, first), m.SQL(), s.start(m, last.Next()))
}

// start is the parameter for the first moment of a day.
func (s *Scope) start(m catalog.Moment, d Day) string {
	if m.Day != "" {
		return s.Args.Add("Date32", d.String())
	}
	return s.Args.Add("DateTime64(3, 'UTC')", d.Start(s.Zone).In(time.UTC).Format(timeFormat))
}

func (s *Scope) timeFilter(f *Filter) (string, error) {
	if err := f.count(); err != nil {
		return "", err
	}
	m := s.Moment(f.Member)
	switch f.Operator {
	case "set":
		return m.SQL() + " IS NOT NULL", nil
	case "notSet":
		return m.SQL() + " IS NULL", nil
	case "inDateRange", "notInDateRange", "beforeDate", "afterDate":
	default:
		return "", f.badOperator("a time dimension takes inDateRange, notInDateRange, beforeDate, afterDate, set " +
			"and notSet")
	}
	if len(f.Values) > 2 {
		return "", Invalid(CodeBadFilterValue, dateRangeHint, "%s on %s takes a range, got %d values",
			f.Operator, f.Member, len(f.Values))
	}
	texts := make([]string, len(f.Values))
	for i, v := range f.Values {
		texts[i] = string(v)
	}
	first, last, err := ParseDateRange(texts...).Resolve(s.Now.In(s.Zone), s.WeekStart)
	if err != nil {
		return "", err
	}
	switch f.Operator {
	case "beforeDate":
		return fmt.Sprintf("%s < %s", m.SQL(), s.start(m, first)), nil
	case "afterDate":
		return fmt.Sprintf("%s >= %s", m.SQL(), s.start(m, last.Next())), nil
	case "notInDateRange":
		// A time that has not come lies in no range: with inDateRange this makes up all rows.
		return fmt.Sprintf("(%s < %s OR %s >= %s OR %s IS NULL)", m.SQL(), s.start(m, first),
			m.SQL(), s.start(m, last.Next()), m.SQL()), nil
	}
	return "(" + s.InDays(m, first, last) + ")", nil
}
