package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// drain returns what a reader gives, each with the position behind it.
func drain(t *testing.T, r *Reader) (out []string, at []Position) {
	t.Helper()
	for e, err := range r.Events(t.Context()) {
		text := fmt.Sprint(err)
		if err == nil {
			text = e.Head().EventID
		}
		out, at = append(out, text), append(at, r.Position())
	}
	return out, at
}

// resumable has several files, repeats, faulty rows, and rows that give nothing.
func resumable(t *testing.T) *Reader {
	t.Helper()
	dir := folder(t, "report.csv", "id;day;cost;leads;orders\n7;2026-05-01;100.01;3;3\n8;2026-05-02;x;3;0\n"+
		"9;2026-05-03;\"1;0;0\n10;2026-05-04;0;2;1\n", "report-b.csv", "id;day;cost;leads;orders\n11;2026-05-05;0;1;1\n")
	m := parse(t, strings.Replace(report, "report.csv", "report*.csv", 1))
	r, err := m.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReadingGoesOnAtAnyPosition(t *testing.T) {
	all, at := drain(t, resumable(t))
	equal(t, all, []string{
		"r:11", "r:11:1", "r:7", "r:7:1", "r:7:2", "r:7:3",
		`report.csv:3:14: column "cost": value "x" for amount of a cost is no number: correct it, or use |number ` +
			`where it is written as 1,234.50 or 12.5万`,
		"report.csv:4: a quote opened in line 4 does not close as it should: correct the quotes of the line; " +
			"the line is left out, and reading went on with the next",
		"r:10", "r:10:1",
	})
	for i, p := range at {
		r := resumable(t)
		r.From(p)
		rest, places := drain(t, r)
		equal(t, rest, all[i+1:])
		if len(places) > 0 && places[0] != at[i+1] {
			t.Errorf("after %v: got position %v, want %v", p, places[0], at[i+1])
		}
		if done, total := r.Bytes(); done != total || total != 153 {
			t.Errorf("after %v: %d of %d bytes read, want all 153", p, done, total)
		}
	}
}

// TestReadingGoesOnInEveryFormat breaks off behind each event of a file and goes on there.
func TestReadingGoesOnInEveryFormat(t *testing.T) {
	dir := folder(t,
		"a.json", `{"total":2,"list":[{"v":"1"},{"v":{}},{"v":"3"}]}{"list":[{"v":"4"}]}`,
		"a.ndjson", "{\"list\":[{\"v\":1},{\"v\":2}]}\noops\n{\"list\":[]}\n{\"list\":[{\"v\":3}]}\n",
		"keys.csv", "v\n1\n3\n")
	packed := []typed{{ID: "1"}, {ID: "2"}, {ID: "3"}}
	if err := parquet.WriteFile(filepath.Join(dir, "a.parquet"), packed, parquet.MaxRowsPerRowGroup(2)); err != nil {
		t.Fatal(err)
	}
	for input, want := range map[string]int{
		"file: a.json\nrows: list": 4, "file: a.ndjson\nrows: list": 4, "file: a.parquet\ncolumns: {v: id}": 3,
		"file: a.parquet\ncolumns: {v: id}\njoin: [{name: k, file: keys.csv, key: v}]\nwhen: k.v": 3,
	} {
		m := parse(t, contact(input, `attributes.v: "{v}"`))
		open := func(p Position) *Reader {
			r, err := m.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			r.From(p)
			return r
		}
		all, at := drain(t, open(Position{}))
		if len(all) != want {
			t.Errorf("%s: got %q, want %d events and faults", input, all, want)
		}
		for i, p := range at {
			r := open(p)
			rest, _ := drain(t, r)
			equal(t, rest, all[i+1:])
			if done, total := r.Bytes(); done != total {
				t.Errorf("%s after %v: %d of %d bytes read", input, p, done, total)
			}
		}
	}
}

func TestAPositionBehindTheFilesIsRefused(t *testing.T) {
	for want, p := range map[string]Position{
		`mapping "crm": file "report-c.csv", where reading is to go on, is gone: put it back, or begin anew`: {
			File: "report-c.csv", Row: 1,
		},
		`mapping "crm": file "report.csv": it has 4 rows and reading was to go on behind row 5: it has changed, ` +
			`begin anew`: {File: "report.csv", Row: 5},
	} {
		r := resumable(t)
		r.From(p)
		got, _ := drain(t, r)
		equal(t, got, []string{want})
	}
}

func TestACancelledContextEndsReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range resumable(t).Events(ctx) {
		n, last = n+1, err
		cancel()
	}
	if n != 3 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d events, last %v; want the first row's two and the context's error", n, last)
	}
}

