package warehouse

import (
	"context"
	"fmt"
	"slices"

	"clew/ingest"
)

// sink stores batches in the raw tables, each row once.
//
// An INSERT of one batch is not all or nothing: it makes a part for each month, a batch has rows for several tables,
// and the process may die between any two of them. So the tables themselves are the record of what was stored. Where
// rows may have been stored before, the sink asks the table which of their positions it holds, and writes the others.
//
// Toward a server one more thing must hold: that an INSERT whose answer got lost has ended before its rows are offered
// again. In process that is so: Write returns after the statement has ended.
type sink struct{ db *DB }

var _ ingest.Sink = (*sink)(nil)

// Sink writes ingest's batches into the raw tables, each row once also when it is offered again. It is for one
// ingest.Run at a time.
func (db *DB) Sink() ingest.Sink { return &sink{db: db} }

// Write stores what of the batch is not stored yet. After an error, offering the same rows again completes it.
func (s *sink) Write(ctx context.Context, b ingest.Batch) error {
	rows := map[*table[*ingest.Record]][]*ingest.Record{}
	for i := range b.Records {
		to, ok := rawTables[b.Records[i].Event.Kind()]
		if !ok {
			return fmt.Errorf("no table for events of type %q", b.Records[i].Event.Kind())
		}
		rows[to] = append(rows[to], &b.Records[i])
	}
	for to, records := range rows {
		if err := to.write(ctx, s.db, records); err != nil {
			return err
		}
	}
	letters := make([]*ingest.DeadLetter, len(b.DeadLetters))
	for i := range b.DeadLetters {
		letters[i] = &b.DeadLetters[i]
	}
	return deadLetters.write(ctx, s.db, letters)
}

// table is a raw table for rows of type R.
type table[R any] struct {
	name   string
	at     func(R) ingest.Position
	fields []field[R]
}

// field is a column of a raw table: values takes its value out of each row, as a slice of one type.
type field[R any] struct {
	column string
	values func(rows []R) any
}

// of makes a field of what value takes out of one row.
func of[R, T any](column string, value func(R) T) field[R] {
	return field[R]{column: column, values: func(rows []R) any {
		values := make([]T, len(rows))
		for i, row := range rows {
			values[i] = value(row)
		}
		return values
	}}
}

// columns lists the table's columns in order.
func (t *table[R]) columns() []string {
	var names []string
	for _, f := range t.fields {
		names = append(names, f.column)
	}
	return names
}

// write inserts the rows that the table does not hold yet.
func (t *table[R]) write(ctx context.Context, db *DB, rows []R) error {
	if len(rows) == 0 {
		return nil
	}
	f := db.frontier(t.name)
	f.Lock()
	defer f.Unlock()
	if err := f.learn(ctx, db, t.name); err != nil {
		return fmt.Errorf("how far %s is filled: %w", t.name, err)
	}
	reached, fresh := t.beyond(rows, f.tops)
	var err error
	if !fresh {
		rows, err = t.missing(ctx, db, rows)
	}
	if err == nil && len(rows) > 0 {
		err = t.insert(ctx, db, rows)
	}
	if err != nil {
		// Some of the rows may be stored.
		f.tops = nil
		return err
	}
	f.tops = reached
	return nil
}

// insert writes rows in one statement.
func (t *table[R]) insert(ctx context.Context, db *DB, rows []R) error {
	batch, err := db.Insert(ctx, t.name, t.columns())
	if err != nil {
		return err
	}
	defer batch.Abort()
	for i, f := range t.fields {
		if err := batch.batch.Column(i).Append(f.values(rows)); err != nil {
			return fmt.Errorf("column %s of %s: %w", f.column, t.name, err)
		}
	}
	return batch.Send()
}

// missing leaves out the rows whose position the table holds, and of two rows with one position the second.
func (t *table[R]) missing(ctx context.Context, db *DB, rows []R) ([]R, error) {
	held := make(map[ingest.Position]bool, len(rows))
	if err := positions(ctx, db, t.name, t.spans(rows), held); err != nil {
		return nil, fmt.Errorf("which rows %s holds: %w", t.name, err)
	}
	left := make([]R, 0, len(rows))
	for _, row := range rows {
		p := t.at(row)
		if !held[p] {
			held[p] = true
			left = append(left, row)
		}
	}
	return left, nil
}

// span is the first and the last offset of the rows from one partition.
type span struct{ first, last uint64 }

// log is a partition of a topic.
type log struct {
	source    uint64
	partition uint32
}

func (t *table[R]) spans(rows []R) map[log]span {
	found := map[log]span{}
	for _, row := range rows {
		p := t.at(row)
		key := log{p.Source, p.Partition}
		s, ok := found[key]
		if !ok {
			s = span{p.Offset, p.Offset}
		}
		found[key] = span{min(s.first, p.Offset), max(s.last, p.Offset)}
	}
	return found
}

// positionsSQL asks for what a table holds of some spans. The bounds over all spans come first: the index on _offset
// knows what to do with them.
const positionsSQL = `SELECT _src, _partition, _offset, _row
FROM %s
WHERE _offset >= {first:UInt64} AND _offset <= {last:UInt64}
  AND arrayExists((s, p, f, l) -> _src = s AND _partition = p AND _offset >= f AND _offset <= l,
      {sources:Array(UInt64)}, {partitions:Array(UInt32)}, {firsts:Array(UInt64)}, {lasts:Array(UInt64)})`

// positions adds to held what the table holds of the spans.
func positions(ctx context.Context, db *DB, table string, of map[log]span, held map[ingest.Position]bool) error {
	var sources, firsts, lasts []uint64
	var partitions []uint32
	for key, s := range of {
		sources, partitions = append(sources, key.source), append(partitions, key.partition)
		firsts, lasts = append(firsts, s.first), append(lasts, s.last)
	}
	rows, err := db.Query(ctx, fmt.Sprintf(positionsSQL, table), Params{
		"first": slices.Min(firsts), "last": slices.Max(lasts),
		"sources": sources, "partitions": partitions, "firsts": firsts, "lasts": lasts,
	})
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p ingest.Position
		if err := rows.Scan(&p.Source, &p.Partition, &p.Offset, &p.Row); err != nil {
			return err
		}
		held[p] = true
	}
	return rows.Err()
}
