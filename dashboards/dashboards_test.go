package dashboards

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"testing"
	"testing/fstest"
)

func TestFilesNotBuilt(t *testing.T) {
	_, err := built(fstest.MapFS{"dist/.keep": {}})
	if !errors.Is(err, ErrNotBuilt) {
		t.Fatalf("built() error = %v, want ErrNotBuilt", err)
	}
}

func TestFilesBuilt(t *testing.T) {
	files, err := built(fstest.MapFS{"dist/index.html": {Data: []byte("page")}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := fs.ReadFile(files, "index.html")
	if err != nil || string(page) != "page" {
		t.Fatalf("index.html = %q, %v, want the page", page, err)
	}
}

// The page must load nothing but what is embedded beside it.
func TestFilesHoldWhatThePageNames(t *testing.T) {
	files, err := Files()
	if errors.Is(err, ErrNotBuilt) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	page, err := fs.ReadFile(files, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?:src|href)="/?([^"]+)"`).FindAllSubmatch(page, -1)
	if len(names) < 3 {
		t.Fatalf("index.html names %d files, want the icon, the script and the style sheet", len(names))
	}
	for _, name := range names {
		if _, err := fs.Stat(files, string(name[1])); err != nil {
			t.Errorf("index.html names %s: %v", name[1], err)
		}
	}
}
