package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the built binary: these tests drive it as a user does.
var program string

func TestMain(m *testing.M) {
	if text := os.Getenv(roleVar); text != "" {
		os.Exit(playRole(text))
	}
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	if testing.Short() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "clew-program")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "clew")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// clew runs the program and returns what it printed and its exit code.
func clew(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatalf("start clew %v: %v", args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// mustClew is clew where only success is right.
func mustClew(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := clew(t, args...)
	if code != 0 {
		t.Fatalf("clew %v: exit %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout
}

// answer is what `clew query` prints, as far as these tests look.
type answer struct {
	Data []map[string]any `json:"data"`
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// needEngine skips where `make engine` has not run, and fails there when CI is set.
func needEngine(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: tests that need the engine are left out")
	}
	libraries, err := filepath.Glob("deploy/engine/node_modules/@chdb/*/libchdb.so")
	if err == nil && (len(libraries) > 0 || os.Getenv("CLEW_LIBCHDB") != "") {
		return
	}
	missing(t, "the engine is not installed; run `make engine`")
}

// openTestSystem opens a system with the broker and the engine in process. It is closed by the call returned, or at the
// end of the test: a process can have one open at a time.
func openTestSystem(t *testing.T, cfg Config) (*system, func()) {
	t.Helper()
	needEngine(t)
	s, err := openSystem(t.Context(), cfg, slog.New(slog.DiscardHandler), anyPort)
	if err != nil {
		t.Fatal(err)
	}
	open := true
	end := func() {
		if open {
			open = false
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(end)
	return s, end
}

// configIn is the default configuration in a data directory.
func configIn(dir string) Config {
	cfg := defaultConfig()
	cfg.DataDir = dir
	return cfg
}

// needData returns the folder of a public data set, which stands beside the repository.
func needData(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join("..", "shared", "data", name)
	if _, err := os.Stat(dir); err != nil {
		missing(t, "data set "+name+" is not at "+dir)
	}
	return dir
}

// missing skips on a user's machine and fails in CI, where nothing may be missing.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}
