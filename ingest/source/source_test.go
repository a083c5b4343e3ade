package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clew/ingest/event"
)

const crm = `
zone: Asia/Shanghai
times: ["YYYY-MM-DD hh:mm:ss", "YYYY-MM-DDThh:mm:ssZ", D/M/YYYY]
inputs:
  - file: crm-*.csv
    events:
      - type: lead
        fields:
          event_id: "crm:{id}"
          occurred_at: "{at}"
          lead_id: "{id}"
          created_at: "{at}"
          contact.name: "{name|trim}"
          contact.email: "{mail|trim|lower}"
          identifiers.email: "{mail|trim|lower}"
          source: "{source|default:unknown}"
          attributes.staff: "{staff|number}"
        attributes: [industry, region]
      - type: behavior
        when: page
        fields:
          event_id: "crm:{id}:view"
          occurred_at: "{at}"
          lead_id: "{id}"
          name: page_view
          page_group: "{page}"
          value: "{staff}"
`

func parse(t *testing.T, text string) *Mapping {
	t.Helper()
	m, err := Parse("crm", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// folder writes files, given as name and content in turn.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lines returns each event as JSON and each error as its text, in order.
func lines(t *testing.T, m *Mapping, dir string) []string {
	t.Helper()
	var out []string
	for e, err := range Read(t.Context(), m, dir) {
		if err != nil {
			out = append(out, "! "+err.Error())
			continue
		}
		raw, err := event.Encode(e)
		if err != nil {
			t.Fatalf("an event that does not encode: %v", err)
		}
		out = append(out, string(e.Kind())+" "+string(raw))
	}
	return out
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRowsBecomeEvents(t *testing.T) {
	dir := folder(t,
		"crm-b.csv", "id,at,name,mail,source,staff,industry,region,page\nL3,3/2/2026,,,,,,,\n",
		// A byte order mark, quotes, another order of columns, a column nobody asked for, Windows line ends.
		"crm-a.csv", "\ufeffat,id,extra,name,mail,source,staff,industry,region,page\r\n"+
			"2026-01-31 08:00:00.1234,L1,x,\" Li, \"\"Na\"\" \", A@B.Example ,expo,250.0,软件,,pricing\r\n"+
			"2026-01-31T08:00:00+00:00,L2,,,,,,,华东,\r\n",
		"other.csv", "not,ours\n")
	equal(t, lines(t, parse(t, crm), dir), []string{
		`lead {"event_id":"crm:L1","occurred_at":"2026-01-31T00:00:00.123Z","lead_id":"L1",` +
			`"identifiers":{"email":"a@b.example"},"created_at":"2026-01-31T00:00:00.123Z",` +
			`"contact":{"name":"Li, \"Na\"","email":"a@b.example"},"source":"expo",` +
			`"attributes":{"industry":"软件","staff":"250"}}`,
		`behavior {"event_id":"crm:L1:view","occurred_at":"2026-01-31T00:00:00.123Z","lead_id":"L1",` +
			`"name":"page_view","page_group":"pricing","value":250}`,
		`lead {"event_id":"crm:L2","occurred_at":"2026-01-31T08:00:00Z","lead_id":"L2",` +
			`"created_at":"2026-01-31T08:00:00Z","source":"unknown","attributes":{"region":"华东"}}`,
		`lead {"event_id":"crm:L3","occurred_at":"2026-02-02T16:00:00Z","lead_id":"L3",` +
			`"created_at":"2026-02-02T16:00:00Z","source":"unknown"}`,
	})
}

func TestFaultyRowIsReportedAndTheNextRead(t *testing.T) {
	dir := folder(t, "crm-1.csv", "id,at,name,mail,source,staff,industry,region,page\n"+
		"L1,2026-13-01 00:00:00,,,,,,,home\n"+
		"L2,2026-01-01 00:00:00,,,,\"many\nlines\",,,\n"+
		",2026-01-01 00:00:00,,,,,,,\n"+
		"L4,2026-01-01 00:00:00,,,\n"+
		"L5,2026-01-01 00:00:00,,a\"b,,,,,\n"+
		"L6,2026-01-01 00:00:00,\xff,,,,,,\n"+
		"L7,2026-01-01 00:00:00,,,,,,,\n")
	equal(t, lines(t, parse(t, crm), dir), []string{
		`! crm-1.csv:2:4: column "at": value "2026-13-01 00:00:00" for created_at of a lead is no time of the form ` +
			`YYYY-MM-DD hh:mm:ss or YYYY-MM-DDThh:mm:ssZ or D/M/YYYY: correct it, or add its form to times of ` +
			`mapping "crm"`,
		`! crm-1.csv:3:27: column "staff": value "many\nlines" is no number: correct it to one such as 1234.5, ` +
			`1,234.5, 12.5万 or 15%, or use number:comma for 1.234,5`,
		`! crm-1.csv:5:1: column "id": value "" missing_field: event_id is missing: send it, not empty`,
		`! crm-1.csv:6: the row has 5 fields and the header 9: correct its delimiters and quotes`,
		`! crm-1.csv:7:26: there is a " inside a field without quotes: put the field in quotes and double the quote`,
		`! crm-1.csv:8:24: column "name": value "\xff" invalid_value: contact.name is not valid UTF-8: send ` +
			`text in UTF-8`,
		`lead {"event_id":"crm:L7","occurred_at":"2025-12-31T16:00:00Z","lead_id":"L7",` +
			`"created_at":"2025-12-31T16:00:00Z","source":"unknown"}`,
	})
	for _, err := range Read(t.Context(), parse(t, crm), dir) {
		if _, ok := errors.AsType[*RowError](err); err != nil && !ok {
			t.Errorf("want a *RowError, got %T", err)
		}
	}
}

const report = `
zone: UTC
times: [YYYY-MM-DD]
inputs:
  - file: report.csv
    delimiter: ";"
    events:
      - type: cost
        fields: {event_id: "r:{id}", occurred_at: "{day}", date: "{day}", channel: ads,
                 amount: "{cost}", currency: EUR}
      - type: stage
        repeat: orders
        within: leads
        fields: {event_id: "r:{id}:{index}", occurred_at: "{day}", lead_id: "{id}.{index}", stage: won,
                 amount: "{cost|share}", currency: EUR}
`

func TestRepeatsShareAnAmountExactly(t *testing.T) {
	dir := folder(t, "report.csv", "id;day;cost;leads;orders\n"+
		"7;2026-05-01;100.01;3;3\n8;2026-05-02;0.00;3;0\n9;2026-05-03;0;;\n")
	cost := `cost {"event_id":"r:%s","occurred_at":"2026-05-%sT00:00:00Z","date":"2026-05-%[2]s",` +
		`"channel":"ads","amount":%s,"currency":"EUR"}`
	won := `stage {"event_id":"r:7:%d","occurred_at":"2026-05-01T00:00:00Z","lead_id":"7.%[1]d","stage":"won",` +
		`"amount":%s,"currency":"EUR"}`
	equal(t, lines(t, parse(t, report), dir), []string{
		fmt.Sprintf(cost, "7", "01", "100.01"),
		fmt.Sprintf(won, 1, "33.34"), fmt.Sprintf(won, 2, "33.34"), fmt.Sprintf(won, 3, "33.33"),
		fmt.Sprintf(cost, "8", "02", "0"),
		fmt.Sprintf(cost, "9", "03", "0"),
	})
}

func TestRepeatFaults(t *testing.T) {
	for row, want := range map[string]string{
		"1;2026-05-01;1;3;4": `report.csv:2:18: column "orders": value "4" is more than the 3 of column ` +
			`"leads": correct one of them`,
		"1;2026-05-01;1;3;-1": `report.csv:2:18: column "orders": value "-1" is no count of events: correct ` +
			`it to a whole number from 0 to 1000000`,
		"1;2026-05-01;1;x;1": `report.csv:2:16: column "leads": value "x" is no count of events: correct it ` +
			`to a whole number from 0 to 1000000`,
		"1;2026-05-01;1.5;3;0": `report.csv:2:14: column "cost": value "1.5" has no orders to be shared over: ` +
			`correct one of them`,
		"1;2026-05-01;1.001;3;1": `report.csv:2:14: column "cost": value "1.001" has more than two decimals: an ` +
			`amount to be shared must be in hundredths`,
		"1;2026-05-01;1e3;3;1": `report.csv:2:14: column "cost": value "1e3" is no amount: correct it, with a ` +
			`point and without thousands separators`,
		"1;1.5.2026;1;3;1": `report.csv:2:3: column "day": value "1.5.2026" for date of a cost is no time of ` +
			`the form YYYY-MM-DD: ` +
			`correct it, or add its form to times of mapping "crm"`,
		// Only the tenth id is too long: the row must still give nothing but its error.
		strings.Repeat("1", 60) + ";2026-05-01;1;10;10": `report.csv:2:1: column "id": value ` +
			`"` + strings.Repeat("1", 60) +
			`" invalid_value: event_id has 65 characters: shorten it to 64 or fewer`,
	} {
		dir := folder(t, "report.csv", "id;day;cost;leads;orders\n"+row+"\n")
		equal(t, lines(t, parse(t, report), dir), []string{"! " + want})
	}
}

func TestMissingFiles(t *testing.T) {
	m, dir := parse(t, crm), t.TempDir()
	equal(t, lines(t, m, dir), []string{fmt.Sprintf(
		`! mapping "crm" needs file "crm-*.csv", and %q has none: put it there or name another directory`, dir)})
	equal(t, lines(t, m, dir+"/none"), []string{fmt.Sprintf(
		`! mapping "crm": %q is no directory: name the one that holds the files`, dir+"/none")})
}

func TestBrokenFiles(t *testing.T) {
	for content, want := range map[string]string{
		"": `the file is empty: its first line must name the columns`,
		"id;at;name;mail;source;staff;industry;region;page\n": `no column ["at" "id" "industry" "mail" "name" ` +
			`"page" ` +
			`"region" "source" "staff"] in the header ["id;at;name;mail;source;staff;industry;region;page"]: ` +
			`correct the mapping, its delimiter or the file`,
		"id,at,name,mail,source,staff,industry,region,page,id\n": `column "id" is there twice: rename one`,
		"id,at,name,mail,source,staff,industry,region,page\n" + strings.Repeat("x,", maxRecord): `a row is ` +
			`longer than 1048576 bytes: close its quotes, or correct the delimiter`,
	} {
		dir := folder(t, "crm-1.csv", content)
		equal(t, lines(t, parse(t, crm), dir), []string{`! mapping "crm": file "crm-1.csv": ` + want})
	}
}

func TestStoppingEarly(t *testing.T) {
	dir := folder(t, "report.csv", "id;day;cost;leads;orders\n"+
		"7;2026-05-01;100.01;3;3\n8;2026-05-02;x;3;0\n9;2026-05-03;1;0;0\n")
	m := parse(t, report)
	for stop := 1; stop <= 5; stop++ { // a cost, two repeats, the last repeat, an error
		n := 0
		for range Read(t.Context(), m, dir) { //nolint:errcheck // what comes is tested elsewhere, here how it ends
			if n++; n == stop {
				break
			}
		}
		if n != stop {
			t.Errorf("stopped at %d, got %d", stop, n)
		}
	}
}

func TestMappingFaultsAllAtOnce(t *testing.T) {
	_, err := Parse("bad", []byte(file(t, "testdata/bad.yaml")))
	if err == nil {
		t.Fatal("a mapping full of faults was taken")
	}
	if want := file(t, "testdata/bad.txt"); err.Error()+"\n" != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
}

func TestMappingWithoutAnything(t *testing.T) {
	_, err := Parse("bad", nil)
	if err == nil {
		t.Fatal("an empty mapping was taken")
	}
	equal(t, strings.Split(err.Error(), "\n"), []string{
		`mapping "bad" is wrong:`,
		`  zone is missing: name the time zone of times that state none, such as UTC or Asia/Shanghai`,
		`  inputs is missing: list at least one file`,
	})
	_, err = Parse("bad", []byte("zone: [\n"))
	if err == nil || !strings.HasPrefix(err.Error(), `mapping "bad" is not YAML: `) {
		t.Errorf("broken YAML: %v", err)
	}
}

func TestShippedMappings(t *testing.T) {
	if !slices.IsSorted(Names()) || len(Names()) < 2 {
		t.Errorf("names: %q", Names())
	}
	for _, name := range Names() {
		if m, err := Load(name); err != nil || m.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := Load("../olist")
	if err == nil || !strings.HasPrefix(err.Error(), `no mapping "../olist": use one of `) {
		t.Errorf("unknown name: %v", err)
	}
}

func TestOwnMappings(t *testing.T) {
	dir := folder(t, "mine.yaml", crm, "olist.yaml", report, "note.txt", "")
	if got := Names(dir, "", filepath.Join(dir, "none")); !slices.Contains(got, "mine") || len(got) != len(Names())+1 {
		t.Errorf("names: %q", got)
	}
	for name, want := range map[string]string{
		"mine": "crm-*.csv", "olist": "report.csv", filepath.Join(dir, "mine.yaml"): "crm-*.csv",
	} {
		if m, err := Load(name, "", dir); err != nil || !slices.Equal(m.Inputs(), []string{want}) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	if _, err := Load(filepath.Join(dir, "none.yml")); err == nil || !strings.Contains(err.Error(), "name an existing file") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestSharesSumToTheAmount(t *testing.T) {
	for _, amount := range []string{"0", "0.01", "-0.05", "4981", "100.1", "99999.99", "-12.34", "7.500"} {
		total, err := hundredths(amount)
		if err != nil {
			t.Fatal(err)
		}
		for _, count := range []int{1, 2, 3, 7, 1000} {
			var sum, low, high int64
			for i := range count {
				text, err := share(amount, i+1, count)
				if err != nil {
					t.Fatal(err)
				}
				part, err := hundredths(text)
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					low, high = part, part
				}
				sum, low, high = sum+part, min(low, part), max(high, part)
			}
			if sum != total || high-low > 1 {
				t.Errorf("%s over %d: sum %d of %d, shares from %d to %d", amount, count, sum, total, low, high)
			}
		}
	}
}
