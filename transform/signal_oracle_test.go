package transform_test

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clew/transform"
	"clew/transform/warehouse"
)

// oracleDecays asks for one sum by name and for every signal, for a limit a day, and for a half-life of an hour, by which
// what is months old is a number of thousands of halvings.
var oracleDecays = []transform.Decay{
	{HalfLifeHours: 168},
	{Signal: "page_view", HalfLifeHours: 168},
	{Signal: "page_view", HalfLifeHours: 720, PerDay: 2},
	{Signal: "demo_request:价格", HalfLifeHours: 2160, PerDay: 1},
	{HalfLifeHours: 1, PerDay: 1},
	{Signal: "nothing", HalfLifeHours: 5},
}

// counted is a row of lead_signals under way.
type counted struct {
	values      []float64
	first, last time.Time
}

// tellSignals gives the rows of lead_signals.
func tellSignals(t *testing.T, stories map[leadKey]seed, timezone string) [][]string {
	t.Helper()
	zone, err := time.LoadLocation(timezone)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]string
	for _, key := range sortedKeys(stories) {
		days := map[[2]string]counted{}
		for _, table := range []string{"events", "activities"} {
			for _, r := range stories[key][table] {
				for _, signal := range signalsOf(table, r) {
					day := [2]string{signal, when(r).In(zone).Format(time.DateOnly)}
					c, value := days[day], r["value"]
					if table == "activities" {
						value = r["duration_s"]
					}
					if number, ok := value.(float64); ok {
						c.values = append(c.values, number)
					} else {
						c.values = append(c.values, 0)
					}
					if c.first.IsZero() {
						c.first = when(r)
					}
					c.last = when(r)
					days[day] = c
				}
			}
		}
		for _, day := range slices.SortedFunc(maps.Keys(days), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
			c, sum := days[day], 0.0
			for _, v := range slices.Sorted(slices.Values(c.values)) {
				sum += v
			}
			lines = append(lines, []string{
				key[0], key[1], day[0], day[1], fmt.Sprint(len(c.values)), text(sum), text(c.first), text(c.last),
			})
		}
	}
	return lines
}

func signalsOf(table string, r row) []string {
	switch {
	case table == "activities" && r["effective"] == true:
		return []string{"activity:" + r["method"].(string), "activity:" + r["method"].(string) + ":effective"}
	case table == "activities":
		return []string{"activity:" + r["method"].(string)}
	case r["type"] == "touchpoint":
		return []string{"touch:" + r["name"].(string)}
	case r["page_group"] == "":
		return []string{r["name"].(string)}
	default:
		return []string{r["name"].(string), r["name"].(string) + ":" + r["page_group"].(string)}
	}
}

// checkDecays holds lead_decays, brought forward to asOf, against sums over the days of the signals as of asOf.
func checkDecays(t *testing.T, db *warehouse.DB, signals [][]string, asOf time.Time) {
	t.Helper()
	want := map[string]float64{}
	lasts := map[string]string{}
	for _, line := range signals {
		last := at(line[7])
		n, err := strconv.ParseFloat(line[4], 64)
		if err != nil {
			t.Fatal(err)
		}
		asked := map[[2]uint32]bool{}
		for _, d := range oracleDecays {
			if d.Signal == "" || d.Signal == line[2] {
				asked[[2]uint32{d.HalfLifeHours, d.PerDay}] = true
			}
		}
		for d := range asked {
			key := strings.Join(append(slices.Clone(line[:3]), fmt.Sprint(d)), " ")
			limit := cmp.Or(float64(d[1]), math.Inf(1))
			want[key] += min(n, limit) * math.Exp2(-asOf.Sub(last).Hours()/float64(d[0]))
			lasts[key] = text(last)
		}
	}
	checked := 0
	for _, line := range content(t, db, "lead_decays", modelOf(t, "lead_decays").Columns) {
		key := strings.Join(append(slices.Clone(line[:3]), "["+line[3]+" "+line[4]+"]"), " ")
		if line[6] != lasts[key] {
			t.Fatalf("%s: last at %s, want %s", key, line[6], lasts[key])
		}
		checkDecay(t, key, line, want[key], asOf)
		delete(want, key)
		checked++
	}
	if len(want) != 0 || checked == 0 {
		t.Errorf("%d sums are right, %d are missing, as %.300v", checked, len(want), slices.Sorted(maps.Keys(want)))
	}
}

func checkDecay(t *testing.T, key string, line []string, want float64, asOf time.Time) {
	t.Helper()
	state, err := strconv.ParseFloat(line[5], 64)
	if err != nil {
		t.Fatal(err)
	}
	halfLife, err := strconv.ParseFloat(line[3], 64)
	if err != nil {
		t.Fatal(err)
	}
	got := state * math.Exp2(-asOf.Sub(at(line[6])).Hours()/halfLife)
	// Below the smallest normal number a float has fewer digits.
	if math.Abs(got-want) > 1e-9*want && math.Max(got, want) > 1e-300 {
		t.Errorf("%s: got %v, want %v", key, got, want)
	}
}