// TestAFaultOnTheWayToAPositionLeavesIt: what keeps the position after a fault must not import the rows before it again.
func TestAFaultOnTheWayToAPositionLeavesIt(t *testing.T) {
	gone := resumable(t)
	gone.fsys = os.DirFS(t.TempDir())
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for r, ctx := range map[*Reader]context.Context{gone: t.Context(), resumable(t): stopped} {
		at := Position{File: "report.csv", Row: 3, Event: 1}
		r.From(at)
		n := 0
		for _, err := range r.Events(ctx) {
			if n++; err == nil {
				t.Error("want nothing but the error")
			}
		}
		if n != 1 || r.Position() != at || r.Rows() != 0 {
			t.Errorf("%d errors, and the position is %v after %d rows; want it to stay %v", n, r.Position(), r.Rows(), at)
		}
	}
}

func TestAFileCutShort(t *testing.T) {
	unreadable := "it cannot be read to its end: unexpected EOF: fetch the file again"
	for _, c := range []struct{ name, text, want string }{
		{"a.csv", "v\n1\n", unreadable},
		{"a.ndjson", "{\"v\":1}\n", unreadable},
		{"a.json", "{\"v\":1}\n", "from line 2 on it is not JSON: it ends too early: fetch the file again, or use format " +
			"ndjson where each line is a value"},
	} {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write([]byte(c.text)); err != nil || z.Close() != nil {
			t.Fatal(err)
		}
		packed.Truncate(packed.Len() - 8) // the checksum and the length
		got := attributes(t, contact("file: "+c.name, `attributes.v: "{v}"`), folder(t, c.name, packed.String()))
		equal(t, got[len(got)-1:], []string{fmt.Sprintf(`! mapping "crm": file %q: %s`, c.name, c.want)})
	}
}

// TestABrokenQuoteCostsOneLine: the quote in line 70,000 would pair with one far below.
func TestABrokenQuoteCostsOneLine(t *testing.T) {
	var b strings.Builder
	b.WriteString("id;day;cost;leads;orders\n")
	for line := 2; line <= 90_000; line++ {
		quote := ""
		if line == 70_000 {
			quote = `"`
		}
		if line%1000 == 1 {
			fmt.Fprintf(&b, "%d;\"2026-05-01\";%s0;0;0\n", line, quote)
			continue
		}
		fmt.Fprintf(&b, "%d;2026-05-01;%s0;0;0\n", line, quote)
	}
	m := parse(t, report)
	events, faults := 0, []string{}
	for _, err := range Read(t.Context(), m, folder(t, "report.csv", b.String())) {
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		events++
	}
	equal(t, faults, []string{"report.csv:70000: a quote opened in line 70000 does not close as it should: correct the " +
		"quotes of the line; the line is left out, and reading went on with the next"})
	if events != 90_000-2 {
		t.Errorf("%d events, want one for each of the 89,998 other lines", events)
	}
}

func TestOptionalFiles(t *testing.T) {
	m := parse(t, `
zone: UTC
inputs:
  - file: a.csv
    optional: true
    events: [{type: lead, fields: {event_id: "a{id}", occurred_at: "{at}", lead_id: "{id}"}}]
  - file: b.csv
    optional: true
    join: [{name: a, file: a.csv, key: id, optional: true}]
    events: [{type: lead, fields: {event_id: "b{id}", occurred_at: "{at}", lead_id: "{id}", company: "{a.at}"}}]
`)
	dir := t.TempDir()
	want := `mapping "crm" reads ["a.csv" "b.csv"], and "` + dir + `" has none of them: put one there or name another directory`
	if _, err := m.Open(dir); err == nil || err.Error() != want {
		t.Errorf("without files: %v", err)
	}
	put := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("id,at\n1,2026-01-05\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names := func() (out []string) {
		for e, err := range Read(t.Context(), m, dir) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, e.Head().EventID)
		}
		return out
	}
	put("a.csv")
	equal(t, names(), []string{"a1"})
	put("b.csv")
	equal(t, names(), []string{"a1", "b1"})
	if err := os.Remove(filepath.Join(dir, "a.csv")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Open(dir); err == nil {
		t.Error("a file to join is absent, and nobody says so")
	}
}
