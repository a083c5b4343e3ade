package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/ingest/event"
	"clew/ingest/simulate"
	"clew/ingest/source"
	"clew/ingest/stream"
)

// one asks for one row of numbers.
func one(t *testing.T, s *system, sql string) []any {
	t.Helper()
	rows, err := s.db.Query(t.Context(), sql, nil)
	if err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatalf("no row: %v", rows.Err())
	}
	values, err := rows.Values()
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// archiveTo archives what a system holds.
func archiveTo(ctx context.Context, t *testing.T, s *system, a archiving) (archiveReport, error) {
	t.Helper()
	from, until, err := a.window()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = a.run(ctx, s, from, until, &out)
	return decode[archiveReport](t, out.String()), err
}

// importArchive takes an archive in.
func importArchive(t *testing.T, s *system, dir string) imported {
	t.Helper()
	i := importing{archive: dir, maxRejects: -1}
	f, err := i.open()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := i.run(t.Context(), s, f, &out); err != nil {
		t.Fatal(err)
	}
	return decode[imported](t, out.String())
}

// awkward are messages whose rows are hard to carry: at the edges of the contract, clamped, and no events at all.
func awkward() []stream.Message {
	then := time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC)
	head := `"event_id":"%s","occurred_at":"2026-02-01T00:00:00.001Z","lead_id":"L1",`
	type raw struct{ topic, value string }
	var messages []stream.Message
	for i, r := range []raw{
		{"clew.stages", `{` + head + `"stage":"won","amount":-0.1,"currency":"CNY"}`},
		{"clew.stages", `{` + head + `"stage":"won","amount":1e300,"currency":"JPY","reason":"<&>\u2028 \"quoted\"\n"}`},
		{"clew.stages", `{` + head + `"stage":"lost"}`},
		{"clew.behaviors", `{` + head + `"name":"x","value":0.1,"properties":{"a":"","b":5,"c":1.50,"d":true,"e":null,"键":"值"}}`},
		{"clew.behaviors", `{"event_id":"%s","occurred_at":"2199-12-31T23:59:59.999Z","anonymous_id":"far","name":"clamped"}`},
		{"clew.touchpoints", `{"event_id":"%s","occurred_at":"1970-01-01T00:00:00Z","identifiers":{"email":"a@b.example","phone":"1"},` +
			`"channel":"c","touch":"t","workspace":"other"}`},
		{"clew.leads", `{` + head + `"created_at":"1999-01-01T00:00:00.123Z","contact":{"wechat":"w"},"attributes":{"n":1e3}}`},
		{"clew.leads", `{` + head + `"contact":{}}`},
		{"clew.activities", `{` + head + `"owner":"o","method":"m","effective":false,"next_at":"2150-01-01T00:00:00Z"}`},
		{"clew.costs", `{"event_id":"%s","occurred_at":"2026-02-01T00:00:00Z","date":"2024-02-29","channel":"c","amount":0,` +
			`"currency":"EUR","impressions":9007199254740991}`},
		{"clew.stages", `{"event_id":`},
		{"clew.stages", "\xff\x00\xfe"},
		{"clew.stages", ""},
		{"clew.leads", `{"event_id":"%s","occurred_at":"2026-02-01T00:00:00Z","lead_id":"L","company":"` + strings.Repeat("x", 2<<20) + `"}`},
	} {
		value := r.value
		if strings.Contains(value, "%s") {
			value = fmt.Sprintf(value, fmt.Sprintf("awkward-%d", i))
		}
		messages = append(messages, stream.Message{
			Topic: r.topic, Key: []byte{byte(i), 0xff}, Value: []byte(value), Time: then.Add(time.Duration(i) * time.Hour * 300),
		})
	}
	// One that came twice.
	return append(messages, messages[0])
}

