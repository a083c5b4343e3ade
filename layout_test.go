package main

import (
	"cmp"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// flow is the order of the rooms: a package may import its own folder and folders before it, never one after it.
// The root is package main and stands at the end.
var flow = []string{"ingest", "transform", "scoring", "jobs", "query", "dashboards", "."}

// doors names, for each outside thing, the one folder whose package may import its client. Folders below a door may
// import it too.
var doors = map[string]string{
	"github.com/ClickHouse/":           "transform/warehouse",
	"github.com/ebitengine/purego":     "transform/warehouse/embedded",
	"github.com/segmentio/kafka-go":    "ingest/stream",
	"github.com/twmb/franz-go":         "ingest/stream",
	"github.com/parquet-go/parquet-go": "ingest/source",
	"github.com/nyaruka/phonenumbers":  "ingest/identifier",
	"github.com/go-co-op/gocron":       "jobs",
	"github.com/gofiber/fiber":         "query/api",
	"github.com/valyala/fasthttp":      "query/api",
	"github.com/spf13/cobra":           ".",
	"github.com/schollz/progressbar":   ".",
	"github.com/invopop/jsonschema":    "ingest/event",
	"github.com/santhosh-tekuri/":      "ingest/event",
}

// goFile is one Go file and what it imports.
type goFile struct {
	file    string
	imports []string
}

func TestLayout(t *testing.T) {
	files, err := goFiles(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("found %d Go files: the walk is broken, and would prove nothing", len(files))
	}
	for _, fault := range layoutFaults(files) {
		t.Error(fault)
	}
}

func TestTopLevelFolders(t *testing.T) {
	allowed := append([]string{"deploy", "docs"}, flow...)
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		// Names that git ignores (a data directory, installed tools) are the user's own.
		ignored := e.Name() == "data" || strings.HasPrefix(e.Name(), ".")
		if e.IsDir() && !ignored && !slices.Contains(allowed, e.Name()) {
			t.Errorf("top-level folder %s has no room in the house: %v", e.Name(), allowed)
		}
	}
}

// TestLayoutSeesFaults plants each kind of violation, for a rule that never fires guards nothing.
func TestLayoutSeesFaults(t *testing.T) {
	for _, c := range []struct{ file, imports, want string }{
		{"ingest/a.go", "clew/transform/warehouse", "ingest comes before transform"},
		{"transform/a.go", "clew/query", "transform comes before query"},
		{"jobs/a_test.go", "clew/dashboards", "jobs comes before dashboards"},
		{"query/a.go", "clew", "query comes before ."},
		{"query/a.go", "github.com/ClickHouse/clickhouse-go/v2", "the door is transform/warehouse"},
		{"transform/warehouse/a.go", "github.com/ebitengine/purego", "the door is transform/warehouse/embedded"},
		{"ingest/a.go", "github.com/segmentio/kafka-go", "the door is ingest/stream"},
		{"common/a.go", "fmt", "is in no room"},
		{"deploy/a.go", "fmt", "is in no room"},
	} {
		faults := layoutFaults([]goFile{{c.file, []string{c.imports}}})
		if len(faults) != 1 || !strings.Contains(faults[0], c.want) {
			t.Errorf("%s importing %s: got %q, want one fault with %q", c.file, c.imports, faults, c.want)
		}
	}
	for _, c := range []goFile{
		{"main.go", []string{"clew/dashboards", "github.com/spf13/cobra"}},
		{"query/api/a.go", []string{"clew/query", "clew/transform/warehouse", "github.com/gofiber/fiber/v2"}},
		{"transform/warehouse/embedded/a.go", []string{"github.com/ClickHouse/clickhouse-go/v2"}},
	} {
		if faults := layoutFaults([]goFile{c}); len(faults) != 0 {
			t.Errorf("%s: unwanted faults %q", c.file, faults)
		}
	}
}

func layoutFaults(files []goFile) []string {
	var faults []string
	for _, s := range files {
		dir := path.Dir(s.file)
		room := folder(dir)
		rank := slices.Index(flow, room)
		if rank < 0 {
			faults = append(faults, fmt.Sprintf("%s is in no room: %v", s.file, flow))
			continue
		}
		for _, imported := range s.imports {
			if imported == "clew" || strings.HasPrefix(imported, "clew/") {
				target := folder(strings.TrimPrefix(strings.TrimPrefix(imported, "clew"), "/"))
				if slices.Index(flow, target) > rank {
					faults = append(faults, fmt.Sprintf("%s imports %s: %s comes before %s in the flow; declare the "+
						"interface you need and let main pass it in", s.file, imported, room, target))
				}
			}
			for _, client := range slices.Sorted(maps.Keys(doors)) {
				door := doors[client]
				inside := dir == door || strings.HasPrefix(dir, door+"/")
				if strings.HasPrefix(imported, client) && !inside {
					faults = append(faults, fmt.Sprintf("%s imports %s: the door is %s", s.file, imported, door))
				}
			}
		}
	}
	return faults
}

// folder is the top-level folder of a path in the repository, or "." for the root.
func folder(dir string) string {
	top, _, _ := strings.Cut(dir, "/")
	return cmp.Or(top, ".")
}

func goFiles(tree fs.FS) ([]goFile, error) {
	var found []goFile
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		s := goFile{file: name}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, imported)
		}
		found = append(found, s)
		return nil
	})
	return found, err
}
