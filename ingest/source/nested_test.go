package source

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"clew/ingest/event"
)

const answer = `{"total": 3, "page": {"id": "P1"},
 "results": [
  {"id": 1, "properties": {"email": "a@b.example", "amount": 12.50, "won": true, "gone": null},
   "tags": ["x", "", "y"], "fields": [{"name": "phone", "values": ["138"]}, {"name": "city", "values": ["京"]}]},
  {"id": 2, "properties": {"email": "c@d.example"}, "a.b": "dotted", "owner": [{"name": "李"}, {"name": "王"}]}
 ], "after": "ignored"}
`

const paths = `
attributes.email: "{properties.email}"
attributes.amount: "{properties.amount}"
attributes.won: "{properties.won}"
attributes.gone: "{properties.gone}"
attributes.tags: "{tags}"
attributes.first: "{tags.0}"
attributes.phone: "{fields[name=phone].values}"
attributes.dotted: "{a.b}"
attributes.owners: "{owner.name}"
attributes.total: "{^total}"
attributes.page: "{^page.id}"
`

func TestJSON(t *testing.T) {
	want := []string{
		`1",,"attributes":{"amount":"12.50","email":"a@b.example","first":"x","page":"P1","phone":"138","tags":"x,y",` +
			`"total":"3","won":"true"}}`,
		`2",,"attributes":{"dotted":"dotted","email":"c@d.example","owners":"李,王","page":"P1","total":"3"}}`,
	}
	equal(t, attributes(t, contact("file: a.json\nrows: results", paths), folder(t, "a.json", answer)), want)
	// The same twice, one behind the other, each in a line: an API asked for page after page.
	line := strings.ReplaceAll(answer, "\n", "") + "\n"
	got := attributes(t, contact("file: a.ndjson\nrows: results", paths), folder(t, "a.ndjson", line+line))
	equal(t, got, []string{want[0], want[1], "3" + want[0][1:], "4" + want[1][1:]})

	small := `attributes.v: "{v}"`
	three := []string{
		`1",,"attributes":{"v":"1"}}`, `2",,"attributes":{"v":"2"}}`, `3",,"attributes":{"v":"3"}}`,
	}
	equal(t, attributes(t, contact("file: a.json", small), folder(t, "a.json", `[{"v":1},{"v":"2"},{"v":3}]`)), three)
	equal(t, attributes(t, contact("file: a.json", small), folder(t, "a.json", "{\"v\":1}{\"v\":2}\n\n{\"v\":3}")), three)
	equal(t, attributes(t, contact("file: a.json\nrows: a.b.c", small), folder(t, "a.json",
		`{"a":[{"b":{"c":[{"v":1}]}},{"b":{"c":[{"v":2},{"v":3}]}},{"b":{}}]}`)), three)
}

func TestJSONFaults(t *testing.T) {
	fields := "attributes.v: \"{v}\"\nattributes.n: \"{n|number}\""
	equal(t, attributes(t, contact("file: a.ndjson", fields), folder(t, "a.ndjson",
		"{\"v\":1}\n{\"v\":\n{\"v\":3,\"n\":\"x\"}\n\n{\"v\":{\"w\":1}}\noops\n7\n{\"v\":8}\n{\"v\":")), []string{
		`1",,"attributes":{"v":"1"}}`,
		`! a.ndjson:2: the line is not JSON: it ends too early: correct it; the line is left out`,
		`! a.ndjson:3: column "n": value "x" is no number: correct it to one such as 1234.5, 1,234.5, 12.5万 or 15%, or ` +
			`use number:comma for 1.234,5`,
		`! a.ndjson:5: column "v": value "" holds several values: name one of them behind a point`,
		`! a.ndjson:6: the line is not JSON: invalid character 'o' looking for beginning of value: correct it; the line ` +
			`is left out`,
		`! a.ndjson:7: the row is neither an object nor an array of them: correct the file`,
		`7",,"attributes":{"v":"8"}}`,
		`! a.ndjson:9: the line is not JSON: it ends too early: correct it; the line is left out`,
	})
	for content, want := range map[string]string{
		"[{\"v\":1},\n{\"v\":2}": `! mapping "crm": file "a.json": from line 2 on it is not JSON: it ends too early: ` +
			`fetch the file again, or use format ndjson where each line is a value`,
		"[{\"v\":1},\n{\"v\"]": `! mapping "crm": file "a.json": from line 2 on it is not JSON: invalid character ']' ` +
			`after object key: fetch the file again, or use format ndjson where each line is a value`,
		`[{"v":1},{"v":"` + strings.Repeat("x", 3<<20) + `"}]`: `! mapping "crm": file "a.json": line 1: a value is ` +
			`longer than 1048576 bytes: name the array inside it by rows`,
	} {
		got := attributes(t, contact("file: a.json", fields), folder(t, "a.json", content))
		equal(t, got[len(got)-1:], []string{want})
	}
	equal(t, attributes(t, contact("file: a.json\nrows: data.list", fields), folder(t, "a.json",
		`{"data":{"rows":[1]}} {"data":{"list":[{"v":1}]}}`)), []string{
		`! a.json:1: there is no "data.list": correct rows of the mapping`, `2",,"attributes":{"v":"1"}}`,
	})
}

