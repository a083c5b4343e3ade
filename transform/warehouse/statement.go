package warehouse

import (
	"context"
	"fmt"
	"maps"
	"reflect"

	"github.com/ClickHouse/clickhouse-go/v2"
)

type contextKey int

const (
	settingsKey contextKey = iota
	queryIDKey
	fencedKey
)

// WithSettings adds ClickHouse settings for the statements run with the context. What ctx had already stays, except
// where s says otherwise.
func WithSettings(ctx context.Context, s map[string]any) context.Context {
	all := maps.Clone(settingsOf(ctx))
	maps.Copy(all, s)
	return context.WithValue(ctx, settingsKey, all)
}

// WithQueryID names the statements run with the context, by query_id on a server and by log_comment in process.
func WithQueryID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, queryIDKey, id)
}

func settingsOf(ctx context.Context) map[string]any {
	if s, ok := ctx.Value(settingsKey).(map[string]any); ok {
		return s
	}
	return map[string]any{}
}

// statement gives clickhouse-go what the statement needs beside its text.
func statement(ctx context.Context, p Params) (context.Context, error) {
	texts, err := p.texts()
	if err != nil {
		return nil, err
	}
	options := []clickhouse.QueryOption{
		clickhouse.WithParameters(texts),
		clickhouse.WithSettings(maps.Clone(clickhouse.Settings(settingsOf(ctx)))),
	}
	if id, ok := ctx.Value(queryIDKey).(string); ok {
		options = append(options, clickhouse.WithQueryID(id))
	}
	return clickhouse.Context(ctx, options...), nil
}

// Exec runs a statement that has no rows to return.
func (db *DB) Exec(ctx context.Context, sql string, p Params) error {
	ctx, err := statement(WithSettings(ctx, db.execSettings), p)
	if err != nil {
		return err
	}
	return plain(db.conn.Exec(ctx, sql))
}

// Query runs a SELECT. The rows stream: read them to their end, Close them or end ctx, or they keep their connection.
func (db *DB) Query(ctx context.Context, sql string, p Params) (*Rows, error) {
	ctx, err := statement(ctx, p)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	rows, err := db.conn.Query(ctx, sql)
	if err != nil {
		cancel()
		return nil, plain(err)
	}
	return &Rows{rows: rows, cancel: cancel}, nil
}

// Select runs a SELECT and appends its rows to dest, a *[]struct whose fields have `ch:"column"` tags. A column without
// a field is an error.
func (db *DB) Select(ctx context.Context, dest any, sql string, p Params) error {
	list := reflect.ValueOf(dest)
	if list.Kind() != reflect.Pointer || list.Elem().Kind() != reflect.Slice {
		return fmt.Errorf("select into %T: want a pointer to a slice of structs", dest)
	}
	rows, err := db.Query(ctx, sql, p)
	if err != nil {
		return err
	}
	defer rows.Close()
	for list = list.Elem(); rows.Next(); {
		row := reflect.New(list.Type().Elem())
		if err := rows.rows.ScanStruct(row.Interface()); err != nil {
			return fmt.Errorf("read a row: %w", err)
		}
		list.Set(reflect.Append(list, row.Elem()))
	}
	return rows.Err()
}
