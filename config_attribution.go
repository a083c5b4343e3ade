package main

import (
	"fmt"
	"time"

	"clew/transform/attribution"
)

// AttributionConfig says which touches have a share in a conversion.
type AttributionConfig struct {
	// Lookback is how long before the conversion a touch may lie.
	Lookback time.Duration `yaml:"lookback"`
	// Direct are the channels of those who came of themselves, as the events write them.
	Direct []string `yaml:"direct"`
	// ExcludeDirect leaves touches of those channels out of each path that has others.
	ExcludeDirect bool `yaml:"exclude_direct"`
}

func (c AttributionConfig) validate() error {
	if err := attribution.Config(c).Validate(); err != nil {
		return fmt.Errorf("attribution: %w", err)
	}
	return nil
}
