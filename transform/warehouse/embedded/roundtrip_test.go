package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/transform/warehouse"
	"clew/transform/warehouse/embedded"
)

// get sends one statement and returns the answer as tab-separated text, or what the engine said against it.
func get(e *embedded.Engine, sql string, query url.Values) (string, error) {
	return do(context.Background(), e, sql, query, http.Header{})
}

func do(ctx context.Context, e *embedded.Engine, sql string, query url.Values, header http.Header) (string, error) {
	u := url.URL{Scheme: "http", Host: "embedded", RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(sql))
	if err != nil {
		return "", err
	}
	req.Header = header
	res, err := e.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%d %s %s", res.StatusCode, res.Header.Get("X-Clickhouse-Exception-Code"), body)
	}
	return string(body), err
}

// state shows what requests may have left behind on a connection.
const state = `SELECT currentDatabase(), getSetting('max_threads') < 3, getSetting('format_csv_delimiter') FORMAT TSV`

func TestRequests(t *testing.T) {
	e := open(t, t.TempDir())
	for _, c := range []struct {
		name, sql, query, want, failure string
	}{
		{name: "plain", sql: "SELECT 1, 'a' FORMAT TSV", want: "1\ta\n"},
		{name: "default format", sql: "SELECT 1 AS a", query: "default_format=JSONEachRow", want: "{\"a\":1}\n"},
		{name: "database", sql: "SELECT currentDatabase() FORMAT TSV", query: "database=system", want: "system\n"},
		{name: "no database", sql: "SELECT currentDatabase() FORMAT TSV", want: "default\n"},
		{
			name: "unknown database", sql: "SELECT 1", query: "database=a`b",
			failure: "500 81 Code: 81. DB::Exception: Database `a\\`b` does not exist.",
		},
		{name: "setting", sql: "SELECT getSetting('max_threads') FORMAT TSV", query: "max_threads=3", want: "3\n"},
		{
			name: "text as a setting", sql: "SELECT getSetting('format_csv_delimiter') FORMAT TSVRaw",
			query: "format_csv_delimiter=%27", want: "'\n",
		},
		{
			name: "unknown setting", sql: "SELECT 1", query: "none=1",
			failure: "500 115 Code: 115. DB::Exception: Unknown setting 'none'.",
		},
		{name: "SET lasts for its request", sql: "SET max_threads = 7"},
		{name: "USE lasts for its request", sql: "USE system"},
		{name: "parameter", sql: "SELECT {a:String} FORMAT TSVRaw", query: "param_a=x%5Cny", want: "x\ny\n"},
		{name: "statement in the URL", sql: "", query: "query=SELECT+5+FORMAT+TSV", want: "5\n"},
		{name: "no rows", sql: "SELECT 1 WHERE 0 FORMAT TSVWithNames", want: "1\n"},
		{name: "two statements", sql: "SELECT 1; SELECT 2", failure: "500 62 Code: 62."},
		{name: "an empty statement", sql: "", failure: "500 62 Code: 62."},
		{name: "a word", sql: "version", failure: "500 62 Code: 62."},
		{name: "compression", sql: "SELECT 1", query: "compress=1", failure: "open without compression"},
	} {
		// Every case runs on every connection, so that none is left in a state of its own.
		for range embedded.DefaultConnections {
			query, err := url.ParseQuery(c.query)
			if err != nil {
				t.Fatal(err)
			}
			got, err := get(e, c.sql, query)
			if c.failure == "" && (err != nil || got != c.want) {
				t.Errorf("%s: want %q, got %q, %v", c.name, c.want, got, err)
			}
			if c.failure != "" && (err == nil || !strings.Contains(err.Error(), c.failure)) {
				t.Errorf("%s: want the failure %q, got %q, %v", c.name, c.failure, got, err)
			}
			got, err = get(e, state, nil)
			if got != "default\t1\t,\n" || err != nil {
				t.Fatalf("%s left its connection changed: %q, %v", c.name, got, err)
			}
		}
	}
	for name, header := range map[string]http.Header{
		"without compression":         {"Content-Encoding": {"gzip"}},
		"write them to a table first": {"Content-Type": {"multipart/form-data; boundary=x"}},
	} {
		if _, err := do(t.Context(), e, "SELECT 1", nil, header); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error with %q, got %v", name, err)
		}
	}
}

// brokenReader fails after some rows.
type brokenReader struct {
	rows io.Reader
	err  error
}

var errBroken = errors.New("the sender broke off")

func (b *brokenReader) Read(p []byte) (int, error) {
	if n, err := b.rows.Read(p); n > 0 || !errors.Is(err, io.EOF) {
		return n, err
	}
	return 0, b.err
}

