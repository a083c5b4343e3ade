package embedded_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestAnInsertUnderWayIsSeen lets the rows of an INSERT come slowly. Whoever asks which rows may still come to stand
// before a moment finds it among the processes, as old as its rows say they are.
func TestAnInsertUnderWayIsSeen(t *testing.T) {
	e := open(t, t.TempDir())
	if _, err := get(e, "CREATE TABLE t (n UInt64, at DateTime64(3) DEFAULT now64(3)) ENGINE = MergeTree ORDER BY n", nil); err != nil {
		t.Fatal(err)
	}
	body, rows := io.Pipe()
	u := url.URL{Scheme: "http", Host: "embedded", RawQuery: "query=" + url.QueryEscape("INSERT INTO t (n) FORMAT TSV")}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.String(), body)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		res, err := e.RoundTrip(req)
		if err == nil {
			err = res.Body.Close()
		}
		ended <- err
	}()
	// The second piece is taken when the first one was handed to the engine.
	for range 2 {
		if _, err := rows.Write([]byte(strings.Repeat("1\n", 1<<19))); err != nil {
			t.Fatal(err)
		}
	}
	began, err := get(e, "SELECT toUnixTimestamp64Milli(now64(3)) - max(toInt64(1000 * elapsed)) FROM system.processes "+
		"WHERE query_kind = 'Insert' FORMAT TSV", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	got, err := get(e, "SELECT count(), min(toUnixTimestamp64Milli(at)) + 20 >= {began:Int64} FROM t FORMAT TSV",
		url.Values{"param_began": {strings.TrimSpace(began)}})
	if err != nil {
		t.Fatal(err)
	}
	if got != "1048576\t1\n" {
		t.Errorf("began at %s; rows and whether they are no older: %s", began, got)
	}
}
