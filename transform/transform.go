// Package transform computes the derived tables from the raw ones. Each is a SELECT in models/*.sql. Most are computed
// lead by lead: a run takes the leads that something happened to, gathers their whole history from the raw tables and
// replaces their rows. The others are replaced as a whole. Nothing is ever added up, so a run may be repeated and a late
// event needs no repair: any sequence of runs gives the tables that one rebuild would give.
package transform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
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
	// Decays are the decayed sums that are kept of each lead; nil asks for DefaultDecays.
	Decays []Decay
}

// Validate says whether the models can run with c.
func (c Config) Validate() error {
	if c.Timezone == "" || c.Timezone == "Local" {
		return fmt.Errorf("business time zone %q: give an IANA name such as Asia/Shanghai", c.Timezone)
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		return fmt.Errorf("business time zone %q: give an IANA name such as Asia/Shanghai: %w", c.Timezone, err)
	}
	return checkDecays(c.Decays)
}

// params are the values of paramNames.
func (c Config) params(asOf time.Time) warehouse.Params {
	return warehouse.Params{"as_of": asOf, "tz": c.Timezone}
}

// plan names what the tables are computed by: tables of another plan are rebuilt.
func (c Config) plan(models []Model) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%#v", c)
	for _, m := range models {
		fmt.Fprintf(sum, "%#v", m)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Result is what a run did.
type Result struct {
	// Rebuilt says that every lead was computed anew.
	Rebuilt bool
	// Leads is how many persons were computed, visitors who are no lead yet included.
	Leads uint64
	// Rows is how many rows were written to each table.
	Rows map[string]uint64
}

// Run brings the derived tables up to the moment asOf: what occurred later is not seen. It computes the leads that
// something happened to since the last run, or all of them where there was none, where models or settings are others
// than then, or where asOf lies before it. After an error it may be repeated: what was written is written again. Runs of
// one database must be kept apart by whoever starts them. During a run a reader may see new facts beside old journeys,
// of one lead too; of one table he sees the old rows of a lead or the new ones.
func Run(ctx context.Context, db *warehouse.DB, asOf time.Time, cfg Config) (Result, error) {
	return start(ctx, db, asOf, cfg, false)
}

// Rebuild computes every lead anew, beside the tables that are read meanwhile, and swaps the tables in at its end.
func Rebuild(ctx context.Context, db *warehouse.DB, asOf time.Time, cfg Config) (Result, error) {
	return start(ctx, db, asOf, cfg, true)
}

// run is one run under way.
type run struct {
	db, work *warehouse.DB
	models   []Model
	params   warehouse.Params
	// last is how far the tables were, mark how far they will be.
	last, mark watermark
	result     Result
}

func start(ctx context.Context, db *warehouse.DB, asOf time.Time, cfg Config, rebuild bool) (_ Result, err error) {
	if err := cfg.Validate(); err != nil {
		return Result{}, err
	}
	models, err := Models()
	if err != nil {
		return Result{}, err
	}
	r := &run{db: db, models: models, params: cfg.params(asOf), result: Result{Rows: map[string]uint64{}}}
	if r.work, err = db.Work(ctx); err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, r.work.Close()) }()
	if r.last, err = readWatermark(ctx, db); err != nil {
		return Result{}, err
	}
	if r.mark, err = newWatermark(ctx, db, r.last, asOf, cfg.plan(models)); err != nil {
		return Result{}, err
	}
	if err = fillDecays(ctx, db, cfg.decays()); err != nil {
		return Result{}, err
	}
	r.result.Rebuilt = rebuild || !r.last.leadsTo(r.mark)
	return r.result, r.do(ctx)
}

// do computes everything. The watermark is written last.
func (r *run) do(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	compute := r.increment
	if r.result.Rebuilt {
		compute = r.rebuild
	}
	if err := compute(ctx); err != nil {
		return err
	}
	for _, m := range r.models {
		if m.ByLead {
			continue
		}
		rows, err := r.db.Replace(ctx, m.Table, m.Columns, m.SQL, r.params)
		if err != nil {
			return fmt.Errorf("model %s: %w", m.Name, err)
		}
		r.result.Rows[m.Table] = rows
	}
	return r.mark.write(ctx, r.db)
}