func TestInsertBodies(t *testing.T) {
	e := open(t, t.TempDir())
	if _, err := get(e, "CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a", nil); err != nil {
		t.Fatal(err)
	}
	insert := func(sql string, rows io.Reader) error {
		target := "http://embedded/?" + url.Values{"query": {sql}, "param_x": {"2000000"}}.Encode()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, rows)
		res, err := e.RoundTrip(req)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode != http.StatusOK {
			err = errors.New(string(body))
		}
		return err
	}
	var lines bytes.Buffer
	for i := range 300_000 {
		fmt.Fprintf(&lines, "%d\t%d\\n\\n\n", i, i)
	}
	text := func(s string) func() io.Reader { return func() io.Reader { return strings.NewReader(s) } }
	broken := func() io.Reader { return &brokenReader{strings.NewReader("7\tx\n"), errBroken} }
	short := func() io.Reader { return &brokenReader{strings.NewReader("7\tx\n"), io.ErrUnexpectedEOF} }
	const fromInput = "INSERT INTO t (a, b) SELECT a, b FROM input('a UInt64, b String') "
	for _, c := range []struct {
		sql, failure string
		rows         func() io.Reader
	}{
		{sql: "INSERT INTO t (a, b) FORMAT TSV", rows: text(lines.String())},
		{sql: "insert into t\nformat JSONEachRow;", rows: text("{\"a\":1000000,\"b\":\"\\n\\n\"}\n\n{\"a\":1000001}")},
		{sql: "INSERT INTO t (a, b) FORMAT TSV", rows: text("")},
		{sql: "INSERT INTO t (a, b) FORMAT TSV", rows: text("x\ty\n"), failure: "Code: 27."},
		{sql: "INSERT INTO t (nothing) FORMAT TSV", rows: text("x\n"), failure: "Code: 16."},
		{sql: "INSERT INTO t (a, b) FORMAT Nothing", rows: text("x\n"), failure: "Code: 73."},
		{sql: "INSERT INTO t (a) FORMAT Native", rows: text(lines.String()[:100_000]), failure: "Code: "},
		{sql: "INSERT INTO t (a, b) FORMAT TSV", rows: broken, failure: errBroken.Error()},
		{sql: "INSERT INTO t (a, b) FORMAT TSV", rows: short, failure: io.ErrUnexpectedEOF.Error()},
		{sql: fromInput + "WHERE a < {x:UInt64}\nFORMAT TSV", rows: text("1000002\t\\n\\n\n2000000\tx\n")},
		{sql: fromInput + "FORMAT TSV", rows: text("")},
		{sql: fromInput + "WHERE b FORMAT TSV", rows: text(lines.String()), failure: "Code: "},
		{sql: fromInput + "WHERE throwIf(a = {x:UInt64} - 1, 'no') = 0 FORMAT TSV", rows: text("1999999\t\n"), failure: "no"},
		{sql: fromInput + "WHERE nothing FORMAT TSV", rows: text(lines.String()), failure: "Code: 47."},
		{sql: fromInput + "FORMAT TSV", rows: broken, failure: errBroken.Error()},
		{sql: fromInput + "FORMAT TSV", rows: short, failure: io.ErrUnexpectedEOF.Error()},
	} {
		for range embedded.DefaultConnections {
			err := insert(c.sql, c.rows())
			if (c.failure == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.failure)) {
				t.Errorf("%s: want the failure %q, got %v", c.sql, c.failure, err)
			}
			if c.failure == "" {
				break
			}
		}
	}
	got, err := get(e, "SELECT count(), sum(a), countIf(b LIKE '%\\n\\n') FROM t FORMAT TSV", nil)
	if want := fmt.Sprintf("300003\t%d\t300002\n", 300_000*299_999/2+3_000_003); got != want || err != nil {
		t.Errorf("want %q, got %q, %v", want, got, err)
	}
}

// TestCloseEndsStatements closes while some run and others wait for a connection.
func TestCloseEndsStatements(t *testing.T) {
	e := open(t, t.TempDir())
	failed := make(chan error)
	begin := func() {
		_, err := get(e, "SELECT count() FROM numbers(1000000000000000) WHERE sipHash64(number) = 1", nil)
		failed <- err
	}
	for range embedded.DefaultConnections - 1 {
		go begin()
	}
	for running := ""; running != fmt.Sprintln(embedded.DefaultConnections); {
		got, err := get(e, "SELECT count() FROM system.processes FORMAT TSV", nil)
		if err != nil {
			t.Fatal(err)
		}
		running = got
	}
	for range 3 {
		go begin()
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	for range embedded.DefaultConnections + 2 {
		if err := <-failed; !errors.Is(err, embedded.ErrClosed) {
			t.Errorf("want ErrClosed, got %v", err)
		}
	}
	if _, err := get(e, "SELECT 1", nil); !errors.Is(err, embedded.ErrClosed) {
		t.Errorf("a closed engine: want ErrClosed, got %v", err)
	}
}

// TestBehindRealHTTP puts the engine behind a socket, so that the warehouse takes it for a server.
func TestBehindRealHTTP(t *testing.T) {
	e := open(t, t.TempDir())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res, err := e.RoundTrip(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer res.Body.Close()
		maps.Copy(w.Header(), res.Header)
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	}))
	defer server.Close()
	db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: server.URL + "/over_http"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 2 {
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	const awkward = "a'b\"c\\d\te\n\nf 线索 & ? ="
	p := warehouse.Params{"x": awkward, "y": nil}
	const sql = "SELECT {x:String}, ifNull({y:Nullable(String)}, 'L')"
	rows, err := db.Replace(t.Context(), "leads", []string{"workspace", "lead_id"}, sql, p)
	if rows != 1 || err != nil {
		t.Fatal(rows, err)
	}
	batch, err := db.Insert(t.Context(), "leads", []string{"workspace", "lead_id"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(batch.Append("w", awkward), batch.Send()); err != nil {
		t.Fatal(err)
	}
	type row struct {
		Database  string `ch:"database"`
		Workspace string `ch:"workspace"`
		Lead      string `ch:"lead_id"`
	}
	var got []row
	err = db.Select(t.Context(), &got, `SELECT currentDatabase() AS database, workspace, lead_id
FROM leads ORDER BY workspace = 'w'`, nil)
	want := []row{{"over_http", awkward, "L"}, {"over_http", "w", awkward}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if err := db.Exec(t.Context(), "SELECT nothing", nil); warehouse.ErrorCode(err) != 47 {
		t.Errorf("want code 47, got %v", err)
	}
}
