// Package cost says what leads cost in one currency, and what they should cost: exchange rates and targets, which fill
// the reference tables exchange_rates and channel_targets.
package cost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"clew/transform/warehouse"
)

// DefaultCurrency is the currency of a business that names none.
const DefaultCurrency = "CNY"

// DefaultTargetShare is the part of a benchmark that is aimed at where nothing else is said: a lead shall cost at least
// 15 % less than is usual.
const DefaultTargetShare = 0.85

// Tables are the reference tables.
var Tables = []string{"exchange_rates", "channel_targets"}

// Config is what is known of money.
type Config struct {
	// Currency is that of the business, by ISO 4217. Empty: DefaultCurrency.
	Currency string
	// Rates gives all rates there are; it is asked at each run, because new ones come every day. Nil: the table of rates
	// is filled by somebody else and left alone.
	Rates func() ([]Rate, error)
	// TargetShare is the part of its benchmark that a target without an amount of its own is. 0: DefaultTargetShare.
	TargetShare float64
	// Targets are what leads should cost, one a channel.
	Targets []Target
}

// Rate is what one unit of a currency was worth in units of the currency of the business, from a day on.
type Rate struct {
	// Date is the business day from which it holds, until the next one of the currency.
	Date     time.Time
	Currency string
	// Rate is more than 0.
	Rate float64
}

// Target is what a lead of a channel should cost, in the currency of the business.
type Target struct {
	// Channel is a name as costs have it; empty stands for every channel without a target of its own.
	Channel string
	// Benchmark is the cost per lead that is usual in the field.
	Benchmark float64
	// Target is the cost per lead that is aimed at. 0: the TargetShare of the benchmark.
	Target float64
}

var code = regexp.MustCompile(`^[A-Z]{3}$`)

// Validate names every fault of c, but for those of rates, which ReadRates names.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Currency != "" && !code.MatchString(c.Currency) {
		fault("currency of the business %q: give three capital letters of ISO 4217, such as CNY", c.Currency)
	}
	// A target above its benchmark is allowed: some read the rule as at most 15 % more than is usual.
	if c.TargetShare != 0 && (!positive(c.TargetShare) || c.TargetShare > 10) {
		fault("target share %v: give the part of the benchmark that is aimed at, such as 0.85", c.TargetShare)
	}
	seen := map[string]bool{}
	for _, t := range c.Targets {
		if seen[t.Channel] {
			fault("channel %q has two targets: leave one", t.Channel)
		}
		seen[t.Channel] = true
		if !positive(t.Benchmark) {
			fault("benchmark %v of the channel %q: give the usual cost per lead, more than 0", t.Benchmark, t.Channel)
		}
		if t.Target != 0 && !positive(t.Target) {
			fault("target %v of the channel %q: give a cost per lead, more than 0", t.Target, t.Channel)
		}
	}
	return errors.Join(faults...)
}

func positive(f float64) bool { return f > 0 && !math.IsInf(f, 0) }

// ParamNames are the parameters by which models see the Config.
func ParamNames() []string { return []string{"base_currency"} }

// Params are the values of ParamNames.
func (c Config) Params() warehouse.Params {
	return warehouse.Params{"base_currency": cmp.Or(c.Currency, DefaultCurrency)}
}

// Fill replaces the reference tables by what c says. It may be repeated.
func (c Config) Fill(ctx context.Context, db *warehouse.DB) error {
	share := cmp.Or(c.TargetShare, DefaultTargetShare)
	targets := make([][]any, len(c.Targets))
	for i, t := range c.Targets {
		targets[i] = []any{t.Channel, t.Benchmark, cmp.Or(t.Target, t.Benchmark*share)}
	}
	if err := db.ReplaceRows(ctx, "channel_targets", []string{"channel", "benchmark", "target"}, targets); err != nil {
		return err
	}
	if c.Rates == nil {
		return nil
	}
	known, err := c.Rates()
	if err != nil {
		return err
	}
	rates := make([][]any, len(known))
	for i, r := range known {
		rates[i] = []any{r.Date, r.Currency, r.Rate}
	}
	return db.ReplaceRows(ctx, "exchange_rates", []string{"date", "currency", "rate"}, rates)
}

// sorted orders rates by currency and day, leaves out repetitions, and refuses two that contradict each other.
func sorted(rates []Rate) ([]Rate, error) {
	slices.SortStableFunc(rates, func(a, b Rate) int {
		return cmp.Or(strings.Compare(a.Currency, b.Currency), a.Date.Compare(b.Date))
	})
	var faults []error
	for i, r := range rates[min(1, len(rates)):] {
		if p := rates[i]; p.Currency == r.Currency && p.Date.Equal(r.Date) && p.Rate != r.Rate {
			faults = append(faults, fmt.Errorf("%s on %s is given as %v and as %v: leave one",
				r.Currency, r.Date.Format(time.DateOnly), p.Rate, r.Rate))
		}
	}
	return slices.Compact(rates), errors.Join(faults...)
}
