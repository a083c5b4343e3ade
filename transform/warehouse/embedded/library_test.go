package embedded_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"clew/transform/warehouse/embedded"
)

func TestFindLibrary(t *testing.T) {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	name := map[string]string{"linux": "lib-linux-" + arch + "-gnu", "darwin": "lib-darwin-" + arch}[runtime.GOOS]
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	installed := filepath.Join(root, "deploy", "engine", "node_modules", "@chdb", name, "libchdb.so")
	deep := filepath.Join(root, "a", "b")
	for _, dir := range []string{filepath.Dir(installed), deep} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(installed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(deep)
	if got, err := embedded.Find(""); err != nil || got != installed {
		t.Errorf("from a folder below: want %s, got %s, %v", installed, got, err)
	}
	if got, err := embedded.Find(installed); err != nil || got != installed {
		t.Errorf("by name: want %s, got %s, %v", installed, got, err)
	}
	_, err = embedded.Find(filepath.Join(root, "missing.so"))
	if !errors.Is(err, embedded.ErrNoLibrary) || !strings.Contains(err.Error(), "missing.so") {
		t.Errorf("want ErrNoLibrary with the name, got %v", err)
	}
	t.Chdir(t.TempDir())
	if got, err := embedded.Find(""); err != nil || got != "libchdb.so" {
		t.Errorf("installed nowhere: want the system's name, got %s, %v", got, err)
	}
}

// childWithoutLibrary opens an engine where none is installed, or one that is damaged.
func childWithoutLibrary(dir string) error {
	if err := os.Chdir(dir); err != nil {
		return err
	}
	e, err := embedded.Open(embedded.Config{Path: dir})
	if err == nil {
		return e.Close()
	}
	fmt.Println(errors.Is(err, embedded.ErrNoLibrary), err)
	return nil
}

func TestOpenWithoutLibrary(t *testing.T) {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	damaged := filepath.Join("deploy", "engine", "node_modules", "@chdb", "lib-linux-"+arch+"-gnu")
	for prepare, want := range map[string]string{
		"":      "true the ClickHouse engine",
		damaged: "false load the ClickHouse engine from",
	} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, prepare), 0o700); err != nil {
			t.Fatal(err)
		}
		if prepare != "" {
			if err := os.WriteFile(filepath.Join(dir, prepare, "libchdb.so"), []byte("no library"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := startChild(t, "missing", dir)
		c.lines.Scan()
		if got := c.lines.Text(); !strings.HasPrefix(got, want) || (prepare == "" && !strings.Contains(got, "make engine")) {
			t.Errorf("want %q, got %q", want, got)
		}
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
}
