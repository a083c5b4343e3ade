package main

import (
	"bufio"
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/ingest/stream"
	"clew/query/api"
	"clew/transform/warehouse"
)

const (
	goodStage    = `{"event_id":"g%","occurred_at":"2026-03-02T09:30:00Z","lead_id":"L%","stage":"mql"}`
	noStage      = `{"event_id":"n1","occurred_at":"2026-03-02T09:30:00Z","lead_id":"L1"}`
	correctStage = `{"event_id":"n1","occurred_at":"2026-03-02T09:30:00Z","lead_id":"L1","stage":"won"}`
	// steering would clear the terminal of whoever looks at it.
	steering = "\x1b[2J{\n"
	notUTF8  = "{\xff\x00"
)

// lettersDir is a data directory whose stages hold two events and three dead letters, and the partition they are in.
func lettersDir(t *testing.T) (data string, partition string) {
	t.Helper()
	needEngine(t)
	cfg := defaultConfig()
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	s, err := openSystem(t.Context(), cfg, slog.New(slog.DiscardHandler), anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	sendRaw(t, s, "clew.stages", strings.ReplaceAll(goodStage, "%", "1"), noStage, steering, notUTF8,
		strings.ReplaceAll(goodStage, "%", "2"))
	if err := s.ingestAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	letters, total, err := s.letters().Letters(t.Context(), warehouse.LetterFilter{}, 10)
	if err != nil || total != 3 {
		t.Fatal(total, err)
	}
	return cfg.DataDir, strings.TrimSuffix(letters[0].String(), "/3")
}

// stages asks the data directory how many events and dead letters of stages it holds, and which event came last.
func stages(t *testing.T, data string) (rows, letters uint64, last string) {
	t.Helper()
	cfg := defaultConfig()
	cfg.DataDir = data
	s, err := openSystem(t.Context(), cfg, slog.New(slog.DiscardHandler), noKafka)
	if err != nil {
		t.Fatal(err)
	}
	var found []struct {
		Rows    uint64 `ch:"rows"`
		Letters uint64 `ch:"letters"`
		Last    string `ch:"last"`
	}
	err = s.db.Select(t.Context(), &found, `SELECT count() AS rows, argMax(concat(event_id, ' ', stage), _offset) AS last,
		(SELECT count() FROM dead_letters) AS letters FROM stage_changes`, nil)
	if err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return found[0].Rows, found[0].Letters, found[0].Last
}

// timeless takes the moments out of what the program prints.
func timeless(text string) string {
	return regexp.MustCompile(`20\d\d-\d\d-\d\dT[\d:]{8}Z`).ReplaceAllString(text, "TIME")
}

func wantText(t *testing.T, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, timeless(got)); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestProgramDeadLetters(t *testing.T) {
	data, at := lettersDir(t)
	run := func(args ...string) string {
		t.Helper()
		return mustClew(t, append([]string{"deadletters", "--data-dir", data}, args...)...)
	}
	refused := func(want string, args ...string) {
		t.Helper()
		stdout, stderr, code := clew(t, append([]string{"deadletters", "--data-dir", data}, args...)...)
		if code != 1 || !strings.Contains(stderr, want) || stdout != "" {
			t.Errorf("%v: exit %d, want %q in %s%s", args, code, want, stdout, stderr)
		}
	}

	wantText(t, "PLACE            REASON         RECEIVED              BYTES  SENT AGAIN  DETAIL\n"+
		at+"/1  missing_field  TIME  69     no          stage is missing: send it, not empty\n1 of 1 dead letters\n",
		run("list", "--reason", "missing_field"))
	wantText(t, "TOPIC        REASON          LETTERS  SENT AGAIN\nclew.stages  malformed_json  2        0\n"+
		"clew.stages  missing_field   1        0\n", run("list", "--count"))
	listed := decode[api.LetterList](t, run("list", "--json", "--limit", "2", "--topic", "clew.stages"))
	if listed.Total != 3 || len(listed.Letters) != 2 {
		t.Errorf("listed %d of %d letters", len(listed.Letters), listed.Total)
	}

	if got := run("show", at+"/1"); !strings.HasSuffix(got, "\n\n"+noStage+"\n") || !strings.Contains(got, "\nkey         L\n") {
		t.Errorf("shown: %s", got)
	}
	if got := run("show", at+"/2"); strings.Contains(got, "\x1b") || !strings.Contains(got, "\n\n\ufffd[2J{\n") {
		t.Errorf("shown: %q", got)
	}
	if got := run("show", at+"/3"); !strings.HasSuffix(got, "\n\nbase64: e/8A\n") {
		t.Errorf("shown: %s", got)
	}
	if got := run("show", "--raw", at+"/3"); got != notUTF8 {
		t.Errorf("raw: %q", got)
	}
	refused("dead_letter_not_found", "show", at+"/0")
	refused("TOPIC/PARTITION/OFFSET", "show", "clew.stages")
	refused("unknown_topic", "list", "--topic", "stages")
	refused("bad_limit", "list", "--limit", "0")

	replaying(t, data, at, run, refused)
}

// replaying sends letters again, as they came and corrected.
func replaying(t *testing.T, data, at string, run func(...string) string, refused func(string, ...string)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stage.json")
	write(t, file, `{"event_id":"n1","occurred_at":"2026-03-02T09:30:00Z","lead_id":"L1","stage":"wun"}`)
	refused("invalid_value: stage", "replay", at+"/1", "--with", file)
	refused("no.json", "replay", at+"/1", "--with", "no.json")
	write(t, file, correctStage)
	wantText(t, at+"/1 was sent again as event n1, and is stored\n", run("replay", at+"/1", "--with", file))
	if rows, letters, last := stages(t, data); rows != 3 || letters != 3 || last != "n1 won" {
		t.Errorf("%d rows, %d letters, last %s", rows, letters, last)
	}
	refused("already_replayed", "replay", at+"/1", "--with", file)
	again := decode[api.Replayed](t, run("replay", at+"/1", "--with", file, "--again", "--json"))
	if again.EventID != "n1" || !again.Stored || again.String() != at+"/1" {
		t.Errorf("replayed %+v", again)
	}
	shown := decode[warehouse.Letter](t, run("show", at+"/1", "--json"))
	if shown.Replays != 2 || shown.EventID != "n1" || !shown.ReplayedAt.Equal(again.At) || shown.Raw.Text != noStage {
		t.Errorf("shown %+v", shown)
	}
	if got := run("list", "--reason", "missing_field"); !strings.Contains(timeless(got), "TIME (2 times)") {
		t.Errorf("listed: %s", got)
	}

	// As it came, it is a dead letter again, at another place.
	if got := run("replay", at+"/3"); !strings.Contains(got, "as it came, and is stored\n") ||
		!strings.Contains(got, "dead letter anew: malformed_json") {
		t.Errorf("replayed: %s", got)
	}
	if got := run("show", "--raw", at+"/7"); got != notUTF8 {
		t.Errorf("the letter of the letter holds %q", got)
	}
	if rows, letters, _ := stages(t, data); rows != 4 || letters != 4 {
		t.Errorf("%d rows, %d letters", rows, letters)
	}
}

// serving starts `clew serve` on free ports and says where it is.
func serving(t *testing.T, data string) (url string, kafka stream.Config) {
	t.Helper()
	cmd := exec.Command(program, "serve", "--data-dir", data)
	cmd.Env = append(os.Environ(), "CLEW_HTTP_ADDR=127.0.0.1:0", "CLEW_KAFKA_LISTEN=127.0.0.1:0")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("clew serve after Ctrl-C: %v\n%s", err, errs.String())
		}
	})
	lines := bufio.NewScanner(stdout)
	for len(kafka.Brokers) == 0 && lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "Clew is at "); ok {
			url = at
		}
		if at, ok := strings.CutPrefix(lines.Text(), "Kafka is at ["); ok {
			kafka.Brokers = []string{strings.TrimSuffix(at, "]")}
		}
	}
	if len(kafka.Brokers) == 0 {
		t.Fatalf("clew serve did not say where it is:\n%s", errs.String())
	}
	return url, kafka
}