// TestArchiveRoundTrip archives what one system holds, takes it into another, and lets the engine compare the rows of its
// tables with those of the files, both ways and in number.
func TestArchiveRoundTrip(t *testing.T) {
	first, end := openTestSystem(t, configIn(t.TempDir()))
	story := simulate.Config{Seed: 9, Leads: 300, To: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	if _, err := first.send(t.Context(), "simulate", -1, errorless(simulate.Events(story))); err != nil {
		t.Fatal(err)
	}
	w := stream.NewWriter(stream.Config{Brokers: first.kafka.Brokers, MaxMessageBytes: 8 << 20})
	defer w.Close()
	for _, m := range awkward() {
		if err := w.Write(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.ingestAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "archive")
	report, err := archiveTo(t.Context(), t, first, archiving{dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if n := one(t, first, "SELECT countIf(clamped) FROM events")[0]; n != uint64(1) {
		t.Errorf("%d clamped rows, want 1", n)
	}
	if n := one(t, first, "SELECT count() FROM dead_letters")[0]; n != uint64(4) {
		t.Errorf("%d dead letters, want 4", n)
	}
	end()

	second, _ := openTestSystem(t, configIn(t.TempDir()))
	got := importArchive(t, second, dir)
	if got.Rejected != 0 || got.Rows != report.Rows || got.DeadLetters != 4 {
		t.Errorf("imported %+v of %d rows", got, report.Rows)
	}
	var rows int64
	for _, table := range source.ArchiveTables() {
		columns := strings.Join(table.Columns, ", ")
		files := fmt.Sprintf("file('%s/%s/*.parquet', Parquet)", dir, table.Name)
		n := one(t, second, "SELECT count() FROM "+table.Name)[0].(uint64)
		rows += int64(n)
		counts := one(t, second, fmt.Sprintf(`SELECT (SELECT count() FROM %[3]s),
			(SELECT count() FROM (SELECT %[1]s FROM %[2]s EXCEPT SELECT %[1]s FROM %[3]s)),
			(SELECT count() FROM (SELECT %[1]s FROM %[3]s EXCEPT SELECT %[1]s FROM %[2]s))`, columns, table.Name, files))
		if diff := cmp.Diff([]any{n, uint64(0), uint64(0)}, counts); diff != "" {
			t.Errorf("%s: rows in the files, only in the table, only in the files; want (-), got (+):\n%s", table.Name, diff)
		}
	}
	if rows != report.Rows {
		t.Errorf("%d rows in the tables, %d in the archive", rows, report.Rows)
	}

	again, err := archiveTo(t.Context(), t, second, archiving{dir: dir})
	if err != nil || len(again.Written) != 0 || len(again.Kept) != 0 || len(again.Unchanged) != len(report.Written) {
		t.Errorf("the archive of the archive: %v %+v", err, again)
	}
	// What is in counts once, however often it is taken in.
	importArchive(t, second, dir)
	if n := one(t, second, "SELECT count(), uniqExact(workspace, event_id) FROM stage_changes"); n[0].(uint64) <= n[1].(uint64) {
		t.Errorf("%d rows, %d events: the second import is not there", n[0], n[1])
	}
	if diff := cmp.Diff(one(t, second, "SELECT uniqExact(workspace, event_id) FROM stage_changes"),
		one(t, second, fmt.Sprintf("SELECT uniqExact(workspace, event_id) FROM file('%s/stage_changes/*.parquet', Parquet)", dir))); diff != "" {
		t.Errorf("events, table (-), files (+):\n%s", diff)
	}
}

// stageMessages are so many stage changes in a month.
func stageMessages(month string, from, n int) []stream.Message {
	var messages []stream.Message
	for i := range n {
		messages = append(messages, stream.Message{
			Topic: event.Topic(event.TypeStage), Key: []byte("L"),
			Value: fmt.Appendf(nil, `{"event_id":"%s-%d","occurred_at":"%s-02T00:00:00Z","lead_id":"L","stage":"mql"}`,
				month, from+i, month),
		})
	}
	return messages
}

// TestArchiveAgain holds what an archive does with months that have changed.
func TestArchiveAgain(t *testing.T) {
	s, _ := openTestSystem(t, configIn(t.TempDir()))
	dir := filepath.Join(t.TempDir(), "archive")
	take := func(messages ...[]stream.Message) {
		t.Helper()
		w := stream.NewWriter(s.kafka)
		defer w.Close()
		for _, m := range messages {
			if err := w.Write(t.Context(), m...); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.ingestAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	name := func(month string) string { return "stage_changes/stage_changes-" + month + ".parquet" }
	check := func(a archiving, wantErr string, written, unchanged, kept []monthReport) {
		t.Helper()
		a.dir = dir
		got, err := archiveTo(t.Context(), t, s, a)
		if (err == nil) != (wantErr == "") || err != nil && !strings.Contains(err.Error(), wantErr) {
			t.Errorf("failed with %v, want %q", err, wantErr)
		}
		for _, c := range []struct {
			name      string
			want, got []monthReport
		}{{"written", written, got.Written}, {"unchanged", unchanged, got.Unchanged}, {"kept", kept, got.Kept}} {
			if diff := cmp.Diff(append([]monthReport{}, c.want...), c.got); diff != "" {
				t.Errorf("%s, want (-), got (+):\n%s", c.name, diff)
			}
		}
	}
	january, february, march := name("2026-01"), name("2026-02"), name("2026-03")
	take(stageMessages("2026-01", 0, 3), stageMessages("2026-02", 0, 2), stageMessages("2026-03", 0, 1))
	check(archiving{from: "2026-02", until: "2026-02"}, "", []monthReport{{february, 2, 0}}, nil, nil)
	check(archiving{}, "", []monthReport{{january, 3, 0}, {march, 1, 0}}, []monthReport{{february, 2, 0}}, nil)

	take(stageMessages("2026-02", 2, 4))
	check(archiving{}, "", []monthReport{{february, 6, 2}}, []monthReport{{january, 3, 0}, {march, 1, 0}}, nil)

	// A month that the warehouse has lost in part, or wholly, stays in the archive.
	for _, sql := range []string{
		"ALTER TABLE stage_changes DELETE WHERE event_id = '2026-01-0' SETTINGS mutations_sync = 2",
		"ALTER TABLE stage_changes DELETE WHERE event_id = '2026-03-0' SETTINGS mutations_sync = 2",
	} {
		if err := s.db.Exec(t.Context(), sql, nil); err != nil {
			t.Fatal(err)
		}
	}
	check(archiving{}, "--replace", nil, []monthReport{{february, 6, 0}}, []monthReport{{january, 2, 3}})
	check(archiving{replace: true}, "", []monthReport{{january, 2, 3}}, []monthReport{{february, 6, 0}}, nil)

	// The same number of other rows is another month, and a file that is gone is written again.
	take(stageMessages("2026-01", 7, 1))
	if err := s.db.Exec(t.Context(),
		"ALTER TABLE stage_changes DELETE WHERE event_id = '2026-01-1' SETTINGS mutations_sync = 2", nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, february)); err != nil {
		t.Fatal(err)
	}
	check(archiving{}, "", []monthReport{{january, 2, 2}, {february, 6, 6}}, nil, nil)
	archive, err := source.LoadArchive(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Files) != 3 {
		t.Errorf("%d files", len(archive.Files))
	}
	for _, err := range archive.Reader().Messages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestProgramArchiveRefuses holds the answers to wrong input.
func TestProgramArchiveRefuses(t *testing.T) {
	needEngine(t)
	dir := t.TempDir()
	data, full := filepath.Join(dir, "data"), filepath.Join(dir, "full")
	mustClew(t, "check", "--data-dir", data)
	if err := os.Mkdir(full, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(full, "other.txt"), "not ours")
	broken := filepath.Join(dir, "broken")
	if err := os.Mkdir(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(broken, "manifest.json"), `{"version": 7}`)
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"no directory", []string{"archive"}, []string{`"to"`}},
		{"a directory of something else", []string{"archive", "--to", full}, []string{full, "other.txt", "empty"}},
		{"no month", []string{"archive", "--to", dir, "--from", "2026"}, []string{"2026", "2026-01"}},
		{"months exchanged", []string{"archive", "--to", dir, "--from", "2026-02", "--until", "2026-01"}, []string{"after"}},
		{"a later version", []string{"archive", "--to", broken}, []string{"version 7", "manifest.json"}},
		{"no archive", []string{"import", "--archive", full}, []string{full, "clew archive"}},
		{"archive and mapping", []string{"import", "--archive", full, "--source", "olist", "--in", full}, []string{"archive", "source"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, stderr, code := clew(t, append(c.args, "--data-dir", data)...)
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("does not name %q: %s", want, stderr)
				}
			}
			if code != 1 {
				t.Errorf("exit %d: %s", code, stderr)
			}
		})
	}
}
