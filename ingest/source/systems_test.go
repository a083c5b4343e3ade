package source_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"clew/ingest/event"
	"clew/ingest/source"
)

var update = flag.Bool("update", false, "write the golden files of the systems anew")

// TestSystems states, for a sample of what each system documents, the exact events: testdata/SYSTEM/events.golden those
// of its files, PAYLOAD.golden beside webhook*.json those of a webhook. A line that begins with ! is a refused row.
func TestSystems(t *testing.T) {
	goldens, err := filepath.Glob("testdata/*/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	orphans := map[string]bool{}
	for _, golden := range goldens {
		orphans[golden] = true
	}
	for _, system := range systems {
		t.Run(system, func(t *testing.T) {
			m, err := source.Load(system)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join("testdata", system)
			golden := filepath.Join(dir, "events.golden")
			if _, err := m.Open(dir); err == nil {
				compare(t, golden, lines(source.Read(t.Context(), m, dir)))
				delete(orphans, golden)
			}
			payloads, err := filepath.Glob(filepath.Join(dir, "webhook*.json"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range payloads {
				body, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				golden := strings.TrimSuffix(name, ".json") + ".golden"
				compare(t, golden, lines(m.Payload(body)))
				delete(orphans, golden)
			}
		})
	}
	for golden := range orphans {
		t.Errorf("%s belongs to nothing: remove it", golden)
	}
}

// systems are the mappings that have a sample in testdata.
var systems = []string{
	"baidu", "csv", "fxiaoke", "googleads", "hubspot", "jiandaoyun", "json", "meta", "oceanengine", "salesforce", "wecom",
	"weiling",
}

// TestSystemsSayWhereTheirNamesComeFrom holds that a person finds what a mapping was written after.
func TestSystemsSayWhereTheirNamesComeFrom(t *testing.T) {
	for _, name := range systems {
		m, err := source.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		generic := name == "csv" || name == "json"
		documented := m.System != "" && strings.HasPrefix(m.Docs, "https://")
		if m.Title["en"] == "" || m.Title["zh"] == "" || !generic && !documented {
			t.Errorf("mapping %s: title %q, system %q, docs %q: all are to be given", name, m.Title, m.System, m.Docs)
		}
	}
}

// TestOneChangeHasOneID holds that a change counts once whether it comes by an export, an API or a webhook, all of which
// spell it their own way.
func TestOneChangeHasOneID(t *testing.T) {
	for _, c := range []struct{ system, file, text, payload string }{
		{
			"salesforce", "Lead.csv", "Id,Status,CreatedDate,LastModifiedDate\n" +
				"00Q5g00000AAAAAEAX,New,2026-01-05T08:00:00.000Z,2026-01-07T09:30:00.000Z\n",
			`{"records":[{"attributes":{"type":"Lead"},"Id":"00Q5g00000AAAAAEAX","Status":"New",` +
				`"CreatedDate":"2026-01-05T08:00:00.000+0000","LastModifiedDate":"2026-01-07T09:30:00.000+0000"}]}`,
		},
		{
			"jiandaoyun", "records.json", `{"data":[{"_id":"65a1","createTime":"2026-01-05T08:00:00.000Z",` +
				`"updateTime":"2026-01-05T09:00:00.000Z","stage":"成交","owner":{"name":"u"}}]}`,
			`{"op":"data_update","data":{"_id":"65a1","createTime":"2026-01-05T08:00:00.000Z",` +
				`"updateTime":"2026-01-05T09:00:00.000Z","stage":"成交","owner":{"name":"u"}}}`,
		},
		{
			"fxiaoke", "leads.json", `{"data":{"dataList":[{"_id":"5e1","create_time":1767657600000,` +
				`"last_modified_time":1767664800445,"biz_status":"closed"}]}}`,
			`{"_id":"5e1","create_time":1767657600000,"last_modified_time":1767664800445,"biz_status":"closed"}`,
		},
	} {
		t.Run(c.system, func(t *testing.T) {
			m, err := source.Load(c.system)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			file, payload := lines(source.Read(t.Context(), m, dir)), lines(m.Payload([]byte(c.payload)))
			if len(file) < 2 || !slices.Equal(file, payload) {
				t.Errorf("by a file    %q\nby a webhook %q", file, payload)
			}
		})
	}
}

// TestGenericMappingsAgree holds that CSV, JSON and Parquet have the same fields.
func TestGenericMappingsAgree(t *testing.T) {
	inputs := func(ext string) string {
		text, err := os.ReadFile("mappings/" + ext + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(text), "\ninputs:\n")
		return strings.ReplaceAll(after, "*."+ext+"\n", "*\n")
	}
	if csv := inputs("csv"); csv == "" || inputs("json") != csv || inputs("parquet") != csv {
		t.Error("the inputs of csv.yaml, json.yaml and parquet.yaml differ in more than the suffix")
	}
}

// stageRow is a row of a table as others export it.
type stageRow struct {
	EventID    string    `parquet:"event_id"`
	OccurredAt time.Time `parquet:"occurred_at,timestamp(microsecond)"`
	LeadID     string    `parquet:"lead_id"`
	Stage      string    `parquet:"stage"`
	Amount     *float64  `parquet:"amount,optional"`
	Currency   *string   `parquet:"currency,optional"`
}

func TestGenericParquet(t *testing.T) {
	m, err := source.Load("parquet")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	day := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	amount, currency := 1234.5, "CNY"
	if err := parquet.WriteFile(filepath.Join(dir, "stages-2026.parquet"), []stageRow{
		{EventID: "s1", OccurredAt: day, LeadID: "L1", Stage: "mql"},
		{EventID: "s2", OccurredAt: day.Add(time.Hour), LeadID: "L1", Stage: "won", Amount: &amount, Currency: &currency},
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`stage {"event_id":"s1","occurred_at":"2026-01-05T08:00:00Z","lead_id":"L1","stage":"mql"}`,
		`stage {"event_id":"s2","occurred_at":"2026-01-05T09:00:00Z","lead_id":"L1","stage":"won","amount":1234.5,` +
			`"currency":"CNY"}`,
	}
	if got := lines(source.Read(t.Context(), m, dir)); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// lines spells events, each as its type and JSON, and refusals.
func lines(events func(func(event.Event, error) bool)) []string {
	out := []string{}
	for e, err := range events {
		if err != nil {
			out = append(out, "! "+err.Error())
			continue
		}
		text, err := json.Marshal(e)
		if err != nil {
			panic(err)
		}
		out = append(out, fmt.Sprintf("%s %s", e.Kind(), text))
	}
	return out
}

func compare(t *testing.T, golden string, got []string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(strings.Join(append(got, ""), "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v: run with -update, then read what it wrote", err)
	}
	want := slices.Collect(strings.Lines(string(text)))
	for i := range want {
		want[i] = strings.TrimSuffix(want[i], "\n")
	}
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("%s line %d:\ngot  %s\nwant %s", golden, i+1, at(got, i), at(want, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(none)"
}
