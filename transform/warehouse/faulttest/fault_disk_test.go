package faulttest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"clew/transform/warehouse"
)

// TestDiskFull lets the disk of the engine fill up under it, and makes room again.
func TestDiskFull(t *testing.T) {
	n, rounds := size(t, 100_000, 20)
	rounds = max(1, rounds/5)
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256m"); err != nil {
		lacking(t, fmt.Sprintf("a small disk of its own needs root: mount: %v", err))
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	brokers := []string{startBroker(t).addr}
	c := embeddedSink(brokers, filepath.Join(disk, "engine")).withTopics(t)
	finish(t, c) // makes the tables
	// A merge that meets a full disk may leave a part without marks, which is the engine's affair: see TestDamagedParts.
	onEngine(t, c, func(db *warehouse.DB) {
		for _, name := range tables {
			do(t, db, "ALTER TABLE "+name+" MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, "+
				"max_bytes_to_merge_at_min_space_in_pool = 1")
		}
	})
	ballast := filepath.Join(disk, "ballast")
	for i := range rounds {
		sink := start(t, c)
		fill(t, ballast)
		produce(t, brokers, i*(n/rounds), (i+1)*(n/rounds))
		// The engine makes room itself, by removing what a write that failed left.
		sink.logs(t, "the disk is full", 0, func() { fill(t, ballast) })
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		caughtUp(t, brokers)
		sink.stop(t)
	}
	judge(t, "disk full under the engine", rounds, c.DSN[len("embedded:"):], brokers, sent{events: n / rounds * rounds})
}

// fill takes all the space there is, beside what the file has taken.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<12); err == nil; {
		_, err = f.Write(block)
	}
}

// onEngine lets see look at the tables of a sink with the engine in it, while that is stopped.
func onEngine(t *testing.T, c child, see func(db *warehouse.DB)) {
	t.Helper()
	engine := start(t, child{Role: "engine", Dir: c.DSN[len("embedded:"):], Addr: "127.0.0.1:0"})
	defer engine.stop(t)
	db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: "http://" + engine.addr})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	see(db)
}

// do runs statements.
func do(t *testing.T, db *warehouse.DB, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if err := db.Exec(t.Context(), sql, nil); err != nil {
			t.Fatal(sql, err)
		}
	}
}

// part is a directory of a table.
type part struct {
	Path string `ch:"path"`
}

func partsOf(t *testing.T, db *warehouse.DB, table string) (found []part) {
	t.Helper()
	err := db.Select(t.Context(), &found, `SELECT path FROM system.parts
WHERE database = currentDatabase() AND table = {table:String} AND active`, warehouse.Params{"table": table})
	if err != nil || len(found) == 0 {
		t.Fatalf("%d parts of %s: %v", len(found), table, err)
	}
	return found
}

// TestDamagedParts takes the marks of all parts of a table away. The engine leaves such parts out when it starts, and
// what they held must come back from Kafka.
func TestDamagedParts(t *testing.T) {
	const n = 5_000 // of more than 100 parts the engine would leave the table shut
	size(t, 0, 0)
	brokers := []string{startBroker(t).addr}
	c := embeddedSink(brokers, filepath.Join(t.TempDir(), "engine"))
	produce(t, brokers, 0, n)
	finish(t, c)
	var damaged []part
	onEngine(t, c, func(db *warehouse.DB) {
		do(t, db, "SYSTEM STOP MERGES events")
		damaged = partsOf(t, db, "events")
	})
	for _, p := range damaged {
		marks, err := filepath.Glob(filepath.Join(p.Path, "*mrk*"))
		if err != nil || len(marks) == 0 {
			t.Fatalf("no marks in %s: %v", p.Path, err)
		}
		for _, file := range marks {
			if err := os.Truncate(file, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	refill(t, c, n)
	judge(t, "marks of all parts of a table lost", len(damaged), c.DSN[len("embedded:"):], brokers, sent{events: n})
}

// TestOlderBackup puts an older state of the tables in place, while the group's offsets say that all is done.
func TestOlderBackup(t *testing.T) {
	n, _ := size(t, 100_000, 1)
	brokers := []string{startBroker(t).addr}
	dir := filepath.Join(t.TempDir(), "engine")
	c := embeddedSink(brokers, dir)
	for i, part := range []int{0, n / 3, 2 * n / 3} {
		produce(t, brokers, part, []int{n / 3, 2 * n / 3, n}[i])
		finish(t, c)
		if i == 0 {
			if out, err := exec.Command("cp", "-a", dir, dir+".backup").CombinedOutput(); err != nil {
				t.Fatal(string(out), err)
			}
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+".backup", dir); err != nil {
		t.Fatal(err)
	}
	refill(t, c, n)
	judge(t, "older backup restored", 1, dir, brokers, sent{events: n})
}

// refill lets a process find out that the tables hold less than the group has committed, until they hold n rows.
func refill(t *testing.T, c child, n int) {
	t.Helper()
	sink := start(t, c)
	for done := 0; done < n; {
		said := sink.expect(t, "flush")
		if len(said) < 2 {
			t.Fatal("the process ended")
		}
		done, _ = strconv.Atoi(said[1])
	}
	sink.stop(t)
}
