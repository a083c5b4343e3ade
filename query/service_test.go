package query

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/query/clause"
	"clew/query/funnel"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

func TestTheWholeAnswer(t *testing.T) {
	s := seeded(t, Config{})
	a := ask(t, s, `{"measures":["cpl"],"dimensions":["channel"],
		"timeDimensions":[{"dimension":"date","granularity":"month","dateRange":"this year"}],"limit":1}`)
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"query":{"measures":["cpl"],"dimensions":["channel"],"timeDimensions":[{"dimension":"date",` +
		`"granularity":"month","dateRange":["2026-01-01","2026-12-31"]}],"filters":[],"order":[["date.month","asc"]],` +
		`"limit":1,"offset":0,"timezone":"Asia/Shanghai"},` +
		`"data":[{"channel":"search","date.month":"2026-01-01T00:00:00.000","cpl":50}],` +
		`"annotation":{"measures":{"cpl":{"title":{"zh":"单条线索成本","en":"Cost per lead"},"type":"number","unit":"money"}},` +
		`"dimensions":{"channel":{"title":{"zh":"渠道","en":"Channel"},"type":"string"}},` +
		`"timeDimensions":{"date.month":{"title":{"zh":"日期","en":"Date"},"type":"time"}}},` +
		`"as_of":"2026-04-01T00:00:00.000Z","timezone":"Asia/Shanghai","warnings":[]}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var back Answer
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(back); err != nil || string(again) != want {
		t.Errorf("read back and written again (%v): %s", err, again)
	}
}

