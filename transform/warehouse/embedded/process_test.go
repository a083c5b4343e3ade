package embedded_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"clew/transform/warehouse/embedded"
)

// childWithSignals shows that signals still belong to Go after the engine has opened, worked and closed.
func childWithSignals(dir string) error {
	e, err := embedded.Open(config(dir))
	if err != nil {
		return err
	}
	if err := dereferenceNil(); err == nil {
		return errors.New("nothing was recovered")
	}
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	fmt.Println("ready")
	<-interrupts
	// The engine asks every thread for its stack by a signal.
	if _, err := get(e, "SELECT sum(length(trace)) FROM system.stack_trace", nil); err != nil {
		return err
	}
	if err := dereferenceNil(); err == nil {
		return errors.New("nothing was recovered the second time")
	}
	fmt.Println("interrupted")
	return e.Close()
}

// dereferenceNil makes the mistake and returns it as an error.
func dereferenceNil() (err error) {
	defer func() { err, _ = recover().(error) }()
	var broken *embedded.Config
	_ = broken.Path[0]
	return nil
}

func TestSignalsStayGos(t *testing.T) {
	open(t, t.TempDir())
	c := startChild(t, "signals", t.TempDir())
	c.expect(t, "ready")
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	c.expect(t, "interrupted")
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

func childThatHolds(dir string) error {
	e, err := embedded.Open(config(dir))
	if err != nil {
		return err
	}
	fmt.Println("open")
	_, _ = io.ReadAll(os.Stdin)
	return e.Close()
}

func TestADirectoryHasOneProcess(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	c := startChild(t, "hold", dir)
	c.expect(t, "open")
	_, err := embedded.Open(config(dir))
	if !errors.Is(err, embedded.ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("process %d;", c.Process.Pid)) {
		t.Errorf("want ErrInUse with process %d, got %v", c.Process.Pid, err)
	}
	if err := c.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	open(t, dir)
}

func TestAProcessHasOneDirectory(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	e := open(t, one)
	for _, dir := range []string{one, two} {
		_, err := embedded.Open(config(dir))
		if !errors.Is(err, embedded.ErrInUse) || !strings.Contains(err.Error(), one) {
			t.Errorf("want ErrInUse with %s, got %v", one, err)
		}
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	open(t, two)
}

func TestDirectoriesThatCannotBe(t *testing.T) {
	open(t, t.TempDir()).Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "data"), []byte("no directory"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		filepath.Join(file, "below"): "create the data directory",
		file:                         "create the data directory",
		"/proc/self":                 "cannot be written to",
		damaged:                      "did not open",
	} {
		_, err := embedded.Open(config(dir))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: want %q, got %v", dir, want, err)
		}
	}
}
