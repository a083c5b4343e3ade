package source

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"clew/ingest/event"
)

// target is a field of an event, found by its JSON name, so that a new field of the contract needs nothing here.
type target struct {
	index []int // for reflect, through embedded and pointed-to structs
	entry string
	date  bool // a day as text, kept as 2026-01-31
}

var (
	timeType = reflect.TypeFor[time.Time]()
	costType = reflect.TypeFor[event.Cost]()
)

// targetOf finds a field by name: "channel", "contact.name", or an entry of a map such as "attributes.industry".
func targetOf(kind event.Type, name string) (target, error) {
	t := reflect.TypeOf(event.New(kind)).Elem()
	if name == "type" {
		return target{}, fmt.Errorf("is set by the template: leave it out")
	}
	var out target
	out.date = t == costType && name == "date"
	for rest, known := name, ""; ; {
		first, after, _ := strings.Cut(rest, ".")
		f, ok := fieldByTag(t, first)
		if !ok {
			return target{}, fmt.Errorf("is no field of a %s: use one of %s", kind, strings.Join(tags(t, known), ", "))
		}
		out.index = append(out.index, f.Index...)
		t, rest, known = f.Type, after, known+first+"."
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch {
		case t.Kind() == reflect.Map && after != "":
			out.entry = after
			return out, nil
		case after == "" && (t.Kind() == reflect.Map || t.Kind() == reflect.Struct && t != timeType):
			return target{}, fmt.Errorf("holds several values: name one, such as %s.NAME", strings.TrimSuffix(name, "."))
		case after == "":
			return out, nil
		}
	}
}

// fieldByTag looks through embedded structs, as encoding/json does.
func fieldByTag(t reflect.Type, tag string) (reflect.StructField, bool) {
	if t.Kind() != reflect.Struct || t == timeType {
		return reflect.StructField{}, false
	}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == tag && !f.Anonymous {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func tags(t reflect.Type, prefix string) []string {
	var out []string
	if t.Kind() != reflect.Struct || t == timeType {
		return []string{strings.TrimSuffix(prefix, ".")}
	}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "type" {
			out = append(out, prefix+name)
		}
	}
	return out
}

// set writes a value into an event. An empty value leaves the field as it is: absent.
func (c *calendar) set(e reflect.Value, t target, value string) error {
	if value == "" {
		return nil
	}
	f := e
	for _, i := range t.index {
		if f.Kind() == reflect.Pointer {
			if f.IsNil() {
				f.Set(reflect.New(f.Type().Elem()))
			}
			f = f.Elem()
		}
		f = f.Field(i)
	}
	if t.entry != "" {
		if f.IsNil() {
			f.Set(reflect.MakeMap(f.Type()))
		}
		f.SetMapIndex(reflect.ValueOf(t.entry), reflect.ValueOf(value).Convert(f.Type().Elem()))
		return nil
	}
	if t.date {
		day, err := c.time(value)
		f.SetString(day.Format(time.DateOnly))
		return err
	}
	return c.setScalar(f, value)
}

func (c *calendar) setScalar(f reflect.Value, value string) error {
	switch f.Kind() {
	case reflect.String:
		f.SetString(value)
	case reflect.Float64:
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("is no number: correct it, or use |number where it is written as 1,234.50 or 12.5万")
		}
		f.SetFloat(n)
	case reflect.Uint64:
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return fmt.Errorf("is no whole number: correct it, or use |number where it is written as 100.0")
		}
		f.SetUint(n)
	case reflect.Bool:
		b, err := boolean(value)
		f.SetBool(b == "true")
		return err
	case reflect.Pointer:
		t, err := c.time(value)
		t = t.UTC()
		f.Set(reflect.ValueOf(&t))
		return err
	default: // time.Time; targetOf lets nothing else through
		t, err := c.time(value)
		f.Set(reflect.ValueOf(t.UTC()))
		return err
	}
	return nil
}
