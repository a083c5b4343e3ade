package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/ebitengine/purego"
)

// ErrNoLibrary says that libchdb was found nowhere; the text around it says how to get it.
var ErrNoLibrary = errors.New("the ClickHouse engine (libchdb) is not installed")

// Find says which file holds libchdb: path where it is not empty, else the package under deploy/engine/node_modules of
// the working directory, of the executable's directory, or of one of their parents, else the name under which the
// system's library path may know it.
func Find(path string) (string, error) {
	if path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("%w: CLEW_LIBCHDB names %s: %w", ErrNoLibrary, path, err)
		}
		return path, nil
	}
	for _, dir := range startingPoints() {
		if file, ok := searchUpwards(dir, packagePath()); ok {
			return file, nil
		}
	}
	return systemName(), nil
}

func startingPoints() []string {
	var dirs []string
	if wd, err := os.Getwd(); err == nil {
		dirs = append(dirs, wd)
	}
	if exe, err := os.Executable(); err == nil {
		if target, err := filepath.EvalSymlinks(exe); err == nil {
			exe = target
		}
		dirs = append(dirs, filepath.Dir(exe))
	}
	return dirs
}

// searchUpwards looks for the file name below dir and below each of its parents.
func searchUpwards(dir, name string) (string, bool) {
	for {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// packagePath is where npm puts libchdb for this system, relative to the program's root.
func packagePath() string {
	name := map[string]string{
		"linux/amd64":  "lib-linux-x64-gnu",
		"linux/arm64":  "lib-linux-arm64-gnu",
		"darwin/amd64": "lib-darwin-x64",
		"darwin/arm64": "lib-darwin-arm64",
	}[runtime.GOOS+"/"+runtime.GOARCH]
	return filepath.Join("deploy", "engine", "node_modules", "@chdb", name, "libchdb.so")
}

// systemName is the name the dynamic linker is asked for. The packages call the file .so on macOS too.
func systemName() string { return "libchdb.so" }

// load maps the library into the process. It stays there: libchdb cannot be unloaded.
func load(path string) (uintptr, error) {
	file, err := Find(path)
	if err != nil {
		return 0, err
	}
	handle, err := purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil && file == systemName() {
		return 0, fmt.Errorf("%w: run `make engine`, or set CLEW_LIBCHDB to the path of libchdb.so (%w)", ErrNoLibrary, err)
	}
	if err != nil {
		return 0, fmt.Errorf("load the ClickHouse engine from %s: %w", file, err)
	}
	return handle, nil
}
