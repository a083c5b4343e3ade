package warehouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
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

// sentAs lets an Insert send its columns as types of our choice: ClickHouse makes the table's of them, and need not be
// asked what those are. A server reached by clickhouse:// wants its own types, and says so itself.
func sentAs(ctx context.Context, columns []clickhouse.ColumnNameAndType) context.Context {
	return context.WithValue(ctx, columnsKey, columns)
}

// wireType is the type as which values of T are sent: the plainest there is for them. Above all that is String for a
// LowCardinality(String), whose dictionary the engine makes in a fraction of the time it takes clickhouse-go.
func wireType[T any]() string {
	switch any(*new(T)).(type) {
	case string:
		return "String"
	case bool:
		return "Bool"
	case float64:
		return "Float64"
	case uint16:
		return "UInt16"
	case uint32:
		return "UInt32"
	case uint64:
		return "UInt64"
	case time.Time:
		return "DateTime64(3, 'UTC')"
	case *time.Time:
		return "Nullable(DateTime64(3, 'UTC'))"
	case *sortedMap:
		return "Map(String, String)"
	}
	panic(fmt.Sprintf("no type to send %T as", *new(T)))
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
