// Package dashboards holds the built web app, so that the one program serves its own pages.
package dashboards

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// dist is what `make dashboards` builds. Git keeps only dist/.keep, so that the package compiles before the first build.
//
//go:embed all:dist
var dist embed.FS

// ErrNotBuilt says that the program was compiled before the web app was built.
var ErrNotBuilt = errors.New("the dashboards are not built: run `make dashboards`, then build again")

// Files returns the web app with index.html at its root. Files under assets/ carry a hash of their content in their
// name and may be cached for ever; index.html may not. The error is ErrNotBuilt when there is no app in the program.
func Files() (fs.FS, error) {
	return built(dist)
}

func built(all fs.FS) (fs.FS, error) {
	files, err := fs.Sub(all, "dist")
	if err != nil {
		return nil, fmt.Errorf("open the embedded dashboards: %w", err)
	}
	if _, err := fs.Stat(files, "index.html"); err != nil {
		return nil, ErrNotBuilt
	}
	return files, nil
}
