package main

import (
	"bytes"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/ingest/source"
	"clew/ingest/stream"
)

// TestProgramImportOfChangedFiles holds that a broken off import does not go on with other files.
func TestProgramImportOfChangedFiles(t *testing.T) {
	needEngine(t)
	dir := simulated(t, 4000)
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"import", "--source", "simulated", "--in", dir}
	if !killAt(t, data, func(checkpoint) bool { return true }, args...) {
		t.Fatal("the import was not killed")
	}
	args = append(args, "--data-dir", data)
	_, stderr, code := clew(t, append(args, "--rejects", filepath.Join(t.TempDir(), "r.csv"))...)
	if code != 1 || !strings.Contains(stderr, "--rejects") {
		t.Errorf("another --rejects: exit %d: %s", code, stderr)
	}
	stages := filepath.Join(dir, "stage.csv")
	_, stderr, code = clew(t, append(args, "--rejects", stages)...)
	if code != 1 || !strings.Contains(stderr, stages+" is a file to read") {
		t.Errorf("rejects into a file to read: exit %d: %s", code, stderr)
	}
	file, err := os.OpenFile(stages, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString("new,2026-01-01T00:00:00.000Z,L,,,mql,0,,\n")
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	_, stderr, code = clew(t, args...)
	if code != 1 || !strings.Contains(stderr, "stage.csv has changed") || !strings.Contains(stderr, "--restart") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	report := decode[imported](t, mustClew(t, append(args, "--restart")...))
	total := 0
	for _, n := range fileCounts(t, dir) {
		total += n
	}
	if report.Resumed || report.messages() != uint64(total) {
		t.Errorf("reported %+v of %d", report, total)
	}
}

// spoilLine replaces a line of a file, from 1, by what change makes of it.
func spoilLine(t *testing.T, name string, line int, change func(string) string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	lines[line-1] = change(lines[line-1])
	write(t, name, strings.Join(lines, "\n"))
}

// TestProgramImportRejects holds the answers to wrong rows: which, where and why, in the report and in the file.
func TestProgramImportRejects(t *testing.T) {
	needEngine(t)
	dir := simulated(t, 2000)
	stages := filepath.Join(dir, "stage.csv")
	total := 0
	for _, n := range fileCounts(t, dir) {
		total += n
	}
	spoilLine(t, stages, 10, func(s string) string { return strings.Replace(s, "Z,", "?,", 1) })
	spoilLine(t, stages, 3000, func(s string) string { return `"` + s })
	spoilLine(t, stages, 3100, func(s string) string { return s + ",more" })
	rejects := filepath.Join(t.TempDir(), "rejects.csv")
	args := []string{"import", "--source", "simulated", "--in", dir, "--rejects", rejects, "--data-dir"}

	data := filepath.Join(t.TempDir(), "data")
	stdout, stderr, code := clew(t, append(args, data)...)
	if code != exitRejected || !strings.Contains(stderr, rejects) || !strings.Contains(stderr, "stage.csv:10") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	report := decode[imported](t, stdout)
	if report.Rejected != 3 || report.messages() != uint64(total-3) || !report.Stored {
		t.Errorf("reported %+v of %d", report, total)
	}
	if len(report.Faults) != 3 || !strings.HasPrefix(report.Faults[1], "stage.csv:3000") {
		t.Errorf("faults %q", report.Faults)
	}
	text, err := os.ReadFile(rejects)
	if err != nil {
		t.Fatal(err)
	}
	listed, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	for _, row := range listed {
		places = append(places, strings.Join([]string{row[0], row[1], row[3]}, " "))
	}
	want := []string{"file line column", "stage.csv 10 occurred_at", "stage.csv 3000 ", "stage.csv 3100 "}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("rejects, want (-), got (+):\n%s", diff)
	}

	// No more than allowed is no failure; more stops the import, and a larger limit lets it go on.
	mustClew(t, append(args, data, "--max-rejects", "3")...)
	_, stderr, code = clew(t, append(args, data, "--max-rejects", "1")...)
	if code != exitStopped || !strings.Contains(stderr, "--max-rejects") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if _, stderr, code = clew(t, append(args, data, "--max-rejects", "1")...); code != exitStopped {
		t.Errorf("again: exit %d: %s", code, stderr)
	}
	report = decode[imported](t, mustClew(t, append(args, data, "--max-rejects", "5")...))
	if report.Rejected != 3 || report.messages() != uint64(total-3) || !report.Resumed {
		t.Errorf("reported %+v of %d", report, total)
	}
}

