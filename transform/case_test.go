package transform_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.yaml.in/yaml/v4"

	"clew/transform"
	"clew/transform/sla"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// history is one file in testdata/<table>: what happened, and exactly which rows come of it.
type history struct {
	Why      string `yaml:"why"`
	AsOf     string `yaml:"as_of"`
	Timezone string `yaml:"timezone"`
	// SLA are files of policies and calendars by name, beside the shipped ones.
	SLA     map[string]string `yaml:"sla"`
	Rows    seed              `yaml:"rows"`
	Columns []string          `yaml:"columns"`
	Want    [][]string        `yaml:"want"`
}

func readHistory(t *testing.T, file string) history {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	h := history{Timezone: "Asia/Shanghai"}
	if err := yaml.Load(text, &h, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	if h.Why == "" || len(h.Columns) == 0 {
		t.Fatal("the case lacks why or columns")
	}
	return h
}

// TestCases runs every case by a rebuild over rows that arrived in another order and twice; once more with nothing new; and
// by increments, as the rows arrive one piece after the other. None of that may show in a derived table.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d cases found", len(files))
	}
	transform.NoSlack(t)
	db := warehousetest.Open(t)
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".yaml")
		t.Run(name, func(t *testing.T) {
			h := readHistory(t, file)
			table := filepath.Base(filepath.Dir(file))
			all := modelOf(t, table).Columns
			clearAll(t, db)
			h.Rows.insertBadly(t, db)
			h.compute(t, db, table, h.AsOf, transform.Rebuild)
			h.check(t, db, table)
			first := content(t, db, table, all)
			for _, again := range []struct {
				how string
				run func()
			}{
				{"a second run", func() { h.compute(t, db, table, h.AsOf, transform.Run) }},
				{"increments", func() { h.increments(t, db, table) }},
			} {
				again.run()
				if diff := differences(content(t, db, table, all), first); diff != "" {
					t.Errorf("%s gives another table:\n%s", again.how, diff)
				}
			}
		})
	}
}

// increments lets the rows arrive in pieces, with a run after each, the first of which sees no more than half a month
// before the last.
func (h history) increments(t *testing.T, db *warehouse.DB, table string) {
	t.Helper()
	clearAll(t, db)
	pieces := h.Rows.pieces(t, db, rand.New(rand.NewPCG(1, uint64(len(h.Why)))), 2)
	for i, piece := range pieces {
		piece.insert(t, db)
		asOf := at(h.AsOf).AddDate(0, 0, 7*(i+1-len(pieces)))
		h.compute(t, db, table, asOf.Format(time.RFC3339Nano), transform.Run)
	}
}

// clearAll empties every table that has rows, but for the ledger of migrations.
func clearAll(t *testing.T, db *warehouse.DB) {
	t.Helper()
	var full []struct {
		Name string `ch:"name"`
	}
	err := db.Select(t.Context(), &full, "SELECT name FROM system.tables WHERE database = {database:String} AND total_rows > 0 "+
		"AND name != 'schema_migrations'", warehouse.Params{"database": db.Name()})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range full {
		if err := db.Exec(t.Context(), "TRUNCATE TABLE "+table.Name, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// compute computes a table and what it reads by an increment, or by a rebuild.
func (h history) compute(t *testing.T, db *warehouse.DB, table, asOf string, by func(
	context.Context, *warehouse.DB, time.Time, transform.Config) (transform.Result, error),
) {
	t.Helper()
	cfg := transform.Config{Timezone: h.Timezone, SLA: h.plan(t)}
	if _, err := by(t.Context(), db, at(asOf), cfg.Only(table)); err != nil {
		t.Fatal(err)
	}
}

func (h history) plan(t *testing.T) *sla.Plan {
	t.Helper()
	files := fstest.MapFS{}
	for name, text := range h.SLA {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	plan, err := sla.Load(files, h.Timezone)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func (h history) check(t *testing.T, db *warehouse.DB, table string) {
	t.Helper()
	if diff := differences(content(t, db, table, h.Columns), h.Want); diff != "" {
		t.Fatalf("%s\n%s", h.Why, diff)
	}
}

func modelOf(t *testing.T, table string) transform.Model {
	t.Helper()
	models, err := transform.Models()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(models, func(m transform.Model) bool { return m.Table == table })
	if i < 0 {
		t.Fatalf("no model writes %s", table)
	}
	return models[i]
}
