package transform_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

var (
	trials      = flag.Bool("transform.trials", false, "run the trials that measure transform")
	trialEvents = flag.Uint64("transform.events", 20_000_000, "events of the trial; a tenth as many leads have them")
)

// trialMemory is what one statement may use, in bytes.
const trialMemory = 4 << 30

// trialTables are the rows of the trial by raw table: how many for each ten events, and what they hold. n is the number
// of the row, lead that of its lead, one of {leads}. Every tenth event is a visitor's, and every second visitor is known
// by the update of a lead.
var trialTables = []struct {
	name, columns, values string
	perTen                uint64
}{
	{
		"events", "type, name, channel, source, campaign, page_group, value, session_id, url, properties",
		`if(n % 5 = 0, 'touchpoint', 'behavior'), ['page_view', 'casebook_download', 'demo_request', 'video_play'][1 + h % 4],
		['sem', 'social', 'expo', 'referral', 'direct', 'email'][1 + h % 6], ['baidu', 'wechat', 'douyin'][1 + h % 3],
		concat('c', toString(h % 100)), ['home', 'pricing', 'cases'][1 + h % 3], 1,
		toString(h % 5000000), concat('https://example.com/p/', toString(h % 1000)), map('device', ['phone', 'pc'][1 + h % 2])`, 10,
	},
	{
		"lead_updates", "company, source, attributes, contact_name",
		`concat('company ', toString(lead % 700000)), ['web', 'fair'][1 + h % 2], map('region', toString(h % 30), 'urgency', '0-3m',
		'budget_match', 'match', 'company_size', 'large', 'industry', toString(h % 20)), concat('name ', toString(lead))`, 1,
	},
	{"stage_changes", "stage, amount, currency", "['new', 'mql', 'sql', 'opportunity', 'won', 'lost'][1 + h % 6], 100, 'CNY'", 2},
	{"assignments", "owner, team, action", "concat('o', toString(h % 200)), concat('t', toString(h % 20)), 'assigned'", 1},
	{"activities", "owner, method, effective, duration_s", "concat('o', toString(h % 200)), 'call', h % 3 = 0, 60", 2},
}