// TestProgramDeadLettersOfAServer does the same over HTTP, where the answers must look the same.
func TestProgramDeadLettersOfAServer(t *testing.T) {
	data, at := lettersDir(t)
	here := func(args ...string) string {
		t.Helper()
		return mustClew(t, append([]string{"deadletters", "--data-dir", data}, args...)...)
	}
	asked := [][]string{
		{"list"},
		{"list", "--json", "--limit", "1"},
		{"list", "--count"},
		{"list", "--count", "--json"},
		{"show", at + "/1"},
		{"show", at + "/2"},
		{"show", at + "/3", "--json"},
		{"show", at + "/3", "--raw"},
	}
	var answers []string
	for _, args := range asked {
		answers = append(answers, here(args...))
	}

	url, _ := serving(t, data)
	there := func(args ...string) string {
		t.Helper()
		return mustClew(t, append([]string{"deadletters", "--server", url}, args...)...)
	}
	for i, args := range asked {
		if diff := cmp.Diff(answers[i], there(args...)); diff != "" {
			t.Errorf("%v from the directory (-) and from the server (+):\n%s", args, diff)
		}
	}
	file := filepath.Join(t.TempDir(), "stage.json")
	write(t, file, correctStage)
	wantText(t, at+"/1 was sent again as event n1\n", there("replay", at+"/1", "--with", file))
	_, stderr, code := clew(t, "deadletters", "--server", url, "replay", at+"/1")
	if code != 1 || !strings.Contains(stderr, "already_replayed") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	write(t, file, noStage)
	_, stderr, code = clew(t, "deadletters", "--server", url, "replay", at+"/1", "--again", "--with", file)
	if code != 1 || !strings.Contains(stderr, "invalid_event: missing_field: stage is missing") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if got := there("replay", at+"/1", "--again"); !strings.Contains(got, "dead letter anew: missing_field") {
		t.Errorf("replayed: %s", got)
	}
}
