package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/ingest/event"
	"clew/ingest/source"
	"clew/ingest/stream"
)

// simulated writes a made-up business to files.
func simulated(t *testing.T, leads int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "files")
	cfg := defaultConfig()
	if err := (simulating{dir: dir, leads: leads, seed: 5, until: "2026-02-28"}).run(cfg); err != nil {
		t.Fatal(err)
	}
	return dir
}

// idCounts counts the messages in the log by topic and event id.
func idCounts(t *testing.T, s *system) map[string]int {
	t.Helper()
	client, err := stream.NewClient(s.kafka)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ids, err := client.TopicIDs(t.Context(), event.Topics())
	if err != nil {
		t.Fatal(err)
	}
	ranges, err := logEnds(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for p, held := range ranges {
		err := eachMessage(t.Context(), client, p, ids[p.Topic], held.First, held.End, func(m stream.Message) {
			e, err := event.Decode(m.Topic, m.Value)
			if err != nil {
				t.Error(err)
				return
			}
			counts[m.Topic+" "+e.Head().EventID]++
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return counts
}

// fileCounts counts the events of the files likewise.
func fileCounts(t *testing.T, dir string) map[string]int {
	t.Helper()
	mapping, err := source.Load("simulated")
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for e, err := range source.Read(t.Context(), mapping, dir) {
		if err != nil {
			t.Fatal(err)
		}
		counts[event.Topic(e.Kind())+" "+e.Head().EventID]++
	}
	return counts
}

// fragile is a feed that fails behind some items.
type fragile struct {
	feed
	after int
}

var errFragile = errors.New("the feed broke")

func (f fragile) items(ctx context.Context) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		left := f.after
		for it, err := range f.feed.items(ctx) {
			if left--; left < 0 {
				yield(item{}, errFragile)
				return
			}
			if !yield(it, err) {
				return
			}
		}
	}
}

// openImport opens an import, new or broken off.
func openImport(t *testing.T, s *system, i importing) *importer {
	t.Helper()
	f, err := i.open()
	if err != nil {
		t.Fatal(err)
	}
	r, err := i.runner(t.Context(), s, f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestImportGoesOnBehindItsCheckpoint breaks an import off behind its checkpoint, again and again: what was sent is found
// in the log, and each message of the files is in it as often as in the files, though some ids come twice there.
func TestImportGoesOnBehindItsCheckpoint(t *testing.T) {
	dir := simulated(t, 1000)
	s, _ := openTestSystem(t, configIn(t.TempDir()))
	i := importing{source: "simulated", in: dir, maxRejects: -1}
	sent := 0
	for _, n := range []int{0, 1, batchItems, batchItems + 1, 3*batchItems - 1} {
		r := openImport(t, s, i)
		r.feed = fragile{r.feed, n}
		r.saved = time.Now().Add(time.Hour) // however slow the machine is, no checkpoint by time
		if r.found != sent {
			t.Errorf("found %d messages in the log, %d were sent", r.found, sent)
		}
		// Others write to the log too, the ids of this import among them.
		sendRaw(t, s, "clew.stages", fmt.Sprintf(
			`{"event_id":"other-%d","occurred_at":"2026-01-01T00:00:00Z","lead_id":"L","stage":"new"}`, n))
		if err := r.send(t.Context()); !errors.Is(err, errFragile) {
			t.Errorf("ended with %v", err)
		}
		r.close()
		sent = max(sent, n)
	}
	f, err := i.open()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := i.run(t.Context(), s, f, &out); err != nil {
		t.Fatal(err)
	}
	report := decode[imported](t, out.String())
	if !report.Resumed || report.FoundInLog != sent {
		t.Errorf("reported %+v, and %d were in the log", report, sent)
	}
	want := fileCounts(t, dir)
	total := uint64(0)
	for _, n := range want {
		total += uint64(n)
	}
	if report.messages() != total || report.Rows != int64(total) {
		t.Errorf("reported %d messages of %d rows, the files have %d", report.messages(), report.Rows, total)
	}
	for _, n := range []int{0, 1, batchItems, batchItems + 1, 3*batchItems - 1} {
		want[fmt.Sprintf("clew.stages other-%d", n)] = 1
	}
	if diff := cmp.Diff(want, idCounts(t, s)); diff != "" {
		t.Errorf("messages by id, want (-), got (+):\n%.2000s", diff)
	}
	if left, err := filepath.Glob(filepath.Join(s.cfg.DataDir, "imports", "*")); err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}

// killAt starts an import and kills it when its checkpoint is as wanted, which it must then stay for a second or so.
// False means that it ended before.
func killAt(t *testing.T, data string, at func(checkpoint) bool, args ...string) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, append(args, "--data-dir", data)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// The file is looked at as often as possible, to kill soon after it changed.
	for range time.Tick(time.Millisecond) {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v: %s", err, said.String())
			}
			return false
		default:
		}
		if c, ok := currentCheckpoint(t, data); ok && at(c) {
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	return <-ended != nil
}

func currentCheckpoint(t *testing.T, data string) (checkpoint, bool) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(data, "imports", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c checkpoint
	if len(names) == 0 {
		return c, false
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		return c, false // it was completed just now
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatalf("a checkpoint can be read at any time: %v in %s", err, text)
	}
	return c, true
}

// TestProgramImportSurvivesKills kills an import at several points, by kill -9: nothing is lost, and nothing is twice in
// the log or in the tables.
func TestProgramImportSurvivesKills(t *testing.T) {
	needEngine(t)
	dir := simulated(t, 8000)
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"import", "--source", "simulated", "--in", dir}
	started := time.Now()
	kills := 0
	for _, at := range []func(checkpoint) bool{
		func(checkpoint) bool { return true },
		func(checkpoint) bool { return true },
		func(c checkpoint) bool { return c.Totals.Rows > 0 },
		func(c checkpoint) bool { return c.Totals.Rows > checkpointItems+batchItems },
		func(c checkpoint) bool { return c.Sent },
	} {
		if !killAt(t, data, at, args...) {
			t.Fatalf("the import ended after %d kills", kills)
		}
		kills++
	}
	report := decode[imported](t, mustClew(t, append(args, "--data-dir", data)...))
	t.Logf("%d kills, %d messages, %s", kills, report.messages(), time.Since(started).Round(time.Second))

	want := fileCounts(t, dir)
	total, repeated := 0, 0
	for _, n := range want {
		total += n
		repeated += n - 1
	}
	if report.Rows != int64(total) || report.messages() != uint64(total) || report.Rejected != 0 {
		t.Errorf("reported %+v, the files have %d rows", report, total)
	}
	if report.Duplicates == nil || *report.Duplicates != uint64(repeated) {
		t.Errorf("%d of the ids come again, reported %v", repeated, report.Duplicates)
	}
	verified := decode[verification](t, mustClew(t, "verify", "--json", "--data-dir", data))
	if !verified.Right || verified.Messages != int64(total) || verified.Lag != 0 {
		t.Errorf("verified %+v", verified)
	}
	s, _ := openTestSystem(t, configIn(data))
	if diff := cmp.Diff(want, idCounts(t, s)); diff != "" {
		t.Errorf("messages by id, want (-), got (+):\n%.2000s", diff)
	}
}

// TestProgramImportArchiveSurvivesKills does the same with an archive.
func TestProgramImportArchiveSurvivesKills(t *testing.T) {
	needEngine(t)
	dir := t.TempDir()
	first, archive, data := filepath.Join(dir, "first"), filepath.Join(dir, "archive"), filepath.Join(dir, "data")
	mustClew(t, "import", "--source", "simulated", "--in", simulated(t, 4000), "--data-dir", first)
	made := decode[archiveReport](t, mustClew(t, "archive", "--to", archive, "--data-dir", first))
	for _, at := range []func(checkpoint) bool{
		func(checkpoint) bool { return true },
		func(c checkpoint) bool { return c.Totals.Rows > 0 },
	} {
		if !killAt(t, data, at, "import", "--archive", archive) {
			t.Fatal("the import ended before it could be killed")
		}
	}
	report := decode[imported](t, mustClew(t, "import", "--archive", archive, "--data-dir", data))
	if report.Rows != made.Rows || report.messages() != uint64(made.Rows) || !report.Resumed {
		t.Errorf("reported %+v of an archive of %d rows", report, made.Rows)
	}
	verified := decode[verification](t, mustClew(t, "verify", "--json", "--data-dir", data))
	if !verified.Right || verified.Messages != made.Rows {
		t.Errorf("verified %+v", verified)
	}
	again := decode[archiveReport](t, mustClew(t, "archive", "--to", archive, "--data-dir", data))
	if len(again.Written)+len(again.Kept) != 0 || len(again.Unchanged) != len(made.Written) {
		t.Errorf("the tables are not those of the archive: %+v", again)
	}
}

// TestProgramImportIntoAnotherKafka imports into a broker that another process runs: the same kill, the same log.
func TestProgramImportIntoAnotherKafka(t *testing.T) {
	needEngine(t)
	dir := simulated(t, 3000)
	s, _ := openTestSystem(t, configIn(t.TempDir()))
	config := filepath.Join(t.TempDir(), "clew.yaml")
	write(t, config, fmt.Sprintf("kafka:\n  brokers: [%q]\n", s.broker.Addr()))
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"import", "--source", "simulated", "--in", dir, "--config", config}
	if !killAt(t, data, func(checkpoint) bool { return true }, args...) {
		t.Fatal("the import ended before it could be killed")
	}
	report := decode[imported](t, mustClew(t, append(args, "--data-dir", data)...))
	want := fileCounts(t, dir)
	total := 0
	for _, n := range want {
		total += n
	}
	if report.Stored || report.Duplicates != nil || report.messages() != uint64(total) {
		t.Errorf("reported %+v of %d", report, total)
	}
	if diff := cmp.Diff(want, idCounts(t, s)); diff != "" {
		t.Errorf("messages by id, want (-), got (+):\n%.2000s", diff)
	}
}
