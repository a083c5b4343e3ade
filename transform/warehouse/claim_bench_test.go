package warehouse_test

import (
	"context"
	"testing"

	"clew/ingest"
	"clew/transform/warehouse/warehousetest"
)

// BenchmarkSmallWrite is what a claim adds to a write of one row: the look at the fence.
func BenchmarkSmallWrite(b *testing.B) {
	for _, c := range []struct {
		name  string
		claim bool
	}{{"alone", false}, {"with a claim", true}} {
		b.Run(c.name, func(b *testing.B) {
			db := warehousetest.Open(b)
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
