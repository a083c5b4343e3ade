package feature

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A timeline is how something that many leads share went: totals that change at moments. All changes of one key and all
// moments that are asked for are sorted together and summed up in one pass, so ten thousand leads of one company cost a
// sort, not a square. A vector takes its own lead's part off again.
type timeline struct {
	// key and moment are the parts that choose the row; key 0 stands for none. Observed is as in place, of both.
	key, moment string
	observed    bool
	// totals have their changes as arrays of times, over what histories gives of each lead beside its key.
	totals    []total
	histories string
}

// total goes up by one at each time of gains, and down by one at each of losses.
type total struct{ name, gains, losses string }

// month is 30 days in milliseconds, and maturity how long a lead has before it counts for or against its source.
const (
	month    = "2592000000"
	maturity = "7776000000"
)

// capture is the moment of capture in a history of lead_journeys AS j.
const capture = `arrayFirstOrNull((x, y) -> y NOT IN ('touchpoint', 'behavior'), j.at, j.type) AS worked,
            if(notEmpty(j.updated_at) AND (worked IS NULL OR j.updated_at[1] < worked), j.updated_at[1], worked) AS captured`

var timelines = map[string]timeline{
	// The leads of a company. An event counts until 30 days after it: those and the active leads of a month go down again.
	"account": {
		key: "$account_key", moment: "$now",
		totals: []total{
			{name: "leads", gains: "if(captured IS NULL, [], [assumeNotNull(captured)])"},
			{name: "events", gains: "done", losses: "arrayMap(x -> x + " + month + ", done)"},
			{
				name: "active", gains: "arrayFilter((x, y) -> y >= " + month + ", done, before)",
				losses: "arrayMap(x -> x + " + month + ", arrayFilter((x, y) -> y >= " + month + ", done, after))",
			},
			{
				name: "open", gains: "arrayFilter((x, y) -> y > 0, moved, opened)",
				losses: "arrayFilter((x, y) -> y < 0, moved, opened)",
			},
			{name: "won", gains: "arrayFilter(x -> x != 0, [arrayFirst((x, y) -> y = 'won', moved, stages)])"},
			{name: "lost", gains: "arrayFilter(x -> x != 0, [arrayFirst((x, y) -> y = 'lost', moved, stages)])"},
			{name: "deciders", gains: "if(decides = 0, [], [updated_at[decides]])"},
		},
		histories: `
        SELECT
            cityHash64(l.workspace, l.account) AS key,
            j.updated_at AS updated_at,
            ` + capture + `,
            arrayFilter((x, y) -> y IN ('touchpoint', 'behavior'), j.at, j.type) AS done,
            arrayMap((x, i) -> if(i = 1, ` + month + `, x), arrayDifference(done), arrayEnumerate(done)) AS before,
            arraySlice(arrayPushBack(before, toInt64(` + month + `)), 2) AS after,
            arrayFilter((x, y) -> y = 'stage', j.at, j.type) AS moved,
            arrayFilter((x, y) -> y = 'stage', j.name, j.type) AS stages,
            arrayDifference(arrayPushFront(arrayMap(x -> toInt8(x = 'opportunity'), stages), toInt8(0))) AS steps,
            arrayPopFront(steps) AS opened,
            arrayFirstIndex(s -> arrayExists((x, y) -> $lookup.attribute = $attribute.is_decision_maker
                AND has($list.yes, lowerUTF8(trimBoth(y))), mapKeys(s), mapValues(s)), j.stated) AS decides
        FROM lead_journeys AS j
        INNER JOIN
        (
            SELECT workspace, lead_id, account
            FROM leads
            WHERE account != '' AND (workspace, account) IN (
                SELECT workspace, account FROM leads WHERE (workspace, lead_id) IN (
                    SELECT workspace, lead_id FROM $observations))
        ) AS l ON j.workspace = l.workspace AND j.lead_id = l.lead_id`,
	},
	// The leads of a source captured at least 90 days ago, and of these the ones won within 90 days.
	"source": {
		key: "$source_key", moment: "$now",
		totals: []total{
			{name: "mature", gains: "if(captured IS NULL, [], [ripe])"},
			{name: "won", gains: "if(captured IS NULL OR won = 0, [], [ripe])"},
		},
		histories: `
        SELECT
            ` + capture + `,
            ifNull(captured, 0) + ` + maturity + ` AS ripe,
            arrayFirst((x, y) -> x != '' AND y <= ripe, arrayMap(x -> x['source'], j.stated), j.updated_at) AS named,
            if(named != '', named,
                arrayFirst((x, y, z) -> x != '' AND y = 'touchpoint' AND z <= ripe, j.source, j.type, j.at)) AS origin,
            if(origin = '', 0, cityHash64(j.workspace, origin)) AS key,
            arrayFirst((x, y, z) -> y = 'stage' AND z = 'won' AND x <= ripe, j.at, j.type, j.name) AS won
        FROM lead_journeys AS j
        WHERE j.workspace IN (SELECT workspace FROM $observations)`,
	},
	// The leads that somebody had when they were first won or lost, and of these the won ones.
	"owner": {
		key: "$owner_key", moment: "$now", observed: true,
		totals: []total{
			{name: "decided", gains: "if(decided = 0, [], [at[decided]])"},
			{name: "won", gains: "if(decided = 0 OR name[decided] != 'won', [], [at[decided]])"},
		},
		histories: `
        SELECT
            j.at AS at,
            j.name AS name,
            arrayFirstIndex((x, y) -> x = 'stage' AND y IN ('won', 'lost'), j.type, j.name) AS decided,
            arrayLast((x, y, z) -> y = 'assignment' AND x != '' AND z <= decided, j.owner, j.type,
                arrayEnumerate(j.at)) AS held,
            if(held = '', 0, cityHash64(j.workspace, held)) AS key
        FROM lead_journeys AS j
        WHERE j.workspace IN (SELECT workspace FROM $observations)`,
	},
}

