// Package sla reads what leads are owed: clocks, cadences, working hours and holidays, written as YAML files. It brings
// them into reference tables, from which the models of package transform compute who was late. Rules are shipped; files
// of a user's own replace or add to them.
package sla

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

//go:embed policies/*.yaml
var shipped embed.FS

// Plan is everything the files say, checked and ready for the reference tables.
type Plan struct {
	// Timezone is the business time zone, which calendars have that name none.
	Timezone string
	// Clocks, Cadences and Calendars are sorted by name, then version.
	Clocks    []ClockFile
	Cadences  []CadenceFile
	Calendars []Calendar
	Holidays  []Holidays
}

// header is what every file begins with.
type header struct {
	Kind string `yaml:"kind"`
	// Name and Version identify a file of clocks or cadences as name@version; calendars and holidays have no version.
	Name    string `yaml:"name"`
	Version int    `yaml:"version"`
	// Source says where the rules come from, and their limits. Required: a deadline without a reason is not kept.
	Source string `yaml:"source"`
	// ValidFrom is the moment from which cycles start by this version. Absent: since ever.
	ValidFrom *time.Time `yaml:"valid_from"`
}

// ID is name@version.
func (h header) ID() string { return fmt.Sprintf("%s@%d", h.Name, h.Version) }

// Load reads the shipped files and those of own, which may be nil, where a file's ending is .yaml. The error names
// every fault of every file. timezone is an IANA name.
//
// A version of one's own joins the shipped ones of its name: each cycle is counted by the version valid when it starts,
// and of two versions valid from the same moment the higher counts. What a version leaves out ends with it. A calendar
// or list of holidays takes the place of the shipped one of its name.
func Load(own fs.FS, timezone string) (*Plan, error) {
	p := &Plan{Timezone: timezone}
	faults := []error{zone("business time zone", timezone)}
	policies, err := fs.Sub(shipped, "policies")
	if err != nil {
		return nil, fmt.Errorf("read the shipped policies: %w", err)
	}
	faults = append(faults, p.read(policies, "shipped "))
	if own != nil {
		faults = append(faults, p.read(own, ""))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("sla policies: %w", err)
	}
	p.sort()
	if err := p.validate(); err != nil {
		return nil, fmt.Errorf("sla policies: %w", err)
	}
	return p, nil
}

// read adds the files of one folder.
func (p *Plan) read(files fs.FS, prefix string) error {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return fmt.Errorf("list the policy files: %w", err)
	}
	seen := map[string]string{}
	var faults []error
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			faults = append(faults, fmt.Errorf("read %s%s: %w", prefix, name, err))
			continue
		}
		h, err := p.add(text)
		key := h.Kind + " " + h.ID()
		if other, taken := seen[key]; taken && err == nil {
			err = fmt.Errorf("%s is in %s too; give one of them another name or version", key, other)
		}
		seen[key] = name
		if err != nil {
			faults = append(faults, fmt.Errorf("%s%s: %w", prefix, path.Base(name), err))
		}
	}
	return errors.Join(faults...)
}

// add reads one file into the list of its kind.
func (p *Plan) add(text []byte) (header, error) {
	var h header
	if err := yaml.Load(text, &h); err != nil {
		return h, err
	}
	switch h.Kind {
	case "clocks":
		return h, addVersion(&p.Clocks, text, h.ID())
	case "cadence":
		return h, addVersion(&p.Cadences, text, h.ID())
	case "calendar":
		return h, addNamed(&p.Calendars, text, h.Name)
	case "holidays":
		return h, addNamed(&p.Holidays, text, h.Name)
	default:
		return h, fmt.Errorf("kind is %q; want clocks, cadence, calendar or holidays", h.Kind)
	}
}

// addVersion adds a file of a versioned kind; its version must be new.
func addVersion[T interface{ ID() string }](list *[]T, text []byte, id string) error {
	file, err := strict[T](text)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(*list, func(other T) bool { return other.ID() == id }) {
		return fmt.Errorf("%s exists already; give yours another version", id)
	}
	*list = append(*list, file)
	return nil
}

