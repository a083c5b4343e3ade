package event

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	generate "github.com/invopop/jsonschema"
	check "github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write the schema files anew from the Go types")

// TestSchemasAreThoseOfTheTypes keeps schema/*.json, for producers to check against, equal to the types and rules.
func TestSchemasAreThoseOfTheTypes(t *testing.T) {
	var want []string
	for _, typ := range Types() {
		file := filepath.Join("schema", string(typ)+".json")
		want = append(want, file)
		schema := generated(t, typ)
		if *update {
			if err := os.WriteFile(file, schema, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(kept, schema) {
			t.Errorf("%s is not what the types say: look at the change, then run go test ./ingest/event -update", file)
		}
	}
	files, err := filepath.Glob("schema/*")
	if slices.Sort(want); err != nil || !slices.Equal(files, want) {
		t.Errorf("files %v, want %v, %v", files, want, err)
	}
}

func generated(t *testing.T, typ Type) []byte {
	t.Helper()
	r := &generate.Reflector{
		BaseSchemaID: "https://clew.invalid/schema", Anonymous: true, DoNotReference: true, ExpandedStruct: true,
		Mapper: mapType,
	}
	if err := r.AddGoComments("clew/ingest/event", "."); err != nil {
		t.Fatal(err)
	}
	for name, text := range r.CommentMap {
		r.CommentMap[name] = jsonNames(text)
	}
	schema := r.Reflect(New(typ))
	schema.Title = Topic(typ)
	addRules(schema, typ)
	raw, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(raw, '\n')
}

// jsonNames puts the names producers know for those of Go.
func jsonNames(comment string) string {
	for _, typ := range append(reflectTypes(), reflect.TypeFor[Header](), reflect.TypeFor[Contact]()) {
		for f := range typ.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			comment = regexp.MustCompile(`\b`+f.Name+`\b`).ReplaceAllString(comment, name)
		}
	}
	return strings.ReplaceAll(comment, "\n", " ")
}

func reflectTypes() []reflect.Type {
	var out []reflect.Type
	for _, t := range Types() {
		out = append(out, reflect.TypeOf(New(t)).Elem())
	}
	return out
}

// size gives an untyped constant the type that the schema wants.
func size(n uint64) *uint64 { return &n } //nolint:modernize // new(n) would make every caller convert

func text(limit uint64) *generate.Schema {
	return &generate.Schema{Type: "string", MaxLength: new(limit)}
}

// mapType gives the types that are no structs their rules.
func mapType(t reflect.Type) *generate.Schema {
	name := &generate.Schema{MinLength: size(1), MaxLength: size(MaxID)}
	switch t {
	case reflect.TypeFor[time.Time]():
		return &generate.Schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[LifecycleStage]():
		return &generate.Schema{Type: "string", Enum: anys(LifecycleStages())}
	case reflect.TypeFor[Action]():
		return &generate.Schema{Type: "string", Enum: anys(Actions())}
	case reflect.TypeFor[uint64]():
		return &generate.Schema{Type: "integer", Minimum: "0"}
	case reflect.TypeFor[string]():
		return text(MaxText)
	case reflect.TypeFor[map[string]string]():
		value := text(MaxID)
		value.MinLength = size(1)
		return &generate.Schema{
			Type: "object", PropertyNames: name, AdditionalProperties: value, MaxProperties: size(MaxEntries),
		}
	case reflect.TypeFor[map[string]Scalar]():
		scalar := &generate.Schema{AnyOf: []*generate.Schema{
			text(MaxText), {Type: "number"}, {Type: "boolean"}, {Type: "null"},
		}}
		return &generate.Schema{
			Type: "object", PropertyNames: name, AdditionalProperties: scalar, MaxProperties: size(MaxEntries),
		}
	}
	return nil
}

func anys[T any](list []T) []any {
	var out []any
	for _, v := range list {
		out = append(out, v)
	}
	return out
}

// addRules adds what the types do not say.
func addRules(s *generate.Schema, typ Type) {
	property := func(name string) *generate.Schema {
		p, _ := s.Properties.Get(name)
		if p == nil {
			return &generate.Schema{} // a rule for other types
		}
		return p
	}
	for _, name := range s.Required {
		if p := property(name); p.Type == "string" && p.Enum == nil && p.Format == "" {
			p.MinLength = size(1)
		}
	}
	*property("type") = generate.Schema{Const: typ, Description: property("type").Description}
	property("event_id").MaxLength = size(MaxEventID)
	for _, name := range []string{"lead_id", "anonymous_id", "workspace"} {
		property(name).MaxLength = size(MaxID)
	}
	property("duration_s").Minimum = "0"
	property("date").Format = "date"
	if c := property("currency"); c.Type != "" {
		c.MinLength, c.MaxLength, c.Pattern = nil, nil, "^[A-Z]{3}$"
	}
	if typ == TypeStage {
		s.DependentRequired = map[string][]string{"amount": {"currency"}}
	}
	if typ != TypeCost {
		for _, name := range []string{"lead_id", "anonymous_id"} {
			s.AnyOf = append(s.AnyOf, one(name, &generate.Schema{MinLength: size(1)}))
		}
		s.AnyOf = append(s.AnyOf, one("identifiers", &generate.Schema{MinProperties: size(1)}))
	}
}

func one(name string, rule *generate.Schema) *generate.Schema {
	p := generate.NewProperties()
	p.Set(name, rule)
	return &generate.Schema{Required: []string{name}, Properties: p}
}

// compiled returns the schemas that are checked in, with formats enforced.
func compiled(t *testing.T) map[Type]*check.Schema {
	t.Helper()
	c := check.NewCompiler()
	c.AssertFormat()
	out := make(map[Type]*check.Schema)
	for _, typ := range Types() {
		s, err := c.Compile(filepath.Join("schema", string(typ)+".json"))
		if err != nil {
			t.Fatal(err)
		}
		out[typ] = s
	}
	return out
}
