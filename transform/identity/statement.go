package identity

import "strings"

// linkColumns are the columns of identity_links in the order of linksSQL.
var linkColumns = []string{
	"node", "other", "link", "workspace", "kind", "value", "other_kind", "first_at", "seen_at", "stated",
}

// rawTables are the raw tables whose rows belong to somebody.
var rawTables = []string{"events", "lead_updates", "activities", "stage_changes", "assignments"}

// linksSQL selects what the raw rows that arrived since {from} say about pairs of nodes, each pair in both directions.
// The same rows give the same pairs again: where they are there already, nothing changes. Whole says that no row arrived
// before.
func linksSQL(whole bool) string {
	return `SELECT
    cityHash64(workspace, ends.1.1, ends.1.2) AS node,
    cityHash64(workspace, ends.2.1, ends.2.2) AS other,
    ends.3 AS link,
    workspace,
    ends.1.1 AS kind,
    ends.1.2 AS value,
    ends.2.1 AS other_kind,
    first_at,
    seen_at,
    stated
FROM
(
` + strings.Join([]string{
		browserLinks(), identifierLinks(), strangerLinks(), mergeLinks(), aliasLinks(whole),
	}, "\nUNION ALL\n") + `
)
ARRAY JOIN [(a, b, how), (b, a, how + 1)] AS ends`
}

const (
	node   = "Tuple(kind String, value String)"
	stated = "Tuple(at DateTime64(3, 'UTC'), event_id String)"
	// news is a condition on raw rows.
	news = "_ingested_at >= {from:DateTime64(3, 'UTC')}"
)

// rows selects columns of the rows of all raw tables of which a condition holds.
func rows(columns, condition string) string {
	var all []string
	for _, table := range rawTables {
		all = append(all, "SELECT "+strings.ReplaceAll(columns, "TABLE", table)+" FROM "+table+" WHERE "+condition)
	}
	return "(" + strings.Join(all, "\n    UNION ALL ") + ")"
}

// browserLinks are leads with their anonymous ids.
func browserLinks() string {
	return `SELECT toString(workspace) AS workspace, CAST(('lead', lead_id) AS ` + node + `) AS a,
    CAST(('anonymous', anonymous_id) AS ` + node + `) AS b, toUInt8(0) AS how, min(occurred_at) AS first_at,
    toNullable(max(occurred_at)) AS seen_at, CAST((0, '') AS ` + stated + `) AS stated
FROM ` + rows("workspace, lead_id, anonymous_id, occurred_at", news+" AND lead_id != '' AND anonymous_id != ''") + `
WHERE ` + names("lead_id") + ` AND ` + names("anonymous_id") + `
GROUP BY workspace, lead_id, anonymous_id`
}

// identifierLinks are lead ids, or where a row has none anonymous ids, with the identifiers beside them. Only an update of a
// lead states. Each identifier is a row by itself here, so that the engine looks at each kind once and not at each value.
func identifierLinks() string {
	return `SELECT toString(workspace), CAST((if(of_lead, 'lead', 'anonymous'), hub) AS ` + node + `),
    CAST((named, value) AS ` + node + `), 0, min(occurred_at), maxOrNullIf(occurred_at, NOT states),
    maxIf(CAST((occurred_at, event_id) AS ` + stated + `), states)
FROM
(
    SELECT workspace, occurred_at, event_id, lead_id != '' AND ` + names("lead_id") + ` AS of_lead,
        if(of_lead, lead_id, anonymous_id) AS hub, source = 'lead_updates' AND of_lead AS states,
        ` + canonical("kind") + ` AS named, value
    FROM ` + identified + `
    ARRAY JOIN mapKeys(identifiers) AS kind, mapValues(identifiers) AS value
    WHERE hub != '' AND (of_lead OR ` + names("hub") + `)
        AND value != '' AND ` + names("value") + ` AND ` + identifies + `
)
GROUP BY workspace, of_lead, hub, named, value`
}

// identified are the rows with identifiers.
var identified = rows("'TABLE' AS source, workspace, lead_id, anonymous_id, identifiers, occurred_at, event_id",
	news+" AND notEmpty(identifiers)")

// strangerLinks are the first identifier of a row without another id with the further ones.
func strangerLinks() string {
	return `SELECT toString(workspace), hub, id, 0, min(occurred_at), toNullable(max(occurred_at)),
    CAST((0, '') AS ` + stated + `)
FROM
(
    SELECT workspace, occurred_at, ` + identifierNodes + ` AS ids, ids[1] AS hub, arrayJoin(ids) AS id
    FROM ` + identified + `
    WHERE NOT (lead_id != '' AND ` + names("lead_id") + ` OR anonymous_id != '' AND ` + names("anonymous_id") + `)
)
WHERE id != hub
GROUP BY workspace, hub, id`
}

// mergeLinks are leads with those that they were merged into.
func mergeLinks() string {
	return `SELECT toString(workspace), CAST(('lead', lead_id) AS ` + node + `),
    CAST(('lead', identifiers['` + KindMergedInto + `']) AS ` + node + `) AS into, 4, min(occurred_at), NULL,
    max(CAST((occurred_at, event_id) AS ` + stated + `))
FROM lead_updates
WHERE ` + news + ` AND lead_id != '' AND into.value != '' AND ` + names("lead_id") + ` AND ` + names("into.value") + `
GROUP BY workspace, lead_id, into`
}

// aliasLinks are the anonymous ids of updates with the leads of that id that any rows have. Either may arrive first: new
// updates ask for old rows, by their tables' key, and new rows for old updates.
func aliasLinks(whole bool) string {
	of := "anonymous_id != '' AND lead_id NOT IN ('', anonymous_id)"
	known := rows("workspace, lead_id",
		"(workspace, lead_id) IN (SELECT workspace, anonymous_id FROM lead_updates WHERE "+news+" AND "+of+")")
	if !whole {
		known += "\n    UNION ALL SELECT workspace, lead_id FROM " + rows("workspace, lead_id", "lead_id != '' AND "+news)
	}
	return `SELECT toString(workspace), CAST(('anonymous', anonymous_id) AS ` + node + `),
    CAST(('lead', anonymous_id) AS ` + node + `), 2, min(occurred_at), toNullable(max(occurred_at)),
    CAST((0, '') AS ` + stated + `)
FROM lead_updates
WHERE ` + of + ` AND ` + names("anonymous_id") + `
    AND (workspace, anonymous_id) IN (SELECT workspace, lead_id FROM ` + known + `)
GROUP BY workspace, anonymous_id`
}