// A change is one number, so that sorting is fast: the time, and in its last five bits which total goes up (even) or
// down (odd). The last of all is asked, a moment that a vector wants the totals of.
const asked = 31

// joins adds to the vectors the totals that their features need.
func (c *compiler) joins() (text string, used []*shared) {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.totals)) {
		line := timelines[name]
		at := place{observed: line.observed}
		key, needs := c.expand(line.key, "", at)
		moment, more := c.expand(line.moment, "", at)
		used = append(append(used, needs...), more...)
		fmt.Fprintf(&b, "\nANY LEFT JOIN\n(\n%s\n) AS _%s ON _row.%s = _%s.key AND _row.%s = _%s.moment",
			c.sums(name, line), name, key, name, moment, name)
	}
	return b.String(), used
}

// sums is the SELECT of the totals of a timeline at the moments asked for.
func (c *compiler) sums(name string, line timeline) string {
	histories, _ := c.expand(line.histories, "", place{observed: line.observed})
	var changes, sums, columns []string
	for i, t := range line.totals {
		if !c.totals[name][t.name] {
			continue
		}
		changes = append(changes, fmt.Sprintf("arrayMap(x -> x * 32 + %d, %s)", 2*i, t.gains))
		step := fmt.Sprintf("bitAnd(x, 31) = %d", 2*i)
		if t.losses != "" {
			changes = append(changes, fmt.Sprintf("arrayMap(x -> x * 32 + %d, %s)", 2*i+1, t.losses))
			step = fmt.Sprintf("toInt8(%s) - toInt8(bitAnd(x, 31) = %d)", step, 2*i+1)
		}
		sums = append(sums, fmt.Sprintf("arrayCumSum(x -> %s, sorted) AS s%d", step, i))
		columns = append(columns, fmt.Sprintf("s%d AS %s", i, t.name))
	}
	return fmt.Sprintf(`    SELECT key, bitShiftRight(x, 5) AS moment, %s
    FROM
    (
        SELECT key, arraySort(groupArrayArray(changes)) AS sorted, %s
        FROM
        (
        SELECT key, arrayConcat(%s) AS changes
        FROM
        (%s
        )
        UNION ALL
        SELECT key, [moment * 32 + %d] AS changes
        FROM
        (
%s
        )
        )
        WHERE key != 0
        GROUP BY key
    )
    ARRAY JOIN sorted AS x, %s
    WHERE bitAnd(x, 31) = %d`, strings.Join(names(line, c.totals[name]), ", "), strings.Join(sums, ", "),
		strings.Join(changes, ", "), histories, asked, c.moments(line), strings.Join(columns, ", "), asked)
}

func names(line timeline, wanted map[string]bool) (list []string) {
	for _, t := range line.totals {
		if wanted[t.name] {
			list = append(list, t.name)
		}
	}
	return list
}

// moments is the SELECT of the keys and moments that the observations ask for.
func (c *compiler) moments(line timeline) string {
	sub := newCompiler(c.observations)
	sub.params, sub.names = c.params, c.names
	at := place{observed: line.observed}
	key, used := sub.expand(line.key, "", at)
	moment, more := sub.expand(line.moment, "", at)
	return fmt.Sprintf("SELECT %s AS key, %s AS moment\nFROM\n%s", key, moment, sub.nested(append(used, more...)))
}
