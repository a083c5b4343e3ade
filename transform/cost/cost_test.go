package cost_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/transform/cost"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestReadRates(t *testing.T) {
	want := []cost.Rate{
		{day("2026-01-01"), "EUR", 8}, {day("2026-01-01"), "USD", 7.25}, {day("2026-02-01"), "USD", 0.5},
	}
	for name, c := range map[string]struct{ file, text string }{
		"csv":                   {"rates.csv", "date,currency,rate\n2026-02-01,USD,0.5\n2026-01-01,USD,7.25\n2026-01-01,EUR,8\n"},
		"csv of another order":  {"rates.CSV", "\ufeffrate,source,currency,date\r\n8,ecb,EUR,2026-01-01\r\n7.25,ecb,USD,2026-01-01\r\n0.5,x,USD,2026-02-01"},
		"the same row twice":    {"rates", "date,currency,rate\n2026-02-01,USD,0.5\n2026-01-01,USD,7.25\n2026-01-01,EUR,8.0\n2026-01-01,EUR,8\n"},
		"yaml":                  {"rates.yaml", "- {date: 2026-01-01, currency: USD, rate: 7.25}\n- {currency: EUR, date: 2026-01-01, rate: 8}\n- {date: 2026-02-01, currency: USD, rate: 0.5}"},
		"yaml with every quote": {"rates.yml", "- {date: '2026-01-01', currency: \"USD\", rate: '7.25'}\n- {currency: EUR, date: 2026-01-01, rate: 8.0}\n- {date: 2026-02-01, currency: USD, rate: 5e-1}"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := cost.ReadRates(c.file, []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFaultyRates(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		want       []string
	}{
		"empty":            {"r.csv", "", []string{"r.csv", "empty", "date,currency,rate"}},
		"a missing column": {"r.csv", "date,rate\n", []string{"no column currency in date,rate"}},
		"every fault with its row": {
			"r.csv", "date,currency,rate\n2026-01-32,usd,0\n2026-01-01,USD,7\n01.02.2026,USD,x\n",
			[]string{"row 2", "2026-01-32", `"usd"`, `rate "0"`, "row 4", "01.02.2026", `rate "x"`, "such as 7.2"},
		},
		"no number":                  {"r.csv", "date,currency,rate\n2026-01-01,USD,NaN\n2026-01-02,USD,-1\n2026-01-03,USD,Inf\n", []string{"NaN", "-1", "Inf"}},
		"too few fields":             {"r.csv", "date,currency,rate\n2026-01-01,USD\n", []string{"line 2", "date,currency,rate"}},
		"two rates of a day":         {"r.csv", "date,currency,rate\n2026-01-01,USD,7\n2026-01-01,USD,8\n", []string{"USD on 2026-01-01", "7", "8", "leave one"}},
		"an unknown key":             {"r.yaml", "- {date: 2026-01-01, currency: USD, rate: 7, bank: x}", []string{"r.yaml", "bank"}},
		"a list that is none":        {"r.yml", "USD: 7", []string{"r.yml", "want a list such as"}},
		"a fault of a rate in yaml":  {"r.yml", "- {date: 2026-01-01, currency: USD}\n", []string{"rate 1", `rate ""`}},
		"csv that is not closed":     {"r.csv", "date,currency,rate\n\"2026-01-01,USD,7\n", []string{"r.csv", "date,currency,rate"}},
		"yaml under another ending ": {"r.txt", "- {date: 2026-01-01}", []string{"no column date"}},
	} {
		t.Run(name, func(t *testing.T) {
			rates, err := cost.ReadRates(c.file, []byte(c.text))
			if err == nil {
				t.Fatalf("accepted: %v", rates)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestFaultyConfig(t *testing.T) {
	err := cost.Config{
		Currency: "yuan", TargetShare: -1,
		Targets: []cost.Target{{Channel: "a"}, {Channel: "b", Benchmark: 1, Target: -2}, {Channel: "b", Benchmark: 3}},
	}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{`"yuan"`, "CNY", "target share -1", `benchmark 0 of the channel "a"`, `target -2 of the channel "b"`, `"b" has two`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	good := cost.Config{Currency: "USD", TargetShare: 1.15, Targets: []cost.Target{{Benchmark: 1}, {Channel: "b", Benchmark: 1, Target: 2}}}
	if err := errors.Join(good.Validate(), cost.Config{}.Validate()); err != nil {
		t.Error(err)
	}
}

// TestFill fills the tables twice, by other values, and leaves rates alone that somebody else has filled.
func TestFill(t *testing.T) {
	db := warehousetest.Open(t)
	rates := []cost.Rate{{day("2026-01-01"), "USD", 7.25}, {day("2026-01-02"), "USD", 7.5}}
	first := cost.Config{
		Rates:   func() ([]cost.Rate, error) { return rates, nil },
		Targets: []cost.Target{{Benchmark: 100}, {Channel: "b'", Benchmark: 200, Target: 150}},
	}
	fill(t, db, first)
	check(t, db, []string{"2026-01-01 USD 7.25", "2026-01-02 USD 7.5"}, []string{" 100 85", "b' 200 150"})
	second := first
	rates, second.TargetShare, second.Targets = rates[1:], 1.5, first.Targets[:1]
	fill(t, db, second)
	check(t, db, []string{"2026-01-02 USD 7.5"}, []string{" 100 150"})
	fill(t, db, cost.Config{})
	check(t, db, []string{"2026-01-02 USD 7.5"}, nil)

	broken := errors.New("no such file")
	second.Rates = func() ([]cost.Rate, error) { return nil, broken }
	if err := second.Fill(t.Context(), db); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	check(t, db, []string{"2026-01-02 USD 7.5"}, []string{" 100 150"})
}

// TestLastInsertedRateCounts is for who fills the table himself.
func TestLastInsertedRateCounts(t *testing.T) {
	db := warehousetest.Open(t)
	for _, rate := range []string{"8", "7"} {
		err := db.Exec(t.Context(), "INSERT INTO exchange_rates (date, currency, rate) SELECT '2026-01-01', 'USD', {rate:Float64}",
			warehouse.Params{"rate": rate})
		if err != nil {
			t.Fatal(err)
		}
	}
	check(t, db, []string{"2026-01-01 USD 7"}, nil)
}

func fill(t *testing.T, db *warehouse.DB, c cost.Config) {
	t.Helper()
	if err := c.Fill(t.Context(), db); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, db *warehouse.DB, rates, targets []string) {
	t.Helper()
	for sql, want := range map[string][]string{
		"SELECT concat(toString(date), ' ', currency, ' ', toString(rate)) AS line FROM exchange_rates ORDER BY line":        rates,
		"SELECT concat(channel, ' ', toString(benchmark), ' ', toString(target)) AS line FROM channel_targets ORDER BY line": targets,
	} {
		var rows []struct {
			Line string `ch:"line"`
		}
		if err := db.Select(t.Context(), &rows, sql, nil); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, r.Line)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
