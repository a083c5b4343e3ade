package main

import (
	"fmt"
	"os"
	"path/filepath"
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
	// Row numbers where the file's month changes: 7,764, 12,138 and so on, to 41,061 for the last.
	wantLines(t, rows(t, data, `{"measures":["leads"],"timeDimensions":[{"dimension":"created_at","granularity":"month",
		"dateRange":["2008-05-01","2010-11-30"]}],"filters":[{"member":"leads","operator":"gt","values":["0"]}]}`,
		"%.7s %v", "created_at.month", "leads"),
		"2008-05 7763", "2008-06 4374", "2008-07 6685", "2008-08 5175", "2008-10 67", "2008-11 3616", "2008-12 10",
		"2009-03 282", "2009-04 2458", "2009-05 5794", "2009-06 715", "2009-07 178", "2009-08 770", "2009-09 267",
		"2009-10 447", "2009-11 357", "2009-12 172", "2010-03 264", "2010-04 174", "2010-05 212", "2010-06 229",
		"2010-07 311", "2010-08 233", "2010-09 303", "2010-10 204", "2010-11 128")
}

func TestProgramAttribution(t *testing.T) {
	data := importAndCompute(t, "attribution")
	// A customer counts once, with the first of up to three conversions.
	wantLines(t, rows(t, data, `{"measures":["leads","won","won_amount"]}`, "%v %v %.1f", "leads", "won", "won_amount"),
		"7896 1642 10202.5")
	wantLines(t, rows(t, data, `{"measures":["leads","won"],"dimensions":["channel"],"order":{"channel":"asc"}}`,
		"%v %v/%v", "channel", "won", "leads"),
		"Facebook 499/2393", "Instagram 204/981", "Online Display 192/927", "Online Video 194/1007", "Paid Search 553/2588")
	wantAttribution(t, data)
}

// wantAttribution holds first, last and linear by channel, and that every model shares out all conversions and their value.
func wantAttribution(t *testing.T, data string) {
	t.Helper()
	s, _ := openTestSystem(t, configIn(data))
	wantLines(t, selectLines(t, s, `SELECT format('{} {}/{}/{}', channel, toString(round(sum(first))), toString(round(sum(last))),
    toString(round(sum(linear), 2))) AS line
FROM attribution_credits WHERE conversion = 'won' GROUP BY channel ORDER BY channel`),
		"Facebook 569/561/532.28", "Instagram 226/237/234.63", "Online Display 220/233/210.03",
		"Online Video 222/350/309.56", "Paid Search 601/457/551.51")
	// Conversions, deals by the share of each rule, and value.
	wantLines(t, selectLines(t, s, `SELECT arrayStringConcat(arrayMap(x -> toString(round(x, 6)), [
    countIf(touch_no <= 1), sum(first), sum(last), sum(last_non_direct), sum(linear), sum(time_decay), sum(position),
    sum(w_shaped), sum(first * value), sum(linear * value), sum(w_shaped * value)]), ' ') AS line
FROM attribution_credits WHERE conversion = 'won' AND NOT unattributed`),
		"1838 1838 1838 1838 1838 1838 1838 1838 11423.5 11423.5 11423.5")
	wantLines(t, selectLines(t, s, `SELECT format('{} {} {} {}', model, toString(count()), toString(round(sum(credit), 6)),
    toString(round(sum(value), 6))) AS line
FROM attribution_channels WHERE conversion = 'won' GROUP BY model ORDER BY model`),
		"markov 5 1838 11423.5", "shapley 5 1838 11423.5")
}

// selectLines runs a SELECT of one column of text.
func selectLines(t *testing.T, s *system, sql string) []string {
	t.Helper()
	var rows []struct {
		Line string `ch:"line"`
	}
	if err := s.db.Select(t.Context(), &rows, sql, nil); err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = r.Line
	}
	return lines
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
	got := ask(`,"breakdown":{"dimension":"attr.device"}`)
	lines := []string{fmt.Sprint(got.Steps)}
	for _, g := range got.Groups {
		lines = append(lines, g.Value+" "+fmt.Sprint(g.Steps))
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
		if got := fmt.Sprint(ask(`,"dateRange":` + month).Steps); got != want {
			t.Errorf("%s: got %s, want %s", month, got, want)
		}
	}
	wantWebFunnelJourneys(t, data)
}

// The four pages again, out of the journeys: a visit of each page within a day, in order, by device and in all.
func wantWebFunnelJourneys(t *testing.T, data string) {
	t.Helper()
	s, _ := openTestSystem(t, configIn(data))
	var got []struct {
		Device string   `ch:"device"`
		Steps  []uint64 `ch:"steps"`
	}
	err := s.db.Select(t.Context(), &got, `
SELECT device, arrayMap(step -> arrayCount(reached -> reached >= step, groupArray(level)), range(1, 5)) AS steps
FROM
(
    SELECT
        leads.attributes['device'] AS device,
        arrayReduce('windowFunnel(86400000)', arrayMap(ms -> toUInt64(ms), at), arrayMap(n -> n = 'home_page', name),
            arrayMap(n -> n = 'search_page', name), arrayMap(n -> n = 'payment_page', name),
            arrayMap(n -> n = 'payment_confirmation_page', name)) AS level
    FROM lead_journeys
    INNER JOIN leads USING (workspace, lead_id)
)
GROUP BY device WITH ROLLUP
ORDER BY device`, nil)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, g := range got {
		lines = append(lines, fmt.Sprint(g.Device, g.Steps))
	}
	wantLines(t, lines, "[90400 45200 6030 452]", "Desktop[60200 30100 3010 150]", "Mobile[30200 15100 3020 302]")
}

// TestProgramMarketingInYuan tells the spend in rupees of the marketing set in yuan, by two rates that meet in the middle
// of its month. Without rates there is no amount in yuan, and a warning says so.
func TestProgramMarketingInYuan(t *testing.T) {
	data, dir := importAndCompute(t, "marketing"), t.TempDir()
	const all = `{"measures":["cost","cost_base","won_amount_base","cpl_base","romi_base"]}`
	wantLines(t, rows(t, data, all, "%.2f %v %v %v %v", "cost", "cost_base", "won_amount_base", "cpl_base", "romi_base"),
		"30590879.82 <nil> <nil> <nil> <nil>")
	warned := decode[struct {
		Warnings []string `json:"warnings"`
	}](t, mustClew(t, "query", all, "--data-dir", data))
	if len(warned.Warnings) != 3 {
		t.Errorf("warnings are %q", warned.Warnings)
	}

	for name, text := range map[string]string{
		"rates.csv": "date,currency,rate\n2021-02-15,INR,0.0895\n2021-01-20,INR,0.0885\n2021-02-01,USD,6.4\n",
		"clew.yaml": "costs:\n  rates: " + filepath.Join(dir, "rates.csv") + "\n  benchmarks: {social: {cpl: 45}, '*': {cpl: 50, target: 44}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustClew(t, "jobs", "run", "all", "--data-dir", data, "--config", filepath.Join(dir, "clew.yaml"))
	wantLines(t, rows(t, data, all, "%.2f %.2f %.2f %.4f %.4f", "cost", "cost_base", "won_amount_base", "cpl_base", "romi_base"),
		"30590879.82 2725933.48 3821547.97 41.5672 0.4019")
	wantLines(t, rows(t, data, `{"measures":["cpl_base"],"dimensions":["channel"],"order":{"channel":"asc"}}`,
		"%v %.3f", "channel", "cpl_base"),
		"influencer 43.693", "media 44.130", "search 43.381", "social 39.180")
}
