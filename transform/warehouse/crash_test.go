package warehouse_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	osexec "os/exec"
	"strings"
	"syscall"
	"testing"

	"clew/ingest"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// crashVar holds, in the environment of a child process, the directory the child writes to.
const crashVar = "CLEW_TEST_CRASH_DIR"

// crashChild offers rows to the sink from the offset in its last argument on, and prints the last offset of each batch
// that was taken. A batch makes a part for each of many months, so that a kill finds it half written. With the argument
// "count" it prints what is stored instead.
func crashChild(dir string) int {
	ctx := context.Background()
	db, err := warehouse.Open(ctx, warehouse.Config{DSN: "embedded:" + dir, Library: os.Getenv("CLEW_LIBCHDB")})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		fmt.Println(err)
		return 1
	}
	if os.Args[1] == "ingest" {
		if err := ingestChild(ctx, db, os.Args[2], os.Args[3], os.Args[4] == "drain"); err != nil {
			fmt.Println(err)
			return 1
		}
		return 0
	}
	var offset uint64
	if _, err = fmt.Sscan(os.Args[len(os.Args)-1], &offset); err == nil && os.Args[1] == "count" {
		err = printCounts(ctx, db, offset)
	} else if err == nil {
		err = writeForEver(ctx, db, offset)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func writeForEver(ctx context.Context, db *warehouse.DB, offset uint64) error {
	for sink := db.Sink(); ; offset += 20 {
		if err := sink.Write(ctx, ingest.Batch{Records: stages(0, offset, offset+19)}); err != nil {
			return err
		}
		fmt.Println(offset + 19)
	}
}

func printCounts(ctx context.Context, db *warehouse.DB, upTo uint64) error {
	var got []struct {
		Rows   uint64 `ch:"rows"`
		Unique uint64 `ch:"unique"`
		UpTo   uint64 `ch:"up_to"`
	}
	err := db.Select(ctx, &got, `SELECT count() AS rows, uniqExact(_offset) AS unique,
countIf(_offset <= {o:UInt64}) AS up_to
FROM stage_changes`, warehouse.Params{"o": upTo})
	if err == nil {
		fmt.Println(got[0].Rows, got[0].Unique, got[0].UpTo)
	}
	return err
}

func startCrashChild(t *testing.T, dir, what string, offset uint64) (*osexec.Cmd, *bufio.Scanner) {
	t.Helper()
	return startChild(t, dir, what, fmt.Sprint(offset))
}

func startChild(t *testing.T, dir string, args ...string) (*osexec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := osexec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), crashVar+"="+dir), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// TestKillNine kills a writer again and again, with the engine in it. Every row it was told of as stored must be there,
// and none twice, although each successor offers some rows again.
func TestKillNine(t *testing.T) {
	warehousetest.Open(t)
	dir := t.TempDir()
	var acknowledged, from uint64
	for round, batches := range []int{3, 1, 7, 2, 5, 1} {
		child, lines := startCrashChild(t, dir, "write", from)
		for range batches {
			if !lines.Scan() {
				t.Fatalf("round %d: the writer ended", round)
			}
			if _, err := fmt.Sscan(lines.Text(), &acknowledged); err != nil {
				t.Fatalf("round %d: %s", round, lines.Text())
			}
		}
		if err := child.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		// What it said before it died counts too.
		for lines.Scan() {
			if _, err := fmt.Sscan(lines.Text(), &acknowledged); err != nil {
				t.Fatalf("round %d: %s", round, lines.Text())
			}
		}
		_ = child.Wait()
		from = acknowledged + 1 - 10
	}
	child, lines := startCrashChild(t, dir, "count", acknowledged)
	lines.Scan()
	var rows, unique, upTo uint64
	if _, err := fmt.Sscan(lines.Text(), &rows, &unique, &upTo); err != nil {
		t.Fatal(strings.TrimSpace(lines.Text()), err)
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("%d rows acknowledged, %d stored", acknowledged+1, rows)
	if rows != unique || upTo != acknowledged+1 {
		t.Errorf("%d rows, %d of them different, %d up to offset %d", rows, unique, upTo, acknowledged)
	}
}
