// Package attribution shares conversions out to the touches before them. Seven rules look at one path at a time: as SQL
// in ../models/attribution_credits.sql, and here in plain Go, which the SQL is held against. Two models look at all
// paths together, Markov and Shapley: they are computed here, from counts.
package attribution

import (
	"errors"
	"fmt"
	"time"

	"clew/transform/warehouse"
)

// Config says which touches count.
type Config struct {
	// Lookback is how long before a conversion a touch may lie and still have a share in it.
	Lookback time.Duration
	// Direct are the channels of those who came of themselves, as they are written in the events.
	Direct []string
	// ExcludeDirect leaves touches of those channels out of each path that has another touch. Otherwise the rule
	// last_non_direct alone passes over them.
	ExcludeDirect bool
}

// Default is a lookback of 90 days, and the names under which sources report direct visits.
func Default() Config {
	return Config{Lookback: 90 * 24 * time.Hour, Direct: []string{"(direct)", "direct", "direct_traffic"}}
}

// Validate says whether paths can be cut with c.
func (c Config) Validate() error {
	if c.Lookback < time.Millisecond {
		return fmt.Errorf("attribution lookback is %s: touches before a conversion would never count; "+
			"give a positive time such as 2160h, which is 90 days", c.Lookback)
	}
	if c.ExcludeDirect && len(c.Direct) == 0 {
		return errors.New("attribution is to exclude direct channels and none is named; name them, or exclude none")
	}
	return nil
}

// OrDefault is c, or Default where nothing is set in c.
func (c Config) OrDefault() Config {
	if c.Lookback == 0 && c.Direct == nil && !c.ExcludeDirect {
		return Default()
	}
	return c
}

// Params are the values of ParamNames.
func (c Config) Params() warehouse.Params {
	direct := c.Direct
	if direct == nil {
		direct = []string{}
	}
	return warehouse.Params{
		"lookback_ms": c.Lookback.Milliseconds(), "direct": direct, "exclude_direct": c.ExcludeDirect,
	}
}

// ParamNames are the parameters by which the models of attribution see the Config.
func ParamNames() []string { return []string{"lookback_ms", "direct", "exclude_direct"} }