// fill adds rows of numbers from to until of all trial tables, by {rows} a ten events, and waits until they are old
// enough not to be seen twice.
func fillTrial(t *testing.T, db *warehouse.DB, events, leads uint64) {
	t.Helper()
	for _, table := range trialTables {
		err := db.Exec(t.Context(), fmt.Sprintf(`INSERT INTO %s (workspace, event_id, lead_id, anonymous_id, identifiers,
    occurred_at, received_at, %s)
SELECT 'default', concat('%[1]s', toString(n)), if(stranger AND '%[1]s' = 'events', '', concat('lead-', toString(lead))),
    multiIf(stranger AND '%[1]s' = 'events', concat('visitor-', toString(lead)), '%[1]s' = 'lead_updates' AND lead %% 2 = 0,
        concat('visitor-', toString(lead)), ''),
    CAST(map() AS Map(LowCardinality(String), String)), at, at, %[3]s
FROM
(
    SELECT number AS n, cityHash64(number, '%[1]s') AS h, cityHash64(h) %% {leads:UInt64} AS lead, h %% 10 = 9 AS stranger,
        toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalSecond(cityHash64(h, 1) %% 28000000) AS at
    FROM numbers({rows:UInt64})
)`, table.name, table.columns, table.values), warehouse.Params{"leads": leads, "rows": events * table.perTen / 10})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// arriveLate adds an event of an earlier month for each of n leads.
func arriveLate(t *testing.T, db *warehouse.DB, n, leads uint64, round string) {
	t.Helper()
	err := db.Exec(t.Context(), `INSERT INTO events (workspace, event_id, lead_id, type, name, channel, occurred_at, received_at)
SELECT 'default', concat({round:String}, toString(number)), concat('lead-', toString(cityHash64(number, {round:String}) % {leads:UInt64})), 'behavior',
    'page_view', 'sem', toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalSecond(cityHash64(number) % 28000000), now64(3)
FROM numbers({n:UInt64})`, warehouse.Params{"n": n, "leads": leads, "round": round})
	if err != nil {
		t.Fatal(err)
	}
}

// stopwatch adds up the time between the steps of a run.
type stopwatch struct {
	steps map[string]time.Duration
	since time.Time
	all   time.Duration
	// cpu is what all threads of the process took meanwhile, merges in the background included.
	cpu time.Duration
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// timed measures a run.
func timed(ctx context.Context, t *testing.T, db *warehouse.DB, by func(context.Context, *warehouse.DB, time.Time,
	transform.Config) (transform.Result, error),
) (stopwatch, transform.Result) {
	t.Helper()
	w := stopwatch{steps: map[string]time.Duration{}, since: time.Now()}
	began, used := w.since, processorTime(t)
	cfg := transform.Config{Timezone: "Asia/Shanghai", Progress: func(step string) {
		w.steps[step] += time.Since(w.since)
		w.since = time.Now()
	}}
	r, err := by(ctx, db, at("2026-12-01T00:00:00Z"), cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.all, w.cpu = time.Since(began), processorTime(t)-used
	return w, r
}

func (w stopwatch) print(name string) {
	fmt.Printf("%-40s %9.2f s, %.2f s of processors\n", name, w.all.Seconds(), w.cpu.Seconds())
	steps := slices.SortedFunc(maps.Keys(w.steps), func(a, b string) int { return cmp.Compare(w.steps[b], w.steps[a]) })
	for _, step := range steps {
		if w.steps[step] > w.all/200 {
			fmt.Printf("  %-38s %9.2f s\n", step, w.steps[step].Seconds())
		}
	}
}

// TestTransformTrial measures a rebuild, an increment of one lead in a hundred and one of nothing.
func TestTransformTrial(t *testing.T) {
	if !*trials {
		t.Skip("measures; run it with make bench-transform")
	}
	db := warehousetest.Open(t)
	events, leads := *trialEvents, *trialEvents/10
	ctx := warehouse.WithSettings(t.Context(), map[string]any{"max_memory_usage": trialMemory})
	began := time.Now()
	fillTrial(t, db, events, leads)
	fmt.Printf("%-40s %9.2f s\n", "fill the raw tables", time.Since(began).Seconds())
	time.Sleep(2 * time.Second)
	rebuild, r := timed(ctx, t, db, transform.Rebuild)
	rebuild.print("rebuild")
	for _, table := range slices.Sorted(maps.Keys(r.Rows)) {
		fmt.Printf("  %-38s %9d rows\n", table, r.Rows[table])
	}
	reading := readAll(t, db)
	arriveLate(t, db, leads/100, leads, "a")
	increment, r := timed(ctx, t, db, transform.Run)
	increment.print(fmt.Sprintf("increment of %d leads", r.Leads))
	if r.Rebuilt {
		t.Error("the increment became a rebuild")
	}
	time.Sleep(2 * time.Second)
	timed(ctx, t, db, transform.Run)
	nothing, r := timed(ctx, t, db, transform.Run)
	nothing.print(fmt.Sprintf("increment of %d leads", r.Leads))
	after := readAll(t, db)
	fmt.Printf("%-40s %9.2f s, before the increment %.2f s\n", "read all derived tables", after.Seconds(), reading.Seconds())
	asked := attributions(ctx, t, db)
	fmt.Printf("%-40s %9.3f s\n", "five models from raw events", asked[0].Seconds())
	fmt.Printf("%-40s %9.3f s\n", "five models from credits", asked[1].Seconds())
	fmt.Printf("%-40s %9.3f s\n", "five models from days", asked[2].Seconds())
	fmt.Println(peak())
	byLead := increment.without(models(t, false))
	fmt.Printf("ratio increment_of_leads_over_rebuild %.4f\n", byLead.Seconds()/rebuild.without(models(t, false)).Seconds())
	fmt.Printf("ratio attribution_raw_over_credits %.1f\n", asked[0].Seconds()/asked[1].Seconds())
	fmt.Printf("ratio attribution_raw_over_days %.1f\n", asked[0].Seconds()/asked[2].Seconds())
	fmt.Printf("ratio increment_over_rebuild %.4f\n", increment.all.Seconds()/rebuild.all.Seconds())
	fmt.Printf("ratio nothing_over_rebuild %.4f\n", nothing.all.Seconds()/rebuild.all.Seconds())
}

// readAll reads a column of every derived table, as the last row of each key.
func readAll(t *testing.T, db *warehouse.DB) time.Duration {
	t.Helper()
	began := time.Now()
	for _, table := range []string{"leads", "lead_facts", "lead_journeys", "lead_signals", "lead_decays"} {
		var rows []struct {
			N uint64 `ch:"n"`
		}
		if err := db.Select(t.Context(), &rows, "SELECT sum(cityHash64(lead_id)) AS n FROM "+table, nil); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(began)
}

// peak is the most memory that the process ever held.
func peak() string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "peak memory unknown"
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	return "peak memory " + strings.TrimSpace(line)
}

// without is the time but for some steps.
func (w stopwatch) without(steps []string) time.Duration {
	left := w.all
	for _, step := range steps {
		left -= w.steps[step]
	}
	return left
}

// models are the steps of the models by lead, or of those that replace whole tables.
func models(t *testing.T, byLead bool) []string {
	t.Helper()
	all, err := transform.Models()
	if err != nil {
		t.Fatal(err)
	}
	steps := []string{"attribution_channels"}
	for _, m := range all {
		if m.ByLead == byLead {
			steps = append(steps, "model "+m.Name)
		}
	}
	return steps
}

// rawAttribution shares deals out to channels by five rules from the raw events.
const rawAttribution = `WITH won AS
(
    SELECT workspace, lead_id, min(occurred_at) AS won_at
    FROM stage_changes
    WHERE stage = 'won'
    GROUP BY workspace, lead_id
)
SELECT touch.3 AS channel, toFloat64(sum(i = 1)) AS first, toFloat64(sum(i = n)) AS last, sum(1 / n) AS linear, sum(w / total) AS time_decay,
    sum(multiIf(n = 1, 1, n = 2, 0.5, i = 1 OR i = n, 0.4, 0.2 / (n - 2))) AS position
FROM
(
    SELECT arraySort(groupArray((e.occurred_at, e.event_id, e.channel))) AS touches, length(touches) AS n,
        arrayMap(t -> exp2(-dateDiff('second', t.1, any(won_at)) / 604800), touches) AS weights, arraySum(weights) AS total
    FROM events AS e
    INNER JOIN won USING (workspace, lead_id)
    WHERE e.type = 'touchpoint' AND e.occurred_at <= won_at AND e.occurred_at >= won_at - toIntervalDay(90)
    GROUP BY workspace, lead_id
)
ARRAY JOIN touches AS touch, arrayEnumerate(touches) AS i, weights AS w
GROUP BY channel
ORDER BY channel`

// creditAttribution does so from the credits, lead by lead.
const creditAttribution = `SELECT channel, sum(attribution_credits.first) AS first, sum(attribution_credits.last) AS last,
    sum(attribution_credits.linear) AS linear, sum(attribution_credits.time_decay) AS time_decay,
    sum(attribution_credits.position) AS position
FROM attribution_credits
WHERE conversion = 'won' AND NOT unattributed
GROUP BY channel
ORDER BY channel`

// dailyAttribution does so from the sums of each day, as a page of channels does.
const dailyAttribution = `SELECT channel, sum(won.first) AS first, sum(won.last) AS last, sum(won.linear) AS linear,
    sum(won.time_decay) AS time_decay, sum(won.position) AS position
FROM attribution_daily
WHERE NOT unattributed
GROUP BY channel
ORDER BY channel`

// attributions measures the three, the best of three each.
func attributions(ctx context.Context, t *testing.T, db *warehouse.DB) (best [3]time.Duration) {
	t.Helper()
	for range 3 {
		for i, sql := range []string{rawAttribution, creditAttribution, dailyAttribution} {
			var rows []struct {
				Channel  string  `ch:"channel"`
				First    float64 `ch:"first"`
				Last     float64 `ch:"last"`
				Linear   float64 `ch:"linear"`
				Decay    float64 `ch:"time_decay"`
				Position float64 `ch:"position"`
			}
			began := time.Now()
			if err := db.Select(ctx, &rows, sql, nil); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); best[i] == 0 || took < best[i] {
				best[i] = took
			}
			if len(rows) == 0 {
				t.Error("nothing was shared out")
			}
		}
	}
	return best
}
