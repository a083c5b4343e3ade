package faulttest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
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
	ballast := filepath.Join(disk, "ballast")
	for i := range rounds {
		sink := start(t, c)
		fill(t, ballast)
		produce(t, brokers, i*(n/rounds), (i+1)*(n/rounds))
		// The engine makes room itself, by removing parts that were merged.
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
	sink := start(t, c)
	for done := 0; done < n; {
		said := sink.expect(t, "flush")
		if len(said) < 2 {
			t.Fatal("the process ended")
		}
		done, _ = strconv.Atoi(said[1])
	}
	sink.stop(t)
	judge(t, "older backup restored", 1, dir, brokers, sent{events: n})
}
