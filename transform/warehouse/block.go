package warehouse

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// block gives rows in ClickHouse's Native format to whoever reads it, one column at a time: beside the rows the largest
// column is in memory, and one of maps twice while it is encoded.
type block[R any] struct {
	fields []field[R]
	rows   []R
	// buffer[at:] is encoded and not read yet; next is the column after it.
	buffer   []byte
	at, next int
}

func newBlock[R any](fields []field[R], rows []R, buffer []byte) *block[R] {
	head := binary.AppendUvarint(buffer[:0], uint64(len(fields)))
	return &block[R]{fields: fields, rows: rows, buffer: binary.AppendUvarint(head, uint64(len(rows)))}
}

// Read implements io.Reader.
func (b *block[R]) Read(p []byte) (int, error) {
	if b.at == len(b.buffer) {
		if b.next == len(b.fields) {
			return 0, io.EOF
		}
		f := &b.fields[b.next]
		head := appendText(appendText(b.buffer[:0], f.column.Name), f.column.Type)
		b.buffer, b.at, b.next = f.encode(head, b.rows), 0, b.next+1
	}
	n := copy(p, b.buffer[b.at:])
	b.at += n
	return n, nil
}

// wires lists the table's columns as they are sent.
func (t *table[R]) wires() []clickhouse.ColumnNameAndType {
	columns := make([]clickhouse.ColumnNameAndType, len(t.fields))
	for i, f := range t.fields {
		columns[i] = f.column
	}
	return columns
}

// prepare begins an INSERT of the rows. A server reached by clickhouse:// knows of it from then on, others from send. It
// must end in abort, which does nothing after send.
func (t *table[R]) prepare(ctx context.Context, w *writer, rows []R) (send, abort func() error, _ error) {
	for _, f := range t.fields {
		if err := f.checkAll(rows); err != nil {
			return nil, nil, &rowError{fmt.Errorf("column %s of %s: %w", f.column.Name, t.name, err)}
		}
	}
	if w.byBatch {
		batch, err := t.fill(ctx, w, rows)
		if err != nil {
			return nil, nil, err
		}
		return batch.Send, batch.Abort, nil
	}
	ctx, err := statement(WithSettings(w.fenced(ctx, t.name, t.wires()), insertSettings), nil)
	send = func() error { return t.stream(ctx, w, rows) }
	return send, func() error { return nil }, err
}

func (f *field[R]) checkAll(rows []R) error {
	if f.check == nil {
		return nil
	}
	for _, row := range rows {
		if err := f.check(row); err != nil {
			return err
		}
	}
	return nil
}

// fill begins an INSERT by a batch of clickhouse-go's.
func (t *table[R]) fill(ctx context.Context, w *writer, rows []R) (*Batch, error) {
	batch, err := w.db.Insert(ctx, t.name, t.columns())
	if err != nil {
		return nil, advise(err)
	}
	for i, f := range t.fields {
		if err := f.send(batch.batch.Column(i), rows); err != nil {
			_ = batch.Abort()
			return nil, &rowError{fmt.Errorf("column %s of %s: %w", f.column.Name, t.name, err)}
		}
	}
	return batch, nil
}

// stream inserts rows that are encoded while they are sent.
func (t *table[R]) stream(ctx context.Context, w *writer, rows []R) error {
	buffer, ok := w.buffers.Get().(*[]byte)
	if !ok {
		buffer = new([]byte)
	}
	b := newBlock(t.fields, rows, *buffer)
	sql := "INSERT INTO " + t.name + " (" + strings.Join(t.columns(), ", ") + ")"
	err := w.db.conn.InsertFormat(ctx, "Native", sql, b)
	if w.db.engine != nil { // a transport to a server may read on after it has returned
		*buffer = b.buffer
		w.buffers.Put(buffer)
	}
	if err != nil {
		return fmt.Errorf("insert into %s: %w", t.name, plain(err))
	}
	return nil
}
