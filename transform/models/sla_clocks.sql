-- grain: one row per lead, clock and cycle
-- by: lead
-- reads: sla_states, activities, sla_policies, work_teams, work_calendar
-- writes: sla_clocks (workspace, lead_id, clock, cycle, policy, rule, stage, grade, owner, team, calendar, started_at,
--   due_at, met_at, ended_at, status, calendar_seconds, working_seconds, paused_seconds, changes_at)
--
-- Every time a clock ran for a lead: when it began, when it was due, what met it.
--
-- A cycle begins when a rule of the clock begins to hold for an open lead, and ends when that rule no longer holds:
-- another grade, another stage, closed, recycled. A lead that is opened again begins again, and a clock that starts on
-- assignment begins with each assignment. An activity at the very moment of the end still counts where the lead was
-- closed by it; where another cycle takes over, it counts for that one. Cycles whose beginning and end fall into one
-- millisecond never were.
--
-- Time is half-open: met at due_at is late, and at due_at the cycle is overdue. A cycle that ends before it is due is
-- cancelled, one that ends later without an activity is missed. Working time is the difference of two positions on the
-- team's calendar, the milliseconds worked before a moment; a position is found by one ASOF JOIN and a due time by one
-- back. Who held the lead at the start answers for it, or whoever got it first while the cycle ran.
--
-- Locks shift the due time by their length, each in turn where it begins before the time reached so far. While a lock
-- has no end the due time is not known: its end is written as 10^17 ms, far beyond any calendar.
SELECT
    workspace,
    lead_id,
    clock,
    toUInt32(row_number() OVER (PARTITION BY workspace, lead_id, clock ORDER BY started_at)) AS cycle,
    policy,
    CAST(rule AS LowCardinality(String)) AS rule,
    CAST(stage AS LowCardinality(String)) AS stage,
    CAST(grade AS LowCardinality(String)) AS grade,
    owner,
    team,
    calendar,
    started_at,
    due_at,
    met_at,
    ended_at,
    CAST(status AS LowCardinality(String)) AS status,
    (met_ms - start_ms - paused_ms) / 1000 AS calendar_seconds,
    if(start_known, (met_pos - start_pos - paused_pos) / 1000, NULL) AS working_seconds,
    paused_ms / 1000 AS paused_seconds,
    if(status = 'open', due_at, NULL) AS changes_at
