package warehouse

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clew/ingest"
)

// fencedSQL is an INSERT that reads the fence itself: it fails unless the writer is the last owner of all its logs. A
// server lists a statement as running before it reads anything for it, so both steps of claim.go happen there, in their
// order, whenever the request arrives.
const fencedSQL = `INSERT INTO {table} ({columns})
SELECT {columns}
FROM input('{structure}')
WHERE throwIf((
    SELECT count()
    FROM (SELECT argMax(owner, (epoch, owner)) AS last FROM ingest_fence GROUP BY _src, _partition)
    WHERE last = {fence_owner:String}
) != {fence_logs:UInt64}, '` + fencedText + `') = 0
FORMAT Native`

// fencedText is what a server says of an INSERT that the fence holds back.
const fencedText = "clew: the partitions have another owner"

// overHTTP says that statements go to a server by HTTP.
func (db *DB) overHTTP() bool { return strings.HasPrefix(db.cfg.DSN, "http") }

// fenced makes the INSERT of the context read the fence, where that is the statement's own work.
func (w *writer) fenced(ctx context.Context, table string, columns []clickhouse.ColumnNameAndType) context.Context {
	if !w.db.overHTTP() || len(w.epochs) == 0 {
		return ctx
	}
	names, structure := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i], structure[i] = c.Name, c.Name+" "+strings.ReplaceAll(c.Type, "'", `\'`)
	}
	sql := strings.NewReplacer("{table}", table, "{columns}", strings.Join(names, ", "),
		"{structure}", strings.Join(structure, ", ")).Replace(fencedSQL)
	return context.WithValue(ctx, fencedKey, fencedInsert{sql: sql, owner: w.id, logs: len(w.epochs)})
}

// fencedInsert is what a context holds of an INSERT that reads the fence.
type fencedInsert struct {
	sql, owner string
	logs       int
}

// fencing sends the statement that the context of an INSERT holds in place of clickhouse-go's, which knows no INSERT
// with a SELECT.
type fencing struct{ next http.RoundTripper }

func (f fencing) RoundTrip(r *http.Request) (*http.Response, error) {
	insert, ok := r.Context().Value(fencedKey).(fencedInsert)
	query := r.URL.Query()
	if !ok || !strings.HasPrefix(query.Get("query"), "INSERT ") { // a new connection asks who it is with
		return f.next.RoundTrip(r)
	}
	query.Set("query", insert.sql)
	query.Set("param_fence_owner", insert.owner)
	query.Set("param_fence_logs", strconv.Itoa(insert.logs))
	r = r.Clone(r.Context())
	r.URL.RawQuery = query.Encode()
	return f.next.RoundTrip(r)
}

// isFenced says that the server held the INSERT back by the fence.
func isFenced(err error) bool {
	ex, ok := errors.AsType[*clickhouse.Exception](err)
	return ok && strings.Contains(ex.Message, fencedText)
}

// renew claims the writer's logs once more, under another name. An INSERT whose answer got lost may still be under way
// in the network, where nobody sees it: when it arrives after this, however late, the fence holds it back.
func (w *writer) renew(ctx context.Context) error {
	if err := w.owns(ctx); err != nil {
		return err
	}
	next := w.db.newWriter()
	logs := make([]ingest.Log, 0, len(w.epochs))
	for l := range w.epochs {
		logs = append(logs, l)
	}
	if err := next.claim(ctx, logs); err != nil {
		return err
	}
	w.id, w.epochs = next.id, next.epochs
	return nil
}
