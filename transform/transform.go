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
	"maps"
	"slices"
	"time"

	"clew/transform/attribution"
	"clew/transform/cost"
	"clew/transform/identity"
	"clew/transform/sla"
	"clew/transform/warehouse"
)

// paramNames are the parameters that every model may use: the moment after which nothing is seen, and the business
// time zone that says which day a moment belongs to.
var paramNames = slices.Concat([]string{"as_of", "tz"}, attribution.ParamNames(), cost.ParamNames())

// Config is what the models need to know of the business.
type Config struct {
	// Timezone is the business time zone by its IANA name, as Asia/Shanghai.
	Timezone string
	// Decays are the decayed sums that are kept of each lead; nil asks for DefaultDecays.
	Decays []Decay
	// SLA is what leads are owed: clocks, cadences and calendars. Nil asks for the shipped ones.
	SLA *sla.Plan
	// Attribution says which touches count for a conversion. Nothing set asks for attribution.Default.
	Attribution attribution.Config
	// Costs are exchange rates and what leads should cost.
	Costs cost.Config
	// Identity says how many may share an id before it links nobody. The zero value asks for its defaults.
	Identity identity.Config
	// Progress is told of each step that is done. It may be nil.
	Progress func(step string)
	// tables names the tables that tests compute, with what they are computed from; nil stands for all.
	tables []string
}

// Validate says whether the models can run with c.
func (c Config) Validate() error {
	if c.Timezone == "" || c.Timezone == "Local" {
		return fmt.Errorf("business time zone %q: give an IANA name such as Asia/Shanghai", c.Timezone)
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		return fmt.Errorf("business time zone %q: give an IANA name such as Asia/Shanghai: %w", c.Timezone, err)
	}
	return errors.Join(checkDecays(c.Decays), c.Attribution.OrDefault().Validate(), c.Costs.Validate())
}

// params are the values of paramNames.
func (c Config) params(asOf time.Time) warehouse.Params {
	p := with(c.Attribution.OrDefault().Params(), c.Costs.Params())
	return with(p, warehouse.Params{"as_of": asOf, "tz": c.Timezone})
}

// models are those that run.
func (c Config) models() ([]Model, error) {
	models, err := Models()
	if err != nil || c.tables == nil {
		return models, err
	}
	need := slices.Clone(c.tables)
	for _, m := range slices.Backward(models) {
		if slices.Contains(need, m.Table) {
			need = append(need, m.Reads...)
		}
	}
	return slices.DeleteFunc(models, func(m Model) bool { return !slices.Contains(need, m.Table) }), nil
}

// with gives the parameters of a statement beside those of every model.
func with(p, more warehouse.Params) warehouse.Params {
	all := maps.Clone(p)
	maps.Copy(all, more)
	return all
}

// plan names what the tables are computed by: tables of another plan are rebuilt.
func (c Config) plan(models []Model) string {
	sum := sha256.New()
	fmt.Fprintln(sum, c.SLA.Hash())
	// Rates and targets touch only tables that each run replaces.
	c.Progress, c.SLA, c.Costs, c.Decays = nil, nil, cost.Config{}, c.decays()
	fmt.Fprintf(sum, "%#v %#v", c, histories)
	for _, m := range models {
		fmt.Fprintf(sum, "%#v", m)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// calendarFrom and calendarTo bound what calendars are written out for. A deadline in working hours is told for nothing
// outside them.
var (
	calendarFrom = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	calendarTo   = time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Result is what a run did.
type Result struct {
	// Rebuilt says that every lead was computed anew.
	Rebuilt bool
	// Leads is how many persons an increment computed, visitors who are no lead yet included; 0 for a rebuild.
	Leads uint64
	// Rows is how many rows were written to each table.
	Rows map[string]uint64
}

// Run brings the derived tables up to the moment asOf: what occurred later is not seen. It computes the leads that
// something happened to since the last run, or all of them where there was none, where models or settings are others
// than then, where asOf lies before it, or where rows arrived in a way that the last run could not see. After an error
// it may be repeated: what was written is written again. Runs of one database must be kept apart by whoever starts them.
// During a run a reader may see new facts beside old journeys, of one lead too; of one table he sees the old rows of a
// lead or the new ones.
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
	cfg      Config
	models   []Model
	params   warehouse.Params
	// last is how far the tables were, mark how far they will be.
	last, mark watermark
	// strangers are the rows without a lead_id, by table.
	strangers map[string]strangers
	result    Result
}

func start(ctx context.Context, db *warehouse.DB, asOf time.Time, cfg Config, rebuild bool) (_ Result, err error) {
	if err := cfg.Validate(); err != nil {
		return Result{}, err
	}
	models, err := cfg.models()
	if err != nil {
		return Result{}, err
	}
	if cfg.SLA == nil {
		if cfg.SLA, err = sla.Load(nil, cfg.Timezone); err != nil {
			return Result{}, err
		}
	}
	r := &run{db: db, cfg: cfg, models: models, params: cfg.params(asOf), result: Result{Rows: map[string]uint64{}}}
	if r.work, err = db.Work(ctx); err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, r.work.Close()) }()
	leads, err := r.readMarks(ctx, asOf, cfg.plan(models))
	if err != nil {
		return Result{}, err
	}
	r.result.Rebuilt = rebuild || !leads
	return r.result, r.do(ctx)
}

