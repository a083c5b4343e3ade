package main

import (
	"fmt"
	"slices"
	"testing"
)

func TestProgramXEducation(t *testing.T) {
	data := importAndCompute(t, "xeducation")
	wantLines(t, rows(t, data, `{"measures":["leads","won","lead_to_won_rate"]}`, "%v %v %.4f",
		"leads", "won", "lead_to_won_rate"), "9240 3561 0.3854")
	wantLines(t, rows(t, data, `{"measures":["won","leads"],"dimensions":["attr.lead_origin"],"order":{"leads":"desc"}}`,
		"%v %v/%v", "attr.lead_origin", "won", "leads"),
		"Landing Page Submission 1768/4886", "API 1115/3580", "Lead Add Form 664/718", "Lead Import 13/55",
		"Quick Add Form 1/1")
	// Select means that nothing was chosen: 1,942 rows say it and 1,438 are empty.
	wantLines(t, rows(t, data, `{"measures":["leads"],
		"filters":[{"member":"attr.specialization","operator":"notSet"}]}`, "%v", "leads"), "3380")
}

func TestProgramBank(t *testing.T) {
	data := importAndCompute(t, "bank")
	wantLines(t, rows(t, data, `{"measures":["leads","won","lead_to_won_rate"]}`, "%v %v %.4f",
		"leads", "won", "lead_to_won_rate"), "41188 4640 0.1127")
	wantLines(t, rows(t, data, `{"measures":["lead_to_won_rate"],"dimensions":["attr.call_number"],
		"filters":[{"member":"attr.call_number","operator":"equals","values":["1","2","3","4","5"]}],
		"order":{"attr.call_number":"asc"}}`, "%v %.4f", "attr.call_number", "lead_to_won_rate"),
		"1 0.1304", "2 0.1146", "3 0.1075", "4 0.0939", "5 0.0750")
	wantLines(t, rows(t, data, `{"measures":["won","leads"],"dimensions":["channel"],"order":{"channel":"asc"}}`,
		"%v %v/%v", "channel", "won", "leads"), "cellular 3853/26144", "telephone 787/15044")
	got := rows(t, data, `{"measures":["leads"],"timeDimensions":[{"dimension":"created_at","granularity":"month",
		"dateRange":["2008-05-01","2010-11-30"]}],"filters":[{"member":"leads","operator":"gt","values":["0"]}]}`,
		"%.7s %v", "created_at.month", "leads")
	// Row numbers where the file's month changes: 7,764, 12,138 and so on, to 41,061 for the last.
	if len(got) != 26 || got[0] != "2008-05 7763" || got[1] != "2008-06 4374" || got[25] != "2010-11 128" {
		t.Errorf("months: %q", got)
	}
}

func TestProgramAttribution(t *testing.T) {
	data := importAndCompute(t, "attribution")
	// A customer counts once, with the first of up to three conversions.
	wantLines(t, rows(t, data, `{"measures":["leads","won","won_amount"]}`, "%v %v %.1f", "leads", "won", "won_amount"),
		"7896 1642 10202.5")
	wantLines(t, rows(t, data, `{"measures":["leads","won"],"dimensions":["channel"],"order":{"channel":"asc"}}`,
		"%v %v/%v", "channel", "won", "leads"),
		"Facebook 499/2393", "Instagram 204/981", "Online Display 192/927", "Online Video 194/1007", "Paid Search 553/2588")
}

func TestProgramWebFunnel(t *testing.T) {
	data := importAndCompute(t, "webfunnel")
	type step struct {
		Converted int `json:"converted"`
	}
	type group struct {
		Value string `json:"value"`
		Steps []step `json:"steps"`
	}
	type funnel struct {
		Steps  []step  `json:"steps"`
		Groups []group `json:"groups"`
	}
	ask := func(more string) funnel {
		t.Helper()
		return decode[funnel](t, mustClew(t, "funnel", `{"steps":[{"stage":"new"},{"stage":"mql"},{"stage":"opportunity"},
			{"stage":"won"}],"window":"1d"`+more+`}`, "--data-dir", data))
	}
	text := func(steps []step) string { return fmt.Sprint(steps) }

	got := ask(`,"breakdown":{"dimension":"attr.device"}`)
	lines := []string{text(got.Steps)}
	for _, g := range got.Groups {
		lines = append(lines, g.Value+" "+text(g.Steps))
	}
	slices.Sort(lines)
	wantLines(t, lines, "Desktop [{60200} {30100} {3010} {150}]", "Mobile [{30200} {15100} {3020} {302}]",
		"[{90400} {45200} {6030} {452}]")
	for month, want := range map[string]string{
		`["2015-01-01","2015-01-31"]`: "[{22600} {13554} {2390} {189}]",
		`["2015-02-01","2015-02-28"]`: "[{22600} {13687} {2412} {173}]",
		`["2015-03-01","2015-03-31"]`: "[{22600} {8879} {631} {44}]",
		`["2015-04-01","2015-04-30"]`: "[{22600} {9080} {597} {46}]",
	} {
		if got := text(ask(`,"dateRange":` + month).Steps); got != want {
			t.Errorf("%s: got %s, want %s", month, got, want)
		}
	}
}
