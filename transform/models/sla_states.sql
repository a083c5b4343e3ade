-- grain: one row per lead
-- by: lead
-- reads: leads, lead_updates, stage_changes, assignments, grade_changes
-- writes: sla_states (workspace, lead_id, at, open, opened_at, stage, grade, priority, owner, team, held, locked)
--
-- The states of a lead one after the other, so that clocks and cadences are counted from one reading of the history.
-- What happens to a lead is a mark: its creation, a stage, an assignment, a grade, a stated priority. Marks are in the
-- order of time, then of event id; each changes some of the state and carries the rest on. Of marks of one millisecond
-- only the state after the last is kept, for nothing could happen between them.
--
-- A lead is open unless its stage is won, lost or invalid, or it is in the pool: recycled or returned, and since then
-- neither assigned, accepted nor moved to another stage. Any action but a lock ends a lock. Who has the lead is told as
-- in the table leads. An assignment holds until the next one or until the pool.
SELECT
    workspace,
    lead_id,
    arrayFilter((v, last) -> last, ats, lasts) AS at,
    arrayFilter((v, last) -> last, opens, lasts) AS open,
    arrayFilter((v, last) -> last, opened, lasts) AS opened_at,
    CAST(arrayFilter((v, last) -> last, stages, lasts) AS Array(LowCardinality(String))) AS stage,
    CAST(arrayFilter((v, last) -> last, grades, lasts) AS Array(LowCardinality(String))) AS grade,
    CAST(arrayFilter((v, last) -> last, priorities, lasts) AS Array(LowCardinality(String))) AS priority,
    CAST(arrayFilter((v, last) -> last, owners, lasts) AS Array(LowCardinality(String))) AS owner,
    CAST(arrayFilter((v, last) -> last, teams, lasts) AS Array(LowCardinality(String))) AS team,
    arrayFilter((v, last) -> last, holds, lasts) AS held,
    arrayFilter((v, last) -> last, locks, lasts) AS locked
FROM
(
    SELECT
        workspace,
        lead_id,
        marks.at AS ats,
        marks.kind AS kinds,
        marks.value AS said,
        arrayMap((k, v) -> k = 'action' AND (v = 'returned' OR v = 'recycled'), kinds, said) AS gives_up,
        arrayMap((k, v) -> k = 'action' AND v = 'assigned', kinds, said) AS gives,
        arrayMap((k, v) -> k = 'action' AND v = 'accepted', kinds, said) AS takes,
        -- arrayFill carries the last element that was kept on to those that are not; the first is always kept.
        arrayMap(v -> if(v = '', 'new', v), arrayFill(v -> v != '',
            arrayMap((k, v) -> if(k = 'stage', v, ''), kinds, said))) AS stages,
        arrayFill(v -> v != '', arrayMap((k, v) -> if(k = 'grade', v, ''), kinds, said)) AS grades,
        arrayFill(v -> v != '', arrayMap((k, v) -> if(k = 'priority', v, ''), kinds, said)) AS priorities,
        arrayMap((k, v, up, give, take) -> multiIf(
            up OR (k = 'stage' AND v = 'recycled'), 1,
            give OR take OR (k = 'stage' AND v IN ('new', 'mql', 'sql', 'opportunity')), 2,
            0), kinds, said, gives_up, gives, takes) AS moves,
        arrayMap((move, stage) -> toBool(move != 1 AND stage NOT IN ('won', 'lost', 'invalid')),
            arrayFill(move -> move != 0, moves), stages) AS opens,
        arrayFill((t, now, before) -> now != before, ats, opens,
            arrayPushFront(arrayPopBack(opens), false)) AS opened,
        arrayFill((v, up, give, take) -> up OR give OR (take AND v != ''),
            arrayMap((v, give, take) -> if(give OR take, v, ''), marks.owner, gives, takes),
            gives_up, gives, takes) AS owners,
        arrayFill((v, up, give, take) -> up OR give OR (take AND v != ''),
            arrayMap((v, give, take) -> if(give OR take, v, ''), marks.team, gives, takes),
            gives_up, gives, takes) AS teams,
        arrayFill((v, move, give) -> give OR move = 1,
            arrayMap((n, give) -> if(give, toUInt32(n), toUInt32(0)), arrayCumSum(gives), gives),
            moves, gives) AS holds,
        arrayFill((v, k) -> k = 'action',
            arrayMap((k, v) -> toBool(k = 'action' AND v = 'locked'), kinds, said), kinds) AS locks,
        arrayMap((t, next) -> t != next, ats,
            arrayPushBack(arrayPopFront(ats), toDateTime64('2299-12-31 00:00:00', 3, 'UTC'))) AS lasts
    FROM
    (
        SELECT
            l.workspace AS workspace,
            l.lead_id AS lead_id,
            arraySort(arrayPushFront(h.marks,
                CAST((l.created_at, '', 'created', '', '', '')
                    AS Tuple(at DateTime64(3, 'UTC'), id String, kind String, value String, owner String, team String))
            )) AS marks
        FROM leads AS l
        LEFT JOIN
        (
            SELECT
                workspace,
                lead_id,
                groupArray(CAST((at, id, kind, value, owner, team)
                    AS Tuple(at DateTime64(3, 'UTC'), id String, kind String, value String, owner String, team String)
                )) AS marks
            FROM
            (
                SELECT workspace, lead_id, occurred_at AS at, event_id AS id, 'stage' AS kind,
                    CAST(stage AS String) AS value, '' AS owner, '' AS team
                FROM stage_changes
                UNION ALL
                SELECT workspace, lead_id, occurred_at, event_id, 'action', CAST(action AS String),
                    CAST(owner AS String), CAST(team AS String)
                FROM assignments
                UNION ALL
                SELECT workspace, lead_id, occurred_at, event_id, 'grade', CAST(grade AS String), '', ''
                FROM grade_changes
                UNION ALL
                SELECT workspace, lead_id, occurred_at, event_id, 'priority', lowerUTF8(attributes['priority']), '', ''
                FROM lead_updates
                WHERE attributes['priority'] != ''
            )
            GROUP BY workspace, lead_id
        ) AS h USING (workspace, lead_id)
    )
)
