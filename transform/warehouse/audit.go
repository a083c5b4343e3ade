package warehouse

import (
	"context"
	"fmt"

	"clew/ingest"
	"clew/ingest/event"
)

// auditor tells what the raw tables hold.
type auditor struct{ db *DB }

var _ ingest.Auditor = auditor{}

// Audit tells ingest.Verify what the raw tables hold.
func (db *DB) Audit() ingest.Auditor { return auditor{db} }

// runsSQL finds runs of successive offsets with as many copies each: within a run, an offset and its place in the order
// grow alike. An offset counts as often as the most frequent of its rows. A message's row is in the table of its topic
// or, where it was no valid event, in dead_letters.
const runsSQL = `SELECT min(at) AS first, max(at) AS last, copies
FROM
(
    SELECT at, copies, at - row_number() OVER (PARTITION BY copies ORDER BY at) AS run
    FROM
    (
        SELECT _offset AS at, max(n) AS copies
        FROM
        (
            SELECT _offset, _row, count() AS n
            FROM
            (
                SELECT _offset, _row
                FROM %s
                WHERE _src = {source:UInt64} AND _partition = {partition:UInt32}
                  AND _offset >= {from:UInt64} AND _offset < {to:UInt64}
                UNION ALL
                SELECT _offset, _row
                FROM dead_letters
                WHERE _src = {source:UInt64} AND _partition = {partition:UInt32}
                  AND _offset >= {from:UInt64} AND _offset < {to:UInt64}
            )
            GROUP BY _offset, _row
        )
        GROUP BY _offset
    )
)
GROUP BY copies, run
ORDER BY first`

// Held returns the runs of a stretch.
func (a auditor) Held(ctx context.Context, s ingest.Stretch) ([]ingest.Held, error) {
	table, err := tableOf(s.Topic)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		First  uint64 `ch:"first"`
		Last   uint64 `ch:"last"`
		Copies uint64 `ch:"copies"`
	}
	err = a.db.Select(ctx, &rows, fmt.Sprintf(runsSQL, table), Params{
		"source": s.Source, "partition": s.Partition, "from": s.From, "to": s.To,
	})
	if err != nil {
		return nil, fmt.Errorf("ask %s which offsets it holds: %w", table, err)
	}
	held := make([]ingest.Held, len(rows))
	for i, r := range rows {
		held[i] = ingest.Held(r)
	}
	return held, nil
}

const reachSQL = `SELECT min(first) AS first, max(last) AS last, sum(n) AS n
FROM
(
    SELECT min(_offset) AS first, max(_offset) AS last, count() AS n
    FROM %s
    WHERE _src = {source:UInt64} AND _partition = {partition:UInt32}
    HAVING n > 0
    UNION ALL
    SELECT min(_offset) AS first, max(_offset) AS last, count() AS n
    FROM dead_letters
    WHERE _src = {source:UInt64} AND _partition = {partition:UInt32}
    HAVING n > 0
)`

// Reach returns the stretch from the first to after the last offset held.
func (a auditor) Reach(ctx context.Context, s ingest.Stretch) (ingest.Stretch, error) {
	s.From, s.To = 0, 0
	table, err := tableOf(s.Topic)
	if err != nil {
		return s, err
	}
	var rows []struct {
		First uint64 `ch:"first"`
		Last  uint64 `ch:"last"`
		N     uint64 `ch:"n"`
	}
	err = a.db.Select(ctx, &rows, fmt.Sprintf(reachSQL, table), Params{"source": s.Source, "partition": s.Partition})
	if err != nil {
		return s, fmt.Errorf("ask %s how far it is filled: %w", table, err)
	}
	if len(rows) > 0 && rows[0].N > 0 {
		s.From, s.To = rows[0].First, rows[0].Last+1
	}
	return s, nil
}

// tableOf names the table of a topic's events.
func tableOf(topic string) (string, error) {
	t, ok := rawTables[event.TypeOf(topic)]
	if !ok {
		return "", fmt.Errorf("topic %q has no table", topic)
	}
	return t.name, nil
}
