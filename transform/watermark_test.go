package transform_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// touch is an event of a lead.
func touch(id, lead, when string) row {
	return row{"workspace": "default", "event_id": id, "lead_id": lead, "type": "touchpoint", "occurred_at": at(when)}
}

// lead is an update of a lead.
func lead(id, when string) row {
	return row{"workspace": "default", "event_id": "u-" + id, "lead_id": id, "occurred_at": at(when)}
}

// facts runs an increment of lead_facts and gives the touches of each lead.
func facts(t *testing.T, db *warehouse.DB, asOf string, cfg transform.Config) (transform.Result, [][]string) {
	t.Helper()
	cfg.Timezone = "UTC"
	r, err := transform.Run(t.Context(), db, at(asOf), cfg.Only("lead_facts"))
	if err != nil {
		t.Fatal(err)
	}
	return r, content(t, db, "lead_facts", []string{"lead_id", "touches"})
}

func wantFacts(t *testing.T, got [][]string, want ...[]string) {
	t.Helper()
	if diff := differences(got, want); diff != "" {
		t.Errorf("the touches of leads:\n%s", diff)
	}
}

// TestWhatAsksForARebuild holds when increments would not lead to the right tables.
func TestWhatAsksForARebuild(t *testing.T) {
	transform.NoSlack(t)
	db := warehousetest.Open(t)
	seed{"lead_updates": {lead("L1", "2026-01-01T00:00:00Z"), lead("L2", "2026-01-01T00:00:00Z")}, "events": {
		touch("e1", "L1", "2026-01-02T00:00:00Z"), touch("e2", "L1", "2026-02-02T00:00:00Z"),
	}}.insert(t, db)
	for _, c := range []struct {
		name, asOf string
		cfg        transform.Config
		before     func()
		rebuilt    bool
		leads      uint64
		touches    string
	}{
		{name: "nothing was computed", asOf: "2026-02-01T00:00:00Z", rebuilt: true, touches: "1"},
		{name: "the same again", asOf: "2026-02-01T00:00:00Z", touches: "1"},
		{name: "what lay in the future is seen", asOf: "2026-02-10T00:00:00Z", leads: 1, touches: "2"},
		{name: "an earlier moment", asOf: "2026-02-01T00:00:00Z", rebuilt: true, touches: "1"},
		{
			name: "other settings", asOf: "2026-02-01T00:00:00Z", rebuilt: true, touches: "1",
			cfg: transform.Config{Decays: []transform.Decay{{HalfLifeHours: 1}}},
		},
		{name: "the settings of before", asOf: "2026-02-01T00:00:00Z", rebuilt: true, touches: "1"},
		{
			name: "a row that stands before the mark, as of a clock that was set back", asOf: "2026-02-01T00:00:00Z",
			rebuilt: true, touches: "2", before: func() {
				late := touch("e3", "L1", "2026-01-03T00:00:00Z")
				late["_ingested_at"] = time.Now().Add(-time.Hour)
				seed{"events": {late}}.insert(t, db)
			},
		},
		{
			name: "a row that arrived", asOf: "2026-02-01T00:00:00Z", leads: 1, touches: "3",
			before: func() { seed{"events": {touch("e4", "L1", "2026-01-04T00:00:00Z")}}.insert(t, db) },
		},
		{
			name: "a lead that was asked for", asOf: "2026-02-01T00:00:00Z", leads: 1, touches: "3",
			before: func() { seed{"touched": {{"workspace": "default", "lead_id": "L2"}}}.insert(t, db) },
		},
	} {
		if c.before != nil {
			c.before()
		}
		r, got := facts(t, db, c.asOf, c.cfg)
		if r.Rebuilt != c.rebuilt || r.Leads != c.leads {
			t.Errorf("%s: rebuilt is %v and %d leads were computed, want %v and %d", c.name, r.Rebuilt, r.Leads, c.rebuilt, c.leads)
		}
		t.Log(c.name)
		wantFacts(t, got, []string{"L1", c.touches}, []string{"L2", "0"})
	}
}

