package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// served is a running clew that serves a small simulated business.
type served struct {
	url, data string
}

// serveDemo starts `clew demo` and waits until it says where it is.
func serveDemo(t *testing.T) served {
	t.Helper()
	needEngine(t)
	s := served{data: filepath.Join(t.TempDir(), "data")}
	cmd := exec.Command(program, "demo", "--leads", "3000", "--addr", "127.0.0.1:0", "--data-dir", s.data)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for s.url == "" && lines.Scan() {
		s.url, _ = strings.CutPrefix(lines.Text(), "Clew is at ")
		if !strings.HasPrefix(s.url, "http://") {
			s.url = ""
		}
	}
	t.Cleanup(func() {
		// Ctrl-C ends it cleanly; a hang here would be a hang for the user too, and the test's own limit shows it.
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("clew demo after Ctrl-C: %v\n%s", err, errs.String())
		}
	})
	if s.url == "" {
		t.Fatalf("clew demo ended without a URL:\n%s", errs.String())
	}
	return s
}

// TestProgramServes looks at a running server as its users do: by the command line and in a browser.
func TestProgramServes(t *testing.T) {
	s := serveDemo(t)

	t.Run("the data directory names its server", func(t *testing.T) {
		_, stderr, code := clew(t, "query", `{"measures":["leads"]}`, "--data-dir", s.data)
		if code != 1 || !strings.Contains(stderr, "--server "+s.url) {
			t.Errorf("exit %d, %s", code, stderr)
		}
	})
	t.Run("the server answers", func(t *testing.T) {
		got := decode[answer](t, mustClew(t, "query", `{"measures":["leads","invalid_leads"]}`, "--server", s.url))
		if len(got.Data) != 1 {
			t.Fatalf("want one row, got %v", got.Data)
		}
		if n := got.Data[0]["leads"].(float64) + got.Data[0]["invalid_leads"].(float64); n != 3000 {
			t.Errorf("want 3000 leads, valid and invalid, got %v", got.Data[0])
		}
		_, stderr, code := clew(t, "query", `{"measures":["leeds"]}`, "--server", s.url)
		if code != 1 || !strings.Contains(stderr, "leeds") {
			t.Errorf("exit %d, %s", code, stderr)
		}
	})
	t.Run("the page", func(t *testing.T) {
		page := exec.CommandContext(t.Context(), "npm", "run", "--silent", "e2e")
		page.Dir = "dashboards"
		page.Env = append(os.Environ(), "CLEW_URL="+s.url)
		out, err := page.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Error(err)
		}
	})
}
