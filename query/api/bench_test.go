package api

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"clew/query"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

const benchRequest = `{"measures":["leads","won","lead_to_won_rate"],"dimensions":["channel"],
	"timeDimensions":[{"dimension":"created_at","granularity":"month"}]}`

// business is 200 000 leads of ten channels over two years.
func business(tb testing.TB) (*warehouse.DB, *query.Service) {
	tb.Helper()
	db := warehousetest.Open(tb)
	for _, sql := range []string{
		`INSERT INTO leads (lead_id, created_at, channel)
		SELECT toString(number), '2026-01-01', concat('channel ', toString(number % 10)) FROM numbers(200000)`,
		"INSERT INTO watermarks (name, as_of) VALUES ('transform', '2027-01-01')",
		`INSERT INTO lead_facts (lead_id, created_at, stage, won_at)
		SELECT toString(number), toDateTime64('2025-01-01', 3, 'UTC') + number % 730 * 86400, 'new',
		if(number % 9 = 0, toDateTime64('2027-01-01', 3, 'UTC'), NULL) FROM numbers(200000)`,
	} {
		if err := db.Exec(tb.Context(), sql, nil); err != nil {
			tb.Fatal(err)
		}
	}
	s, err := query.New(query.Config{DB: db, Timezone: "Asia/Shanghai", Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	return db, s
}

// BenchmarkQuery shows what the service and HTTP add to the statement itself.
func BenchmarkQuery(b *testing.B) {
	db, s := business(b)
	request, err := query.Decode([]byte(benchRequest))
	if err != nil {
		b.Fatal(err)
	}
	e, err := s.Explain(b.Context(), request)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			if n := bare(b, db, e); n != 240 {
				b.Fatalf("%d rows", n)
			}
		}
	})
	b.Run("service", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Metrics(b.Context(), request); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("http", func(b *testing.B) { overHTTP(b, s) })
}

func bare(b *testing.B, db *warehouse.DB, e *query.Explanation) (n int) {
	b.Helper()
	rows, err := db.Query(b.Context(), e.SQL, e.Params)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := rows.Values(); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return n
}

func overHTTP(b *testing.B, s *query.Service) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	app := New(Config{Service: s, Log: quiet()})
	served := make(chan error, 1)
	go func() { served <- app.Listener(l) }()
	url := fmt.Sprintf("http://%s/api/v1/query", l.Addr())
	for b.Loop() {
		res, err := http.Post(url, "application/json", bytes.NewReader([]byte(benchRequest)))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			b.Fatalf("%s: %v", res.Status, err)
		}
		if err := res.Body.Close(); err != nil {
			b.Fatal(err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if err := app.Shutdown(); err != nil {
		b.Fatal(err)
	}
	if err := <-served; err != nil {
		b.Fatal(err)
	}
}
