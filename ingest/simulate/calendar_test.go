package simulate

import (
	"math"
	"testing"
	"time"
)

func china(t *testing.T) calendar {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return calendar{zone}
}

func TestOfficeTime(t *testing.T) {
	c := china(t)
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, x := range []struct {
		from   string
		office time.Duration
		duty   bool
		want   string
	}{
		{"2026-03-11 10:00", time.Hour, false, "2026-03-11 11:00"},
		{"2026-03-11 03:00", 0, false, "2026-03-11 09:00"},
		{"2026-03-11 17:00", 2 * time.Hour, false, "2026-03-12 10:00"},
		{"2026-03-11 17:00", time.Hour, false, "2026-03-12 09:00"},
		{"2026-03-11 17:00", 20 * time.Hour, false, "2026-03-16 10:00"}, // Friday, then Monday
		{"2026-03-13 18:30", time.Hour, true, "2026-03-14 11:00"},       // on duty on Saturday
		{"2026-03-13 18:30", time.Hour, false, "2026-03-16 10:00"},
		{"2026-02-15 20:00", time.Hour, true, "2026-02-24 10:00"}, // the Spring Festival, eve to sixth day
		{"2026-09-30 17:30", time.Hour, true, "2026-10-08 09:30"}, // the National Day's week
	} {
		if got := c.after(at(x.from), x.office, x.duty); !got.Equal(at(x.want)) {
			t.Errorf("%s and %s of office time, duty %v: got %s, want %s", x.from, x.office, x.duty, got, x.want)
		}
	}
	if got := c.office(at("2026-03-11 10:07"), time.Hour); !got.Equal(at("2026-03-11 10:07")) {
		t.Errorf("a moment in office hours became %s", got)
	}
	if got := c.office(at("2026-03-14 10:07"), 20*time.Minute); !got.Equal(at("2026-03-16 09:20")) {
		t.Errorf("a Saturday became %s", got)
	}
}

func TestShareAndMomentAreInverse(t *testing.T) {
	c := china(t)
	for _, day := range []time.Time{
		time.Date(2026, 3, 11, 0, 0, 0, 0, c.zone), time.Date(2026, 3, 14, 0, 0, 0, 0, c.zone),
	} {
		if a, b := share(day, 0), share(day, 24*time.Hour); a != 0 || math.Abs(b-1) > 1e-9 {
			t.Errorf("a day goes from %v to %v", a, b)
		}
		for i := range 1001 {
			part := float64(i) / 1000
			if got := share(day, moment(day, part)); math.Abs(got-part) > 1e-6 {
				t.Errorf("%s: share of the moment of %v is %v", day.Weekday(), part, got)
			}
		}
	}
}

func TestSeason(t *testing.T) {
	c := china(t)
	ordinary := season(time.Date(2026, 5, 13, 0, 0, 0, 0, c.zone), 0)
	for name, x := range map[string]struct {
		day   time.Time
		years float64
		want  float64
	}{
		"Sunday":          {time.Date(2026, 5, 17, 0, 0, 0, 0, c.zone), 0, 0.36 / 1.05},
		"a year later":    {time.Date(2026, 5, 13, 0, 0, 0, 0, c.zone), 1, 1.4},
		"February":        {time.Date(2026, 2, 4, 0, 0, 0, 0, c.zone), 0, 0.6},
		"Spring Festival": {time.Date(2026, 2, 18, 0, 0, 0, 0, c.zone), 0, 0.6 * 0.2},
	} {
		if got := season(x.day, x.years) / ordinary; math.Abs(got-x.want) > 1e-9 {
			t.Errorf("%s: %v of an ordinary Wednesday in May, want %v", name, got, x.want)
		}
	}
}
