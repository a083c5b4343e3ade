package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/transform/cost"
)

// costsConfig reads a config of some keys beside a file of rates, whose path stands for RATES.
func costsConfig(t *testing.T, keys, rates string) (Config, error) {
	t.Helper()
	dir := t.TempDir()
	file, ratesFile := filepath.Join(dir, "clew.yaml"), filepath.Join(dir, "rates.csv")
	for name, text := range map[string]string{file: strings.ReplaceAll(keys, "RATES", ratesFile), ratesFile: rates} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := loadConfig(file, func(string) string { return "" })
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.Validate()
}

func TestCostsConfig(t *testing.T) {
	cfg, err := costsConfig(t, `
business: {currency: USD}
costs:
  rates: RATES
  target_share: 0.9
  benchmarks: {search: {cpl: 480}, "*": {cpl: 300, target: 250}}
`, "date,currency,rate\n2026-01-01,CNY,0.14\n")
	if err != nil {
		t.Fatal(err)
	}
	got := cfg.costs()
	rates, err := got.Rates()
	if err != nil {
		t.Fatal(err)
	}
	if len(rates) != 1 || rates[0].Currency != "CNY" || rates[0].Rate != 0.14 {
		t.Errorf("rates are %v", rates)
	}
	got.Rates = nil
	want := cost.Config{
		Currency: "USD", TargetShare: 0.9, Targets: []cost.Target{{Benchmark: 300, Target: 250}, {Channel: "search", Benchmark: 480}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCostsByDefault(t *testing.T) {
	cfg := defaultConfig()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cost.Config{Currency: "CNY", TargetShare: 0.85}, cfg.costs()); diff != "" {
		t.Error(diff)
	}
}

func TestFaultyCostsConfig(t *testing.T) {
	for keys, want := range map[string]string{
		"business: {currency: ''}":                                         "business.currency: is empty",
		"business: {currency: rmb}":                                        `"rmb": give three capital letters`,
		"costs: {rates: RATES}":                                            `costs.rates: exchange rates `,
		"costs: {rates: RATES.missing}":                                    "name a readable file",
		"costs: {target_share: -1}":                                        "target share -1",
		"costs: {benchmarks: {search: {cpl: 0}}}":                          `benchmark 0 of the channel "search"`,
		"costs: {benchmarks: {search: {cpl: 1, goal: 2}}}":                 "goal",
		"costs: {benchmarks: {'*': {cpl: 1}, '': {cpl: 2}}}":               "has two targets",
		"costs: {benchmarks: {a: {cpl: 1, target: -1}, b: {cpl: -1}}}":     `benchmark -1 of the channel "b"`,
		"costs: {benchmarks: {a: {cpl: 1, target: -1}, b: {cpl: .nan}}}\n": `target -1 of the channel "a"`,
	} {
		_, err := costsConfig(t, keys, "date,currency,rate\n2026-01-01,CNY,x\n")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error does not say %q: %v", keys, want, err)
		}
	}
}