// TestRejectFileGoesOn holds that a file of rejects is cut to its checkpoint, and that one without that is refused.
func TestRejectFileGoesOn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "rejects.csv")
	add := func(size int64, row string) int64 {
		t.Helper()
		r, err := newRejectFile(name, size)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.write(&source.RowError{File: row, Line: 1, Reason: "why"}); err != nil {
			t.Fatal(err)
		}
		end, err := r.flush()
		if err := errors.Join(err, r.close()); err != nil {
			t.Fatal(err)
		}
		return end
	}
	first := add(0, "a")
	add(first, "behind the checkpoint, and longer than what comes in its place")
	end := add(first, "b")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := "file,line,offset,column,value,reason\na,1,0,,,why\nb,1,0,,,why\n"
	if string(text) != want || end != int64(len(want)) {
		t.Errorf("%d bytes %q", end, text)
	}
	if _, err := newRejectFile(name, end+1); err == nil || !strings.Contains(err.Error(), name+" has") {
		t.Errorf("a file that has lost rows: %v", err)
	}
	if after, err := os.ReadFile(name); err != nil || string(after) != want {
		t.Errorf("it became %q, %v", after, err)
	}
}

// TestImportThatIsSentHoldsItsLimit holds that --max-rejects counts also where only storing is left.
func TestImportThatIsSentHoldsItsLimit(t *testing.T) {
	for limit, code := range map[int64]int{-1: 0, 2: exitStopped, 3: 0} {
		r := &importer{feed: mappingFeed{Reader: &source.Reader{}}, max: limit}
		r.at.Sent, r.at.Totals = true, importTotals{Rejected: 3, Faults: []string{"a"}}
		got := 0
		err := r.resume(t.Context())
		if err != nil {
			got = exitCode(err)
		}
		if got != code {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

// TestImportRejectsWhatTheBrokerRefuses holds that a message too large for the topic is a rejection that names its row.
func TestImportRejectsWhatTheBrokerRefuses(t *testing.T) {
	dir := simulated(t, 10)
	s, _ := openTestSystem(t, configIn(t.TempDir()))
	r := openImport(t, s, importing{source: "simulated", in: dir, maxRejects: -1})
	defer r.close()
	noise := make([]byte, 2<<20)
	rand.Read(noise) // so that it is as large when it is compressed
	at := source.Position{File: "f.parquet", Row: 7}
	letter := func(value []byte) item {
		return item{Message: stream.Message{Topic: "clew.stages", Key: []byte("L"), Value: value}, at: at}
	}
	b := batch{items: []item{letter([]byte("small")), letter(noise), letter([]byte("behind"))}}
	if err := r.sendBatch(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if r.at.Totals.DeadLetters != 2 || r.at.Totals.Rejected != 1 ||
		!strings.HasPrefix(r.at.Totals.Faults[0], `f.parquet:7: row 7: message "L" for topic clew.stages has 2097152 bytes`) {
		t.Errorf("%+v", r.at.Totals)
	}
}

// TestProgramImportOfBadFiles holds the answers to files that are wrong as a whole.
func TestProgramImportOfBadFiles(t *testing.T) {
	needEngine(t)
	good := simulated(t, 50)
	header, err := os.ReadFile(filepath.Join(good, "stage.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		code  int
		want  []string
	}{
		{"empty file", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "stage.csv"), "") }, 1, []string{"stage.csv", "empty"}},
		{"other columns", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "stage.csv"), "a,b\n1,2\n") }, 1, []string{"stage.csv", "event_id", "column"}},
		{"a file is missing", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "stage.csv")); err != nil {
				t.Fatal(err)
			}
		}, 1, []string{"stage.csv", "put it there"}},
		{"byte order mark", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "stage.csv"), "\xEF\xBB\xBF"+string(header))
		}, 0, nil},
		{"only a header", func(t *testing.T, dir string) {
			first, _, _ := strings.Cut(string(header), "\n")
			write(t, filepath.Join(dir, "stage.csv"), first+"\n")
		}, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "files")
			if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, dir)
			_, stderr, code := clew(t, "import", "--source", "simulated", "--in", dir, "--data-dir", filepath.Join(dir, "data"))
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("does not name %q: %s", want, stderr)
				}
			}
			if code != c.code {
				t.Errorf("exit %d: %s", code, stderr)
			}
		})
	}
	// A rejects file that cannot take a row is told before anything counts as done.
	dir := filepath.Join(t.TempDir(), "files")
	if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := clew(t, "import", "--source", "simulated", "--in", dir, "--data-dir", filepath.Join(dir, "data"),
		"--rejects", filepath.Join(dir, "absent", "rejects.csv"))
	if code != 1 || !strings.Contains(stderr, "--rejects") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
