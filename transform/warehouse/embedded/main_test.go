package embedded_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"testing"

	"clew/transform/warehouse/embedded"
)

// childVar names, in the environment of a child process, what the child is for.
const childVar = "CLEW_TEST_CHILD"

// children are the processes that tests start: this binary again, with other work to do. dir is its data directory.
var children = map[string]func(dir string) error{
	"signals": childWithSignals,
	"hold":    childThatHolds,
	"missing": childWithoutLibrary,
}

func TestMain(m *testing.M) {
	if child, ok := children[os.Getenv(childVar)]; ok {
		if err := child(os.Args[len(os.Args)-1]); err != nil {
			os.Stdout.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// childProcess is a running child and the lines it prints.
type childProcess struct {
	*exec.Cmd
	lines *bufio.Scanner
	stdin interface{ Close() error }
}

func startChild(t *testing.T, name, dir string) *childProcess {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], dir)
	cmd.Env = append(os.Environ(), childVar+"="+name)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &childProcess{Cmd: cmd, lines: bufio.NewScanner(out), stdin: stdin}
}

// expect waits for the child's next line.
func (c *childProcess) expect(t *testing.T, want string) {
	t.Helper()
	if !c.lines.Scan() || c.lines.Text() != want {
		t.Fatalf("want the line %q, got %q", want, c.lines.Text())
	}
}

// config is for a directory, with the library that the test run was told of.
func config(dir string) embedded.Config {
	return embedded.Config{Path: dir, Library: os.Getenv("CLEW_LIBCHDB")}
}

// open starts an engine that ends with the test. With -short the test is skipped; without libchdb it is too, or fails
// where CI is set.
func open(t testing.TB, dir string) *embedded.Engine {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the engine")
	}
	e, err := embedded.Open(config(dir))
	if errors.Is(err, embedded.ErrNoLibrary) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}