FROM
(
    SELECT
        timed.workspace AS workspace,
        timed.lead_id AS lead_id,
        timed.clock AS clock,
        timed.policy AS policy,
        timed.rule AS rule,
        timed.stage AS stage,
        timed.grade AS grade,
        timed.owner AS owner,
        timed.team AS team,
        timed.calendar AS calendar,
        timed.started_at AS started_at,
        timed.met_at AS met_at,
        timed.ended_at AS ended_at,
        timed.drops_cancelled AS drops_cancelled,
        timed.start_known AS start_known,
        timed.start_ms AS start_ms,
        timed.start_pos AS start_pos,
        toUnixTimestamp64Milli(timed.met_at) AS met_ms,
        if(timed.met_at IS NULL, NULL,
            m.before_ms + least(met_ms, toUnixTimestamp64Milli(m.ends_at)) - toUnixTimestamp64Milli(m.starts_at)
            ) AS met_pos,
        -- How much of the locks lies between the start and the end of the cycle, on both clocks. A lock and a cycle
        -- that both go on have no length yet.
        coalesce(met_ms, toUnixTimestamp64Milli(timed.ended_at), 100000000000000000) AS stop_ms,
        arraySum(lock -> if(least(lock.until, stop_ms) < 100000000000000000,
            greatest(0, least(lock.until, stop_ms) - greatest(lock.from, start_ms)), 0), timed.locks) AS paused_ms,
        arraySum(lock -> greatest(0, least(lock.until_pos, ifNull(met_pos, 0)) - greatest(lock.from_pos, start_pos)),
            timed.locks) AS paused_pos,
        multiIf(
            NOT timed.working AND timed.due < 10000000000000000, fromUnixTimestamp64Milli(timed.due, 'UTC'),
            timed.working AND d.calendar != ''
                AND timed.due <= d.before_ms + toUnixTimestamp64Milli(d.ends_at) - toUnixTimestamp64Milli(d.starts_at),
            fromUnixTimestamp64Milli(toUnixTimestamp64Milli(d.starts_at) + timed.due - d.before_ms, 'UTC'),
            NULL) AS due_at,
        multiIf(
            met_at IS NOT NULL AND (due_at IS NULL OR met_at < due_at), 'met',
            met_at IS NOT NULL, 'met_late',
            ended_at IS NOT NULL AND (due_at IS NULL OR ended_at < due_at), 'cancelled',
            ended_at IS NOT NULL, 'missed',
            due_at IS NOT NULL AND {as_of:DateTime64(3, 'UTC')} >= due_at, 'overdue',
            'open') AS status
    FROM
    (
        SELECT
            cycled.workspace AS workspace,
            cycled.lead_id AS lead_id,
            cycled.clock AS clock,
            cycled.policy AS policy,
            cycled.rule AS rule,
            cycled.stage AS stage,
            cycled.grade AS grade,
            cycled.owner AS owner,
            cycled.team AS team,
            cycled.calendar AS calendar,
            cycled.started_at AS started_at,
            cycled.met_at AS met_at,
            coalesce(cycled.met_at, cycled.started_at) AS met_or_start,
            cycled.ended_at AS ended_at,
            cycled.drops_cancelled AS drops_cancelled,
            cycled.working AS working,
            w.calendar != '' AS start_known,
            toUnixTimestamp64Milli(cycled.started_at) AS start_ms,
            if(start_known, w.before_ms + least(start_ms, toUnixTimestamp64Milli(w.ends_at))
                - toUnixTimestamp64Milli(w.starts_at), 0) AS start_pos,
            if(cycled.pauses_while_locked, paused.locks, []) AS locks,
            -- The due time as a position on the clock it is counted by; before any calendar: as if a lock had no end.
            multiIf(
                NOT working,
                arrayFold((due, lock) -> if(lock.from < due AND lock.until > start_ms,
                    due + lock.until - greatest(lock.from, start_ms), due), locks, start_ms + cycled.duration),
                start_known,
                arrayFold((due, lock) -> if(lock.from_pos < due AND lock.until_pos > start_pos,
                    due + lock.until_pos - greatest(lock.from_pos, start_pos), due),
                    locks, start_pos + cycled.duration),
                100000000000000000) AS due
        FROM
        (
            SELECT
                c.workspace AS workspace,
                c.lead_id AS lead_id,
                c.clock AS clock,
                c.policy AS policy,
                c.rule AS rule,
                c.duration AS duration,
                c.working AS working,
                c.pauses_while_locked AS pauses_while_locked,
                c.drops_cancelled AS drops_cancelled,
                c.stage AS stage,
                c.grade AS grade,
                c.owner AS owner,
                c.team AS team,
                CAST(if(t.calendar = '', 'default', t.calendar) AS LowCardinality(String)) AS calendar,
                c.started_at AS started_at,
                c.met_at AS met_at,
                c.ended_at AS ended_at
            FROM
            (
                SELECT
                    workspace,
                    lead_id,
                    clock,
                    policy,
                    rules[run.rule] AS rule,
                    rule_ms[run.rule] AS duration,
                    rule_working[run.rule] AS working,
                    pauses_while_locked,
                    drops_cancelled,
                    run.stage AS stage,
                    run.grade AS grade,
                    run.given.held AND run.given.at < until.at AS is_given,
                    CAST(if(is_given, run.given.owner, '') AS LowCardinality(String)) AS owner,
                    CAST(if(is_given, run.given.team, '') AS LowCardinality(String)) AS team,
                    started_at,
                    met_at,
                    if(met_at IS NULL AND until.at < toDateTime64('2299-12-31 00:00:00', 3, 'UTC'), until.at, NULL
                        ) AS ended_at
                FROM
                (
                    SELECT
                        workspace,
                        lead_id,
                        clock,
                        policy,
                        valid_from,
                        valid_until,
                        rules,
                        rule_ms,
                        rule_working,
                        pauses_while_locked,
                        drops_cancelled,
                        run,
                        until,
                        arrayFilter(v -> v >= run.at AND (v < until.at OR (v = until.at AND NOT until.open)),
                            if(met_by_effective, effective_at, any_at)) AS inside,
                        if(repeats, arrayPushFront(arrayFilter(v -> v > run.at AND v < until.at, inside), run.at),
                            [run.at]) AS starts,
                        CAST(if(repeats, arrayFilter(v -> v > run.at, inside), arraySlice(inside, 1, 1))
                            AS Array(Nullable(DateTime64(3, 'UTC')))) AS mets
                    FROM
                    (
                        SELECT
                            s.workspace AS workspace,
                            s.lead_id AS lead_id,
                            s.any_at AS any_at,
                            s.effective_at AS effective_at,
                            p.clock AS clock,
                            p.policy AS policy,
                            p.valid_from AS valid_from,
                            p.valid_until AS valid_until,
                            p.met_by_effective AS met_by_effective,
                            p.repeats AS repeats,
                            p.unless_worked AS unless_worked,
                            p.pauses_while_locked AS pauses_while_locked,
                            p.drops_cancelled AS drops_cancelled,
                            p.rules AS rules,
                            p.rule_ms AS rule_ms,
                            p.rule_working AS rule_working,
                            -- Which rule holds in each state, 0 for none.
                            arrayMap((open, stage, grade, priority, held) ->
                                if(open AND (held > 0 OR NOT p.on_assignment),
                                    toUInt32(arrayFirstIndex((stages, grades, priorities) ->
                                        (empty(stages) OR has(stages, stage)) AND (empty(grades) OR has(grades, grade))
                                            AND (empty(priorities) OR has(priorities, priority)),
                                        p.rule_stages, p.rule_grades, p.rule_priorities)),
                                    0),
                                s.open, s.stage, s.grade, s.priority, s.held) AS holding,
                            -- A run is a row of states that differ in nothing the clock looks at.
                            arrayMap((rule, held, opened_at) ->
                                if(rule = 0, (0, 0, 0),
                                    (rule, if(p.on_assignment, held, 0), toUnixTimestamp64Milli(opened_at))),
                                holding, s.held, s.opened_at) AS keys,
                            arrayFilter((state, key, before) -> key != before,
                                arrayMap((at, rule, open, opened_at, stage, grade, given) ->
                                    CAST((at, rule, open, opened_at, stage, grade, given) AS Tuple(
                                        at DateTime64(3, 'UTC'), rule UInt32, open Bool, opened_at DateTime64(3, 'UTC'),
                                        stage LowCardinality(String), grade LowCardinality(String),
                                        given Tuple(held Bool, at DateTime64(3, 'UTC'), owner String, team String))),
                                    s.at, holding, s.open, s.opened_at, s.stage, s.grade, s.given),
                                keys, arrayPushFront(arrayPopBack(keys), (0, 0, 0))) AS runs,
                            arrayResize(arrayMap(r -> CAST((r.at, r.open) AS Tuple(at DateTime64(3, 'UTC'), open Bool)),
                                arrayPopFront(runs)), length(runs), CAST((toDateTime64('2299-12-31 00:00:00', 3, 'UTC'),
                                true) AS Tuple(at DateTime64(3, 'UTC'), open Bool))) AS untils
                        FROM
                        (
                            SELECT
                                st.workspace AS workspace,
                                st.lead_id AS lead_id,
                                st.at AS at,
                                st.open AS open,
                                st.opened_at AS opened_at,
                                st.stage AS stage,
                                st.grade AS grade,
                                st.priority AS priority,
                                st.held AS held,
                                -- Who has the lead in each state, or else who gets it next.
                                arrayReverseFill(v -> v.1,
                                    arrayMap((at, owner, team) -> (owner != '' OR team != '', at, owner, team),
                                        st.at, st.owner, st.team)) AS given,
                                done.any_at AS any_at,
                                done.effective_at AS effective_at
                            FROM sla_states AS st
                            LEFT JOIN
                            (
                                SELECT
                                    workspace,
                                    lead_id,
                                    arraySort(groupUniqArray(occurred_at)) AS any_at,
                                    arraySort(groupUniqArrayIf(occurred_at, effective)) AS effective_at
                                FROM activities
                                GROUP BY workspace, lead_id
                            ) AS done USING (workspace, lead_id)
                        ) AS s
                        CROSS JOIN sla_policies AS p
                    )
                    ARRAY JOIN runs AS run, untils AS until
                    WHERE run.rule != 0
                        AND NOT (unless_worked AND arrayExists(v -> v >= run.opened_at AND v < run.at, any_at))
                )
                ARRAY JOIN starts AS started_at, arrayResize(mets, length(starts), NULL) AS met_at
                WHERE started_at >= valid_from AND started_at < valid_until
            ) AS c
            LEFT JOIN work_teams AS t ON c.team = t.team
        ) AS cycled
        ASOF LEFT JOIN work_calendar AS w ON cycled.calendar = w.calendar AND cycled.started_at >= w.starts_at
        LEFT JOIN
        (
            SELECT
                workspace,
                lead_id,
                calendar,
                arraySort(groupArray(CAST((from, until, from_pos, until_pos)
                    AS Tuple(from Int64, until Int64, from_pos Int64, until_pos Int64)))) AS locks
            FROM
            (
                SELECT
                    l.workspace AS workspace,
                    l.lead_id AS lead_id,
                    l.calendar AS calendar,
                    toUnixTimestamp64Milli(l.from_at) AS from,
                    if(l.goes_on, 100000000000000000, toUnixTimestamp64Milli(l.until_at)) AS until,
                    if(f.calendar = '', 0, f.before_ms + least(from, toUnixTimestamp64Milli(f.ends_at))
                        - toUnixTimestamp64Milli(f.starts_at)) AS from_pos,
                    multiIf(
                        l.goes_on, 100000000000000000,
                        u.calendar = '', 0,
                        u.before_ms + least(until, toUnixTimestamp64Milli(u.ends_at))
                            - toUnixTimestamp64Milli(u.starts_at)) AS until_pos
                FROM
                (
                    SELECT
                        st.workspace AS workspace,
                        st.lead_id AS lead_id,
                        k.calendar AS calendar,
                        from_at,
                        until_at,
                        until_at = toDateTime64('2299-12-31 00:00:00', 3, 'UTC') AS goes_on
                    FROM
                    (
                        SELECT workspace, lead_id, from_at, until_at
                        FROM sla_states
                        ARRAY JOIN at AS from_at, locked AS is_locked,
                            arrayPushBack(arrayPopFront(at), toDateTime64('2299-12-31 00:00:00', 3, 'UTC')) AS until_at
                        WHERE is_locked
                    ) AS st
                    CROSS JOIN (SELECT DISTINCT calendar FROM work_calendar) AS k
                ) AS l
                ASOF LEFT JOIN work_calendar AS f ON l.calendar = f.calendar AND l.from_at >= f.starts_at
                ASOF LEFT JOIN work_calendar AS u ON l.calendar = u.calendar AND l.until_at >= u.starts_at
            )
            GROUP BY workspace, lead_id, calendar
        ) AS paused ON cycled.workspace = paused.workspace AND cycled.lead_id = paused.lead_id
            AND cycled.calendar = paused.calendar
    ) AS timed
    ASOF LEFT JOIN work_calendar AS m ON timed.calendar = m.calendar AND timed.met_or_start >= m.starts_at
    ASOF LEFT JOIN work_calendar AS d ON timed.calendar = d.calendar AND timed.due > d.before_ms
)
WHERE NOT (drops_cancelled AND status = 'cancelled')
