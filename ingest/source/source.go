// Package source turns files and webhook payloads into events: exports of a CRM, of an advertising account, of a form
// tool.
//
// What becomes what is said by a mapping, a YAML file that a person can add without writing Go; its language is in
// mappings/README.md. Event ids come from the rows, so importing a file again counts nothing twice.
package source

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed mappings/*.yaml
var shipped embed.FS

// Names returns the names of the shipped mappings and of those in folders of one's own, sorted. A folder that is empty
// text or is not there has none.
func Names(folders ...string) []string {
	files, err := fs.Glob(shipped, "mappings/*.yaml")
	for _, folder := range folders {
		if own, globErr := filepath.Glob(filepath.Join(folder, "*.yaml")); folder != "" && globErr == nil {
			files = append(files, own...)
		}
	}
	if err != nil {
		panic(err) // only a malformed pattern, and this one is fixed
	}
	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".yaml"))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Load returns the mapping of a name: a file's path where it ends in .yaml or .yml, else one in a folder of one's own,
// else a shipped one. The error for an unknown name lists the known ones.
func Load(name string, folders ...string) (*Mapping, error) {
	if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" {
		return read(strings.TrimSuffix(filepath.Base(name), ext), name)
	}
	for _, folder := range folders {
		file := filepath.Join(folder, name+".yaml")
		if _, err := os.Stat(file); folder != "" && err == nil {
			return read(name, file)
		}
	}
	data, err := shipped.ReadFile("mappings/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("no mapping %q: use one of %s, or the path of a .yaml file of your own",
			name, strings.Join(Names(folders...), ", "))
	}
	return Parse(name, data)
}

func read(name, file string) (*Mapping, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("mapping: %w: name an existing file", err)
	}
	return Parse(name, data)
}
