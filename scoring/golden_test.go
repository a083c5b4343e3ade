package scoring_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clew/scoring"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// models are the shipped models and those in testdata, by name.
func models(t *testing.T) map[string]*scoring.Model {
	t.Helper()
	found := map[string]*scoring.Model{}
	for _, name := range scoring.Shipped() {
		m, err := scoring.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		found[name] = m
	}
	for name, text := range testFiles(t, "testdata/models/*.yaml") {
		m, err := scoring.Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		found[name] = m
	}
	return found
}

// testFiles are the contents of the files by their names without folder and ending.
func testFiles(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	found := map[string][]byte{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found[strings.TrimSuffix(filepath.Base(file), ".yaml")] = text
	}
	return found
}

func TestCompiledSQL(t *testing.T) {
	var used []string
	for name, m := range models(t) {
		file := "testdata/" + name + ".golden.sql"
		used = append(used, file)
		statement := scoring.Compile(m)
		text := statement.SQL + "\n"
		for _, param := range slices.Sorted(maps.Keys(statement.Params)) {
			text += fmt.Sprintf("-- %s: %#v\n", param, statement.Params[param])
		}
		warehousetest.Golden(t, file, text)
	}
	warehousetest.NoOrphans(t, "testdata/*.golden.sql", used)
}

func TestFaultsAreAllNamedAtOnce(t *testing.T) {
	var used []string
	for name, text := range testFiles(t, "testdata/faults/*.yaml") {
		file := "testdata/faults/" + name + ".golden.txt"
		used = append(used, file)
		m, err := scoring.Parse(name+".yaml", text)
		if err == nil {
			t.Fatalf("%s was accepted as %+v", name, m)
		}
		warehousetest.Golden(t, file, err.Error()+"\n")
	}
	warehousetest.NoOrphans(t, "testdata/faults/*.golden.txt", used)
}

// TestNothingOfTheFileIsInTheText compiles a model full of text that would be dangerous as SQL.
func TestNothingOfTheFileIsInTheText(t *testing.T) {
	sql := scoring.Compile(models(t)["everything"]).SQL
	for _, text := range []string{
		"DROP", "紧迫", "微信", "now", "丙", "visits", "urgency", "everything", "30", "60.5", `\`,
	} {
		if strings.Contains(sql, text) {
			t.Errorf("the statement holds %q:\n%s", text, sql)
		}
	}
}

// TestEngineAgrees plans every compiled model over empty tables, and holds its columns against the table of scores.
func TestEngineAgrees(t *testing.T) {
	db := warehousetest.Open(t)
	want := described(t, db, "TABLE scores", nil)
	for name, m := range models(t) {
		statement := scoring.Compile(m)
		statement.Params["as_of"] = asOf
		if err := db.Exec(t.Context(), "EXPLAIN "+statement.SQL, statement.Params); err != nil {
			t.Errorf("model %s: %v", name, err)
			continue
		}
		if got := described(t, db, "("+statement.SQL+")", statement.Params); !slices.Equal(got, want) {
			t.Errorf("model %s gives\n%q\nthe table has\n%q", name, got, want)
		}
	}
}

// described is name and type of each column that DESCRIBE shows.
func described(t *testing.T, db *warehouse.DB, what string, p warehouse.Params) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), "DESCRIBE "+what, p)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var columns []string
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		columns = append(columns, values[0].(string)+" "+strings.Join(strings.Fields(values[1].(string)), " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns
}
