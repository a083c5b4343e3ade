package transform

import (
	"testing"
	"time"

	"clew/transform/warehouse"
)

// Only computes some tables and what they are computed from.
func (c Config) Only(tables ...string) Config {
	c.tables = tables
	return c
}

// Params are those of every model.
func (c Config) Params(asOf time.Time) warehouse.Params { return c.params(asOf) }

// NoSlack lets increments see exactly what arrived since the last run, and nothing of before it once more.
func NoSlack(t *testing.T) {
	was := slack
	slack = 0
	t.Cleanup(func() { slack = was })
}

// ScopeRows lets a rebuild cut the persons into ranges of about n raw rows.
func ScopeRows(t *testing.T, n uint64) {
	was := scopeRows
	scopeRows = n
	t.Cleanup(func() { scopeRows = was })
}
