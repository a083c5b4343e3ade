package warehouse_test

import (
	"context"
	"fmt"
	"testing"

	"clew/ingest"
	"clew/transform/warehouse/warehousetest"
)

// BenchmarkSmallWrite is what a claim adds to a write of one row: the look at the fence. By HTTP the rows that are held
// are asked for too.
func BenchmarkSmallWrite(b *testing.B) {
	for _, c := range []struct {
		name        string
		claim, http bool
	}{
		{name: "alone"},
		{name: "with a claim", claim: true},
		{name: "alone by HTTP", http: true},
		{name: "with a claim by HTTP", claim: true, http: true},
	} {
		b.Run(c.name, func(b *testing.B) {
			db := warehousetest.Open(b)
			if c.http {
				db, _ = served(b, db)
			}
			write := db.Sink().Write
			if c.claim {
				claim, err := db.Sink().(ingest.Claimer).Claim(b.Context(), stageLogs(0, 1, 2, 3))
				if err != nil {
					b.Fatal(err)
				}
				write = func(ctx context.Context, batch ingest.Batch) error {
					_, err := claim.Write(ctx, batch)
					return err
				}
			}
			var offset uint64
			for b.Loop() {
				if err := write(b.Context(), ingest.Batch{Records: stages(0, offset, offset)}); err != nil {
					b.Fatal(err)
				}
				offset++
			}
		})
	}
}

// BenchmarkLargeWriteByHTTP is what it costs that an INSERT of 100,000 rows reads the fence itself.
func BenchmarkLargeWriteByHTTP(b *testing.B) {
	const n = 100_000
	for _, claim := range []bool{false, true} {
		b.Run(fmt.Sprint("claim ", claim), func(b *testing.B) {
			db, _ := served(b, warehousetest.Open(b))
			write := db.Sink().Write
			if claim {
				c, err := db.Sink().(ingest.Claimer).Claim(b.Context(), []ingest.Log{{Source: 1}})
				if err != nil {
					b.Fatal(err)
				}
				write = func(ctx context.Context, batch ingest.Batch) error {
					_, err := c.Write(ctx, batch)
					return err
				}
			}
			records := pageViews(n, 0)
			for b.Loop() {
				if err := write(b.Context(), ingest.Batch{Records: records}); err != nil {
					b.Fatal(err)
				}
				for i := range records {
					records[i].Offset += n
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