// addNamed adds a file in the place of the one that has its name.
func addNamed[T interface{ named() string }](list *[]T, text []byte, name string) error {
	file, err := strict[T](text)
	if err != nil {
		return err
	}
	*list = append(slices.DeleteFunc(*list, func(other T) bool { return other.named() == name }), file)
	return nil
}

// strict reads a file and refuses keys it does not know.
func strict[T any](text []byte) (T, error) {
	var file T
	err := yaml.Load(text, &file, yaml.WithKnownFields())
	return file, err
}

func (p *Plan) sort() {
	slices.SortFunc(p.Clocks, func(a, b ClockFile) int { return a.compare(b.header) })
	slices.SortFunc(p.Cadences, func(a, b CadenceFile) int { return a.compare(b.header) })
	slices.SortFunc(p.Calendars, func(a, b Calendar) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(p.Holidays, func(a, b Holidays) int { return strings.Compare(a.Name, b.Name) })
}

func (h header) compare(o header) int {
	if h.Name != o.Name {
		return strings.Compare(h.Name, o.Name)
	}
	return h.Version - o.Version
}

// Hash names everything the reference tables and the models depend on: another hash asks for a rebuild.
func (p *Plan) Hash() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic("sla: a plan has no JSON: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// zone says whether a time zone exists.
func zone(what, name string) error {
	if name == "" || name == "Local" {
		return fmt.Errorf("%s %q: give an IANA name such as Asia/Shanghai", what, name)
	}
	if _, err := time.LoadLocation(name); err != nil {
		return fmt.Errorf("%s %q: give an IANA name such as Asia/Shanghai", what, name)
	}
	return nil
}

// faults gathers what is wrong with one file.
type faults struct {
	file string
	all  []error
}

func (f *faults) add(format string, args ...any) {
	f.all = append(f.all, fmt.Errorf("%s: %s", f.file, fmt.Sprintf(format, args...)))
}

// validate reports every fault of every file.
func (p *Plan) validate() error {
	var all []error
	for _, c := range p.Clocks {
		all = append(all, c.validate()...)
	}
	for _, c := range p.Cadences {
		all = append(all, c.validate()...)
	}
	for _, c := range p.Calendars {
		all = append(all, c.validate(p.Holidays)...)
	}
	for _, h := range p.Holidays {
		all = append(all, h.validate()...)
	}
	return errors.Join(append(all, p.clash()...)...)
}

// clash reports what no file says wrong by itself: one clock, team or industry in files of two names.
func (p *Plan) clash() []error {
	f := faults{file: "all files"}
	owner := map[string]string{}
	claim := func(what, name string) {
		if other, taken := owner[what]; taken && other != name {
			f.add("%s is in %s and in %s; leave it to one of them", what, other, name)
		}
		owner[what] = name
	}
	for _, c := range p.Clocks {
		for _, clock := range c.Clocks {
			claim("clock "+clock.Clock, c.Name)
		}
	}
	for _, c := range p.Cadences {
		for _, industry := range c.industries() {
			claim(fmt.Sprintf("industry %q", industry), c.Name)
		}
	}
	for _, c := range p.Calendars {
		for _, team := range c.Teams {
			claim("team "+team, c.Name)
		}
	}
	return f.all
}

// validity is the time in which each version counts: from its own moment to that of the next. Of versions of one moment
// the highest counts, the others never do.
func validity(versions []header) (from, until []time.Time) {
	from, until = make([]time.Time, len(versions)), make([]time.Time, len(versions))
	for i, h := range versions {
		from[i], until[i] = beginning(h), distant
		for j, other := range versions {
			at := beginning(other)
			if at.After(from[i]) && at.Before(until[i]) || at.Equal(from[i]) && versions[j].Version > h.Version {
				until[i] = at
			}
		}
	}
	return from, until
}

// longAgo and distant bound all time. The driver counts nanoseconds, and so ends in 2262.
var (
	longAgo = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	distant = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

func beginning(h header) time.Time {
	if h.ValidFrom == nil {
		return longAgo
	}
	return h.ValidFrom.UTC().Truncate(time.Millisecond)
}
