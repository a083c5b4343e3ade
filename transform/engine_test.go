package transform_test

import (
	"slices"
	"testing"

	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// described is name and type of each column that DESCRIBE shows of a table or a parenthesised SELECT.
func described(t *testing.T, db *warehouse.DB, what string, p warehouse.Params) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), "DESCRIBE "+what, p)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var columns []string
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		columns = append(columns, values[0].(string)+" "+values[1].(string))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns
}

// TestEngineAgrees lets the engine plan every model over empty tables, those by lead in the work database, and holds names
// and types against the target: INSERT … SELECT matches by position and converts in silence.
func TestEngineAgrees(t *testing.T) {
	db := warehousetest.Open(t)
	models, err := transform.Models()
	if err != nil {
		t.Fatal(err)
	}
	asOf, cfg := at("2026-01-01T00:00:00.000Z"), transform.Config{Timezone: "Asia/Shanghai"}
	if _, err := transform.Run(t.Context(), db, asOf, cfg); err != nil {
		t.Fatal(err)
	}
	work, err := db.Work(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := work.Close(); err != nil {
			t.Error(err)
		}
	}()
	p := cfg.Params(asOf)
	for _, m := range models {
		in := db
		if m.ByLead {
			in = work
		}
		if err := in.Exec(t.Context(), "EXPLAIN "+m.SQL, p); err != nil {
			t.Errorf("model %s: %v", m.Name, err)
			continue
		}
		got, want := described(t, in, "("+m.SQL+")", p), described(t, in, "TABLE "+m.Table, nil)
		if !slices.Equal(got, want) {
			t.Errorf("model %s gives\n%q\nthe table %s has\n%q", m.Name, got, m.Table, want)
		}
	}
}

func TestRunOnEmptyTables(t *testing.T) {
	db := warehousetest.Open(t)
	r, err := transform.Run(t.Context(), db, at("2026-01-01T00:00:00.000Z"), transform.Config{Timezone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	for table, rows := range r.Rows {
		if rows != 0 {
			t.Errorf("%d rows in %s", rows, table)
		}
	}
}
