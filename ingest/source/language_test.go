package source

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"clew/ingest/event"
)

// contact is a mapping of one lead for each row of input.
func contact(input, fields string) string {
	return "zone: Asia/Shanghai\ntimes: [epoch_s, epoch_ms, YYYY/M/D h:mm AM, YYYY-MM-DD hh:mm]\nnulls: [Select, N/A]\n" + `
tables:
  stages: {新建: new, 成交: won, "*": opportunity}
  sizes: {0: small, 50: middle, 500: large}
  strict: {a: A}
inputs:
  - ` + strings.ReplaceAll(strings.TrimSpace(input), "\n", "\n    ") + `
    events:
      - type: lead
        fields:
          event_id: "c:{#row}"
          occurred_at: "2026-01-31"
          lead_id: x
          ` + strings.ReplaceAll(strings.TrimSpace(fields), "\n", "\n          ") + "\n"
}

// attributes returns what each row became, without what all rows share.
func attributes(t *testing.T, mapping, dir string) []string {
	t.Helper()
	out := lines(t, parse(t, mapping), dir)
	for i, line := range out {
		line = strings.ReplaceAll(line, `"occurred_at":"2026-01-30T16:00:00Z","lead_id":"x"`, "")
		out[i] = strings.Replace(line, `lead {"event_id":"c:`, "", 1)
	}
	return out
}

func TestChanges(t *testing.T) {
	for _, c := range []struct{ change, value, want string }{
		{"number", "1,234.50", "1234.5"},
		{"number", "12.3456万", "123456"},
		{"number", "￥1,200 元", "1200"},
		{"number", "15%", "0.15"},
		{"number", "-3亿", "-300000000"},
		{"number", "１２，０００", "12000"},
		{"number", "", ""},
		{"number:comma", "1.234,50", "1234.5"},
		{"number:comma", "7,5", "7.5"},
		{"divide:1000", "1,500", "1.5"},
		{"pad:4", "7", "0007"},
		{"pad:1", "17", "17"},
		{"empty:999", "999", ""},
		{"empty:999", "99", "99"},
		{"divide:1000000", "2500000", "2.5"},
		{"bool", "是", "true"},
		{"bool", "No", "false"},
		{"bool", "1", "true"},
		{"map:stages", "成交", "won"},
		{"map:stages", "报价", "opportunity"},
		{"map:stages", "", ""},
		{"band:sizes", "0", "small"},
		{"band:sizes", "499.5", "middle"},
		{"band:sizes", "500", "large"},
		{"time:DD.MM.YYYY", "31.01.2026", "2026-01-31T00:00:00.000+08:00"},
		{"time:epoch_ms", "1769788800000", "2026-01-31T00:00:00.000+08:00"},
		{"time:epoch_s", "1769788800.5", "2026-01-31T00:00:00.500+08:00"},
		{"time:YYYY/M/D h:mm AM", "2026/1/31 3:05 PM", "2026-01-31T15:05:00.000+08:00"},
		{"time:MMM D, YYYY", "Jan 31, 2026", "2026-01-31T00:00:00.000+08:00"},
		{"time:YYYY-MM-DD hh:mm Z", "2026-01-31 08:00 +0000", "2026-01-31T08:00:00.000Z"},
		{"time:YYYY年M月D日", "2026年1月31日", "2026-01-31T00:00:00.000+08:00"},
		{"hash", "a", "ca978112ca1bbdcafac231b39a23dc4d"},
		{"hash", "", ""},
		{"or:b", "", "other"},
		{"or:b", "own", "own"},
		{"default:none", "", "none"},
		{"upper|lower", "Ab", "ab"},
		{"trim", " Select ", "Select"},
		{"trim", "Select", ""}, // null before it is changed, not after
	} {
		dir := folder(t, "a.csv", fmt.Sprintf("a,b\n%q,other\n", c.value))
		want := fmt.Sprintf(`1",,"attributes":{"v":%q}}`, c.want)
		if c.want == "" {
			want = `1",}`
		}
		got := attributes(t, contact("file: a.csv", fmt.Sprintf(`attributes.v: "{a|%s}"`, c.change)), dir)
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s of %q: got %s, want %s", c.change, c.value, got, want)
		}
	}
}