func TestBeforeAnyJob(t *testing.T) {
	s := service(t, warehousetest.Open(t), Config{})
	warnings := []string{noFacts}
	a := ask(t, s, `{"measures":["leads","lead_to_won_rate","cpl","romi"]}`)
	if a.AsOf != nil || !slices.Equal(a.Warnings, warnings) {
		t.Errorf("as of %v, warnings %q", a.AsOf, a.Warnings)
	}
	rows := []string{`{"leads":0,"lead_to_won_rate":null,"cpl":null,"romi":null}`}
	if got := lines(t, a.Data); !slices.Equal(got, rows) {
		t.Errorf("rows %q", got)
	}
	f, err := s.Funnel(t.Context(), funnel.Request{Steps: []funnel.Step{{Stage: "new"}, {Stage: "won"}}})
	if err != nil {
		t.Fatal(err)
	}
	if f.AsOf != nil || !slices.Equal(f.Warnings, warnings) || len(f.Steps) != 2 || f.Steps[1].RateFromStart != nil {
		t.Errorf("funnel %+v", f)
	}
	m, err := s.Meta(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	named := func(d MetaDimension) bool { return strings.HasPrefix(d.Name, "attr") }
	if m.AsOf != nil || slices.ContainsFunc(m.Dimensions, named) {
		t.Errorf("meta as of %v, dimensions %v", m.AsOf, m.Dimensions)
	}
}

func TestTheModelThatScoredLastSpeaks(t *testing.T) {
	s := seeded(t, Config{})
	for _, c := range []struct {
		model string
		want  []string
	}{
		{"", []string{`{"grade":"(none)","leads":8}`, `{"grade":"A","leads":2}`, `{"grade":"B","leads":1}`}},
		{"abc", []string{`{"grade":"(none)","leads":9}`, `{"grade":"C","leads":2}`}},
		{"abc@2", []string{`{"grade":"(none)","leads":9}`, `{"grade":"C","leads":2}`}},
		{"abc@1", []string{`{"grade":"(none)","leads":11}`}},
	} {
		other := service(t, s.config.DB, Config{Model: c.model})
		got := lines(t, ask(t, other, `{"measures":["leads"],"dimensions":["grade"]}`).Data)
		if !slices.Equal(got, c.want) {
			t.Errorf("model %q: %q, want %q", c.model, got, c.want)
		}
	}
}

func TestWeeksFromSunday(t *testing.T) {
	s := seeded(t, Config{WeekStart: "sunday"})
	a := ask(t, s, `{"measures":["leads"],"timeDimensions":[
		{"dimension":"created_at","granularity":"week","dateRange":["2026-03-01","2026-03-31"]}]}`)
	want := []string{
		`{"created_at.week":"2026-03-01T00:00:00.000","leads":1}`,
		`{"created_at.week":"2026-03-08T00:00:00.000","leads":2}`,
	}
	if diff := cmp.Diff(want, lines(t, a.Data)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestClocksThatGoBack: the hour from one to two comes twice, and a row of an answer only once.
func TestClocksThatGoBack(t *testing.T) {
	db := warehousetest.Open(t)
	b, err := db.Insert(t.Context(), "lead_facts", []string{"lead_id", "created_at"})
	if err != nil {
		t.Fatal(err)
	}
	for id, at := range map[string]string{
		"before": "2026-11-01T04:30:00Z", "first": "2026-11-01T05:30:00Z", "second": "2026-11-01T06:30:00Z",
		"after": "2026-11-01T07:30:00Z",
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Append(id, moment); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Send(); err != nil {
		t.Fatal(err)
	}
	a := ask(t, service(t, db, Config{}), `{"measures":["leads"],"timezone":"America/New_York","timeDimensions":[
		{"dimension":"created_at","granularity":"hour","dateRange":"2026-11-01"}]}`)
	want := []string{
		`{"created_at.hour":"2026-11-01T00:00:00.000","leads":1}`,
		`{"created_at.hour":"2026-11-01T01:00:00.000","leads":2}`,
		`{"created_at.hour":"2026-11-01T02:00:00.000","leads":1}`,
	}
	if diff := cmp.Diff(want, lines(t, a.Data)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMeta(t *testing.T) {
	m, err := seeded(t, Config{}).Meta(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var dimensions []string
	for _, d := range m.Dimensions {
		dimensions = append(dimensions, d.Name)
	}
	want := []string{
		"channel", "source", "medium", "campaign", "region", "industry", "product", "owner", "team", "stage", "grade",
		"currency", "flag", "attr.size", `attr.it's "odd" \ 规模`,
	}
	if diff := cmp.Diff(want, dimensions); diff != "" {
		t.Errorf("dimensions (-want +got):\n%s", diff)
	}
	if got := m.Dimensions[13].Title; got.ZH != "属性 size" || got.EN != "Attribute size" {
		t.Errorf("title of attr.size: %+v", got)
	}
	if m.WeekStart != "monday" || m.Timezone != "Asia/Shanghai" || m.AsOf == nil || len(m.Stages) != 8 {
		t.Errorf("meta %+v", m)
	}
	for _, x := range m.Measures {
		if x.Name == "lead_to_won_rate" && (x.Target == nil || *x.Target != 0.08) {
			t.Errorf("target of %s: %v", x.Name, x.Target)
		}
	}
}

func TestExplain(t *testing.T) {
	s := service(t, warehousetest.Open(t), Config{})
	e, err := s.Explain(t.Context(), Request{Measures: []string{"cost"}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Cube != "spend" || !strings.HasPrefix(e.SQL, "SELECT\n") || e.Params["limit"] != DefaultLimit {
		t.Errorf("explained as %+v", e)
	}
}

func TestACutAnswerSaysSo(t *testing.T) {
	db := warehousetest.Open(t)
	err := db.Exec(t.Context(), `INSERT INTO lead_facts (lead_id, created_at, stage)
		SELECT toString(number), '2026-01-01', toString(number) FROM numbers(10001)`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(t.Context(), "INSERT INTO watermarks (name, as_of) VALUES ('transform', '2026-02-01')", nil); err != nil {
		t.Fatal(err)
	}
	s := service(t, db, Config{})
	a := ask(t, s, `{"measures":["leads"],"dimensions":["stage"]}`)
	want := []string{"there may be more than these 10000 rows: ask on with offset"}
	if len(a.Data.Rows) != DefaultLimit || !slices.Equal(a.Warnings, want) {
		t.Errorf("%d rows, warnings %q", len(a.Data.Rows), a.Warnings)
	}
	rest := ask(t, s, `{"measures":["leads"],"dimensions":["stage"],"offset":10000}`)
	if len(rest.Data.Rows) != 1 || len(rest.Warnings) != 0 {
		t.Errorf("%d rows left, warnings %q", len(rest.Data.Rows), rest.Warnings)
	}
}

func TestTimeLimits(t *testing.T) {
	s := service(t, warehousetest.Open(t), Config{Timeout: time.Nanosecond})
	if _, err := s.Metrics(t.Context(), Request{Measures: []string{"leads"}}); code(err) != clause.CodeTimeout {
		t.Errorf("out of time: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s = service(t, s.config.DB, Config{})
	if _, err := s.Metrics(ctx, Request{Measures: []string{"leads"}}); code(err) != clause.CodeCanceled {
		t.Errorf("canceled: %v", err)
	}
}

// TestTheEngineKeepsTheTimeLimit: a statement that would run for hours ends, and the engine goes on to the next.
func TestTheEngineKeepsTheTimeLimit(t *testing.T) {
	s := service(t, warehousetest.Open(t), Config{Timeout: time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), s.config.Timeout)
	defer cancel()
	_, err := s.rows(ctx, "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)", nil)
	if code(err) != clause.CodeTimeout {
		t.Errorf("a long statement: %v", err)
	}
	s = service(t, s.config.DB, Config{})
	if _, err := s.Metrics(t.Context(), Request{Measures: []string{"leads"}}); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

func TestAnErrorOfTheEngineIsNoProblemOfTheCaller(t *testing.T) {
	db := warehousetest.Open(t)
	if err := db.Exec(t.Context(), "DROP TABLE lead_facts", nil); err != nil {
		t.Fatal(err)
	}
	s := service(t, db, Config{})
	_, err := s.Metrics(t.Context(), Request{Measures: []string{"leads"}})
	if err == nil || code(err) != "" || !strings.Contains(err.Error(), "lead_facts") {
		t.Errorf("without its table: %v", err)
	}
}

func code(err error) string {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Code
	}
	return ""
}

func TestNewRefuses(t *testing.T) {
	good := Config{DB: &warehouse.DB{}, Timezone: "UTC", Now: time.Now}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"DB and Now":       func(c *Config) { c.DB = nil },
		"Now are needed":   func(c *Config) { c.Now = nil },
		`zone "Nowhere"`:   func(c *Config) { c.Timezone = "Nowhere" },
		"monday or sunday": func(c *Config) { c.WeekStart = "friday" },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
