package transform_test

import (
	"math"
	"strconv"
	"testing"
	"time"

	"clew/transform/warehouse"
)

// checkSums holds the sums of channel_daily against its sources: nothing may be lost or doubled on the way into days.
func checkSums(t *testing.T, db *warehouse.DB, s seed, asOf time.Time, facts [][]string) {
	t.Helper()
	columns := modelOf(t, "lead_facts").Columns
	want := map[string]float64{}
	for _, fact := range facts {
		is := map[string]string{}
		for i, column := range columns {
			is[column] = fact[i]
		}
		if is["is_invalid"] == "true" {
			want["invalid_leads"]++
			continue
		}
		want["leads"]++
		for sum, column := range map[string]string{
			"mqls": "mql_at", "sqls": "sql_at", "opportunities": "opportunity_at", "won": "won_at",
		} {
			if is[column] != "none" {
				want[sum]++
			}
		}
		amount, err := strconv.ParseFloat(is["won_amount"], 64)
		if err != nil {
			t.Fatal(err)
		}
		want["won_amount"] += amount
	}
	for _, cost := range s["costs"] {
		if !cost["date"].(time.Time).After(asOf) {
			want["cost"] += cost["amount"].(float64)
		}
	}
	got := sums(t, db)
	for _, name := range sumColumns {
		if math.Abs(got[name]-want[name]) > 1e-9 || want[name] == 0 {
			t.Errorf("sum of %s is %v, want %v and not nothing", name, got[name], want[name])
		}
	}
}

var sumColumns = []string{
	"leads", "invalid_leads", "mqls", "sqls", "opportunities", "won", "won_amount", "cost",
}

func sums(t *testing.T, db *warehouse.DB) map[string]float64 {
	t.Helper()
	sql := "SELECT "
	for i, name := range sumColumns {
		if i > 0 {
			sql += ", "
		}
		sql += "toFloat64(sum(" + name + "))"
	}
	rows, err := db.Query(t.Context(), sql+" FROM channel_daily", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]float64{}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range sumColumns {
			found[name] = values[i].(float64)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}
