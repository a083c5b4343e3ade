package warehousetest

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden statements anew; read them before they are committed")

// Golden compares the text of a statement with a file, or with -update writes the file.
func Golden(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: write it with -update and read it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); if that is meant, run with -update:\n%s", file, diff)
	}
}

// GoldenRequests holds the statement of every testdata/*.json against its .golden.sql. Render gives the text and whether
// the request was refused, which the name error_… must announce.
func GoldenRequests(t *testing.T, render func(t *testing.T, raw []byte) (text string, refused bool)) {
	t.Helper()
	requests, err := filepath.Glob("testdata/*.json")
	if err != nil || len(requests) == 0 {
		t.Fatalf("no requests in testdata: %v", err)
	}
	var wanted []string
	for _, request := range requests {
		name := strings.TrimSuffix(request, ".json")
		wanted = append(wanted, name+".golden.sql")
		t.Run(filepath.Base(name), func(t *testing.T) {
			raw, err := os.ReadFile(request)
			if err != nil {
				t.Fatal(err)
			}
			text, refused := render(t, raw)
			if strings.HasPrefix(filepath.Base(name), "error_") != refused {
				t.Errorf("refused is %v, but the name says otherwise", refused)
			}
			Golden(t, name+".golden.sql", text)
		})
	}
	NoOrphans(t, "testdata/*.golden.sql", wanted)
}

// NoOrphans fails for each file of the pattern that is not among the used ones.
func NoOrphans(t testing.TB, pattern string, used []string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !slices.Contains(used, file) {
			t.Errorf("%s belongs to no test: delete it", file)
		}
	}
}