func TestPayload(t *testing.T) {
	m := parse(t, contact("payload: true\nrows: entry.changes\nwhen: field = leadgen",
		"attributes.page: \"{^id}\"\nattributes.lead: \"{value.id}\"\nattributes.at: \"{^time|time:epoch_s}\"\n"+
			"attributes.object: \"{^^object}\"\nattributes.n: \"{value.n|number}\""))
	body := `{"object":"page","entry":[{"id":"P1","time":1769788800,"changes":[
		{"field":"leadgen","value":{"id":"L1"}},{"field":"feed"},{"field":"leadgen","value":{"id":"L2","n":"x"}}]},
		{"id":"P2","time":1769788801,"changes":[{"field":"leadgen","value":{"id":"L3"}}]}]}`
	want := []string{
		`c:1 map[at:2026-01-31T00:00:00.000+08:00 lead:L1 object:page page:P1]`,
		`! :3: column "value.n": value "x" is no number: correct it to one such as 1234.5, 1,234.5, 12.5万 or 15%, or ` +
			`use number:comma for 1.234,5`,
		`c:4 map[at:2026-01-31T00:00:01.000+08:00 lead:L3 object:page page:P2]`,
	}
	equal(t, payload(m, body), want)
	equal(t, payload(m, `{"object":"other"}`), nil)
	equal(t, payload(m, `{`), []string{
		`! mapping "crm": the payload is not JSON: it ends too early: send it as application/json`,
	})
	equal(t, payload(parse(t, crm), body), []string{`! mapping "crm" is for files: add an input with payload: true`})
	if _, err := m.Open(t.TempDir()); err == nil || err.Error() !=
		`mapping "crm" has no files, only webhooks: send payloads to it` {
		t.Errorf("open: %v", err)
	}
}

func payload(m *Mapping, body string) []string {
	var out []string
	for e, err := range m.Payload([]byte(body)) {
		if err != nil {
			out = append(out, "! "+err.Error())
			continue
		}
		out = append(out, fmt.Sprint(e.Head().EventID, " ", leadAttributes(e)))
	}
	return out
}

func leadAttributes(e event.Event) map[string]event.Scalar {
	lead, _ := e.(*event.Lead)
	return lead.Attributes
}

// typed has a column of each kind that files from elsewhere have.
type typed struct {
	ID     string            `parquet:"id"`
	At     time.Time         `parquet:"at,timestamp(microsecond)"`
	Local  time.Time         `parquet:"local,timestamp(millisecond:local)"`
	Day    int32             `parquet:"day,date"`
	Amount int64             `parquet:"amount,decimal(2:10)"`
	Share  float64           `parquet:"share"`
	Big    uint64            `parquet:"big"`
	Won    bool              `parquet:"won"`
	Tags   []string          `parquet:"tags,list"`
	Extra  map[string]string `parquet:"extra"`
	Owner  struct {
		Name *string `parquet:"name,optional"`
	} `parquet:"owner"`
	Items []struct {
		SKU string `parquet:"sku"`
	} `parquet:"items,list"`
}

func TestParquet(t *testing.T) {
	at := time.Date(2026, 1, 31, 8, 0, 0, 123456000, time.UTC)
	name := "李"
	first := typed{
		ID: "1", At: at, Local: at, Day: 20484, Amount: 1250, Share: 0.1, Big: 1<<64 - 1, Won: true, Tags: []string{"a", "b"},
		Extra: map[string]string{"utm": "x"},
		Items: []struct {
			SKU string `parquet:"sku"`
		}{{"s1"}, {"s2"}},
	}
	first.Owner.Name = &name
	rows := []typed{first}
	for i := range 999 {
		rows = append(rows, typed{ID: fmt.Sprint(i + 2), At: at, Local: at})
	}
	dir := t.TempDir()
	if err := parquet.WriteFile(filepath.Join(dir, "a.parquet"), rows, parquet.MaxRowsPerRowGroup(300)); err != nil {
		t.Fatal(err)
	}
	m := contact("file: a.parquet", `
attributes.id: "{id}"
attributes.at: "{at}"
attributes.local: "{local}"
attributes.day: "{day}"
attributes.amount: "{amount}"
attributes.share: "{share}"
attributes.big: "{big}"
attributes.won: "{won}"
attributes.tags: "{tags}"
attributes.utm: "{extra.utm}"
attributes.owner: "{owner.name}"
attributes.skus: "{items.sku}"
created_at: "{local}"`)
	got := attributes(t, m, dir)
	if len(got) != 1000 || !strings.Contains(got[999], `"id":"1000"`) {
		t.Fatalf("%d rows, the last %s", len(got), got[len(got)-1])
	}
	equal(t, got[:1], []string{`1",,"created_at":"2026-01-31T00:00:00.123Z","attributes":{"amount":"12.5",` +
		`"at":"2026-01-31T08:00:00.123456Z","big":"18446744073709551615","day":"2026-01-31","id":"1",` +
		`"local":"2026-01-31T08:00:00.123","owner":"李","share":"0.1","skus":"s1,s2","tags":"a,b","utm":"x","won":"true"}}`})

	missing := contact("file: a.parquet", `attributes.v: "{none.of.it}"`)
	equal(t, attributes(t, missing, dir), []string{`! mapping "crm": file "a.parquet": no column ["none"] in the header ` +
		`["id" "at" "local" "day" "amount" "share" "big" "won" "tags" "extra" "owner" "items"]: correct the mapping, its ` +
		`delimiter or the file`})
	if err := os.WriteFile(filepath.Join(dir, "a.parquet"), []byte("PAR1 and no more"), 0o600); err != nil {
		t.Fatal(err)
	}
	got = attributes(t, m, dir)
	if len(got) != 1 || !strings.HasPrefix(got[0], `! mapping "crm": file "a.parquet": it is not Parquet: `) {
		t.Errorf("a broken file: %s", got)
	}
}
