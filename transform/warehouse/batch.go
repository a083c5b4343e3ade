package warehouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// insertSettings go with every INSERT. Rows are written when Send returns, not at some later time: async_insert, on by
// default since 26, would also cut our batches anew. No hidden comparison may drop a batch that repairs a loss. And a
// batch may hold ten years of history, one part for each month.
var insertSettings = map[string]any{
	"async_insert": 0, "insert_deduplicate": 0, "max_partitions_per_insert_block": 0,
}

// Batch collects rows for one INSERT. It is for one goroutine, and must end in Send or Abort.
type Batch struct {
	table string
	batch driver.Batch
}

// Insert begins an INSERT of the columns into the table. Nothing reaches the table before Send.
func (db *DB) Insert(ctx context.Context, table string, columns []string) (*Batch, error) {
	for _, n := range append([]string{table}, columns...) {
		if err := checkName(n); err != nil {
			return nil, err
		}
	}
	ctx, err := statement(WithSettings(ctx, insertSettings), nil)
	if err != nil {
		return nil, err
	}
	sql := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ")"
	batch, err := db.conn.PrepareBatch(ctx, sql) //nolint:clickhouselint // Send or Abort closes it
	if err != nil {
		return nil, fmt.Errorf("insert into %s: %w", table, plain(err))
	}
	return &Batch{table: table, batch: batch}, nil
}

// Append adds a row, one value a column. After an error the batch can only be aborted.
func (b *Batch) Append(v ...any) error {
	if err := b.batch.Append(v...); err != nil {
		return fmt.Errorf("row for %s: %w", b.table, err)
	}
	return nil
}

// Rows is how many rows were appended.
func (b *Batch) Rows() int { return b.batch.Rows() }

// Send writes the rows. nil means that all are in the table; after an error all, some or none are.
func (b *Batch) Send() error {
	if err := b.batch.Send(); err != nil {
		return fmt.Errorf("insert into %s: %w", b.table, plain(err))
	}
	return nil
}

// Abort drops the rows. After Send it does nothing.
func (b *Batch) Abort() error { return b.batch.Close() }
