// Package scoring gives leads points and grades by models written in YAML. A model is compiled to one SQL statement,
// and Evaluate says in plain Go what that statement must give: a score is a function of the model, the lead and the
// moment, and is computed anew each time, never added to.
package scoring

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Model is one scoring model. Values found in the tables of its rules become points; points are summed and limited by
// rule, group, axis and total, and thresholds on the total give the grade.
type Model struct {
	APIVersion string `json:"apiVersion" yaml:"apiVersion"`
	// Name and Version identify the model, as name@version. A change to anything below makes a new version.
	Name    string `json:"name" yaml:"name"`
	Version int    `json:"version" yaml:"version"`
	// Kind is how points come about: rules, written by hand.
	Kind       string          `json:"kind" yaml:"kind"`
	Title      Text            `json:"title" yaml:"title"`
	Axes       map[string]Axis `json:"axes" yaml:"axes"`
	Total      Total           `json:"total" yaml:"total"`
	Groups     []Group         `json:"groups" yaml:"groups"`
	Thresholds Thresholds      `json:"thresholds" yaml:"thresholds"`
}

// Text is said in Chinese and in English.
type Text struct {
	ZH string `json:"zh" yaml:"zh"`
	EN string `json:"en" yaml:"en"`
}

// Axis is a part of the total, such as fit or engagement, limited to Min … Max. Weight is used by weighted_sum alone.
type Axis struct {
	Min    *float64 `json:"min" yaml:"min"`
	Max    *float64 `json:"max" yaml:"max"`
	Weight *float64 `json:"weight,omitempty" yaml:"weight,omitempty"`
}

// Total says how the axes become the total, and limits it to Min … Max.
type Total struct {
	// Combine is sum or weighted_sum.
	Combine string   `json:"combine" yaml:"combine"`
	Min     *float64 `json:"min" yaml:"min"`
	Max     *float64 `json:"max" yaml:"max"`
}

// Group is rules that share a limit on one axis.
type Group struct {
	ID    string  `json:"id" yaml:"id"`
	Axis  string  `json:"axis" yaml:"axis"`
	Cap   *Limits `json:"cap,omitempty" yaml:"cap,omitempty,flow"`
	Rules []Rule  `json:"rules" yaml:"rules"`
}

// Rule gives points for the value of one field.
type Rule struct {
	ID string `json:"id" yaml:"id"`
	// Type is table: the points of each value are listed.
	Type string `json:"type" yaml:"type"`
	// Field is a column of a lead, or attr.NAME for one of its attributes.
	Field string `json:"field" yaml:"field"`
	// Points by value, matched exactly.
	Points map[string]float64 `json:"points" yaml:"points"`
	// Other is for a value that Points does not list; absent, Missing stands for it.
	Other *float64 `json:"other,omitempty" yaml:"other,omitempty"`
	// Missing is for an empty value. It has no default: what an unknown costs is a decision.
	Missing *float64 `json:"missing" yaml:"missing"`
	Cap     *Limits  `json:"cap,omitempty" yaml:"cap,omitempty,flow"`
	ZH      string   `json:"zh" yaml:"zh"`
	EN      string   `json:"en" yaml:"en"`
}

// Limits are the least and the greatest value, both allowed.
type Limits [2]float64

// Thresholds turn a total into names.
type Thresholds struct {
	// Grade is the least total of each grade. The lowest grade holds everything below the others.
	Grade map[string]float64 `json:"grade" yaml:"grade"`
}

// ID is name@version, by which scores are kept apart.
func (m *Model) ID() string { return m.Name + "@" + strconv.Itoa(m.Version) }

// Hash identifies the content: the SHA-256, in hex, of the model in a form that spacing, comments and the order of
// keys in the file do not change.
func (m *Model) Hash() string {
	text, err := json.Marshal(m)
	if err != nil {
		// Strings and finite floats always marshal; Parse lets no other through.
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

//go:embed models/*.yaml
var shipped embed.FS

// Shipped are the names of the models that come with the program, sorted.
func Shipped() []string {
	entries, err := shipped.ReadDir("models")
	if err != nil {
		// The folder is compiled in.
		panic(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}

// Load reads a shipped model by its name. The error of an unknown name lists those there are.
func Load(name string) (*Model, error) {
	if !slices.Contains(Shipped(), name) {
		return nil, fmt.Errorf("no scoring model %q is shipped: there are %s", name, strings.Join(Shipped(), ", "))
	}
	file := path.Join("models", name+".yaml")
	text, err := shipped.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read scoring model %s: %w", name, err)
	}
	return Parse(name+".yaml", text)
}

// Parse reads a model strictly. The error holds every fault found, one a line, each naming its place and the remedy;
// file is what the error calls the text.
func Parse(file string, text []byte) (*Model, error) {
	m := &Model{}
	faults, err := decode(text, m)
	if err != nil {
		return nil, fmt.Errorf("scoring model %s is no YAML: %w", file, err)
	}
	faults = append(faults, m.faults()...)
	if len(faults) > 0 {
		return nil, fmt.Errorf("scoring model %s is not valid:\n  %s", file, strings.Join(faults, "\n  "))
	}
	return m, nil
}

// decode fills m as far as it can and returns what did not fit. The error is for text that is not YAML at all.
func decode(text []byte, m *Model) ([]string, error) {
	err := yaml.Load(text, m, yaml.WithKnownFields())
	misfits, ok := errors.AsType[*yaml.LoadErrors](err)
	if !ok {
		return nil, err
	}
	var faults []string
	for _, misfit := range misfits.Errors {
		message := misfit.Message
		if key, _, unknown := strings.Cut(message, " not found in type"); unknown {
			message = "unknown key: " + strings.TrimPrefix(key, "field ")
		}
		faults = append(faults, fmt.Sprintf("line %d: %s", misfit.Mark.Line, message))
	}
	return faults, nil
}

// axisNames are the names of the axes, sorted: the one order in which they are added up.
func (m *Model) axisNames() []string { return slices.Sorted(maps.Keys(m.Axes)) }
