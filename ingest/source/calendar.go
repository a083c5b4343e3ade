package source

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// calendar reads times in the forms that a mapping lists, in its zone.
type calendar struct {
	mapping string // for messages
	zone    *time.Location
	forms   []string // as the mapping writes them
	layouts []layout
}

// layout is a form for package time, or a count since 1970 in a unit.
type layout struct {
	text string
	unit time.Duration
}

// The pieces of a time's form and what package time calls them. Longer ones come first.
var timeTokens = []string{
	"YYYY", "2006", "YY", "06", "MMMM", "January", "MMM", "Jan", "MM", "01", "DD", "02", "hh", "15", "mm", "04",
	"ss", "05", "AM", "PM", "M", "1", "D", "2", "h", "3", "Z", "Z07:00",
}

// epochs are the forms that count from 1970.
var epochs = map[string]time.Duration{
	"epoch_s": time.Second, "epoch_ms": time.Millisecond, "epoch_us": time.Microsecond,
}

// always are the forms that need no listing: nothing else can be meant by them.
var always = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02", "2006-01-02T15:04Z07:00",
}

// add takes a form such as "YYYY-MM-DD hh:mm:ss" or "epoch_ms". A fraction of the seconds may follow ss in a value
// without being in the form, and Z takes +08:00 and +0800.
func (c *calendar) add(form string) error {
	c.forms = append(c.forms, form)
	if unit, ok := epochs[form]; ok {
		c.layouts = append(c.layouts, layout{unit: unit})
		return nil
	}
	rest := form
	for i := 0; i < len(timeTokens); i += 2 {
		rest = strings.ReplaceAll(rest, timeTokens[i], "")
	}
	if odd := strings.Trim(rest, " -/.:,T年月日时分秒"); odd != "" || rest == form {
		return fmt.Errorf("form %q is not understood: build it from YYYY YY MMMM MMM MM M DD D hh h mm ss AM Z and "+
			"separators, or use epoch_s, epoch_ms or epoch_us", form)
	}
	text := strings.NewReplacer(timeTokens...).Replace(form)
	c.layouts = append(c.layouts, layout{text: text})
	if strings.Contains(text, "Z07:00") {
		c.layouts = append(c.layouts, layout{text: strings.Replace(text, "Z07:00", "Z0700", 1)})
	}
	return nil
}

// time reads a time in the first form that fits, in the mapping's zone unless it states an offset of its own.
func (c *calendar) time(value string) (time.Time, error) {
	for _, l := range c.layouts {
		if t, ok := l.read(value, c.zone); ok {
			return t, nil
		}
	}
	for _, l := range always {
		if t, ok := (layout{text: l}).read(value, c.zone); ok {
			return t, nil
		}
	}
	if len(c.forms) == 0 {
		return time.Time{}, fmt.Errorf("is no time like 2026-01-31T08:00:00Z: correct it, or add its form to times of "+
			"mapping %q", c.mapping)
	}
	return time.Time{}, fmt.Errorf("is no time of the form %s: correct it, or add its form to times of mapping %q",
		strings.Join(c.forms, " or "), c.mapping)
}

func (l layout) read(value string, zone *time.Location) (time.Time, bool) {
	if l.unit == 0 {
		t, err := time.ParseInLocation(l.text, value, zone)
		return t.Truncate(time.Millisecond), err == nil
	}
	// Between 1973 and 5138 no count of one unit is one of another, nor a date such as 20260131.
	n, err := strconv.ParseFloat(value, 64)
	seconds := n * l.unit.Seconds()
	if err != nil || math.IsNaN(n) || seconds < 1e8 || seconds >= 1e11 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).In(zone), true
}

// normal spells a time so that it is read back without its form, with the offset that tells its day.
func (c *calendar) normal(value string) (string, error) {
	t, err := c.time(value)
	return t.Format("2006-01-02T15:04:05.000Z07:00"), err
}

// IsTime says that values are all times of one form; of none, that they need no form to be listed.
func IsTime(form string, values []string) bool {
	c := calendar{zone: time.UTC}
	if form != "" && c.add(form) != nil {
		return false
	}
	odd := func(v string) bool {
		if form == "" {
			_, err := c.time(v)
			return err != nil
		}
		return !slices.ContainsFunc(c.layouts, func(l layout) bool {
			_, fits := l.read(v, time.UTC)
			return fits
		})
	}
	return len(values) > 0 && !slices.ContainsFunc(values, odd)
}
