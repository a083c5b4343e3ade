-- grain: one row per lead, time it had a grade, and step of its cadence
-- by: lead
-- reads: sla_states, leads, activities, cadence_policies
-- writes: cadence_steps (workspace, lead_id, started_at, step, policy, grade, owner, team, ended_at, expected, kept,
--   actions, exceeded, last_at, due_at, overdue_since, changes_at)
--
-- What a cadence asked for while a lead had a grade, beside what was done: the overdue list, and how far cadences are
-- kept by grade, step and owner.
--
-- Days are those of the business time zone; the day an open lead got its grade is day 1. From a step's first day on,
-- time is cut into windows: one up to its last day, or one after the other. A window is expected once it is over and
-- the lead still had the grade at its end; it is kept by enough activities of the step's methods within it. Done late,
-- a step with one window is not kept, but no longer overdue. An industry that no cadence lists has the cadence of ''.
SELECT
    workspace,
    lead_id,
    started_at,
    step,
    policy,
    CAST(grade AS LowCardinality(String)) AS grade,
    CAST(owner AS LowCardinality(String)) AS owner,
    CAST(team AS LowCardinality(String)) AS team,
    ended_at,
    toUInt32(windows_over) AS expected,
    toUInt32(length(arrayFilter(k -> k < windows_over, full))) AS kept,
    toUInt32(length(counted)) AS actions,
    toUInt32(length(over_full)) AS exceeded,
    if(empty(counted), NULL, toNullable(counted[-1].at)) AS last_at,
    if(goes_on AND next_window < windows, toTimeZone(toDateTime64(toDate32(
        first_day + (next_window + 1) * window_days), 3, {tz:String}), 'UTC'), NULL) AS due_at,
    if(goes_on AND first_missed < windows_over AND NOT (once AND length(counted) >= at_least),
        toTimeZone(toDateTime64(toDate32(first_day + (first_missed + 1) * window_days), 3, {tz:String}), 'UTC'), NULL
        ) AS overdue_since,
    if(goes_on AND windows_over < windows, toTimeZone(toDateTime64(toDate32(
        first_day + (windows_over + 1) * window_days), 3, {tz:String}), 'UTC'), NULL) AS changes_at
FROM
(
    SELECT
        r.workspace AS workspace,
        r.lead_id AS lead_id,
        r.started_at AS started_at,
        r.ended_at AS ended_at,
        r.grade AS grade,
        r.owner AS owner,
        r.team AS team,
        p.step AS step,
        p.policy AS policy,
        p.at_least AS at_least,
        r.ended_at IS NULL AS goes_on,
        p.every_days = 0 AS once,
        toInt32(toDate32(r.started_at, {tz:String})) + toInt32(p.from_day) - 1 AS first_day,
        if(once, toInt32(p.until_day) - toInt32(p.from_day) + 1, toInt32(p.every_days)) AS window_days,
        multiIf(once, 1, p.until_day = 0, 1000000,
            intDiv(toInt32(p.until_day) - toInt32(p.from_day) + 1, toInt32(p.every_days))) AS windows,
        greatest(0, least(windows, intDiv(
            toInt32(toDate32(coalesce(r.ended_at, {as_of:DateTime64(3, 'UTC')}), {tz:String})) - first_day,
            window_days))) AS windows_over,
        arrayFilter(a -> a.day >= first_day AND (once OR intDiv(a.day - first_day, window_days) < windows)
            AND (empty(p.methods) OR has(p.methods, a.method)), r.done) AS counted,
        arrayFilter(k -> k < windows, arrayMap(a -> intDiv(a.day - first_day, window_days), counted)) AS numbers,
        arrayFilter((k, n) -> n >= p.at_least, arrayDistinct(numbers) AS used,
            arrayMap(k -> countEqual(numbers, k), used) AS times) AS full,
        arrayFilter((k, n) -> p.at_most > 0 AND n > p.at_most, used, times) AS over_full,
        -- The current window, or the one after it where it has enough already; and the first that went by since the
        -- last one with enough.
        windows_over + if(has(full, windows_over), 1, 0) AS next_window,
        if(once, 0, toInt32(arrayMax(arrayPushBack(full, -1))) + 1) AS first_missed
    FROM
    (
        SELECT
            s.workspace AS workspace,
            s.lead_id AS lead_id,
            s.industry AS industry,
            run.at AS started_at,
            run.grade AS grade,
            until.owner AS owner,
            until.team AS team,
            if(until.at < toDateTime64('2299-12-31 00:00:00', 3, 'UTC'), until.at, NULL) AS ended_at,
            arrayFilter(a -> a.at >= run.at AND (a.at < until.at OR (a.at = until.at AND NOT until.open)),
                s.done) AS done
        FROM
        (
            SELECT
                st.workspace AS workspace,
                st.lead_id AS lead_id,
                if(lowerUTF8(l.industry) IN (SELECT industry FROM cadence_policies), lowerUTF8(l.industry), ''
                    ) AS industry,
                done.activities AS done,
                arrayMap((open, grade, opened_at) -> if(open AND grade != '', (grade, opened_at), ('', st.at[1])),
                    st.open, st.grade, st.opened_at) AS keys,
                arrayMap((key, before) -> key != before, keys, arrayPushFront(arrayPopBack(keys), ('', st.at[1])))
                    AS begins,
                arrayFilter((v, begin) -> begin,
                    arrayMap((at, grade, open) -> CAST((at, if(open, grade, ''))
                        AS Tuple(at DateTime64(3, 'UTC'), grade String)), st.at, st.grade, st.open), begins) AS runs,
                -- The end of each run, whether the lead was open then, and who had it just before.
                arrayPopFront(arrayPushBack(
                    arrayFilter((v, begin) -> begin,
                        arrayMap((at, open, owner, team) -> CAST((at, open, owner, team)
                            AS Tuple(at DateTime64(3, 'UTC'), open Bool, owner String, team String)), st.at, st.open,
                            arrayPushFront(arrayPopBack(st.owner), ''), arrayPushFront(arrayPopBack(st.team), '')),
                        begins),
                    CAST((toDateTime64('2299-12-31 00:00:00', 3, 'UTC'), true, st.owner[-1], st.team[-1])
                        AS Tuple(at DateTime64(3, 'UTC'), open Bool, owner String, team String)))) AS ends,
                arraySlice(ends, 1, length(runs)) AS untils
            FROM sla_states AS st
            INNER JOIN leads AS l USING (workspace, lead_id)
            LEFT JOIN
            (
                SELECT
                    workspace,
                    lead_id,
                    arraySort(groupArray(CAST((occurred_at, toInt32(toDate32(occurred_at, {tz:String})), method)
                        AS Tuple(at DateTime64(3, 'UTC'), day Int32, method String)))) AS activities
                FROM activities
                WHERE (workspace, lead_id) IN (SELECT workspace, lead_id FROM sla_states WHERE grade[-1] != '')
                GROUP BY workspace, lead_id
            ) AS done USING (workspace, lead_id)
            -- A grade once reached is carried on: leads without one at the end never had one.
            WHERE st.grade[-1] != ''
        ) AS s
        ARRAY JOIN s.runs AS run, s.untils AS until
        WHERE run.grade != ''
    ) AS r
    INNER JOIN cadence_policies AS p ON r.industry = p.industry
    WHERE has(p.grades, r.grade) AND r.started_at >= p.valid_from AND r.started_at < p.valid_until
)
