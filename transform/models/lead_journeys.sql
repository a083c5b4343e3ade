-- grain: one row per person with any history
-- by: lead
-- reads: leads, events, stage_changes, assignments, activities, lead_updates
-- writes: lead_journeys (workspace, lead_id, is_lead, at, id, type, name, channel, source, medium, campaign, page_group,
--   session, value, owner, effective, detail, properties, updated_at, stated, cut)
--
-- The whole story of a person in one row, so that funnels, paths and attribution read no raw rows and sort nothing. A
-- visitor who is no lead yet has a row too: the day he becomes one, his story is there.
--
-- Touches, behaviours, stages, assignments and follow-ups are one timeline, sorted by (time, event id). Grades are not
-- in it: they are our own answer, not something that happened. Where two histories share a moment and an id, the type
-- decides. What is known of an event goes into a tuple that begins with that key, so one sort serves all arrays, and
-- taking the arrays out of the sorted tuples copies nothing: half a second less for a million events than sorting the
-- rows first, a third of the time of one aggregate a column.
--
-- A machine may leave a million visits. Of more than 2 × half touches and behaviours the first half and the last half are
-- kept: how it began and how it stands. Nothing else is cut: with a stage, an assignment, a follow-up or an update missing,
-- a conversion would be lost, or what was known of a lead on a day would be wrong. What an update states under a name of
-- its own, such as company, wins over an attribute of that name.
SELECT
    story.workspace AS workspace,
    story.lead_id AS lead_id,
    toBool((story.workspace, story.lead_id) IN (SELECT workspace, lead_id FROM leads)) AS is_lead,
    story.kept.at AS at,
    arrayMap(event_id -> cityHash64(event_id), story.kept.event_id) AS id,
    CAST(story.kept.type AS Array(LowCardinality(String))) AS type,
    CAST(story.kept.name AS Array(LowCardinality(String))) AS name,
    CAST(story.kept.channel AS Array(LowCardinality(String))) AS channel,
    CAST(story.kept.source AS Array(LowCardinality(String))) AS source,
    CAST(story.kept.medium AS Array(LowCardinality(String))) AS medium,
    CAST(story.kept.campaign AS Array(LowCardinality(String))) AS campaign,
    CAST(story.kept.page_group AS Array(LowCardinality(String))) AS page_group,
    story.kept.session AS session,
    story.kept.value AS value,
    CAST(story.kept.owner AS Array(LowCardinality(String))) AS owner,
    CAST(story.kept.effective AS Array(Bool)) AS effective,
    CAST(story.kept.detail AS Array(LowCardinality(String))) AS detail,
    CAST(story.kept.properties AS Array(Map(LowCardinality(String), String))) AS properties,
    story.updates.at AS updated_at,
    CAST(story.updates.properties AS Array(Map(LowCardinality(String), String))) AS stated,
    toUInt32(length(story.timeline) - length(story.kept)) AS cut
FROM
(
    SELECT
        entries.workspace AS workspace,
        entries.lead_id AS lead_id,
        1000 AS half,
        arraySort(groupArrayIf(entries.entry, entries.entry.type != 'update')) AS timeline,
        arraySort(groupArrayIf(entries.entry, entries.entry.type = 'update')) AS updates,
        countIf(entries.entry.type IN ('touchpoint', 'behavior')) AS visits,
        if(visits > 2 * half,
            arrayFilter((entry, nth) -> entry.type NOT IN ('touchpoint', 'behavior') OR nth <= half OR nth > visits - half,
                timeline, arrayCumSum(entry -> entry.type IN ('touchpoint', 'behavior'), timeline)),
            timeline) AS kept
    FROM
    (
        SELECT
            histories.workspace AS workspace,
            histories.lead_id AS lead_id,
            CAST((histories.at, histories.event_id, histories.type, histories.name, histories.channel,
                histories.source, histories.medium, histories.campaign, histories.page_group, histories.session,
                histories.value, histories.owner, histories.effective, histories.detail,
                mapFilter((name, text) -> text != '', histories.properties))
                AS Tuple(at Int64, event_id String, type String, name String, channel String, source String,
                    medium String, campaign String, page_group String, session UInt64, value Float64, owner String,
                    effective Bool, detail String, properties Map(String, String))) AS entry
        FROM
        (
            SELECT
                workspace,
                lead_id,
                toUnixTimestamp64Milli(occurred_at) AS at,
                event_id,
                CAST(type AS String) AS type,
                CAST(name AS String) AS name,
                CAST(channel AS String) AS channel,
                CAST(source AS String) AS source,
                CAST(medium AS String) AS medium,
                CAST(campaign AS String) AS campaign,
                CAST(page_group AS String) AS page_group,
                if(session_id = '', 0, cityHash64(session_id)) AS session,
                value,
                '' AS owner,
                false AS effective,
                '' AS detail,
                if(type = 'touchpoint',
                    map('url', url, 'referrer', referrer, 'content', content, 'term', term),
                    CAST(properties AS Map(String, String))) AS properties
            FROM events
            UNION ALL
            SELECT
                workspace, lead_id, toUnixTimestamp64Milli(occurred_at), event_id, 'stage',
                CAST(stage AS String), '', '', '', '', '', 0, amount, '', false, CAST(reason AS String),
                map('currency', CAST(currency AS String))
            FROM stage_changes
            UNION ALL
            SELECT
                workspace, lead_id, toUnixTimestamp64Milli(occurred_at), event_id, 'assignment',
                CAST(action AS String), '', '', '', '', '', 0, 0, CAST(owner AS String), false, CAST(team AS String),
                map()
            FROM assignments
            UNION ALL
            SELECT
                workspace, lead_id, toUnixTimestamp64Milli(occurred_at), event_id, 'activity',
                CAST(method AS String), '', '', '', '', '', 0, duration_s, CAST(owner AS String), effective,
                CAST(outcome AS String),
                map('emotion', CAST(emotion AS String), 'next_action', next_action,
                    'next_at', ifNull(concat(replaceOne(toString(next_at), ' ', 'T'), 'Z'), ''))
            FROM activities
            UNION ALL
            SELECT
                workspace, lead_id, toUnixTimestamp64Milli(occurred_at), event_id, 'update',
                '', '', '', '', '', '', 0, 0, '', false, '',
                mapUpdate(CAST(attributes AS Map(String, String)),
                    mapFilter((name, text) -> text != '', map('company', company, 'contact_name', contact_name,
                        'phone', phone, 'email', email, 'wechat', wechat, 'source', CAST(source AS String))))
            FROM lead_updates
        ) AS histories
    ) AS entries
    GROUP BY workspace, lead_id
) AS story
