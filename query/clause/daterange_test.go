package clause

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// TestWords: it is Saturday, 21 November 2026, in Shanghai, and still Friday in UTC.
func TestWords(t *testing.T) {
	shanghai, err := Zone("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC).In(shanghai)
	for _, c := range []struct {
		words       string
		first, last string
	}{
		{"today", "2026-11-21", "2026-11-21"},
		{"Today ", "2026-11-21", "2026-11-21"},
		{"yesterday", "2026-11-20", "2026-11-20"},
		{"this week", "2026-11-16", "2026-11-22"},
		{"last week", "2026-11-09", "2026-11-15"},
		{"this month", "2026-11-01", "2026-11-30"},
		{"last month", "2026-10-01", "2026-10-31"},
		{"this quarter", "2026-10-01", "2026-12-31"},
		{"last quarter", "2026-07-01", "2026-09-30"},
		{"this year", "2026-01-01", "2026-12-31"},
		{"last year", "2025-01-01", "2025-12-31"},
		{"last 1 day", "2026-11-20", "2026-11-20"},
		{"last 30 days", "2026-10-22", "2026-11-20"},
		{"last 4 weeks", "2026-10-19", "2026-11-15"},
		{"last 12 months", "2025-11-01", "2026-10-31"},
		{"last 4 quarters", "2025-10-01", "2026-09-30"},
		{"last 2 years", "2024-01-01", "2025-12-31"},
		{"2026-02-28", "2026-02-28", "2026-02-28"},
	} {
		first, last, err := ParseDateRange(c.words).Resolve(now, time.Monday)
		if err != nil || first.String() != c.first || last.String() != c.last {
			t.Errorf("%s: %s to %s, %v; want %s to %s", c.words, first, last, err, c.first, c.last)
		}
	}
	first, last, err := ParseDateRange("this week").Resolve(now, time.Sunday)
	if err != nil || first.String() != "2026-11-15" || last.String() != "2026-11-21" {
		t.Errorf("this week from Sunday: %s to %s, %v", first, last, err)
	}
	for _, words := range []string{
		"", "tomorrow", "last 0 days", "last -1 days", "last 999999 days", "last 99999 years", "last 5 hours", "this day",
		"last",
	} {
		var p *Problem
		if _, _, err := ParseDateRange(words).Resolve(now, time.Monday); !errors.As(err, &p) || p.Code != CodeBadDateRange {
			t.Errorf("%q: %v, want %s", words, err, CodeBadDateRange)
		}
	}
}

func TestMonthsOfDifferentLengths(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	first, last, err := ParseDateRange("last month").Resolve(now, time.Monday)
	if err != nil || first.String() != "2026-02-01" || last.String() != "2026-02-28" {
		t.Errorf("last month on 31 March: %s to %s, %v", first, last, err)
	}
}

// TestStartOfDay: clocks jump over midnight in some zones and show it twice in others.
func TestStartOfDay(t *testing.T) {
	for _, c := range []struct{ zone, day, want string }{
		{"Asia/Shanghai", "2026-01-01", "2025-12-31T16:00:00Z"},
		{"UTC", "2026-01-01", "2026-01-01T00:00:00Z"},
		{"America/New_York", "2026-03-08", "2026-03-08T05:00:00Z"},
		{"America/New_York", "2026-03-09", "2026-03-09T04:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"}, // 00:00 became 01:00
		{"Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z"},       // 00:00 became 01:00
		{"America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"},    // 01:00 became 00:00
		{"Atlantic/Azores", "2026-10-25", "2026-10-25T00:00:00Z"},   // 01:00 became 00:00
		{"Asia/Kathmandu", "2026-05-05", "2026-05-04T18:15:00Z"},
	} {
		zone, err := Zone(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		day, err := parseDay(c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := day.Start(zone).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %s begins at %s, want %s", c.day, c.zone, got, c.want)
		}
	}
}

func TestDateRangeKeepsItsForm(t *testing.T) {
	for _, text := range []string{`["2026-01-01","2026-01-31"]`, `"last 30 days"`} {
		var r DateRange
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(r); err != nil || string(got) != text {
			t.Errorf("%s became %s, %v", text, got, err)
		}
	}
}

func TestZone(t *testing.T) {
	for _, name := range []string{"", "Local", "Mars/Olympus", "../etc/passwd"} {
		var p *Problem
		if _, err := Zone(name); !errors.As(err, &p) || p.Code != CodeBadTimezone {
			t.Errorf("%q: %v, want %s", name, err, CodeBadTimezone)
		}
	}
}

func TestProblemsSurviveJSON(t *testing.T) {
	p := Invalid(CodeBadLimit, "ask for less", "limit %d", 9)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"type":"urn:clew:problem:bad_limit","title":"The limit is out of range","status":400,` +
		`"code":"bad_limit","detail":"limit 9","hint":"ask for less"}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	var back Problem
	if err := json.Unmarshal(text, &back); err != nil || back != *p {
		t.Errorf("came back as %+v, %v", back, err)
	}
	if got := back.Error(); got != "bad_limit: limit 9 (ask for less)" {
		t.Errorf("as an error: %s", got)
	}
}
