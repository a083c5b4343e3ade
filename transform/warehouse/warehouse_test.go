package warehouse_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"clew/transform/warehouse"
	"clew/transform/warehouse/embedded"
	"clew/transform/warehouse/warehousetest"
)

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  warehouse.Config
		want string
	}{
		"no DSN":            {warehouse.Config{}, "want embedded:PATH"},
		"a path alone":      {warehouse.Config{DSN: "/var/lib/clew"}, "want embedded:PATH"},
		"another scheme":    {warehouse.Config{DSN: "postgres://u:secret@h/d"}, `the scheme "postgres"`},
		"no directory":      {warehouse.Config{DSN: "embedded:"}, "names no directory"},
		"no host":           {warehouse.Config{DSN: "http://"}, "parse dsn address failed"},
		"a port of letters": {warehouse.Config{DSN: "http://u:secret@h:port"}, "no URL"},
		"a bad option":      {warehouse.Config{DSN: "http://u:secret@h:1?dial_timeout=soon"}, "dial timeout"},
		"a bad database":    {warehouse.Config{DSN: "http://h:1", Database: "a b"}, `"a b" cannot be the name`},
		"a bad cluster":     {warehouse.Config{DSN: "http://h:1", Cluster: "a'b"}, "cannot be the name"},
		"nobody there":      {warehouse.Config{DSN: "http://u:secret@127.0.0.1:1/d"}, "connection refused"},
		"nobody there, TLS": {warehouse.Config{DSN: "https://u:secret@127.0.0.1:1/d"}, "connection refused"},
		"nobody there, TCP": {warehouse.Config{DSN: "clickhouse://u:secret@127.0.0.1:1/d"}, "connection refused"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		db, err := warehouse.Open(ctx, c.cfg)
		if err == nil || db != nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: want %q and no password, got %v", name, c.want, err)
		}
		cancel()
	}
}

// TestASecondDirectory asks for another directory than the one this test run has open.
func TestASecondDirectory(t *testing.T) {
	warehousetest.Open(t)
	_, err := warehouse.Open(t.Context(), warehouse.Config{DSN: "embedded:" + t.TempDir()})
	if !errors.Is(err, embedded.ErrInUse) {
		t.Errorf("want ErrInUse, got %v", err)
	}
}

// TestAMillionRows goes in and comes out, in one batch and one answer.
func TestAMillionRows(t *testing.T) {
	const n = 1_000_000
	db := warehousetest.Open(t)
	exec(t, db, `CREATE TABLE many (a UInt64, b String, c LowCardinality(String), d Float64)
ENGINE = MergeTree ORDER BY a`)
	start := time.Now()
	batch, err := db.Insert(t.Context(), "many", []string{"a", "b", "c", "d"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(n) {
		if err := batch.Append(i, "row\n\n", "c", 0.5); err != nil {
			t.Fatal(err)
		}
	}
	if batch.Rows() != n {
		t.Errorf("%d rows in the batch", batch.Rows())
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	inserted := time.Now()
	rows, err := db.Query(t.Context(), "SELECT a, b, c, d FROM many ORDER BY a", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var next, a uint64
	var b, c string
	var d float64
	for ; rows.Next(); next++ {
		if err := rows.Scan(&a, &b, &c, &d); err != nil {
			t.Fatal(err)
		}
		if a != next || b != "row\n\n" || c != "c" || d != 0.5 {
			t.Fatalf("row %d: %d %q %q %v", next, a, b, c, d)
		}
	}
	if next != n || rows.Err() != nil {
		t.Errorf("%d rows, %v", next, rows.Err())
	}
	status, _ := os.ReadFile("/proc/self/status")
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	peak, _, _ = strings.Cut(peak, "\n")
	t.Logf("in %v, out %v, resident at most %s", inserted.Sub(start), time.Since(inserted), strings.TrimSpace(peak))
}

func TestBatchesThatEndOtherwise(t *testing.T) {
	db := warehousetest.Open(t)
	_, err := db.Insert(t.Context(), "leads", []string{"nothing"})
	if err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("a column that is not there: %v", err)
	}
	if _, err := db.Insert(t.Context(), "leads (a) SELECT 1; --", nil); err == nil {
		t.Error("a table's name with a statement in it was taken")
	}
	for range 20 {
		batch, err := db.Insert(t.Context(), "leads", []string{"lead_id"})
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.Append("L"); err != nil {
			t.Fatal(err)
		}
		if err := batch.Abort(); err != nil {
			t.Error(err)
		}
		if err := batch.Send(); err == nil {
			t.Error("an aborted batch was sent")
		}
	}
	batch, err := db.Insert(t.Context(), "leads", []string{"lead_id"})
	if err != nil {
		t.Fatal(err)
	}
	if err := batch.Append(struct{}{}); err == nil || !strings.Contains(err.Error(), "leads") {
		t.Errorf("a value of no use: %v", err)
	}
	if err := batch.Abort(); err != nil {
		t.Error(err)
	}
	if got := query(t, db, "SELECT count() FROM leads", nil); got[0][0] != uint64(0) {
		t.Errorf("rows were written: %v", got)
	}
}
