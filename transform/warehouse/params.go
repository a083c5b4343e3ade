package warehouse

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Params are the values of a statement's {name:Type} by name: strings, booleans, integers, floats, times, nil, slices
// of these, maps from string to these, and pointers to them, nil meaning NULL. A time is sent as DateTime64(3) in UTC;
// a date is sent as the string 2026-01-31.
type Params map[string]any

// texts writes every value in ClickHouse's text form.
func (p Params) texts() (clickhouse.Parameters, error) {
	texts := clickhouse.Parameters{}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		text, err := paramText(p[name])
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		texts[name] = text
	}
	return texts, nil
}

// escape writes a string as the TabSeparated format does: that is how the engine reads a parameter. NUL and carriage
// return are included because they get lost on some way otherwise.
var escape = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)

// quote writes a string as a literal inside an array or map.
var quote = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)

// timeLayout is DateTime64(3).
const timeLayout = "2006-01-02 15:04:05.000"

// paramText writes one parameter.
func paramText(value any) (string, error) {
	switch v := reflect.ValueOf(value); {
	case isNull(v):
		return `\N`, nil
	case v.Kind() == reflect.Pointer:
		return paramText(v.Elem().Interface())
	case v.Kind() == reflect.String:
		return escape.Replace(v.String()), nil
	default:
		return element(v)
	}
}

func isNull(v reflect.Value) bool {
	return !v.IsValid() || (v.Kind() == reflect.Pointer && v.IsNil())
}

// element writes a value as it stands inside an array.
func element(v reflect.Value) (string, error) {
	if isNull(v) {
		return "NULL", nil
	}
	if t, ok := reflect.TypeAssert[time.Time](v); ok {
		return t.UTC().Format(timeLayout), nil
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return element(v.Elem())
	case reflect.String:
		return "'" + quote.Replace(v.String()) + "'", nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10), nil
	case reflect.Float32, reflect.Float64:
		return floatText(v.Float()), nil
	case reflect.Slice, reflect.Array:
		return list(v)
	case reflect.Map:
		return dictionary(v)
	default:
		return "", fmt.Errorf("a %s has no form as a parameter", v.Type())
	}
}

func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'g', -1, 64)), "+")
	default:
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
}

func list(v reflect.Value) (string, error) {
	texts := make([]string, v.Len())
	for i := range texts {
		text, err := quoted(v.Index(i))
		if err != nil {
			return "", err
		}
		texts[i] = text
	}
	return "[" + strings.Join(texts, ",") + "]", nil
}

func dictionary(v reflect.Value) (string, error) {
	var texts []string
	for iter := v.MapRange(); iter.Next(); {
		key, err := quoted(iter.Key())
		if err != nil {
			return "", err
		}
		value, err := quoted(iter.Value())
		if err != nil {
			return "", err
		}
		texts = append(texts, key+":"+value)
	}
	slices.Sort(texts)
	return "{" + strings.Join(texts, ",") + "}", nil
}

// quoted is element for a place where a time needs quotes.
func quoted(v reflect.Value) (string, error) {
	text, err := element(v)
	for v.IsValid() && v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.IsValid() && v.Type() == timeType {
		text = "'" + text + "'"
	}
	return text, err
}