func TestChangesThatRefuse(t *testing.T) {
	for _, c := range []struct{ change, value, want string }{
		{"number", "1,5", "is no number: correct it to one such as 1234.5, 1,234.5, 12.5万 or 15%, or use number:comma " +
			"for 1.234,5"},
		{"number:comma", "1,234.5", "is no number: correct it to one such as 1.234,50, or use number for 1,234.50"},
		{"number", "0x10", "is no number: correct it to one such as 1234.5, 1,234.5, 12.5万 or 15%, or use number:comma " +
			"for 1.234,5"},
		{"bool", "maybe", "is neither yes nor no: correct it to true, yes, 1, 是 or to false, no, 0, 否"},
		{"map:strict", "b", `is not in table "strict" of mapping "crm": add it there, or add "*" for all others`},
		{"band:sizes", "-1", `is below every band of table "sizes": add a lower one`},
		{"band:sizes", "many", `is no number, and table "sizes" has bands: correct it, or put number before band`},
		{"time:epoch_ms", "1769788800", `is no time of the form epoch_ms: correct it, or add its form to times of ` +
			`mapping "crm"`},
		{"time:epoch_s", "20260131", `is no time of the form epoch_s: correct it, or add its form to times of mapping ` +
			`"crm"`},
	} {
		dir := folder(t, "a.csv", fmt.Sprintf("a\n%q\n", c.value))
		got := attributes(t, contact("file: a.csv", fmt.Sprintf(`attributes.v: "{a|%s}"`, c.change)), dir)
		equal(t, got, []string{fmt.Sprintf(`! a.csv:2:1: column "a": value %q %s`, c.value, c.want)})
	}
}

func TestConditions(t *testing.T) {
	dir := folder(t, "a.csv", "name,amount,Deal Stage\nA,5,won\nB,10,lost\nC,,\nD,1e2,won\n")
	for when, want := range map[string]string{
		"amount": "ABD", "amount is empty": "C", "Deal Stage = won": "AD", "Deal Stage != won": "BC",
		"Deal Stage in lost, open": "B", "Deal Stage not in lost, won": "C", "amount > 5": "BD", "amount >= 5": "ABD",
		"amount < 10": "A", "amount <= 10": "AB", `"{amount|default:7} < 10"`: "AC", `[amount, "name != D"]`: "AB",
		`"#row > 3"`: "D", `"{Deal Stage|upper} = WON"`: "AD", "Deal Stage =": "C",
	} {
		m := contact("file: a.csv\nwhen: "+when, `attributes.v: "{name}"`)
		got := ""
		for _, line := range attributes(t, m, dir) {
			_, v, _ := strings.Cut(line, `"v":"`)
			got += strings.TrimSuffix(v, `"}}`)
		}
		if got != want {
			t.Errorf("when %s: got %s, want %s", when, got, want)
		}
	}
	got := attributes(t, contact("file: a.csv\nwhen: name > 3", `attributes.v: "{name}"`), folder(t, "a.csv", "name\nA\n"))
	equal(t, got, []string{`! a.csv:2:1: column "name": value "A" is no number, and when compares it with 3: correct it, ` +
		`or write {column|number} there`})
}