// TestASlowInsert begins an INSERT, computes the tables while its rows come, and once more when all are there.
func TestASlowInsert(t *testing.T) {
	db := warehousetest.Open(t)
	seed{"lead_updates": {lead("L1", "2026-01-01T00:00:00Z")}}.insert(t, db)
	facts(t, db, "2026-02-01T00:00:00Z", transform.Config{})
	ended := make(chan error, 1)
	go func() {
		ended <- db.InsertSelect(t.Context(), "events", []string{"workspace", "event_id", "lead_id", "type", "occurred_at"},
			`SELECT 'default', toString(number), 'L1', 'touchpoint', '2026-01-02' FROM numbers(30)
WHERE sleepEachRow(0.1) = 0 SETTINGS max_block_size = 1, max_threads = 1`, nil)
	}()
	for running := false; !running; {
		var rows []struct {
			N uint64 `ch:"n"`
		}
		err := db.Select(t.Context(), &rows, "SELECT count() AS n FROM system.processes WHERE query_kind = 'Insert'", nil)
		if err != nil {
			t.Fatal(err)
		}
		running = rows[0].N > 0
	}
	_, got := facts(t, db, "2026-02-01T00:00:00Z", transform.Config{})
	wantFacts(t, got, []string{"L1", "0"})
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	r, got := facts(t, db, "2026-02-01T00:00:00Z", transform.Config{})
	wantFacts(t, got, []string{"L1", "30"})
	if r.Rebuilt {
		t.Error("it took a rebuild to see the rows")
	}
}

// TestKilledAnywhere ends an increment and a rebuild after each of their steps. What is run next leaves the tables of a
// run that nothing happened to.
func TestKilledAnywhere(t *testing.T) {
	transform.NoSlack(t)
	db := warehousetest.Open(t)
	for name, by := range map[string]func(context.Context, *warehouse.DB, time.Time, transform.Config) (transform.Result, error){
		"increment": transform.Run, "rebuild": transform.Rebuild,
	} {
		t.Run(name, func(t *testing.T) {
			stride, steps := 1, 0
			if name == "rebuild" {
				stride = 3 // it touches nothing before its end
			}
			for kill, killed := 0, true; killed; kill += stride {
				clearAll(t, db)
				seed{"lead_updates": {lead("L1", "2026-01-01T00:00:00Z"), lead("L2", "2026-01-01T00:00:00Z")}}.insert(t, db)
				facts(t, db, "2026-02-01T00:00:00Z", transform.Config{})
				seed{"events": {touch("e1", "L1", "2026-01-02T00:00:00Z"), touch("e2", "L2", "2026-02-02T00:00:00Z")}}.insert(t, db)
				ctx, cancel := context.WithCancel(t.Context())
				steps, killed = 0, false
				_, err := by(ctx, db, at("2026-02-10T00:00:00Z"), transform.Config{Timezone: "UTC", Progress: func(string) {
					if steps++; steps > kill {
						killed = true
						cancel()
					}
				}}.Only("lead_facts"))
				cancel()
				if killed != (err != nil) || (killed && !errors.Is(err, context.Canceled)) {
					t.Fatalf("killed after step %d: %v", kill+1, err)
				}
				// The moment goes back, so that what the dead run wrote of later must go.
				_, got := facts(t, db, "2026-02-01T12:00:00Z", transform.Config{})
				wantFacts(t, got, []string{"L1", "1"}, []string{"L2", "0"})
				_, got = facts(t, db, "2026-02-10T00:00:00Z", transform.Config{})
				wantFacts(t, got, []string{"L1", "1"}, []string{"L2", "1"})
				if t.Failed() {
					t.Fatalf("killed after step %d", kill+1)
				}
			}
			if steps < 10 {
				t.Errorf("only %d steps", steps)
			}
		})
	}
}
