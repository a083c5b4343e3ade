package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// importAndCompute makes a data directory with one public data set taken in through Kafka and computed by the jobs.
func importAndCompute(t *testing.T, name string) string {
	t.Helper()
	needEngine(t)
	in := needData(t, name)
	data := filepath.Join(t.TempDir(), "data")
	mustClew(t, "import", "--source", name, "--in", in, "--data-dir", data)
	mustClew(t, "jobs", "run", "all", "--data-dir", data)
	return data
}

// rows asks a query and prints each row by format, one verb a member.
func rows(t *testing.T, data, query, format string, members ...string) []string {
	t.Helper()
	got := decode[answer](t, mustClew(t, "query", query, "--data-dir", data))
	lines := make([]string, 0, len(got.Data))
	for _, row := range got.Data {
		values := make([]any, 0, len(members))
		for _, m := range members {
			v, ok := row[m]
			if !ok {
				t.Fatalf("no %s in %v", m, row)
			}
			values = append(values, v)
		}
		lines = append(lines, fmt.Sprintf(format, values...))
	}
	return lines
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// TestProgramOlist holds the whole way, file to Kafka to ClickHouse to answer, to figures computed independently.
func TestProgramOlist(t *testing.T) {
	data := importAndCompute(t, "olist")

	t.Run("all", func(t *testing.T) {
		wantLines(t, rows(t, data, `{"measures":["leads","won","lead_to_won_rate","days_to_won_median","days_to_won_mean",
			"days_to_won_p25","days_to_won_p75","days_to_won_p90","days_to_won_max","days_to_won_min",
			"won_within_7d","won_within_30d","won_within_90d","won_before_created"]}`,
			"%v won %v rate %.5f median %.2f mean %.2f p25 %.2f p75 %.1f p90 %.1f max %.1f min %.2f within %v %v %v early %v",
			"leads", "won", "lead_to_won_rate", "days_to_won_median", "days_to_won_mean", "days_to_won_p25",
			"days_to_won_p75", "days_to_won_p90", "days_to_won_max", "days_to_won_min", "won_within_7d", "won_within_30d",
			"won_within_90d", "won_before_created"),
			"8000 won 842 rate 0.10525 median 14.65 mean 49.10 p25 5.86 p75 55.1 p90 162.7 max 427.6 min -1.18 "+
				"within 249 547 691 early 1")
	})
	t.Run("by origin", func(t *testing.T) {
		wantLines(t, rows(t, data, `{"measures":["leads","won","lead_to_won_rate","days_to_won_median"],
			"dimensions":["channel"],"order":{"leads":"desc"}}`,
			"%v %v/%v/%.4f/%.2f", "channel", "leads", "won", "lead_to_won_rate", "days_to_won_median"),
			"organic_search 2296/271/0.1180/14.91", "paid_search 1586/195/0.1230/15.67", "social 1350/75/0.0556/30.56",
			"unknown 1099/179/0.1629/11.83", "direct_traffic 499/56/0.1122/10.58", "email 493/15/0.0304/21.12",
			"referral 284/24/0.0845/19.37", "other 150/4/0.0267/9.56", "display 118/6/0.0508/9.17",
			"other_publicities 65/3/0.0462/35.79", "(none) 60/14/0.2333/8.08")
	})
	t.Run("cohorts of 2018", func(t *testing.T) {
		wantLines(t, rows(t, data, `{"measures":["leads","won"],"timeDimensions":[{"dimension":"created_at",
			"granularity":"month","dateRange":["2018-01-01","2018-05-31"]}]}`,
			"%.7s %v→%v", "created_at.month", "leads", "won"),
			"2018-01 1141→152", "2018-02 1028→149", "2018-03 1174→167", "2018-04 1352→183", "2018-05 1303→130")
	})
	t.Run("by an attribute", func(t *testing.T) {
		wantLines(t, rows(t, data, `{"measures":["won"],"dimensions":["attr.lead_type"],
			"filters":[{"member":"attr.lead_type","operator":"set"}],"order":{"won":"desc"},"limit":1}`,
			"%v %v", "attr.lead_type", "won"), "online_medium 332")
	})
	t.Run("funnel", func(t *testing.T) {
		type step struct {
			Converted int `json:"converted"`
		}
		type funnel struct {
			Steps      []step `json:"steps"`
			OutOfOrder int    `json:"out_of_order"`
			Groups     []struct {
				Value string `json:"value"`
				Steps []step `json:"steps"`
			} `json:"groups"`
		}
		// The deal dated before its first contact is within any window as a figure of days, but is no way forward
		// from new to won: the funnel leaves it out and says so.
		for window, want := range map[string]int{"7d": 248, "30d": 546, "90d": 690, "500d": 841} {
			got := decode[funnel](t, mustClew(t, "funnel", `{"steps":[{"stage":"new"},{"stage":"mql"},{"stage":"won"}],
				"window":"`+window+`","breakdown":{"dimension":"channel"}}`, "--data-dir", data))
			if diff := cmp.Diff([]step{{8000}, {8000}, {want}}, got.Steps); diff != "" || got.OutOfOrder != 1 {
				t.Errorf("window %s: %d out of order, steps:\n%s", window, got.OutOfOrder, diff)
			}
			sum := make([]step, len(got.Steps))
			for _, g := range got.Groups {
				for i, s := range g.Steps {
					sum[i].Converted += s.Converted
				}
			}
			if diff := cmp.Diff(got.Steps, sum); diff != "" {
				t.Errorf("window %s: groups do not sum to the total:\n%s", window, diff)
			}
		}
	})
	t.Run("again", func(t *testing.T) {
		// The same file imported twice counts once.
		mustClew(t, "import", "--source", "olist", "--in", needData(t, "olist"), "--data-dir", data)
		mustClew(t, "jobs", "run", "all", "--data-dir", data)
		wantLines(t, rows(t, data, `{"measures":["leads","won"]}`, "%v %v", "leads", "won"), "8000 842")
	})
}

func TestProgramMarketing(t *testing.T) {
	data := importAndCompute(t, "marketing")

	t.Run("all", func(t *testing.T) {
		wantLines(t, rows(t, data, `{"measures":["cost","clicks","leads","won","won_amount","cpl","cost_per_won","romi"]}`,
			"%.2f %.0f clicks %v leads %v orders %.2f CPL %.2f CPO %.2f ROMI %.3f",
			"cost", "clicks", "leads", "won", "won_amount", "cpl", "cost_per_won", "romi"),
			"30590879.82 2999919 clicks 65579 leads 8043 orders 42889366.00 CPL 466.47 CPO 3803.42 ROMI 0.402")
	})
	t.Run("by category", func(t *testing.T) {
		wantLines(t, rows(t, data, `{"measures":["cpl"],"dimensions":["channel"],"order":{"channel":"asc"}}`,
			"%v %.2f", "channel", "cpl"),
			"influencer 490.31", "media 495.29", "search 486.90", "social 439.67")
	})
	t.Run("by campaign", func(t *testing.T) {
		got := rows(t, data, `{"measures":["leads","cpl","romi"],"dimensions":["campaign"],"order":{"campaign":"asc"}}`,
			"%v %v %.2f %.3f", "campaign", "leads", "cpl", "romi")
		wantLines(t, got,
			"banner_partner 10149 495.29 0.224", "facebook_lal 1909 1383.94 -0.886",
			"facebook_retargeting 506 526.61 1.015", "facebook_tier1 3535 725.54 -0.066",
			"facebook_tier2 8428 556.94 -0.262", "google_hot 1833 654.66 0.838", "google_wide 5274 428.59 -0.337",
			"instagram_blogger 7008 606.07 0.368", "instagram_tier1 6632 386.80 0.771",
			"instagram_tier2 10374 102.77 -0.371", "youtube_blogger 9931 408.61 2.773")
	})
	t.Run("spend without a lead", func(t *testing.T) {
		got := decode[answer](t, mustClew(t, "query", `{"measures":["cost","leads","cpl"],"dimensions":["campaign"],
			"timeDimensions":[{"dimension":"created_at","granularity":"day"}],
			"filters":[{"member":"leads","operator":"equals","values":["0"]}],"order":{"cost":"asc"}}`, "--data-dir", data))
		costs := make([]string, 0, len(got.Data))
		for _, row := range got.Data {
			costs = append(costs, fmt.Sprintf("%.2f %v", row["cost"], row["cpl"]))
		}
		wantLines(t, costs, "169.75 <nil>", "200.42 <nil>", "224.81 <nil>", "315.92 <nil>")
	})
	t.Run("days with and without the funnel agree", func(t *testing.T) {
		got := decode[answer](t, mustClew(t, "query", `{"measures":["leads"],"timeDimensions":[{"dimension":"created_at",
			"granularity":"day"}],"filters":[{"member":"region","operator":"notSet"}]}`, "--data-dir", data))
		var total float64
		for _, row := range got.Data {
			total += row["leads"].(float64)
		}
		if len(got.Data) != 28 || total != 65579 {
			text, _ := json.Marshal(got.Data)
			t.Errorf("%d days, %v leads: %s", len(got.Data), total, text)
		}
	})
}
