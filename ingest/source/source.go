// Package source turns files into events: exports of a CRM, of an advertising account, of a form tool.
//
// What becomes what is said by a mapping, a YAML file that a person can add without writing Go; its language is in
// mappings/README.md. Event ids come from the rows, so importing a file again counts nothing twice.
package source

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed mappings/*.yaml
var shipped embed.FS

// Names returns the names of the shipped mappings, sorted.
func Names() []string {
	files, err := fs.Glob(shipped, "mappings/*.yaml")
	if err != nil {
		panic(err) // only a malformed pattern, and this one is fixed
	}
	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(f, "mappings/"), ".yaml"))
	}
	return names
}

// Load returns a shipped mapping. The error for an unknown name lists the known ones.
func Load(name string) (*Mapping, error) {
	data, err := shipped.ReadFile("mappings/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("no mapping %q: use one of %s", name, strings.Join(Names(), ", "))
	}
	return Parse(name, data)
}
