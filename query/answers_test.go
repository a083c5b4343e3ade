package query

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// answerCase is a request and its exact answer: every row, in order, as JSON.
type answerCase struct {
	Name     string   `yaml:"name"`
	Request  string   `yaml:"request"`
	Rows     []string `yaml:"rows"`
	Warnings []string `yaml:"warnings"`
}

// seeded is a service over the leads of testdata/seed.sql.
func seeded(t testing.TB, cfg Config) *Service {
	t.Helper()
	db := warehousetest.Open(t)
	seed, err := os.ReadFile("testdata/seed.sql")
	if err != nil {
		t.Fatal(err)
	}
	for statement := range strings.SplitSeq(strings.TrimSuffix(string(seed), ";\n"), ";\n") {
		if err := db.Exec(t.Context(), statement, nil); err != nil {
			t.Fatal(err)
		}
	}
	return service(t, db, cfg)
}

// service fills what a test does not say: the clock of the goldens and Shanghai.
func service(t testing.TB, db *warehouse.DB, cfg Config) *Service {
	t.Helper()
	cfg.DB = db
	if cfg.Timezone == "" {
		cfg.Timezone = "Asia/Shanghai"
	}
	cfg.Now = func() time.Time { return time.Date(2026, 4, 1, 2, 0, 0, 0, time.UTC) }
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(t testing.TB, s *Service, request string) *Answer {
	t.Helper()
	r, err := Decode([]byte(request))
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Metrics(t.Context(), r)
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	return a
}

// lines are the rows as JSON, one a line.
func lines(t testing.TB, table Table) []string {
	t.Helper()
	out := []string{}
	for _, row := range table.Rows {
		b, err := json.Marshal(Table{Keys: table.Keys, Rows: [][]any{row}})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(string(b), "["), "]"))
	}
	return out
}

func TestAnswers(t *testing.T) {
	raw, err := os.ReadFile("testdata/answers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []answerCase
	if err := yaml.Load(raw, &cases, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	s := seeded(t, Config{Model: "starter"})
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			a := ask(t, s, c.Request)
			if diff := cmp.Diff(c.Rows, lines(t, a.Data)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(append([]string{}, c.Warnings...), a.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}
