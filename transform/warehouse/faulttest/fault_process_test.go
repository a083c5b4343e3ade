package faulttest

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a fact may be waited for, until the test gives up.
const patience = 3 * time.Minute

// process is a running child.
type process struct {
	cmd   *exec.Cmd
	pid   int // of the child itself, also when a tracer runs it
	addr  string
	lines chan string // what it prints, closed at its end
	log   string
}

// start runs a child and waits until it is ready. Wrap is a command to run it under.
func start(t *testing.T, c child, wrap ...string) *process {
	t.Helper()
	p := launch(t, c, wrap...)
	if fields := p.expect(t, "ready"); len(fields) > 0 {
		p.addr = fields[0]
	}
	return p
}

func launch(t *testing.T, c child, wrap ...string) *process {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	args := append(wrap, os.Args[0])
	p := &process{cmd: exec.Command(args[0], args[1:]...), lines: make(chan string, 10_000)}
	log, err := os.Create(filepath.Join(t.TempDir(), c.Role+".log"))
	if err != nil {
		t.Fatal(err)
	}
	p.log = log.Name()
	p.cmd.Env, p.cmd.Stderr = append(os.Environ(), childVar+"="+string(text)), log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.cmd.StdinPipe(); err != nil { // open as long as this process lives
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = log.Close()
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			select {
			case p.lines <- s.Text():
			default: // nobody reads so far back
			}
		}
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			text, _ := os.ReadFile(p.log)
			t.Logf("%s said last:\n%s", c.Role, text[max(0, len(text)-3000):])
		}
	})
	if fields := p.expect(t, "pid"); len(fields) > 0 {
		p.pid, _ = strconv.Atoi(fields[0])
	}
	return p
}

// expect waits for a line that begins with a word and returns what follows it; nothing when the child ended.
func (p *process) expect(t *testing.T, word string) []string {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				return nil
			}
			fields := strings.Fields(line)
			if len(fields) > 0 && fields[0] == "failed" && strings.Contains(line, "libchdb") && os.Getenv("CI") == "" {
				t.Skip(line)
			}
			if len(fields) > 0 && fields[0] == "failed" && word != "failed" {
				t.Fatal(line)
			}
			if len(fields) > 0 && fields[0] == word {
				return append(fields[1:], "")
			}
		case <-timeout:
			t.Fatalf("the child did not say %q", word)
		}
	}
}

// logs waits until the child's log contains a text more often than before. Meanwhile keeps the fault up.
func (p *process) logs(t *testing.T, text string, before int, meanwhile func()) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if p.said(text) > before {
			return
		}
		meanwhile()
	}
	t.Fatalf("the child did not log %q", text)
}

// said is how often the child's log contains a text.
func (p *process) said(text string) int {
	log, _ := os.ReadFile(p.log)
	return strings.Count(string(log), text)
}

// kill ends the child as kill -9 does, and waits until it is gone.
func (p *process) kill() {
	if p.pid > 0 {
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
	} else {
		_ = p.cmd.Process.Kill()
	}
	p.gone()
}

// stop ends the child as Ctrl-C does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = syscall.Kill(p.pid, syscall.SIGTERM)
	ended := time.AfterFunc(patience, func() { _ = syscall.Kill(p.pid, syscall.SIGKILL) })
	p.gone()
	if !ended.Stop() {
		t.Error("the child did not end")
	}
}

// gone waits for the end of the child, which is the end of its lines.
func (p *process) gone() {
	for range p.lines {
	}
}
