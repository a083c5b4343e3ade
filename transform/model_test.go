package transform

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func shipped(t *testing.T) []Model {
	t.Helper()
	models, err := Models()
	if err != nil {
		t.Fatal(err)
	}
	return models
}

func TestModelsRunAfterWhatTheyRead(t *testing.T) {
	written := map[string]bool{}
	for _, m := range shipped(t) {
		written[m.Table] = false
	}
	for _, m := range shipped(t) {
		for _, table := range m.Reads {
			if before, isModel := written[table]; isModel && !before {
				t.Errorf("model %s runs before %s, which it reads", m.Name, table)
			}
		}
		written[m.Table] = true
	}
}

// TestHeadersAreHonest holds what a header says against what the SELECT reads.
func TestHeadersAreHonest(t *testing.T) {
	text := regexp.MustCompile(`'(?:[^'\\]|\\.)*'`)
	comment := regexp.MustCompile(`--[^\n]*`)
	source := regexp.MustCompile(`\b(?:FROM|JOIN)\s+([a-z_][a-z0-9_]*)`)
	for _, m := range shipped(t) {
		sql := strings.ReplaceAll(comment.ReplaceAllString(text.ReplaceAllString(m.SQL, "''"), ""), "ARRAY JOIN", "")
		var found []string
		for _, match := range source.FindAllStringSubmatch(sql, -1) {
			// A name that the statement gives itself: WITH name AS (…).
			if !regexp.MustCompile(`\b` + match[1] + `\s+AS\s*\(`).MatchString(sql) {
				found = append(found, match[1])
			}
		}
		slices.Sort(found)
		found = slices.Compact(found)
		if declared := slices.Sorted(slices.Values(m.Reads)); !slices.Equal(found, declared) {
			t.Errorf("model %s declares that it reads %v, its SELECT reads %v", m.Name, declared, found)
		}
		if strings.Contains(m.SQL, "now(") || strings.Contains(m.SQL, "*\n") || strings.Contains(m.SQL, "*,") {
			t.Errorf("model %s holds now() or SELECT *", m.Name)
		}
	}
}

// tables are the columns of each table that the migrations create.
func tables(t *testing.T) map[string][]string {
	t.Helper()
	create := regexp.MustCompile(`(?s)CREATE TABLE IF NOT EXISTS (\w+) [^\n]*\n\((.*?)\n\)\nENGINE`)
	column := regexp.MustCompile(`(?m)^    ([a-z_][a-z0-9_]*) `)
	found := map[string][]string{}
	files, err := filepath.Glob("warehouse/migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range create.FindAllStringSubmatch(string(text), -1) {
			found[table[1]] = nil // dropped and made anew
			for _, match := range column.FindAllStringSubmatch(table[2], -1) {
				found[table[1]] = append(found[table[1]], match[1])
			}
		}
	}
	return found
}

func TestWrittenColumnsAreThoseOfTheTable(t *testing.T) {
	created := tables(t)
	for _, m := range shipped(t) {
		want := created[m.Table]
		if m.ByLead {
			want = slices.DeleteFunc(want, func(c string) bool { return c == "_ver" || c == "_deleted" })
		}
		if !slices.Equal(m.Columns, want) {
			t.Errorf("model %s writes %s %v,\nthe table has %v", m.Name, m.Table, m.Columns, want)
		}
	}
	for _, table := range slices.Concat(raw, reference) {
		if len(created[table]) == 0 {
			t.Errorf("no migration creates the table %s", table)
		}
	}
}

func file(lines ...string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(strings.Join(lines, "\n"))}
}

const (
	grain  = "-- grain: one row per lead\n-- by: table"
	reason = "-- Because someone asks for it."
)

func TestFaultyModels(t *testing.T) {
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  []string
	}{
		"every fault of a header at once": {
			fstest.MapFS{"models/a.sql": file("DELETE FROM leads")},
			[]string{"-- grain:", "-- by: lead", "-- reads:", "-- writes:", "no reason", "not a SELECT"},
		},
		"faults of two files at once": {
			fstest.MapFS{"models/a.sql": file(grain), "models/b.sql": file(grain)},
			[]string{"model a: ", "model b: "},
		},
		"a parameter nobody supplies": {
			fstest.MapFS{"models/a.sql": file(grain, "-- reads: events", "-- writes: a (x)", reason, "SELECT {until:String}")},
			[]string{"nothing supplies {until}", "as_of, tz"},
		},
		"a table nobody fills": {
			fstest.MapFS{"models/a.sql": file(grain, "-- reads: evnets", "-- writes: a (x)", reason, "SELECT 1")},
			[]string{"model a reads evnets"},
		},
		"two writers of a table": {
			fstest.MapFS{
				"models/a.sql": file(grain, "-- reads: events", "-- writes: t (x)", reason, "SELECT 1"),
				"models/b.sql": file(grain, "-- reads: events", "-- writes: t (x)", reason, "SELECT 1"),
			},
			[]string{"models a and b both write t"},
		},
		"a circle": {
			fstest.MapFS{
				"models/a.sql": file(grain, "-- reads: u, events", "-- writes: t (x)", reason, "SELECT 1"),
				"models/b.sql": file(grain, "-- reads: t", "-- writes: u (x)", reason, "SELECT 1"),
				"models/c.sql": file(grain, "-- reads: costs", "-- writes: v (x)", reason, "SELECT 1"),
			},
			[]string{"in a circle: a for u, b for t"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(c.files)
			if err == nil {
				t.Fatal("the models were accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestHeaderMayRunOverLines(t *testing.T) {
	models, err := load(fstest.MapFS{"models/a.sql": file(grain, "-- reads: events, costs", "-- writes: t (x,",
		"--   y, z)", reason, "SELECT", "    1")})
	if err != nil {
		t.Fatal(err)
	}
	m := models[0]
	if m.Grain != "one row per lead" || !slices.Equal(m.Reads, []string{"events", "costs"}) || m.Table != "t" ||
		!slices.Equal(m.Columns, []string{"x", "y", "z"}) || m.SQL != "SELECT\n    1" {
		t.Errorf("read as %+v", m)
	}
}

func TestUnknownTimezone(t *testing.T) {
	for _, zone := range []string{"", "Local", "Asia/Shangai"} {
		if err := (Config{Timezone: zone}).Validate(); err == nil || !strings.Contains(err.Error(), "Asia/Shanghai") {
			t.Errorf("%q: the error gives no remedy: %v", zone, err)
		}
	}
	if err := (Config{Timezone: "Asia/Shanghai"}).Validate(); err != nil {
		t.Error(err)
	}
}