func TestColumnsWithOtherNamesAndMissingOnes(t *testing.T) {
	m := contact("file: '*.csv'\ncolumns: {phone: [手机号, 手机, Mobile], size: [人数]}",
		"contact.phone: \"{phone}\"\nattributes.size: \"{size?|or:employees?}\"\nattributes.file: \"{#file}\"")
	dir := folder(t, "a.csv", "手机\n138\n", "b.csv", "Mobile,employees\n139,20\n")
	equal(t, attributes(t, m, dir), []string{
		`1",,"contact":{"phone":"138"},"attributes":{"file":"a.csv"}}`,
		`1",,"contact":{"phone":"139"},"attributes":{"file":"b.csv","size":"20"}}`,
	})
	equal(t, attributes(t, m, folder(t, "a.csv", "电话\n138\n")), []string{
		`! mapping "crm": file "a.csv": no column ["手机号 or 手机 or Mobile"] in the header ["电话"]: correct the mapping, ` +
			`its delimiter or the file`,
	})
}

func TestEncodings(t *testing.T) {
	text := strings.Repeat("x", 100) + ",公司\n1,北京\n"
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(gbk)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	dir := folder(t, "a.csv", text, "b.csv", "\ufeff"+text, "c.csv", gbk, "d.csv", utf16, "e.csv", bare,
		"f.csv", packed.String())
	m := contact("file: '*.csv'", `attributes.v: "{公司}"`)
	want := `1",,"attributes":{"v":"北京"}}`
	equal(t, attributes(t, m, dir), []string{want, want, want, want, want, want})

	stated := contact("file: a.txt\nencoding: gb18030", `attributes.v: "{公司}"`)
	equal(t, attributes(t, stated, folder(t, "a.txt", gbk)), []string{want})
	// A byte that is no text costs its row, and is not replaced in silence.
	equal(t, attributes(t, stated, folder(t, "a.txt", gbk+"2,\xff\n3,\xb1\xb1\n")), []string{
		want, `! a.txt:3:3: column "公司": value "\xff" invalid_value: attributes.v is not valid UTF-8: send text in UTF-8`,
		`3",,"attributes":{"v":"北"}}`,
	})
}

// TestTheReferencePageIsRight holds that its first example is a mapping.
func TestTheReferencePageIsRight(t *testing.T) {
	_, text, _ := strings.Cut(file(t, "mappings/README.md"), "```yaml\n")
	text, _, found := strings.Cut(text, "```\n")
	if _, err := Parse("example", []byte(text)); err != nil || !found {
		t.Errorf("%v in\n%s", err, text)
	}
}

func TestPreambleAndTabs(t *testing.T) {
	m := contact("file: a.tsv\nskip: 2", `attributes.v: "{cost}"`)
	equal(t, attributes(t, m, folder(t, "a.tsv", "Report\n1 Jan - 2 Jan\nday\tcost\n1\t5\n")),
		[]string{`1",,"attributes":{"v":"5"}}`})
}

func TestJoin(t *testing.T) {
	join := "file: pages.csv\njoin: [{name: user, file: users.csv, delimiter: ;, key: id, match: user_id%s}]"
	dir := folder(t, "pages.csv", "user_id,page\n2,home\n1,pay\n3,home\n", "users.csv", "id;device;sex\n1;Mobile;F\n2;N/A;M\n")
	fields := "attributes.page: \"{page}\"\nattributes.device: \"{user.device}\""
	equal(t, attributes(t, contact(fmt.Sprintf(join, ""), fields), dir), []string{
		`1",,"attributes":{"page":"home"}}`, `2",,"attributes":{"device":"Mobile","page":"pay"}}`,
		`! pages.csv:4:1: column "user_id": value "3" has no row in users.csv: add it there, or set optional on join ` +
			`"user"`,
	})
	equal(t, attributes(t, contact(fmt.Sprintf(join, ", optional: true"), fields), dir)[2:], []string{
		`3",,"attributes":{"page":"home"}}`,
	})
	twice := folder(t, "pages.csv", "user_id,page\n1,pay\n", "users.csv", "id;device\n1;a\n1;b\n")
	equal(t, attributes(t, contact(fmt.Sprintf(join, ""), fields), twice), []string{
		`! mapping "crm": file "pages.csv": join "user": file "users.csv": line 3: id "1" is there twice: a key must ` +
			`tell the rows apart`,
	})
}

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
