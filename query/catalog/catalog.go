// Package catalog says what every measure and dimension means: its titles, its unit and the SQL that computes it. The
// catalog is a YAML file in the binary, read strictly and checked whole before anything is compiled from it.
package catalog

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

//go:embed catalog.yaml
var source []byte

// Catalog is every member a request may name, in the order in which it is shown.
type Catalog struct {
	Cubes          []Cube          `yaml:"cubes"`
	Stages         []Stage         `yaml:"stages"`
	Measures       []Measure       `yaml:"measures"`
	Dimensions     []Dimension     `yaml:"dimensions"`
	TimeDimensions []TimeDimension `yaml:"time_dimensions"`
}

// Text is a title or description in the two languages of the product.
type Text struct {
	ZH string `yaml:"zh" json:"zh"`
	EN string `yaml:"en" json:"en"`
}

// Cube is a table at one grain.
type Cube struct {
	Name string `yaml:"name"`
	// From is the table and its alias.
	From string `yaml:"from"`
	// Where holds for every row unless a measure counts invalid leads. Empty: all rows.
	Where string `yaml:"where"`
	Joins []Join `yaml:"joins"`
	// Currencies are the sets of currencies a group's money may be in, by name.
	Currencies map[string]Currencies `yaml:"currencies"`
}

// Join is added where an expression uses its alias. It must not change the number of rows.
type Join struct {
	Alias string `yaml:"alias"`
	SQL   string `yaml:"sql"`
}

// Currencies says in which currencies the money of a group is. Money over more than one has no value.
type Currencies struct {
	// SQL is an aggregate that gives the array of distinct currencies.
	SQL string `yaml:"sql"`
	// Warning tells what the null means and how to ask instead.
	Warning string `yaml:"warning"`
}

// Stage is a lifecycle stage and where the time of reaching it stands in the cube of leads.
type Stage struct {
	Name  string `yaml:"name"`
	Title Text   `yaml:"title"`
	// At is empty for a stage that is no step of a funnel.
	At string `yaml:"at"`
}

// Unit is what a measure is counted in.
type Unit string

// The units. UnitMoney is in the currency of the row, UnitRatio is a fraction of 1.
const (
	UnitCount  Unit = "count"
	UnitRatio  Unit = "ratio"
	UnitMoney  Unit = "money"
	UnitHours  Unit = "hours"
	UnitDays   Unit = "days"
	UnitPoints Unit = "points"
)

// Measure is an aggregate.
type Measure struct {
	Name        string `yaml:"name"`
	Title       Text   `yaml:"title"`
	Description Text   `yaml:"description"`
	Unit        Unit   `yaml:"unit"`
	// Additive measures of disjoint groups may be summed.
	Additive bool `yaml:"additive"`
	// Target is the value to reach, nil where there is none.
	Target *float64 `yaml:"target"`
	// CountsInvalid measures need the rows of invalid leads, so a query with one keeps them.
	CountsInvalid bool               `yaml:"counts_invalid"`
	In            map[string]Formula `yaml:"in"`
}

// Formula computes a measure in one cube.
type Formula struct {
	SQL string `yaml:"sql"`
	// Currencies names the set the value's money is in. Empty: not money.
	Currencies string `yaml:"currencies"`
}

// Dimension is a text a lead or a row of spend has exactly one of. The empty text means none.
type Dimension struct {
	Name        string `yaml:"name"`
	Title       Text   `yaml:"title"`
	Description Text   `yaml:"description"`
	// Named dimensions are asked for as Name.NAME; their SQL has the parameter {name:String}.
	Named bool              `yaml:"named"`
	In    map[string]string `yaml:"in"`
}

// TimeDimension is a moment, or a day of the business time zone.
type TimeDimension struct {
	Name        string            `yaml:"name"`
	Title       Text              `yaml:"title"`
	Description Text              `yaml:"description"`
	In          map[string]Moment `yaml:"in"`
}

// Moment is the SQL of a time in one cube: an Instant or a Day, never both.
type Moment struct {
	Instant string `yaml:"instant"`
	Day     string `yaml:"day"`
}

// SQL is the expression, of either kind.
func (m Moment) SQL() string { return m.Instant + m.Day }

// Load returns the catalog in the binary. An error means that the build is broken.
func Load() (*Catalog, error) { return Parse(source) }

// Parse reads a catalog. An unknown key is an error; so is every fault of Validate.
func Parse(data []byte) (*Catalog, error) {
	var c Catalog
	if err := yaml.Load(data, &c, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("metric catalog: %w", err)
	}
	if faults := c.validate(); len(faults) > 0 {
		return nil, fmt.Errorf("metric catalog: %w", errors.Join(faults...))
	}
	return &c, nil
}

// Measure finds a measure by name.
func (c *Catalog) Measure(name string) (*Measure, bool) {
	i := slices.IndexFunc(c.Measures, func(m Measure) bool { return m.Name == name })
	if i < 0 {
		return nil, false
	}
	return &c.Measures[i], true
}

// Dimension finds a dimension. For a named one ("attr.size") the second result is the part behind the dot.
func (c *Catalog) Dimension(member string) (*Dimension, string, bool) {
	name, rest, dotted := strings.Cut(member, ".")
	i := slices.IndexFunc(c.Dimensions, func(d Dimension) bool { return d.Name == name && d.Named == dotted })
	if i < 0 {
		return nil, "", false
	}
	return &c.Dimensions[i], rest, true
}

// TimeDimension finds a time dimension by name.
func (c *Catalog) TimeDimension(name string) (*TimeDimension, bool) {
	i := slices.IndexFunc(c.TimeDimensions, func(t TimeDimension) bool { return t.Name == name })
	if i < 0 {
		return nil, false
	}
	return &c.TimeDimensions[i], true
}

// Stage finds a lifecycle stage by name.
func (c *Catalog) Stage(name string) (*Stage, bool) {
	i := slices.IndexFunc(c.Stages, func(s Stage) bool { return s.Name == name })
	if i < 0 {
		return nil, false
	}
	return &c.Stages[i], true
}

// Cube finds a cube by name.
func (c *Catalog) Cube(name string) (*Cube, bool) {
	i := slices.IndexFunc(c.Cubes, func(k Cube) bool { return k.Name == name })
	if i < 0 {
		return nil, false
	}
	return &c.Cubes[i], true
}

// Alias is the alias of the cube's own table.
func (k *Cube) Alias() string {
	_, alias, _ := strings.Cut(k.From, " AS ")
	return alias
}
