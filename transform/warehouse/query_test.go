package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// soon is how long ending a statement may take on a busy machine. Without an end the statements here run for hours.
const soon = 20 * time.Second

// endless is a SELECT that sends no row in the lifetime of a test.
const endless = "SELECT count() FROM numbers(1000000000000000) WHERE sipHash64(number) = 1"

func TestSelectIntoStructs(t *testing.T) {
	db := warehousetest.Open(t)
	type row struct {
		Name  string     `ch:"name"`
		Value *float64   `ch:"value"`
		Flags []string   `ch:"flags"`
		At    *time.Time `ch:"at"`
	}
	var got []row
	err := db.Select(t.Context(), &got, `SELECT toString(number) AS name, if(number = 1, NULL, number / 2) AS value,
['a', name] AS flags, if(number = 0, NULL, toDateTime64('2026-01-01 00:00:00', 3)) AS at
FROM numbers(2) ORDER BY number`, nil)
	if err != nil {
		t.Fatal(err)
	}
	zero, at := 0.0, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	want := []row{{"0", &zero, []string{"a", "0"}, nil}, {"1", nil, []string{"a", "1"}, &at}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnswersThatAreNoSelect(t *testing.T) {
	db := warehousetest.Open(t)
	exec(t, db, "CREATE TABLE one (a UInt8) ENGINE = MergeTree ORDER BY a;")
	for sql, want := range map[string][][]any{
		"EXISTS TABLE one":                         {{uint8(1)}},
		"SHOW TABLES LIKE 'on%'":                   {{"one"}},
		"EXPLAIN SYNTAX SELECT 1+1":                {{"SELECT plus(1, 1)"}, {"FROM system.one"}},
		"DESCRIBE TABLE one":                       {{"a", "UInt8", "", "", "", "", ""}},
		"SELECT 1 AS a;":                           {{uint8(1)}},
		"SELECT 1 AS a -- and a comment":           {{uint8(1)}},
		"/* first; */ WITH 2 AS b SELECT b AS a\n": {{uint8(2)}},
		"SELECT 1 AS a UNION ALL SELECT 1":         {{uint8(1)}, {uint8(1)}},
	} {
		if diff := cmp.Diff(want, query(t, db, sql, nil)); diff != "" {
			t.Errorf("%s\n%s", sql, diff)
		}
	}
}

func TestErrorsHaveACode(t *testing.T) {
	db := warehousetest.Open(t)
	for sql, code := range map[string]int{
		"SELECT nothing":        47,
		"SELECT a FROM nowhere": 60,
		"SELECT 1 +":            62,
		"nonsense":              62,
		"SELECT 1; SELECT 2":    62,
		"SELECT throwIf(number = 0) FROM numbers(10)":      395,
		"INSERT INTO leads SELECT 1":                       20,
		"CREATE TABLE leads (a UInt8) ENGINE = Memory":     57,
		"SELECT a FROM leads WHERE ' an unfinished string": 62,
	} {
		_, err := db.Query(t.Context(), sql, nil)
		if got := warehouse.ErrorCode(err); got != code {
			t.Errorf("%s: want code %d, got %v", sql, code, err)
		}
		if err := db.Exec(t.Context(), sql, nil); warehouse.ErrorCode(err) != code {
			t.Errorf("Exec %s: want code %d, got %v", sql, code, err)
		}
	}
	if code := warehouse.ErrorCode(errors.New("another")); code != 0 {
		t.Errorf("an error from elsewhere has code %d", code)
	}
	if err := fmt.Errorf("wrapped: %w", db.Exec(t.Context(), "SELECT nothing", nil)); warehouse.ErrorCode(err) != 47 {
		t.Errorf("a wrapped error lost its code: %v", err)
	}
}

// TestFailureAmidTheRows has the engine fail after rows were sent: no reader may take what came for everything.
func TestFailureAmidTheRows(t *testing.T) {
	db := warehousetest.Open(t)
	const sql = "SELECT number, throwIf(number = 290000, 'midway') FROM numbers(300000)"
	for range 3 {
		rows, err := db.Query(t.Context(), sql, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rows.Next() {
			n++
		}
		err = rows.Err()
		if n == 0 || n > 290_000 || warehouse.ErrorCode(err) != 395 || !strings.Contains(err.Error(), "midway") {
			t.Errorf("%d rows, then %v", n, err)
		}
		var all []struct {
			Number uint64 `ch:"number"`
			Throw  uint8  `ch:"throwIf(equals(number, 290000), 'midway')"`
		}
		if err := db.Select(t.Context(), &all, sql, nil); warehouse.ErrorCode(err) != 395 {
			t.Errorf("Select: %v", err)
		}
	}
}

func TestEightStatementsSideBySide(t *testing.T) {
	db := warehousetest.Open(t)
	const side = 8
	// Each holds its answer open, half read, until all have one.
	var all [side]*warehouse.Rows
	for i := range all {
		const sql = "SELECT {i:UInt64} * 1000000 + number FROM numbers(1000000)"
		rows, err := db.Query(t.Context(), sql, warehouse.Params{"i": i})
		if err != nil {
			t.Fatal(err)
		}
		all[i] = rows
		if !rows.Next() {
			t.Fatal(rows.Err())
		}
	}
	var readers sync.WaitGroup
	for i, rows := range all {
		readers.Go(func() {
			sum, n := uint64(i*1_000_000), 1
			for rows.Next() {
				var v uint64
				if err := rows.Scan(&v); err != nil {
					t.Error(err)
				}
				sum += v
				n++
			}
			if want := uint64(i)*1_000_000*1_000_000 + 499999500000; n != 1_000_000 || sum != want || rows.Err() != nil {
				t.Errorf("statement %d: %d rows, sum %d, want %d, %v", i, n, sum, want, rows.Err())
			}
		})
	}
	readers.Wait()
}

// TestStatementsWaitForAConnection asks for more than there are, and gives up one wait.
func TestStatementsWaitForAConnection(t *testing.T) {
	db := warehousetest.Open(t)
	var held []*warehouse.Rows
	for range 8 {
		rows, err := db.Query(t.Context(), "SELECT number FROM system.numbers", nil)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, rows)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := db.Exec(ctx, "SELECT 1", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the ninth statement: %v", err)
	}
	done := make(chan error)
	go func() { done <- db.Exec(t.Context(), "SELECT 1", nil) }()
	for _, rows := range held {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestEndOfContext ends statements of each kind and uses every connection afterwards.
func TestEndOfContext(t *testing.T) {
	db := warehousetest.Open(t)
	exec(t, db, "CREATE TABLE sums (a UInt64) ENGINE = MergeTree ORDER BY a")
	for name, run := range map[string]func(ctx context.Context) error{
		"SELECT":          func(ctx context.Context) error { _, err := db.Query(ctx, endless, nil); return err },
		"INSERT … SELECT": func(ctx context.Context) error { return db.Exec(ctx, "INSERT INTO sums "+endless, nil) },
		"EXPLAIN":         func(ctx context.Context) error { return db.Exec(ctx, "EXPLAIN ANALYZE "+endless, nil) },
		"rows half read":  func(ctx context.Context) error { return readUntilTheEnd(ctx, db) },
		"Replace": func(ctx context.Context) error {
			_, err := db.Replace(ctx, "sums", []string{"a"}, endless, nil)
			return err
		},
		"sleep": func(ctx context.Context) error {
			return db.Exec(ctx, "SELECT sleep(0.5) FROM numbers(100000) SETTINGS max_block_size = 1", nil)
		},
		"a scalar subquery": func(ctx context.Context) error { return db.Exec(ctx, "SELECT ("+endless+") AS a", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error, 1)
			go func() { failed <- run(ctx) }()
			waitForStatement(t, db)
			start := time.Now()
			cancel()
			if err := <-failed; !errors.Is(err, context.Canceled) {
				t.Errorf("want context.Canceled, got %v", err)
			}
			if took := time.Since(start); took > soon {
				t.Errorf("it took %v to end", took)
			}
			useEveryConnection(t, db)
		})
	}
	if got := query(t, db, "SELECT count() FROM sums", nil); !cmp.Equal(got, [][]any{{uint64(0)}}) {
		t.Errorf("rows of an INSERT that was ended: %v", got)
	}
}

func readUntilTheEnd(ctx context.Context, db *warehouse.DB) error {
	rows, err := db.Query(ctx, "SELECT number FROM system.numbers", nil)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return rows.Err()
}

// waitForStatement returns when a statement of another connection is running.
func waitForStatement(t *testing.T, db *warehouse.DB) {
	t.Helper()
	const running = `SELECT count() FROM system.processes
WHERE query NOT LIKE '%system.processes%' AND current_database = currentDatabase()`
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); {
		if got := query(t, db, running, nil); got[0][0].(uint64) > 0 {
			return
		}
	}
	t.Fatal("the statement did not begin")
}

func useEveryConnection(t *testing.T, db *warehouse.DB) {
	t.Helper()
	var users sync.WaitGroup
	for i := range 16 {
		users.Go(func() {
			if got := query(t, db, "SELECT {i:UInt64} AS i", warehouse.Params{"i": i}); !cmp.Equal(got, [][]any{{uint64(i)}}) {
				t.Errorf("connection unusable: %v", got)
			}
		})
	}
	users.Wait()
}

// TestRowsLeftOpen abandons answers by the end of their contexts alone.
func TestRowsLeftOpen(t *testing.T) {
	db := warehousetest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	for range 8 {
		if _, err := db.Query(ctx, "SELECT number FROM system.numbers", nil); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	useEveryConnection(t, db)
}

// TestContextsEndAtAnyMoment ends many statements at many points of their lives, side by side.
func TestContextsEndAtAnyMoment(t *testing.T) {
	db := warehousetest.Open(t)
	random := rand.New(rand.NewPCG(1, 2))
	var users sync.WaitGroup
	for range 16 {
		var waits []time.Duration
		for range 25 {
			waits = append(waits, time.Duration(random.IntN(10_000))*time.Microsecond)
		}
		users.Go(func() {
			for _, wait := range waits {
				ctx, cancel := context.WithTimeout(t.Context(), wait)
				n, err := countRows(ctx, db)
				if (err == nil && n != 100_000) || (err != nil && !errors.Is(err, context.DeadlineExceeded)) {
					t.Errorf("%d rows, %v", n, err)
				}
				cancel()
			}
		})
	}
	users.Wait()
	useEveryConnection(t, db)
}

func countRows(ctx context.Context, db *warehouse.DB) (n int, err error) {
	rows, err := db.Query(ctx, "SELECT number FROM numbers(100000) WHERE sipHash64(number) > 0", nil)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	return n, rows.Err()
}

func TestMemoryLimit(t *testing.T) {
	db := warehousetest.Open(t)
	const sql = "SELECT uniqExact(number), groupArray(number) FROM numbers(20000000)"
	ctx := warehouse.WithSettings(t.Context(), map[string]any{"max_memory_usage": 50_000_000})
	for range 3 {
		if err := db.Exec(ctx, sql, nil); warehouse.ErrorCode(err) != 241 {
			t.Errorf("want MEMORY_LIMIT_EXCEEDED, got %v", err)
		}
	}
	useEveryConnection(t, db)
}

// TestSettingsLastForOneStatement reads settings back, with and without, on whatever connection it gets.
func TestSettingsLastForOneStatement(t *testing.T) {
	db := warehousetest.Open(t)
	const sql = `SELECT getSetting('max_threads')::String, getSetting('session_timezone')::String, timezone(),
getSetting('log_comment')::String`
	usual := query(t, db, sql, nil)
	if usual[0][1] != "UTC" || usual[0][2] != "UTC" {
		t.Errorf("the time zone of statements: %v", usual)
	}
	ctx := warehouse.WithSettings(t.Context(), map[string]any{"max_threads": 1})
	ctx = warehouse.WithQueryID(warehouse.WithSettings(ctx, map[string]any{"session_timezone": "Asia/Shanghai"}), "mine")
	for range 20 {
		var got []struct {
			Threads string `ch:"threads"`
			Zone    string `ch:"zone"`
			Comment string `ch:"comment"`
		}
		err := db.Select(ctx, &got, `SELECT getSetting('max_threads')::String AS threads, timezone() AS zone,
getSetting('log_comment')::String AS comment`, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Threads != "1" || got[0].Zone != "Asia/Shanghai" || !strings.HasSuffix(got[0].Comment, " mine") {
			t.Errorf("%+v", got)
		}
		again := query(t, db, sql, nil)
		again[0][3], usual[0][3] = "", ""
		if diff := cmp.Diff(usual, again); diff != "" {
			t.Error(diff)
		}
	}
	err := db.Exec(warehouse.WithSettings(t.Context(), map[string]any{"no_such_setting": 1}), "SELECT 1", nil)
	if warehouse.ErrorCode(err) != 115 {
		t.Errorf("want UNKNOWN_SETTING, got %v", err)
	}
	useEveryConnection(t, db)
}

// TestDatabasesShareAnEngine uses two databases by turns on the same connections.
func TestDatabasesShareAnEngine(t *testing.T) {
	one, two := warehousetest.Open(t), warehousetest.Open(t)
	for i, db := range []*warehouse.DB{one, two} {
		exec(t, db, fmt.Sprintf("INSERT INTO leads (lead_id) SELECT 'L%d'", i))
	}
	for range 20 {
		for i, db := range []*warehouse.DB{one, two} {
			want := [][]any{{fmt.Sprint("L", i)}}
			if diff := cmp.Diff(want, query(t, db, "SELECT lead_id FROM leads", nil)); diff != "" {
				t.Fatal(diff)
			}
		}
	}
}
