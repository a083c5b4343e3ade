package warehouse

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"clew/ingest"
	"clew/ingest/event"
)

// sink stores batches in the raw tables, each row once.
//
// An INSERT of one batch is not all or nothing: it makes a part for each month, a batch has rows for several tables,
// and the process may die between any two of them. So the tables themselves are the record of what was stored. Where
// rows may have been stored before, the sink asks the tables which of their positions they hold, and writes the others.
//
// Two more things must hold while it asks: that no INSERT of its own whose answer got lost still runs, see settle, and
// that nobody else writes rows of these partitions, see claim.
type sink struct{ *writer }

var _ ingest.Claimer = (*sink)(nil)

// Sink writes ingest's batches into the raw tables, each row once also when it is offered again. It is for one
// ingest.Run at a time. It is an ingest.Claimer: Runs in several processes share a warehouse by it.
func (db *DB) Sink() ingest.Sink { return &sink{db.newWriter()} }

// Write stores what of the batch is not stored yet, without a claim: nobody else may write rows of these partitions
// meanwhile. After an error, offering the same rows again completes it.
func (s *sink) Write(ctx context.Context, b ingest.Batch) error {
	_, err := s.writer.Write(ctx, b)
	return err
}

// tablesAtOnce is how many tables are written side by side: while the rows for one are encoded here, the engine sorts
// and compresses those of another.
const tablesAtOnce = 2

// writer stores batches, one at a time.
type writer struct {
	db *DB
	// id names the writer in the fence, and its statements in system.processes.
	id string
	// epochs are those of the logs claimed; empty for a writer without a claim.
	epochs map[ingest.Log]uint64
	// byBatch says that INSERTs go by clickhouse-go's own batches: clickhouse:// takes nothing else. Elsewhere rows are
	// encoded here while they are sent, which takes a third of the time, in buffers that are used again.
	byBatch bool
	buffers sync.Pool

	// mu guards what the tables written side by side change.
	mu         sync.Mutex
	statements int
	// unsettled says that a statement of this writer may still run.
	unsettled bool
	outcome   ingest.Outcome

	// at is called where a test looks on; nil elsewhere.
	at func(ctx context.Context, where string)
}

func (db *DB) newWriter() *writer {
	return &writer{db: db, id: rand.Text(), byBatch: db.engine == nil && !db.overHTTP()}
}

// Write stores what of the batch is not stored yet.
func (w *writer) Write(ctx context.Context, b ingest.Batch) (ingest.Outcome, error) {
	w.outcome = ingest.Outcome{}
	err := w.settle(ctx)
	if err == nil {
		err = w.store(ctx, b)
	}
	return w.outcome, err
}

func (w *writer) store(ctx context.Context, b ingest.Batch) error {
	all, letters, err := w.withoutErased(ctx, b)
	if err != nil {
		return err
	}
	rows := map[*table[record]][]record{}
	for _, r := range all {
		to, ok := rawTables[r.Event.Kind()]
		if !ok {
			return fmt.Errorf("no table for events of type %q", r.Event.Kind())
		}
		rows[to] = append(rows[to], r)
	}
	var tables errgroup.Group // which writes all of them also when one fails: the more is stored, the less is left
	tables.SetLimit(tablesAtOnce)
	for to, records := range rows {
		tables.Go(func() error {
			rejected, err := w.storeGood(ctx, to, records)
			w.mu.Lock()
			defer w.mu.Unlock()
			letters = append(letters, rejected...)
			w.outcome.Rejected += len(rejected)
			return err
		})
	}
	if err := tables.Wait(); err != nil {
		return err
	}
	return deadLetters.write(ctx, w, letters)
}

// count changes what the writer says of a batch.
func (w *writer) count(change func(*ingest.Outcome)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.outcome)
}

// table is a raw table for rows of type R.
type table[R any] struct {
	name   string
	at     func(R) ingest.Position
	fields []field[R]
}

// columns lists the table's columns in order.
func (t *table[R]) columns() []string {
	var names []string
	for _, f := range t.fields {
		names = append(names, f.column.Name)
	}
	return names
}

// holders are the tables that may hold the positions of rows meant for t. A message ends as a row or as a dead letter,
// and which of the two may change with the program or the table: so a position held by either is held.
func (t *table[R]) holders() []string {
	if t.name == deadLettersName {
		return positionTables()
	}
	return []string{t.name, deadLettersName}
}

// deadLettersName is the name of the table deadLetters.
const deadLettersName = "dead_letters"

// positionTables are all tables that hold positions.
func positionTables() []string {
	names := []string{deadLettersName}
	for _, kind := range event.Types() {
		if name := rawTables[kind].name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// write inserts the rows that the tables do not hold yet.
func (t *table[R]) write(ctx context.Context, w *writer, rows []R) error {
	if len(rows) == 0 {
		return nil
	}
	f := w.db.frontier(t.name)
	f.Lock()
	defer f.Unlock()
	if err := f.learn(ctx, w.db, t.holders()); err != nil {
		return fmt.Errorf("how far %s is filled: %w", t.name, err)
	}
	reached, fresh := t.beyond(rows, f.tops)
	left, err := rows, error(nil)
	if !fresh {
		left, err = t.missing(ctx, w.db, rows)
	}
	if err == nil && len(left) > 0 {
		err = t.insert(ctx, w, left)
	}
	if err != nil {
		// Some of the rows may be stored.
		f.tops = nil
		return err
	}
	w.count(func(o *ingest.Outcome) { o.Repeated += len(rows) - len(left) })
	f.tops = reached
	return nil
}

// insert writes rows in one statement. Its order is half of the fence: see claim.
func (t *table[R]) insert(ctx context.Context, w *writer, rows []R) error {
	send, abort, err := t.prepare(w.named(ctx), w, rows)
	if err != nil {
		return err
	}
	defer func() { _ = abort() }()
	w.look(ctx, beforeCheck)
	if err := w.mayWrite(ctx); err != nil {
		return err
	}
	w.look(ctx, beforeSend)
	if err := send(); err != nil {
		if isFenced(err) {
			return fmt.Errorf("insert into %s: %w", t.name, ingest.ErrFenced)
		}
		if isAmbiguous(err) {
			w.count(func(o *ingest.Outcome) { o.Ambiguous++; w.unsettled = true })
		}
		return advise(err)
	}
	return nil
}

// missing leaves out the rows whose position a table holds, and of two rows with one position the second.
func (t *table[R]) missing(ctx context.Context, db *DB, rows []R) ([]R, error) {
	held := make(map[ingest.Position]bool, len(rows))
	spans := t.spans(rows)
	for _, name := range t.holders() {
		if err := positions(ctx, db, name, spans, held); err != nil {
			return nil, fmt.Errorf("which rows %s holds: %w", name, advise(err))
		}
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
