package attribution

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"clew/transform/warehouse"
)

// stepsSQL counts the steps of all paths, those without a conversion included. Going on at the same channel is no step:
// the chance to convert, and to come to a channel at all, is the same without it. A path without a conversion counts
// for each kind that it may still lead to, and is expanded to them when it is counted.
const stepsSQL = `SELECT
    workspace,
    conversion,
    from_kind,
    from_channel,
    to_kind,
    to_channel,
    sum(counted.paths) AS paths
FROM
(
    SELECT
        workspace,
        conversions,
        step.1 AS from_kind,
        step.2 AS from_channel,
        step.3 AS to_kind,
        step.4 AS to_channel,
        count() AS paths
    FROM
    (
        SELECT
            workspace,
            if(conversion = '', open_for, [conversion]) AS conversions,
            arrayCompact(CAST(channel AS Array(String))) AS visited,
            arrayConcat(
                [({start:UInt8}, '', {at:UInt8}, visited[1])],
                arrayMap((a, b) -> ({at:UInt8}, a, {at:UInt8}, b), arrayPopBack(visited), arrayPopFront(visited)),
                [({at:UInt8}, visited[-1], if(conversion = '', {lost:UInt8}, {converted:UInt8}), '')]
            ) AS steps
        FROM attribution_paths
        WHERE notEmpty(channel) AND NOT is_invalid
    )
    ARRAY JOIN steps AS step
    GROUP BY ALL
) AS counted
ARRAY JOIN conversions AS conversion
GROUP BY ALL
ORDER BY ALL`

// setsSQL counts the conversions by the channels of their paths, the empty set included. Amounts are added in the order
// of their size, so that the same conversions give the same sum.
const setsSQL = `SELECT
    workspace,
    conversion,
    currency,
    arraySort(arrayDistinct(CAST(channel AS Array(String)))) AS channels,
    toFloat64(count()) AS conversions,
    arraySum(arraySort(groupArray(value))) AS worth
FROM attribution_paths
WHERE conversion != '' AND NOT is_invalid
GROUP BY ALL
ORDER BY ALL`

// game is what conversions are shared out within.
type game struct{ workspace, conversion string }

// Compute writes attribution_channels from attribution_paths: what each channel has of the conversions of each kind, by
// Markov and by Shapley. Leads that turned out invalid are left out. It may be repeated; a reader sees the rows of the
// last call or of this one.
func Compute(ctx context.Context, db *warehouse.DB) (rows uint64, err error) {
	steps, err := readSteps(ctx, db)
	if err != nil {
		return 0, fmt.Errorf("count the steps of the paths: %w", err)
	}
	sets, err := readSets(ctx, db)
	if err != nil {
		return 0, fmt.Errorf("count the channels of the conversions: %w", err)
	}
	const table = "attribution_channels"
	next, err := db.Next(ctx, table)
	if err != nil {
		return 0, err
	}
	if rows, err = write(ctx, db, next, steps, sets); err != nil {
		return 0, err
	}
	return rows, db.Swap(ctx, table)
}

// readSteps gives the steps of each game.
func readSteps(ctx context.Context, db *warehouse.DB) (map[game][]Step, error) {
	rows, err := db.Query(ctx, stepsSQL, warehouse.Params{
		"at": uint8(AtChannel), "start": uint8(Start), "converted": uint8(Converted), "lost": uint8(Lost),
	})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	steps := map[game][]Step{}
	for rows.Next() {
		var g game
		var s Step
		var from, to uint8
		var paths uint64
		err := rows.Scan(&g.workspace, &g.conversion, &from, &s.From.Channel, &to, &s.To.Channel, &paths)
		if err != nil {
			return nil, fmt.Errorf("read a step: %w", err)
		}
		s.From.Kind, s.To.Kind, s.Paths = StateKind(from), StateKind(to), float64(paths)
		steps[g] = append(steps[g], s)
	}
	return steps, rows.Err()
}

// sets are the conversions of one game whose value is in one currency.
type sets struct {
	game     game
	currency string
	sets     []Set
}

// readSets gives the conversions of each game and currency, sorted.
func readSets(ctx context.Context, db *warehouse.DB) ([]sets, error) {
	rows, err := db.Query(ctx, setsSQL, nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []sets
	for rows.Next() {
		var of sets
		var s Set
		err := rows.Scan(&of.game.workspace, &of.game.conversion, &of.currency, &s.Channels, &s.Conversions, &s.Value)
		if err != nil {
			return nil, fmt.Errorf("read a set of channels: %w", err)
		}
		if n := len(all); n == 0 || all[n-1].game != of.game || all[n-1].currency != of.currency {
			all = append(all, of)
		}
		last := &all[len(all)-1]
		last.sets = append(last.sets, s)
	}
	return all, rows.Err()
}

// write adds the credits of all games to a table.
func write(ctx context.Context, db *warehouse.DB, table string, steps map[game][]Step, all []sets) (uint64, error) {
	columns := []string{"workspace", "conversion", "model", "channel", "unattributed", "currency", "credit", "value"}
	batch, err := db.Insert(ctx, table, columns)
	if err != nil {
		return 0, err
	}
	defer batch.Abort()
	for _, of := range all {
		shares, err := Markov(steps[of.game])
		if err != nil {
			return 0, fmt.Errorf("workspace %s, conversion %s: %w", of.game.workspace, of.game.conversion, err)
		}
		nobody, attributed := of.totals()
		for model, credits := range map[string]map[string]Credit{
			"markov": times(shares, attributed), "shapley": Shapley(of.sets),
		} {
			add := func(channel string, unattributed bool, c Credit) error {
				return batch.Append(of.game.workspace, of.game.conversion, model, channel, unattributed, of.currency,
					c.Conversions, c.Value)
			}
			if nobody.Conversions > 0 {
				if err := add("", true, nobody); err != nil {
					return 0, err
				}
			}
			for _, channel := range slices.Sorted(maps.Keys(credits)) {
				if err := add(channel, false, credits[channel]); err != nil {
					return 0, err
				}
			}
		}
	}
	rows := uint64(batch.Rows())
	if rows == 0 {
		return 0, nil
	}
	return rows, batch.Send()
}

// totals are the conversions that no touch led to, and the others.
func (s sets) totals() (nobody, attributed Credit) {
	for _, set := range s.sets {
		to := &attributed
		if len(set.Channels) == 0 {
			to = &nobody
		}
		to.Conversions += set.Conversions
		to.Value += set.Value
	}
	return nobody, attributed
}

// times gives each channel its share of what there is. A channel that no conversion needs has no row.
func times(shares map[string]float64, total Credit) map[string]Credit {
	credits := map[string]Credit{}
	for channel, share := range shares {
		if share > 0 && total.Conversions > 0 {
			credits[channel] = Credit{share * total.Conversions, share * total.Value}
		}
	}
	return credits
}
