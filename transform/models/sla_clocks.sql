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
    WITH
    (
        -- Leads are in few kinds of states. Which rule of which clock holds for each is found out once, and looked up.
        SELECT (arrayPushBack(groupArray(id), 0), arrayPushBack(groupArray(rule), 0))
        FROM
        (
            SELECT
                bitXor(cityHash64(k.stage, k.grade, k.priority), cityHash64(p.clock, p.policy)) AS id,
                toUInt32(arrayFirstIndex((stages, grades, priorities) ->
                    (empty(stages) OR has(stages, k.stage)) AND (empty(grades) OR has(grades, k.grade))
                        AND (empty(priorities) OR has(priorities, k.priority)),
                    p.rule_stages, p.rule_grades, p.rule_priorities)) AS rule
            FROM
            (
                SELECT DISTINCT stage, grade, priority
                FROM sla_states
                ARRAY JOIN stage, grade, priority
            ) AS k
            CROSS JOIN sla_policies AS p
        )
        WHERE rule != 0
    ) AS known,
    (SELECT groupArray(cityHash64(clock, policy)) FROM sla_policies) AS ids
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
                    rules[holds] AS rule,
                    rule_ms[holds] AS duration,
                    rule_working[holds] AS working,
                    pauses_while_locked,
                    drops_cancelled,
                    stage,
                    grade,
                    given_at < until_at AS is_given,
                    CAST(if(is_given, owner_given, '') AS LowCardinality(String)) AS owner,
                    CAST(if(is_given, team_given, '') AS LowCardinality(String)) AS team,
                    started_at,
                    met_at,
                    if(met_at IS NULL AND until_at < toDateTime64('2299-12-31 00:00:00', 3, 'UTC'), until_at, NULL
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
                        holds,
                        stage,
                        grade,
                        given_at,
                        owner_given,
                        team_given,
                        until_at,
                        arrayFilter(v -> v >= run_at AND (v < until_at OR (v = until_at AND NOT until_open)),
                            if(met_by_effective, effective_at, any_at)) AS inside,
                        if(repeats, arrayPushFront(arrayFilter(v -> v > run_at AND v < until_at, inside), run_at),
                            [run_at]) AS starts,
                        CAST(if(repeats, arrayFilter(v -> v > run_at, inside), arraySlice(inside, 1, 1))
                            AS Array(Nullable(DateTime64(3, 'UTC')))) AS mets
                    FROM
                    (
                        SELECT
                            s.workspace AS workspace,
                            s.lead_id AS lead_id,
                            s.at AS at,
                            s.opened_at AS opened_at,
                            s.stage AS stages,
                            s.grade AS grades,
                            s.given_at AS givens,
                            s.given_owner AS owners,
                            s.given_team AS teams,
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
                            arrayMap((kind, held) -> if(kind != 0 AND (held > 0 OR NOT p.on_assignment),
                                transform(bitXor(kind, clock_id), known.1, known.2, toUInt32(0)), toUInt32(0)),
                                s.kinds, s.held) AS holding,
                            -- A run is a row of states that differ in nothing the clock looks at: where each begins,
                            -- and for each state the first moment after it at which its run is over.
                            arrayMap((rule, rule0, opened, opened0, held, held0) -> rule != rule0
                                    OR (rule != 0 AND (opened != opened0 OR (p.on_assignment AND held != held0))),
                                holding, arrayPushFront(arrayPopBack(holding), toUInt32(0)),
                                s.opened_at, arrayPushFront(arrayPopBack(s.opened_at), s.opened_at[1]),
                                s.held, arrayPushFront(arrayPopBack(s.held), s.held[1])) AS begins,
                            arrayPushBack(arrayPopFront(begins), true) AS ends,
                            arrayReverseFill((v, over) -> over, arrayPushBack(arrayPopFront(s.at),
                                toDateTime64('2299-12-31 00:00:00', 3, 'UTC')), ends) AS untils,
                            arrayReverseFill((v, over) -> over, arrayPushBack(arrayPopFront(s.open), true), ends
                                ) AS until_opens
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
                                st.held AS held,
                                -- What rules look at; 0 for a lead that is not open, of which no clock runs.
                                arrayMap((open, stage, grade, priority) ->
                                    if(open, cityHash64(stage, grade, priority), toUInt64(0)),
                                    st.open, st.stage, st.grade, st.priority) AS kinds,
                                -- The clocks of which a rule holds in some state: only these are looked at.
                                arrayDistinct(kinds) AS distinct_kinds,
                                arrayFilter(id -> arrayExists(
                                    k -> k != 0 AND transform(bitXor(k, id), known.1, known.2, toUInt32(0)) != 0,
                                    distinct_kinds), ids) AS clocks,
                                arrayMap((owner, team) -> owner != '' OR team != '', st.owner, st.team) AS has_it,
                                -- Who has the lead in each state, or else who gets it next; at the end of time nobody.
                                arrayReverseFill(v -> v < toDateTime64('2299-12-31 00:00:00', 3, 'UTC'),
                                    arrayMap((v, has_it) ->
                                        if(has_it, v, toDateTime64('2299-12-31 00:00:00', 3, 'UTC')),
                                        st.at, has_it)) AS given_at,
                                arrayReverseFill((v, has_it) -> has_it, st.owner, has_it) AS given_owner,
                                arrayReverseFill((v, has_it) -> has_it, st.team, has_it) AS given_team,
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
                        ARRAY JOIN s.clocks AS clock_id
                        ANY LEFT JOIN
                        (
                            SELECT
                                cityHash64(clock, policy) AS id, clock, policy, valid_from, valid_until, on_assignment,
                                met_by_effective, repeats, unless_worked, pauses_while_locked, drops_cancelled, rules,
                                rule_ms, rule_working
                            FROM sla_policies
                        ) AS p ON clock_id = p.id
                    )
                    ARRAY JOIN at AS run_at, holding AS holds, begins AS begun, opened_at AS run_opened_at,
                        stages AS stage, grades AS grade, givens AS given_at, owners AS owner_given,
                        teams AS team_given, untils AS until_at, until_opens AS until_open
                    WHERE begun AND holds != 0
                        AND NOT (unless_worked AND arrayExists(v -> v >= run_opened_at AND v < run_at, any_at))
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
