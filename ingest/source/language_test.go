package source

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
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
		{"number", "1.5,234", "is no number: correct it to one such as 1234.5, 1,234.5, 12.5万 or 15%, or use " +
			"number:comma for 1.234,5"},
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

	// These four bytes are two letters of GBK, and are not taken for such where UTF-8 is stated.
	equal(t, attributes(t, contact("file: a.txt\nencoding: UTF-8", `attributes.v: "{x}"`), folder(t, "a.txt",
		"x\n\xb1\xb1\xbe\xa9\n")), []string{
		`! a.txt:2:1: column "x": value "\xff\xff\xff\xff" invalid_value: attributes.v is not valid UTF-8: send text in UTF-8`,
	})

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
	// A faulty row of the joined file ends the import: it is no row of pages.csv that could be left out.
	broken := folder(t, "pages.csv", "user_id,page\n1,pay\n", "users.csv", "id;device\n1;a;b\n")
	joined := contact(fmt.Sprintf(join, ""), fields)
	equal(t, attributes(t, joined, broken), []string{
		`! mapping "crm": file "pages.csv": join "user": file "users.csv": line 2: the row has 3 fields and the header 2: ` +
			`correct its delimiters and quotes`,
	})
	for _, err := range Read(t.Context(), parse(t, joined), broken) {
		if _, row := errors.AsType[*RowError](err); row {
			t.Errorf("%v passes for a row of pages.csv", err)
		}
	}
}
