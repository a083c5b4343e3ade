package transform

import (
	"context"
	"fmt"
	"time"

	"clew/transform/warehouse"
)

// slack is how much earlier than its clock says the warehouse is asked for new rows: clocks are set back.
const slack = 10 * time.Second

// watermark says what the derived tables hold.
type watermark struct {
	ArrivedUntil time.Time `ch:"arrived_until"`
	AsOf         time.Time `ch:"as_of"`
	Plan         string    `ch:"plan"`
	Version      uint64    `ch:"_ver"`
}

// leadsTo says whether the tables at w can be brought to next by increments.
func (w watermark) leadsTo(next watermark) bool {
	return w.Plan == next.Plan && !next.AsOf.Before(w.AsOf)
}

const watermarkName = "transform"

// readWatermark gives the last one, or a zero one.
func readWatermark(ctx context.Context, db *warehouse.DB) (watermark, error) {
	var rows []watermark
	err := db.Select(ctx, &rows, "SELECT arrived_until, as_of, plan, _ver FROM watermarks WHERE name = {name:String}",
		warehouse.Params{"name": watermarkName})
	if err != nil {
		return watermark{}, fmt.Errorf("read how far the derived tables are: %w", err)
	}
	if len(rows) == 0 {
		return watermark{}, nil
	}
	return rows[0], nil
}

// newWatermark looks up to which moment every raw row can be seen. A row carries the moment its INSERT began, and is seen
// when that has ended, so the oldest INSERT under way bounds it.
func newWatermark(
	ctx context.Context, db *warehouse.DB, last watermark, asOf time.Time, plan string,
) (watermark, error) {
	var rows []struct {
		At time.Time `ch:"at"`
	}
	err := db.Select(ctx, &rows, `SELECT now64(3) - toIntervalMillisecond(toInt64(1000 * maxIf(elapsed, query_kind = 'Insert'))) AS at
FROM system.processes`, nil)
	if err != nil {
		return watermark{}, fmt.Errorf("ask the warehouse which INSERTs are under way: %w", err)
	}
	at := rows[0].At.Add(-slack)
	return watermark{at, asOf.Truncate(time.Millisecond), plan, max(last.Version+1, uint64(at.UnixMilli()))}, nil
}

func (w watermark) write(ctx context.Context, db *warehouse.DB) error {
	batch, err := db.Insert(ctx, "watermarks", []string{"name", "arrived_until", "as_of", "plan", "_ver"})
	if err != nil {
		return err
	}
	defer batch.Abort()
	if err := batch.Append(watermarkName, w.ArrivedUntil, w.AsOf, w.Plan, w.Version); err != nil {
		return err
	}
	return batch.Send()
}