// do computes everything. The watermark is written last.
func (r *run) do(ctx context.Context) error {
	if err := r.mark.write(ctx, r.db, watermarkBegun); err != nil {
		return err
	}
	r.told("begin")
	if err := r.prepare(ctx); err != nil {
		return err
	}
	r.told("prepare")
	if err := r.identify(ctx); err != nil {
		return err
	}
	if err := r.findStrangers(ctx); err != nil {
		return err
	}
	compute := r.increment
	if r.result.Rebuilt {
		if err := r.fillSettings(ctx); err != nil {
			return err
		}
		compute = r.rebuild
	}
	if err := compute(ctx); err != nil {
		return err
	}
	if err := r.cfg.Costs.Fill(ctx, r.db); err != nil {
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
		r.told("model " + m.Name)
	}
	if err := r.attribute(ctx); err != nil {
		return err
	}
	return r.mark.write(ctx, r.db, WatermarkName)
}

// fillSettings writes the tables of settings that models by lead read. They change with the plan, so a rebuild is enough.
func (r *run) fillSettings(ctx context.Context) error {
	read := r.references()
	if slices.Contains(read, "decays") {
		if err := fillDecays(ctx, r.db, r.cfg.decays()); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(sla.Tables, func(table string) bool { return slices.Contains(read, table) }) {
		if _, err := r.cfg.SLA.Fill(ctx, r.db, calendarFrom, calendarTo); err != nil {
			return err
		}
	}
	r.told("fill the settings")
	return nil
}

// attribute computes what is not said in SQL: the channels' credits by all paths together. Where nobody was computed
// the paths are those of the last run.
func (r *run) attribute(ctx context.Context) error {
	if !r.result.Rebuilt && r.result.Leads == 0 {
		return nil
	}
	if !slices.ContainsFunc(r.models, func(m Model) bool { return m.Table == "attribution_paths" }) {
		return nil
	}
	rows, err := attribution.Compute(ctx, r.db)
	if err != nil {
		return fmt.Errorf("attribution: %w", err)
	}
	r.result.Rows["attribution_channels"] = rows
	r.told("attribution_channels")
	return nil
}

// identify finds out who is who, by the rows that arrived since the last run or by all of them.
func (r *run) identify(ctx context.Context) (err error) {
	if r.result.Rebuilt {
		_, err = identity.Rebuild(ctx, r.db, r.cfg.Identity)
	} else {
		_, err = identity.Update(ctx, r.db, r.last.ArrivedUntil, r.cfg.Identity)
	}
	r.told("identify")
	return err
}

func (r *run) byLead() []Model {
	return slices.DeleteFunc(slices.Clone(r.models), func(m Model) bool { return !m.ByLead })
}

// told tells whoever wants to know that a step is done.
func (r *run) told(step string) {
	if r.cfg.Progress != nil {
		r.cfg.Progress(step)
	}
}
