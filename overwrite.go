package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"clew/ingest/identifier"
)

// overwriteIn writes stars over a person in the reports of the data directory: checkpoints of imports, which quote
// rejected rows, and whatever else was put there. Sizes stay, for a checkpoint knows those of its files. Engine and broker
// look after their own. It returns the files that were changed.
func overwriteIn(cfg Config, finder *identifier.Finder) (changed []string, err error) {
	own := []string{cfg.clickhouseDir(), filepath.Join(cfg.DataDir, "kafka"), cfg.keyFile(), filepath.Join(cfg.DataDir, "clew.lock")}
	err = filepath.WalkDir(cfg.DataDir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case slices.Contains(own, name):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		found, err := overwrite(name, finder)
		if found {
			changed = append(changed, name)
		}
		return err
	})
	if err != nil {
		return changed, fmt.Errorf("look through the files of the data directory: %w", err)
	}
	return changed, nil
}

// overwrite changes a file in its place, so that the disk keeps no other copy.
func overwrite(name string, finder *identifier.Finder) (found bool, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return false, err
	}
	spans := finder.Spans(text)
	if len(spans) == 0 {
		return false, nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return false, err
	}
	for _, s := range spans {
		_, err = f.WriteAt(bytes.Repeat([]byte("*"), s[1]-s[0]), int64(s[0]))
		if err != nil {
			break
		}
	}
	return true, errors.Join(err, f.Sync(), f.Close())
}
