package transform_test

import (
	"slices"
	"strings"
	"testing"

	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// TestEngineAgreesLeadByLead holds names and types of what a model gives in the work database against its table, whose
// last columns, _ver and _deleted, the runner fills.
func TestEngineAgreesLeadByLead(t *testing.T) {
	db := warehousetest.Open(t)
	cfg := transform.Config{Timezone: "Asia/Shanghai"}
	if _, err := transform.Run(t.Context(), db, at("2026-01-01T00:00:00.000Z"), cfg); err != nil {
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
	for _, table := range []string{"lead_journeys", "lead_signals", "lead_decays"} {
		m := modelOf(t, table)
		got := described(t, work, "("+m.SQL+")", warehouse.Params{"as_of": at("2026-01-01T00:00:00.000Z"), "tz": "Asia/Shanghai"})
		want := slices.DeleteFunc(described(t, db, "TABLE "+table, nil), func(column string) bool {
			return strings.HasPrefix(column, "_")
		})
		if !slices.Equal(got, want) {
			t.Errorf("model %s gives\n%q\nthe table has\n%q", table, got, want)
		}
	}
}
