package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

var leadColumns = []string{"lead_id", "workspace", "created_at"}

const leadsSQL = `-- A comment first, as in the models.
WITH {n:UInt64} AS n
SELECT concat('L', toString(number)), {w:String}, {at:DateTime64(3)} FROM numbers(n)`

func replaceLeads(t *testing.T, db *warehouse.DB, n int, workspace string) {
	t.Helper()
	p := warehouse.Params{"n": n, "w": workspace, "at": occurred}
	rows, err := db.Replace(t.Context(), "leads", leadColumns, leadsSQL, p)
	if err != nil || rows != uint64(n) {
		t.Fatalf("want %d rows, got %d, %v", n, rows, err)
	}
}

const summary = `SELECT count(), uniqExact(lead_id), groupUniqArray(workspace), min(created_at), max(created_at)
FROM leads`

func TestReplaceTwiceGivesTheSameTable(t *testing.T) {
	db := warehousetest.Open(t)
	for range 2 {
		replaceLeads(t, db, 1000, "w")
		want := [][]any{{uint64(1000), uint64(1000), []string{"w"}, occurred, occurred}}
		if diff := cmp.Diff(want, query(t, db, summary, nil)); diff != "" {
			t.Error(diff)
		}
	}
	replaceLeads(t, db, 0, "w")
	if got := query(t, db, "SELECT count() FROM leads", nil); !cmp.Equal(got, [][]any{{uint64(0)}}) {
		t.Errorf("an empty SELECT left rows: %v", got)
	}
	const next = "SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE '%next%'"
	if got := query(t, db, next, nil); got != nil {
		t.Errorf("left behind: %v", got)
	}
}

func TestReplaceKeepsTheTableOnFailure(t *testing.T) {
	db := warehousetest.Open(t)
	replaceLeads(t, db, 10, "old")
	before := query(t, db, summary, nil)
	sql := "SELECT 'x', 'new', throwIf(number = 999999, 'midway')::String::DateTime64(3) FROM numbers(1000000)"
	if _, err := db.Replace(t.Context(), "leads", leadColumns, sql, nil); warehouse.ErrorCode(err) == 0 {
		t.Errorf("want the engine's error, got %v", err)
	}
	if _, err := db.Replace(t.Context(), "leads; DROP TABLE leads", leadColumns, sql, nil); err == nil {
		t.Error("a table's name with a statement in it was taken")
	}
	if diff := cmp.Diff(before, query(t, db, summary, nil)); diff != "" {
		t.Error(diff)
	}
}

// TestReplaceOverLeftovers stands at each point where a kill can leave TABLE_next behind.
func TestReplaceOverLeftovers(t *testing.T) {
	db := warehousetest.Open(t)
	replaceLeads(t, db, 10, "old")
	for name, leftovers := range map[string][]string{
		"before the rows": {"CREATE TABLE leads_next AS leads"},
		"amid the rows": {
			"CREATE TABLE leads_next AS leads",
			"INSERT INTO leads_next (lead_id) SELECT toString(number) FROM numbers(7)",
		},
		"of an older shape": {"CREATE TABLE leads_next (a UInt8) ENGINE = MergeTree ORDER BY a"},
		"after the swap": {
			"CREATE TABLE leads_next AS leads",
			"INSERT INTO leads_next SELECT * FROM leads",
			"EXCHANGE TABLES leads AND leads_next",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, sql := range leftovers {
				exec(t, db, sql)
			}
			replaceLeads(t, db, 20, "new")
			want := [][]any{{uint64(20), uint64(20), []string{"new"}, occurred, occurred}}
			if diff := cmp.Diff(want, query(t, db, summary, nil)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestReplaceUnderReaders sees to it that a reader never finds a table that is empty, half full or mixed.
func TestReplaceUnderReaders(t *testing.T) {
	db := warehousetest.Open(t)
	replaceLeads(t, db, 500, "w0")
	ctx, cancel := context.WithCancel(t.Context())
	var readers, writers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for ctx.Err() == nil {
				var got []struct {
					Rows       uint64 `ch:"rows"`
					Workspaces uint64 `ch:"workspaces"`
				}
				err := db.Select(ctx, &got, "SELECT count() AS rows, uniqExact(workspace) AS workspaces FROM leads", nil)
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				if err == nil && (got[0].Rows != 500 || got[0].Workspaces != 1) {
					t.Errorf("a reader saw %+v", got)
				}
			}
		})
	}
	for w := range 2 {
		writers.Go(func() {
			for i := range 10 {
				p := warehouse.Params{"n": 500, "w": fmt.Sprint("w", w, i), "at": time.Unix(0, 0)}
				if n, err := db.Replace(ctx, "leads", leadColumns, leadsSQL, p); err != nil || n != 500 {
					t.Error(n, err)
				}
			}
		})
	}
	writers.Wait()
	cancel()
	readers.Wait()
}
