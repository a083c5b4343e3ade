package attribution_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/transform"
	"clew/transform/attribution"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// TestEngineAgrees holds names and types of each model against its table: INSERT … SELECT matches by position and
// converts in silence.
func TestEngineAgrees(t *testing.T) {
	db := warehousetest.Open(t)
	models, err := transform.Models()
	if err != nil {
		t.Fatal(err)
	}
	p := warehouse.Params{"tz": "Asia/Shanghai", "base_currency": "CNY"}
	maps.Copy(p, attribution.Default().Params())
	checked := 0
	for _, m := range models {
		if !strings.HasPrefix(m.Table, "attribution_") {
			continue
		}
		checked++
		if err := db.Exec(t.Context(), "EXPLAIN "+m.SQL, p); err != nil {
			t.Errorf("model %s: %v", m.Name, err)
			continue
		}
		var want []string
		for _, column := range described(t, db, "TABLE "+m.Table, nil) {
			if !strings.HasPrefix(column, "_") {
				want = append(want, column)
			}
		}
		if diff := cmp.Diff(want, described(t, db, "("+m.SQL+")", p)); diff != "" {
			t.Errorf("model %s: the table (-), the model (+):\n%s", m.Name, diff)
		}
	}
	if checked != 3 {
		t.Errorf("%d models were checked, want three", checked)
	}
}

// described is name and type of each column.
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
