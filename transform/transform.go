// Package transform computes the derived tables from the raw ones. Each is a SELECT in models/*.sql, computed anew as
// a whole and swapped in at once: nothing is added to, so a run may be repeated, and a late event needs no repair.
package transform

import (
	"context"
	"fmt"
	"time"

	"clew/transform/warehouse"
)

// paramNames are the parameters that every model may use: the moment after which nothing is seen, and the business
// time zone that says which day a moment belongs to.
var paramNames = []string{"as_of", "tz"}

// Config is what the models need to know of the business.
type Config struct {
	// Timezone is the business time zone by its IANA name, as Asia/Shanghai.
	Timezone string
}

// Validate says whether the models can run with c.
func (c Config) Validate() error {
	if c.Timezone == "" || c.Timezone == "Local" {
		return fmt.Errorf("business time zone %q: give an IANA name such as Asia/Shanghai", c.Timezone)
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		return fmt.Errorf("business time zone %q: give an IANA name such as Asia/Shanghai: %w", c.Timezone, err)
	}
	return nil
}

// Result is what one model wrote.
type Result struct {
	Model string
	// Rows is how many its table holds.
	Rows uint64
}

// Run computes every derived table for the moment asOf: what occurred later is not seen. The first model that fails
// ends the run, because those after it would read an old table; results are those of the models before it. Tables are
// replaced one by one, so during a run a reader may see new leads beside old facts.
func Run(ctx context.Context, db *warehouse.DB, asOf time.Time, cfg Config) ([]Result, error) {
	models, err := Models()
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, m := range models {
		rows, err := m.Run(ctx, db, asOf, cfg)
		if err != nil {
			return results, err
		}
		results = append(results, Result{Model: m.Name, Rows: rows})
	}
	return results, nil
}

// Run replaces the model's table by the rows of its SELECT for the moment asOf, and returns their number. After an
// error the table still has its old rows. The same asOf over the same raw rows gives the same table.
func (m Model) Run(ctx context.Context, db *warehouse.DB, asOf time.Time, cfg Config) (uint64, error) {
	if err := cfg.Validate(); err != nil {
		return 0, err
	}
	rows, err := db.Replace(ctx, m.Table, m.Columns, m.SQL, params(asOf, cfg))
	if err != nil {
		return 0, fmt.Errorf("model %s: %w", m.Name, err)
	}
	return rows, nil
}

// params are the values of paramNames.
func params(asOf time.Time, cfg Config) warehouse.Params {
	return warehouse.Params{"as_of": asOf, "tz": cfg.Timezone}
}
