package feature

// A timeline is how something that many leads share went: one row for each moment at which it changed, with the running
// totals from then on. A vector takes the last row at or before its moment, and its own lead's part is taken off again:
// so ten thousand leads of one company cost a sort, not a square.
type timeline struct {
	// key and moment are the parts that choose the row. Key 0 has no rows.
	key, moment string
	// totals are the columns, in the order of the numbers behind the time of each change.
	totals []string
	// changes is the SELECT of (key, changes), an array of tuples (time, numbers …) of each lead.
	changes string
}

// month is 30 days in milliseconds, and maturity how long a lead has before it counts for or against its source.
const (
	month    = "2592000000"
	maturity = "7776000000"
)

var timelines = map[string]timeline{
	// Of the leads of a company: how many there are, what they did in 30 days, how many were active then, have an open
	// opportunity, were won, were lost, and were said to decide. An event counts until 30 days after it.
	"account": {
		key: "$account_key", moment: "$now",
		totals: []string{"leads", "events", "active", "open", "won", "lost", "deciders"},
		changes: `
    SELECT
        key,
        arrayConcat(
            if(captured IS NULL, [], [(assumeNotNull(captured), 1, 0, 0, 0, 0, 0, 0)]),
            arrayMap((x, y) -> (x, 0, 1, toInt32(y >= ` + month + `), 0, 0, 0, 0), done, before),
            arrayMap((x, y) -> (x + ` + month + `, 0, -1, -toInt32(y >= ` + month + `), 0, 0, 0, 0), done, after),
            arrayMap((x, y) -> (x, 0, 0, 0, toInt32(y), 0, 0, 0), moved, opened),
            if(won = 0, [], [(won, 0, 0, 0, 0, 1, 0, 0)]),
            if(lost = 0, [], [(lost, 0, 0, 0, 0, 0, 1, 0)]),
            if(decides = 0, [], [(updated_at[decides], 0, 0, 0, 0, 0, 0, 1)])) AS changes
    FROM
    (
        SELECT
            cityHash64(l.workspace, l.account) AS key,
            j.updated_at AS updated_at,
            arrayFirstOrNull((x, y) -> y NOT IN ('touchpoint', 'behavior'), j.at, j.type) AS worked,
            if(notEmpty(j.updated_at) AND (worked IS NULL OR j.updated_at[1] < worked), j.updated_at[1], worked) AS captured,
            arrayFilter((x, y) -> y IN ('touchpoint', 'behavior'), j.at, j.type) AS done,
            arrayMap((x, i) -> if(i = 1, ` + month + `, x), arrayDifference(done), arrayEnumerate(done)) AS before,
            arraySlice(arrayPushBack(before, toInt64(` + month + `)), 2) AS after,
            arrayFilter((x, y) -> y = 'stage', j.at, j.type) AS moved,
            arrayFilter((x, y) -> y = 'stage', j.name, j.type) AS stages,
            arrayDifference(arrayPushFront(arrayMap(x -> toInt8(x = 'opportunity'), stages), toInt8(0))) AS steps,
            arrayPopFront(steps) AS opened,
            arrayFirst((x, y) -> y = 'won', moved, stages) AS won,
            arrayFirst((x, y) -> y = 'lost', moved, stages) AS lost,
            arrayFirstIndex(s -> arrayExists((x, y) -> $lookup.attributes = $attribute.is_decision_maker
                AND has($list.yes, lowerUTF8(trimBoth(y))), mapKeys(s), mapValues(s)), j.stated) AS decides
        FROM lead_journeys AS j
        INNER JOIN
        (
            SELECT workspace, lead_id, account
            FROM leads
            WHERE (workspace, account) IN
            (
                SELECT workspace, account
                FROM leads
                WHERE account != '' AND (workspace, account) IN (
                    SELECT workspace, account FROM leads WHERE (workspace, lead_id) IN (
                        SELECT workspace, lead_id FROM $observations))
                GROUP BY workspace, account
                HAVING count() > 1
            )
        ) AS l ON j.workspace = l.workspace AND j.lead_id = l.lead_id
    )`,
	},
	// Of the leads of a source, those captured at least 90 days ago, and of these the ones won within 90 days.
	"source": {
		key: "$source_key", moment: "$now", totals: []string{"mature", "won"},
		changes: `
    SELECT
        cityHash64(workspace, if(stated_source != '', stated_source, touch_source)) AS key,
        if(captured IS NULL OR stated_source = '' AND touch_source = '', [],
            [(assumeNotNull(captured) + ` + maturity + `, 1, toInt32(won != 0))]) AS changes
    FROM
    (
        SELECT
            workspace,
            arrayFirstOrNull((x, y) -> y NOT IN ('touchpoint', 'behavior'), at, type) AS worked,
            if(notEmpty(updated_at) AND (worked IS NULL OR updated_at[1] < worked), updated_at[1], worked) AS captured,
            ifNull(captured, 0) + ` + maturity + ` AS ripe,
            arrayFirst((x, y) -> x != '' AND y <= ripe, arrayMap(x -> x['source'], stated), updated_at) AS stated_source,
            arrayFirst((x, y, z) -> x != '' AND y = 'touchpoint' AND z <= ripe, source, type, at) AS touch_source,
            arrayFirst((x, y, z) -> y = 'stage' AND z = 'won' AND x <= ripe, at, type, name) AS won
        FROM lead_journeys
        WHERE workspace IN (SELECT workspace FROM $observations)
    )`,
	},
	// Of the leads that somebody had when they were won or lost first, how many, and how many won.
	"owner": {
		key: "$owner_key", moment: "$observed", totals: []string{"decided", "won"},
		changes: `
    SELECT
        cityHash64(workspace, owner) AS key,
        if(decided = 0 OR owner = '', [], [(at[decided], 1, toInt32(name[decided] = 'won'))]) AS changes
    FROM
    (
        SELECT
            workspace,
            at,
            name,
            arrayFirstIndex((x, y) -> x = 'stage' AND y IN ('won', 'lost'), type, name) AS decided,
            arrayLast((x, y, z) -> y = 'assignment' AND x != '' AND z <= decided, j.owner, type, arrayEnumerate(at)) AS owner
        FROM lead_journeys AS j
        WHERE workspace IN (SELECT workspace FROM $observations)
    )`,
	},
}
