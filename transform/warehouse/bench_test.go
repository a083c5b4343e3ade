package warehouse_test

import (
	"fmt"
	"testing"
	"time"

	"clew/ingest"
	"clew/ingest/event"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// pageViews makes n behaviours of a size usual for them, at the offsets from first on.
func pageViews(n int, first uint64) []ingest.Record {
	records := make([]ingest.Record, n)
	for i := range records {
		records[i] = ingest.Record{
			Event: &event.Behavior{
				Header: event.Header{
					EventID: fmt.Sprint("event-", first, "-", i), LeadID: fmt.Sprint("lead-", i%5000),
					OccurredAt:  occurred.Add(time.Duration(i) * time.Second),
					Identifiers: map[string]string{"email": fmt.Sprint(i%5000, "@example.cn")},
				},
				Name: "page_view", PageGroup: "pricing", SessionID: fmt.Sprint("session-", i/10),
				Properties: map[string]event.Scalar{"device": "mobile", "url": "/pricing"},
			},
			ReceivedAt: received, Position: ingest.Position{Source: 1, Offset: first + uint64(i)},
		}
	}
	return records
}

// BenchmarkSink writes batches of 100 000 behaviours, each with the question which of them are stored.
func BenchmarkSink(b *testing.B) {
	const n = 100_000
	db := warehousetest.Open(b)
	sink := db.Sink()
	records := pageViews(n, 0)
	for b.Loop() {
		if err := sink.Write(b.Context(), ingest.Batch{Records: records}); err != nil {
			b.Fatal(err)
		}
		for i := range records {
			records[i].Offset += n
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkSmallQuery is what this package adds to a statement that costs the engine next to nothing.
func BenchmarkSmallQuery(b *testing.B) {
	db := warehousetest.Open(b)
	for b.Loop() {
		var got []struct {
			One uint8 `ch:"one"`
		}
		err := db.Select(b.Context(), &got, "SELECT {v:UInt8} AS one", warehouse.Params{"v": 1})
		if err != nil || len(got) != 1 || got[0].One != 1 {
			b.Fatal(got, err)
		}
	}
}

// BenchmarkRows reads a million rows of four columns as plain values.
func BenchmarkRows(b *testing.B) {
	const n = 1_000_000
	db := warehousetest.Open(b)
	for b.Loop() {
		rows, err := db.Query(b.Context(), `SELECT number, toString(number), number / 2, [toString(number % 7)]
FROM numbers({n:UInt64})`, warehouse.Params{"n": n})
		if err != nil {
			b.Fatal(err)
		}
		count := 0
		for rows.Next() {
			if _, err := rows.Values(); err != nil {
				b.Fatal(err)
			}
			count++
		}
		if err := rows.Err(); err != nil || count != n {
			b.Fatal(count, err)
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "rows/s")
}
