package transform_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// history is one file in testdata/<table>: what happened, and exactly which rows come of it.
type history struct {
	Why      string     `yaml:"why"`
	AsOf     string     `yaml:"as_of"`
	Timezone string     `yaml:"timezone"`
	Rows     seed       `yaml:"rows"`
	Columns  []string   `yaml:"columns"`
	Want     [][]string `yaml:"want"`
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

// TestCases runs every case twice: with the rows as written, and with the rows arriving in another order and twice.
// Neither may show in a derived table.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d cases found", len(files))
	}
	db := warehousetest.Open(t)
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".yaml")
		t.Run(name, func(t *testing.T) {
			h := readHistory(t, file)
			table := filepath.Base(filepath.Dir(file))
			clearRaw(t, db)
			h.Rows.insert(t, db)
			h.check(t, db, table)
			clearRaw(t, db)
			h.Rows.insertBadly(t, db)
			h.check(t, db, table)
			h.checkSecondRun(t, db, table)
		})
	}
}

func clearRaw(t *testing.T, db *warehouse.DB) {
	t.Helper()
	for _, table := range []string{"activities", "assignments", "costs", "events", "lead_updates", "stage_changes"} {
		if err := db.Exec(t.Context(), "TRUNCATE TABLE "+table, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// compute computes the tables by an increment, or by a rebuild.
func (h history) compute(t *testing.T, db *warehouse.DB, by func(
	context.Context, *warehouse.DB, time.Time, transform.Config) (transform.Result, error),
) {
	t.Helper()
	if _, err := by(t.Context(), db, at(h.AsOf), transform.Config{Timezone: h.Timezone}); err != nil {
		t.Fatal(err)
	}
}

func (h history) check(t *testing.T, db *warehouse.DB, table string) {
	t.Helper()
	h.compute(t, db, transform.Rebuild)
	if diff := differences(content(t, db, table, h.Columns), h.Want); diff != "" {
		t.Fatalf("%s\n%s", h.Why, diff)
	}
}

func (h history) checkSecondRun(t *testing.T, db *warehouse.DB, table string) {
	t.Helper()
	models := modelsUpTo(t, table)
	all := models[len(models)-1].Columns
	first := content(t, db, table, all)
	h.compute(t, db, transform.Run)
	if diff := differences(content(t, db, table, all), first); diff != "" {
		t.Fatalf("the second run gave another table:\n%s", diff)
	}
}

func modelsUpTo(t *testing.T, table string) []transform.Model {
	t.Helper()
	models, err := transform.Models()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(models, func(m transform.Model) bool { return m.Table == table })
	if i < 0 {
		t.Fatalf("no model writes %s", table)
	}
	return models[:i+1]
}
