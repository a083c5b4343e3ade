package transform

import (
	"context"
	"fmt"
	"strings"
	"time"

	"clew/transform/warehouse"
)

// slack is how much earlier than its clock says the warehouse is asked for new rows, so that a clock that is set back by
// less asks for no rebuild.
var slack = time.Second

// watermark says what the derived tables hold.
type watermark struct {
	ArrivedUntil time.Time `ch:"arrived_until"`
	AsOf         time.Time `ch:"as_of"`
	Plan         string    `ch:"plan"`
	// Arrived is how many rows each raw table held from before ArrivedUntil.
	Arrived map[string]uint64 `ch:"arrived"`
	Version uint64            `ch:"_ver"`
}

// WatermarkName is the row of watermarks that says, as as_of, for which moment the derived tables are true. It is written
// last, so the tables may be ahead of it.
const WatermarkName = "transform"

// watermarkBegun is the row of the run that began last, whether it ended or not.
const watermarkBegun = "transform_begun"

// readWatermark gives the last one of a name, or a zero one.
func readWatermark(ctx context.Context, db *warehouse.DB, name string) (watermark, error) {
	var rows []watermark
	err := db.Select(ctx, &rows, "SELECT arrived_until, as_of, plan, arrived, _ver FROM watermarks WHERE name = {name:String}",
		warehouse.Params{"name": name})
	if err != nil {
		return watermark{}, fmt.Errorf("read how far the derived tables are: %w", err)
	}
	if len(rows) == 0 {
		return watermark{}, nil
	}
	return rows[0], nil
}

// readMarks gives how far the tables were and how far they will be, and whether increments lead from the one to the
// other. A run that began and did not end has written some of what it computed, so its plan and moment count too.
func (r *run) readMarks(ctx context.Context, asOf time.Time, plan string) (leads bool, err error) {
	if r.last, err = readWatermark(ctx, r.db, WatermarkName); err != nil {
		return false, err
	}
	begun, err := readWatermark(ctx, r.db, watermarkBegun)
	if err != nil {
		return false, err
	}
	until, err := r.arrivedUntil(ctx)
	if err != nil {
		return false, err
	}
	r.mark = watermark{
		ArrivedUntil: until, AsOf: asOf.UTC().Truncate(time.Millisecond), Plan: plan,
		Version: max(r.last.Version+1, begun.Version+1, uint64(until.UnixMilli())),
	}
	was, now, err := r.arrived(ctx)
	if err != nil {
		return false, err
	}
	r.mark.Arrived = now
	for _, w := range []watermark{r.last, begun} {
		if w.Plan != plan || r.mark.AsOf.Before(w.AsOf) {
			return false, nil
		}
	}
	return !r.last.missed(was), nil
}

// missed says whether rows came to stand before the mark after it was set, as when a clock is set back.
func (w watermark) missed(rows map[string]uint64) bool {
	for table, n := range rows {
		if n > w.Arrived[table] {
			return true
		}
	}
	return false
}

// arrivedUntil asks up to which moment every raw row can be seen. A row carries the moment its INSERT began, and is seen
// when that has ended, so the oldest INSERT under way bounds it.
func (r *run) arrivedUntil(ctx context.Context) (time.Time, error) {
	var rows []struct {
		At time.Time `ch:"at"`
	}
	err := r.db.Select(ctx, &rows, "SELECT now64(3) - toIntervalMillisecond(toInt64(1000 * maxIf(elapsed, query_kind = 'Insert'))) AS at\n"+
		"FROM "+r.db.Everywhere("system.processes"), nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("which INSERTs are under way: %w: the user needs SELECT on system.processes", err)
	}
	return rows[0].At.Add(-slack), nil
}

// arrived counts the raw rows before the last mark and before the new one.
func (r *run) arrived(ctx context.Context) (was, now map[string]uint64, err error) {
	parts := make([]string, len(histories))
	for i, h := range histories {
		parts[i] = "SELECT '" + h.table + "' AS name, countIf(_ingested_at < {from:DateTime64(3, 'UTC')}) AS was,\n" +
			"    countIf(_ingested_at < {until:DateTime64(3, 'UTC')}) AS now\nFROM " + h.table
	}
	var rows []struct {
		Table string `ch:"name"`
		Was   uint64 `ch:"was"`
		Now   uint64 `ch:"now"`
	}
	err = r.db.Select(ctx, &rows, strings.Join(parts, "\nUNION ALL\n"),
		warehouse.Params{"from": r.last.ArrivedUntil, "until": r.mark.ArrivedUntil})
	if err != nil {
		return nil, nil, fmt.Errorf("count what arrived: %w", err)
	}
	was, now = map[string]uint64{}, map[string]uint64{}
	for _, row := range rows {
		was[row.Table], now[row.Table] = row.Was, row.Now
	}
	return was, now, nil
}

func (w watermark) write(ctx context.Context, db *warehouse.DB, name string) error {
	batch, err := db.Insert(ctx, "watermarks", []string{"name", "arrived_until", "as_of", "plan", "arrived", "_ver"})
	if err != nil {
		return err
	}
	defer batch.Abort()
	if err := batch.Append(name, w.ArrivedUntil, w.AsOf, w.Plan, w.Arrived, w.Version); err != nil {
		return err
	}
	return batch.Send()
}
