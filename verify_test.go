package main

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/ingest"
)

// spoil runs statements on a data directory's tables.
func spoil(t *testing.T, data string, statements ...string) {
	t.Helper()
	cfg := defaultConfig()
	cfg.DataDir = data
	s, err := openSystem(t.Context(), cfg, slog.New(slog.DiscardHandler), noKafka)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range statements {
		if err := s.db.Exec(t.Context(), sql, nil); err != nil {
			t.Error(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestProgramVerify(t *testing.T) {
	data, at := lettersDir(t)
	run := func(wantCode int, args ...string) (stdout, stderr string) {
		t.Helper()
		stdout, stderr, code := clew(t, append([]string{"verify", "--data-dir", data}, args...)...)
		if code != wantCode {
			t.Fatalf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout, stderr
	}
	stdout, _ := run(0)
	want := "  messages  rows  missing  repaired  doubled  kept  beyond  lag  partition\n" +
		"         5     5        0         0        0     0       0    0  " + at + "\n" +
		"5 messages: 0 missing, 0 of them repaired, 0 doubled, 0 not taken in yet\n"
	if diff := cmp.Diff(want, stdout); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}

	spoil(t, data, "INSERT INTO stage_changes SELECT * FROM stage_changes WHERE _offset = 4",
		"ALTER TABLE stage_changes DELETE WHERE _offset = 0 SETTINGS mutations_sync = 2",
		"ALTER TABLE dead_letters DELETE WHERE _offset IN (1, 3) SETTINGS mutations_sync = 2")
	stdout, stderr := run(1)
	if !strings.Contains(stdout, at+" missing: 0-1, 3\n"+at+" doubled: 4\n5 messages: 3 missing, 0 of them repaired, 1 doubled") ||
		!strings.Contains(stderr, "clew verify --repair") || !strings.Contains(stderr, "an event_id counts once") {
		t.Errorf("printed:\n%s%s", stdout, stderr)
	}
	stdout, stderr = run(1, "--repair", "--json")
	report := decode[verification](t, stdout)
	if report.Missing != 3 || report.Repaired != 3 || report.Doubled != 1 || report.Right {
		t.Errorf("reported %+v", report)
	}
	if strings.Contains(stderr, "--repair") {
		t.Errorf("asks for a repair after it: %s", stderr)
	}
	stdout, _ = run(1, "--repair", "--json")
	report = decode[verification](t, stdout)
	if report.Missing != 0 || report.Repaired != 0 || report.Doubled != 1 {
		t.Errorf("reported %+v", report)
	}
	if rows, letters, _ := stages(t, data); rows != 3 || letters != 3 {
		t.Errorf("%d rows, %d letters", rows, letters)
	}

	spoil(t, data, "ALTER TABLE stage_changes DELETE WHERE _offset = 4 SETTINGS mutations_sync = 2")
	if stdout, stderr = run(0, "--repair"); !strings.Contains(stdout, "1 missing, 1 of them repaired, 0 doubled") {
		t.Errorf("printed:\n%s%s", stdout, stderr)
	}
	run(0)
}

func TestListedRanges(t *testing.T) {
	var many []ingest.OffsetRange
	for i := range int64(22) {
		many = append(many, ingest.OffsetRange{First: 10 * i, Last: 10*i + i%2})
	}
	want := "0, 10-11, 20, 30-31, 40, 50-51, 60, 70-71, 80, 90-91, 100, 110-111, 120, 130-131, 140, 150-151, 160, " +
		"170-171, 180, 190-191 … (22 ranges in all, see --json)"
	if diff := cmp.Diff(want, listed(many)); diff != "" {
		t.Error(diff)
	}
}
