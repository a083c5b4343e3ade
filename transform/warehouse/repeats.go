package warehouse

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Repeats says how many of a raw table's rows the models leave out, because their event was there already.
type Repeats struct {
	Table string `ch:"name"`
	// Rows are the rows received since the time asked for; Repeated of them carry the id of another of them.
	Rows     uint64 `ch:"rows"`
	Repeated uint64 `ch:"repeated"`
}

const repeatsSQL = `SELECT '%[1]s' AS name, count() AS rows,
    toUInt64(rows - uniqExact(workspace, %[2]s, event_id)) AS repeated
FROM %[1]s
WHERE received_at >= {since:DateTime64(3)} AND event_id != ''`

// RepeatedEvents counts what was dropped by the rule that an event_id counts once: a producer sent the message again,
// and it stands at two offsets of the topic. There is one answer for each raw table, in the order of their names.
//
// The rule itself has no window: models count distinct ids over all time. Only this count has one, to be cheap: of an
// event whose first message came before since, the second is not counted here.
func (db *DB) RepeatedEvents(ctx context.Context, since time.Time) ([]Repeats, error) {
	var selects []string
	for _, name := range positionTables() {
		switch name {
		case deadLettersName: // they count in no metric
		case events.name: // two types in one table, each with its own ids
			selects = append(selects, fmt.Sprintf(repeatsSQL, name, "type"))
		default:
			selects = append(selects, fmt.Sprintf(repeatsSQL, name, "''"))
		}
	}
	var found []Repeats
	sql := "SELECT name, rows, repeated FROM (\n" + strings.Join(selects, "\nUNION ALL\n") + "\n)\nORDER BY name"
	if err := db.Select(ctx, &found, sql, Params{"since": since}); err != nil {
		return nil, fmt.Errorf("count repeated events: %w", advise(err))
	}
	return found, nil
}
