package warehouse_test

import (
	"os"
	"testing"

	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashVar); dir != "" {
		os.Exit(crashChild(dir))
	}
	os.Exit(warehousetest.Main(m))
}

// query returns all rows of a statement as plain values.
func query(t testing.TB, db *warehouse.DB, sql string, p warehouse.Params) [][]any {
	t.Helper()
	rows, err := db.Query(t.Context(), sql, p)
	if err != nil {
		t.Fatalf("%v\nin %s", err, sql)
	}
	defer rows.Close()
	var all [][]any
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, values)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v\nin %s", err, sql)
	}
	return all
}

func exec(t testing.TB, db *warehouse.DB, sql string) {
	t.Helper()
	if err := db.Exec(t.Context(), sql, nil); err != nil {
		t.Fatalf("%v\nin %s", err, sql)
	}
}
