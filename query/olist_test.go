package query

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/query/funnel"
	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// sharedData finds the folder of real data beside the repository.
func sharedData(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		found := filepath.Join(dir, "..", "shared", "data", name)
		if _, err := os.Stat(found); err == nil {
			return found
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("no ../shared/data/%s beside the repository: CI must have it", name)
	}
	t.Skipf("no ../shared/data/%s beside the repository", name)
	return ""
}

func readCSV(t *testing.T, file string) (rows []map[string]string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// olist loads the leads of a marketplace and their deals.
func olist(t *testing.T) *Service {
	t.Helper()
	dir := sharedData(t, "olist")
	won := map[string]time.Time{}
	for _, row := range readCSV(t, filepath.Join(dir, "olist_closed_deals_dataset.csv")) {
		at, err := time.Parse(time.DateTime, row["won_date"])
		if err != nil {
			t.Fatal(err)
		}
		won[row["mql_id"]] = at
	}
	db := warehousetest.Open(t)
	facts, err := db.Insert(t.Context(), "lead_facts",
		[]string{"workspace", "lead_id", "created_at", "won_at", "days_to_won"})
	if err != nil {
		t.Fatal(err)
	}
	leads, err := db.Insert(t.Context(), "leads", []string{"workspace", "lead_id", "created_at", "channel"})
	if err != nil {
		t.Fatal(err)
	}
	asOf := time.Date(2018, 12, 31, 0, 0, 0, 0, time.UTC)
	for _, row := range readCSV(t, filepath.Join(dir, "olist_marketing_qualified_leads_dataset.csv")) {
		created, err := time.Parse(time.DateOnly, row["first_contact_date"])
		if err != nil {
			t.Fatal(err)
		}
		var at *time.Time
		var days *float64
		if w, ok := won[row["mql_id"]]; ok {
			d := w.Sub(created).Hours() / 24
			at, days = &w, &d
		}
		if err := facts.Append("default", row["mql_id"], created, at, days); err != nil {
			t.Fatal(err)
		}
		if err := leads.Append("default", row["mql_id"], created, row["origin"]); err != nil {
			t.Fatal(err)
		}
	}
	marks, err := db.Insert(t.Context(), "watermarks", []string{"name", "as_of"})
	if err != nil {
		t.Fatal(err)
	}
	if err := marks.Append(transform.WatermarkName, asOf); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*warehouse.Batch{facts, leads, marks} {
		if err := b.Send(); err != nil {
			t.Fatal(err)
		}
	}
	return service(t, db, Config{Timezone: "UTC"})
}

// TestOlist holds the golden numbers of real leads, to the digits they were published with.
func TestOlist(t *testing.T) {
	s := olist(t)
	t.Run("days to won", func(t *testing.T) {
		a := ask(t, s, `{"measures":["leads","won","days_to_won_median","days_to_won_mean","days_to_won_p25",
			"days_to_won_p75","days_to_won_p90","days_to_won_max","days_to_won_min",
			"won_within_7d","won_within_30d","won_within_90d",
			"won_before_created"]}`)
		got := digits(t, a.Data.Rows[0], 0, 0, 2, 2, 2, 1, 1, 1, 2, 0, 0, 0, 0)
		if want := "8000 842 14.65 49.10 5.86 55.1 162.7 427.6 -1.18 249 547 691 1"; got != want {
			t.Errorf("%s: got %s, want %s", a.Data.Keys, got, want)
		}
	})
	t.Run("origins", func(t *testing.T) {
		a := ask(t, s, `{"measures":["leads","won","lead_to_won_rate","days_to_won_median"],"dimensions":["channel"]}`)
		want := []string{
			"organic_search 2296 271 0.1180 14.91", "paid_search 1586 195 0.1230 15.67", "social 1350 75 0.0556 30.56",
			"unknown 1099 179 0.1629 11.83", "direct_traffic 499 56 0.1122 10.58", "email 493 15 0.0304 21.12",
			"referral 284 24 0.0845 19.37", "other 150 4 0.0267 9.56", "display 118 6 0.0508 9.17",
			"other_publicities 65 3 0.0462 35.79", "(none) 60 14 0.2333 8.08",
		}
		var got []string
		for _, row := range a.Data.Rows {
			got = append(got, row[0].(string)+" "+digits(t, row[1:], 0, 0, 4, 2))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("cohorts", func(t *testing.T) {
		a := ask(t, s, `{"measures":["leads","won"],"timeDimensions":[
			{"dimension":"created_at","granularity":"month","dateRange":["2018-01-01","2018-05-31"]}]}`)
		want := []string{
			`{"created_at.month":"2018-01-01T00:00:00.000","leads":1141,"won":152}`,
			`{"created_at.month":"2018-02-01T00:00:00.000","leads":1028,"won":149}`,
			`{"created_at.month":"2018-03-01T00:00:00.000","leads":1174,"won":167}`,
			`{"created_at.month":"2018-04-01T00:00:00.000","leads":1352,"won":183}`,
			`{"created_at.month":"2018-05-01T00:00:00.000","leads":1303,"won":130}`,
		}
		if diff := cmp.Diff(want, lines(t, a.Data)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("funnel", func(t *testing.T) {
		f, err := s.Funnel(t.Context(), funnel.Request{
			Steps:     []funnel.Step{{Stage: "new"}, {Stage: "won"}},
			Window:    funnel.Window{Duration: 90 * 24 * time.Hour},
			Breakdown: &funnel.Breakdown{Dimension: "channel", Limit: 3},
		})
		if err != nil {
			t.Fatal(err)
		}
		// 691 within 90 days, of which one before it was created.
		if f.Steps[0].Converted != 8000 || f.Steps[1].Converted != 690 || f.OutOfOrder != 1 || !f.WindowComplete {
			t.Errorf("funnel %+v", f)
		}
		var groups []string
		for _, g := range f.Groups {
			groups = append(groups, g.Value)
		}
		if want := []string{"organic_search", "paid_search", "social", "(none)", "Other"}; !slices.Equal(groups, want) {
			t.Errorf("groups %q, want %q", groups, want)
		}
	})
}

// digits writes numbers with so many digits behind the point.
func digits(t *testing.T, values []any, places ...int) string {
	t.Helper()
	var out []string
	for i, v := range values {
		switch n := v.(type) {
		case float64:
			out = append(out, strconv.FormatFloat(n, 'f', places[i], 64))
		case uint64:
			out = append(out, strconv.FormatUint(n, 10))
		default:
			t.Fatalf("%v is no number", v)
		}
	}
	return strings.Join(out, " ")
}

// TestQuantiles holds the definition against a plain one, for every small number of deals: channel N has N of them.
func TestQuantiles(t *testing.T) {
	db := warehousetest.Open(t)
	err := db.Exec(t.Context(), `INSERT INTO lead_facts (lead_id, created_at, won_at, days_to_won)
		SELECT concat(toString(n), '/', toString(i)), '2026-01-01', '2026-02-01', i * i
		FROM (SELECT number AS n, arrayJoin(range(1, number + 1)) AS i FROM numbers(1, 60))`, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Exec(t.Context(), `INSERT INTO leads (lead_id, created_at, channel)
		SELECT lead_id, created_at, splitByChar('/', lead_id)[1] FROM lead_facts`, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := ask(t, service(t, db, Config{}), `{"measures":["won","days_to_won_p25","days_to_won_median","days_to_won_p75",
		"days_to_won_p90"],"dimensions":["channel"],"order":{"won":"asc"}}`)
	for i, row := range a.Data.Rows {
		n := i + 1
		want := []any{strconv.Itoa(n), uint64(n), quantile(n, 25), quantile(n, 50), quantile(n, 75), quantile(n, 90)}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Errorf("%d deals (-want +got):\n%s", n, diff)
		}
	}
	if len(a.Data.Rows) != 60 {
		t.Errorf("%d channels", len(a.Data.Rows))
	}
}

// quantile is that of 1, 4, 9 … n²: the smallest value that at least percent of them stay at or below, or its mean with
// the next where they are exactly so many.
func quantile(n, percent int) float64 {
	k := (n*percent + 99) / 100
	if n*percent%100 == 0 {
		return float64(k*k+(k+1)*(k+1)) / 2
	}
	return float64(k * k)
}
