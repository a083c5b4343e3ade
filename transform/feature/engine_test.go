package feature_test

import (
	"fmt"
	"testing"

	"clew/transform/feature"
	"clew/transform/warehouse/warehousetest"
)

const noObservations = "(SELECT '' AS workspace, '' AS lead_id, toDateTime64(0, 3, 'UTC') AS observed_at)"

// TestEngineTakesEach lets the engine run every feature alone, over the empty history of a lead that is not there.
func TestEngineTakesEach(t *testing.T) {
	db := warehousetest.Open(t)
	types := map[feature.Type]string{
		feature.TypeNumber: "Nullable(Float64)", feature.TypeCategory: "Nullable(String)", feature.TypeFlag: "Nullable(UInt8)",
	}
	for _, f := range feature.Catalogue() {
		sql, params := feature.SQL([]feature.Feature{f}, noObservations)
		params["tz"] = "Asia/Shanghai"
		rows, err := db.Query(t.Context(), sql, params)
		if err != nil {
			t.Errorf("%s: %v\n%s", f.ID, err, sql)
			continue
		}
		n := 0
		for rows.Next() {
			n++
		}
		if err := rows.Err(); err != nil || n != 1 {
			t.Errorf("%s: %d rows, %v", f.ID, n, err)
		}
		columns := rows.Columns()
		if want := fmt.Sprint("_f1 ", types[f.Type]); len(columns) != 4 || columns[3].Name+" "+columns[3].Type != want {
			t.Errorf("%s: columns %v, want the fourth to be %s", f.ID, columns, want)
		}
	}
}
