package main

import (
	"fmt"
	"os"

	"clew/transform/sla"
)

// SLAConfig says what leads are owed beyond what is shipped.
type SLAConfig struct {
	// Dir holds the user's own policies, calendars and holidays as *.yaml. Empty: the shipped ones alone.
	Dir string `yaml:"dir"`
}

// slaPlan reads the shipped files and the user's own.
func (c Config) slaPlan() (*sla.Plan, error) {
	if c.SLA.Dir == "" {
		return sla.Load(nil, c.Business.Timezone)
	}
	if info, err := os.Stat(c.SLA.Dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("sla.dir: %q is no directory that can be read; name one with *.yaml files, or leave it empty "+
			"for the shipped policies", c.SLA.Dir)
	}
	plan, err := sla.Load(os.DirFS(c.SLA.Dir), c.Business.Timezone)
	if err != nil {
		return nil, fmt.Errorf("sla.dir: %w", err)
	}
	return plan, nil
}

// validateSLA reads the files, so that `clew check` names what is wrong in them. A wrong time zone is reported elsewhere.
func (c Config) validateSLA() error {
	if c.SLA.Dir == "" {
		return nil
	}
	_, err := c.slaPlan()
	return err
}
