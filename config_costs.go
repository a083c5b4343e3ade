package main

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"clew/transform/cost"
)

// CostsConfig says what money is worth and what leads should cost. Amounts are in business.currency.
type CostsConfig struct {
	// Rates is a file of exchange rates, CSV or YAML, read anew by each run of the jobs. Empty: the table exchange_rates is
	// filled by somebody else, or there is one currency.
	Rates string `yaml:"rates"`
	// TargetShare is the part of a benchmark that is aimed at.
	TargetShare float64 `yaml:"target_share"`
	// Benchmarks are the usual costs per lead by channel; "*" stands for every other channel.
	Benchmarks map[string]BenchmarkConfig `yaml:"benchmarks"`
}

// BenchmarkConfig is what a lead of one channel usually costs, and should cost.
type BenchmarkConfig struct {
	CPL float64 `yaml:"cpl"`
	// Target overrides costs.target_share for this channel. 0: it does not.
	Target float64 `yaml:"target"`
}

// allOthers is the key of what holds for every channel without an entry of its own.
const allOthers = "*"

// costs are the settings in the words of transform/cost.
func (c Config) costs() cost.Config {
	known := cost.Config{Currency: c.Business.Currency, TargetShare: c.Costs.TargetShare}
	if name := c.Costs.Rates; name != "" {
		known.Rates = func() ([]cost.Rate, error) { return readRates(name) }
	}
	for _, channel := range slices.Sorted(maps.Keys(c.Costs.Benchmarks)) {
		b := c.Costs.Benchmarks[channel]
		if channel == allOthers {
			channel = ""
		}
		known.Targets = append(known.Targets, cost.Target{Channel: channel, Benchmark: b.CPL, Target: b.Target})
	}
	return known
}

func readRates(name string) ([]cost.Rate, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("costs.rates: %w; name a readable file of exchange rates", err)
	}
	rates, err := cost.ReadRates(name, text)
	if err != nil {
		return nil, fmt.Errorf("costs.rates: %w", err)
	}
	return rates, nil
}

// validateCosts reports what is wrong with what money is worth. It reads the file of rates.
func (c Config) validateCosts() error {
	if c.Business.Currency == "" {
		return fmt.Errorf("business.currency: is empty; the default is %s", cost.DefaultCurrency)
	}
	known := c.costs()
	if err := known.Validate(); err != nil {
		return fmt.Errorf("business.currency and costs: %w", err)
	}
	if known.Rates == nil {
		return nil
	}
	_, err := known.Rates()
	return err
}
