package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clew/scoring"
	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

// ticking is a clock that is a second later each time it is read.
func ticking() func() time.Time {
	var mu sync.Mutex
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
}

func newJobs(t *testing.T, db *warehouse.DB, onStep func(Step)) *Jobs {
	t.Helper()
	model, err := scoring.Load("s3-abc-v1")
	if err != nil {
		t.Fatal(err)
	}
	j, err := New(Config{
		DB: db, Transform: transform.Config{Timezone: "Asia/Shanghai"}, Model: model, Every: time.Hour,
		Now: ticking(), Log: slog.New(slog.DiscardHandler), OnStep: onStep,
	})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// seedLead adds a lead that scores 55.
func seedLead(t *testing.T, db *warehouse.DB) {
	t.Helper()
	err := db.Exec(t.Context(), `INSERT INTO lead_updates (workspace, event_id, lead_id, occurred_at, attributes)
		SELECT 'default', 'u1', 'L1', toDateTime64('2026-01-01 00:00:00', 3, 'UTC'),
			map('urgency', '0-3m', 'budget_match', 'match')`, nil)
	if err != nil {
		t.Fatal(err)
	}
}

// record is what the ledger says of one job in the end.
type record struct {
	RunID      string     `ch:"run_id"`
	Job        string     `ch:"job"`
	Trigger    string     `ch:"trigger"`
	AsOf       time.Time  `ch:"as_of"`
	StartedAt  time.Time  `ch:"started_at"`
	FinishedAt *time.Time `ch:"finished_at"`
	Status     string     `ch:"status"`
	Rows       uint64     `ch:"n"`
	Error      string     `ch:"error"`
}

func (r record) String() string {
	text := fmt.Sprintf("%s %s %s %d", r.Job, r.Trigger, r.Status, r.Rows)
	if r.Error != "" {
		text += " " + r.Error
	}
	return text
}

// records are the ledger's, in the order in which the jobs started.
func records(t *testing.T, db *warehouse.DB) []record {
	t.Helper()
	var found []record
	if err := db.Select(t.Context(), &found, `SELECT run_id, job, argMax(r.trigger, version) AS trigger,
		argMax(r.as_of, version) AS as_of, started_at, argMax(tuple(r.finished_at), version).1 AS finished_at,
		argMax(r.status, version) AS status, argMax(r.rows, version) AS n, argMax(r.error, version) AS error
		FROM job_runs AS r GROUP BY run_id, job, started_at ORDER BY started_at, job`, nil); err != nil {
		t.Fatal(err)
	}
	return found
}

func texts(records []record) []string {
	var all []string
	for _, r := range records {
		all = append(all, r.String())
	}
	return all
}

func wantRecords(t *testing.T, db *warehouse.DB, want ...string) {
	t.Helper()
	if got := texts(records(t, db)); !slices.Equal(got, want) {
		t.Errorf("the ledger says\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestRunAll(t *testing.T) {
	db := warehousetest.Open(t)
	seedLead(t, db)
	var steps []Step
	j := newJobs(t, db, func(s Step) { steps = append(steps, s) })
	var during []string
	scored := j.jobs[1].run
	j.jobs[1].run = func(ctx context.Context, asOf time.Time) (uint64, error) {
		during = texts(records(t, db))
		return scored(ctx, asOf)
	}
	for range 2 {
		if err := j.RunAll(t.Context(), TriggerDemand); err != nil {
			t.Fatal(err)
		}
	}
	// The second run computes the lead again: scoring wrote down its first grade.
	once := []string{"transform demand ok 1", "scores demand ok 1"}
	wantRecords(t, db, slices.Concat(once, once)...)
	if want := append(slices.Clone(once), "transform demand ok 1", "scores demand running 0"); !slices.Equal(during, want) {
		t.Errorf("in the middle of the second run the ledger says %q, want %q", during, want)
	}
	all := records(t, db)
	for i, r := range all {
		first := all[i/2*2]
		if r.RunID != first.RunID || !r.AsOf.Equal(first.AsOf) || !r.AsOf.Before(r.StartedAt) ||
			r.FinishedAt == nil || !r.StartedAt.Before(*r.FinishedAt) {
			t.Errorf("%#v does not fit the run of %#v", r, first)
		}
	}
	if all[0].RunID == all[2].RunID || !all[0].AsOf.Before(all[2].AsOf) {
		t.Errorf("two runs share an id or a moment: %+v, %+v", all[0], all[2])
	}
	if len(steps) != 4 {
		t.Fatalf("%d steps were told of", len(steps))
	}
	want := Step{Job: "scores", Number: 2, Total: 2, Rows: 1, Took: time.Second}
	if steps[3] != want {
		t.Errorf("step is %+v, want %+v", steps[3], want)
	}
	checkTables(t, db, all[2].AsOf)
}

// checkTables holds that the jobs computed their tables, all for the same moment.
func checkTables(t *testing.T, db *warehouse.DB, asOf time.Time) {
	t.Helper()
	var found []struct {
		Facts  time.Time `ch:"facts"`
		Scores time.Time `ch:"scores"`
		Total  float64   `ch:"total"`
		Leads  uint64    `ch:"leads"`
	}
	if err := db.Select(t.Context(), &found, `SELECT (SELECT any(as_of) FROM watermarks WHERE name = 'transform') AS facts, as_of AS scores, total,
		(SELECT sum(channel_daily.leads) FROM channel_daily) AS leads FROM scores`, nil); err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || !found[0].Facts.Equal(asOf) || !found[0].Scores.Equal(asOf) || found[0].Total != 55 ||
		found[0].Leads != 1 {
		t.Errorf("the tables hold %+v, want 1 lead of 55 points as of %s", found, asOf)
	}
}

// breakJob makes a job fail.
func (j *Jobs) breakJob(name string) {
	i := slices.IndexFunc(j.jobs, func(job job) bool { return job.name == name })
	j.jobs[i].run = func(context.Context, time.Time) (uint64, error) { return 0, errors.New("no space left") }
}

func TestFailureStopsDependants(t *testing.T) {
	for _, c := range []struct {
		broken  string
		records []string
		err     string
	}{
		{
			"transform",
			[]string{"transform demand failed 0 no space left"},
			"job transform: no space left\njob scores did not run, because transform failed",
		},
		{
			"scores",
			[]string{"transform demand ok 1", "scores demand failed 0 no space left"},
			"job scores: no space left",
		},
	} {
		t.Run(c.broken, func(t *testing.T) {
			db := warehousetest.Open(t)
			seedLead(t, db)
			var failed []string
			j := newJobs(t, db, func(s Step) {
				if s.Error != "" {
					failed = append(failed, s.Job+": "+s.Error)
				}
			})
			j.breakJob(c.broken)
			if err := j.RunAll(t.Context(), TriggerDemand); err == nil || err.Error() != c.err {
				t.Errorf("got the error\n%v\nwant\n%s", err, c.err)
			}
			wantRecords(t, db, c.records...)
			if want := []string{c.broken + ": no space left"}; !slices.Equal(failed, want) {
				t.Errorf("failed steps %v, want %v", failed, want)
			}
		})
	}
}

// TestEndedContext ends the context in the middle of a job: its end is on record, and no other job starts.
func TestEndedContext(t *testing.T) {
	db := warehousetest.Open(t)
	j := newJobs(t, db, nil)
	ctx, cancel := context.WithCancel(t.Context())
	j.jobs[0].run = func(ctx context.Context, _ time.Time) (uint64, error) {
		cancel()
		return 0, ctx.Err()
	}
	if err := j.RunAll(ctx, TriggerDemand); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := j.RunAll(ctx, TriggerDemand); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	wantRecords(t, db, "transform demand failed 0 context canceled")
}

func TestFaultyConfig(t *testing.T) {
	db := warehousetest.Open(t)
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "a database") {
		t.Errorf("an empty config gives %v", err)
	}
	good := newJobs(t, db, nil).cfg
	good.Transform.Timezone = "Shanghai"
	if _, err := New(good); err == nil || !strings.Contains(err.Error(), "Asia/Shanghai") {
		t.Errorf("a wrong zone gives %v", err)
	}
	good.Transform.Timezone, good.Every = "UTC", 0
	j, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "interval") {
		t.Errorf("no interval gives %v", err)
	}
}
