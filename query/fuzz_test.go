package query

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzCompile: whatever is sent gives a statement or a problem, never a panic or an error nobody can act on, and no
// quote reaches the text that the catalog has not put there.
func FuzzCompile(f *testing.F) {
	requests, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, request := range requests {
		raw, err := os.ReadFile(request)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"dimensions":["attr.x'); DROP TABLE leads --"],
		"filters":[{"member":"attr.'","operator":"equals","values":["'"]}]}`))
	c := shipped(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Decode(raw)
		var st *Statement
		if err == nil {
			st, err = Compile(r, c, options())
		}
		if err != nil {
			if p, ok := errors.AsType[*Problem](err); !ok || p.Code == "" || p.Detail == "" {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		if strings.Count(st.SQL, "'")%2 != 0 || strings.ContainsAny(st.SQL, ";`\\\"") || strings.Contains(st.SQL, "--") {
			t.Fatalf("%q gave\n%s", raw, st.SQL)
		}
	})
}
