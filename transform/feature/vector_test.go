package feature_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"clew/transform/feature"
	"clew/transform/warehouse"
)

// key is an observation.
type key struct {
	lead string
	at   int64
}

// vectors asks the engine for all features at the observations, each a float64, a string or nil. An observation that
// has no vector, or two, fails.
func vectors(t *testing.T, db *warehouse.DB, features []feature.Feature, observed map[string][]int64) map[key][]any {
	t.Helper()
	create := "CREATE OR REPLACE TABLE observations (workspace String, lead_id String, observed_at DateTime64(3, 'UTC')) ENGINE = Memory"
	if err := db.Exec(t.Context(), create, nil); err != nil {
		t.Fatal(err)
	}
	batch, err := db.Insert(t.Context(), "observations", []string{"workspace", "lead_id", "observed_at"})
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Abort()
	left := map[key]int{}
	for lead, moments := range observed {
		for _, at := range moments {
			left[key{lead, at}]++
			if err := batch.Append("w", lead, time.UnixMilli(at).UTC()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	sql, params := feature.SQL(features, "observations")
	params["tz"] = "Asia/Shanghai"
	rows, err := db.Query(t.Context(), sql, params)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[key][]any{}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		k := key{values[1].(string), values[2].(time.Time).UnixMilli()}
		left[k]--
		for _, v := range values[3:] {
			if flag, ok := v.(uint8); ok {
				v = float64(flag)
			}
			found[k] = append(found[k], v)
		}
		found[k] = found[k][:len(features)]
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for k, n := range left {
		if n != 0 {
			t.Fatalf("%v was observed %d times more than it has vectors", k, n)
		}
	}
	return found
}

func show(v any) string { return fmt.Sprint(v) }

var decimal = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,6})?$`)

// parse reads a plain decimal number.
func parse(text string) (float64, bool) {
	if !decimal.MatchString(text) {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}
