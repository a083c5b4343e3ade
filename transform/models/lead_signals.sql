-- grain: one row per person, signal and business day
-- by: lead
-- reads: events, activities
-- writes: lead_signals (workspace, lead_id, signal, day, n, sum, first_at, last_at)
--
-- What scores by behaviour are computed from, for any moment and any model: no points, no decay, only what was counted.
-- Rules refer to a signal by its name, so the names are a contract:
--
--   NAME                        a behaviour, as page_view; sum is of its values
--   NAME:PAGE_GROUP             the same on pages of that group, as page_view:pricing; it is counted under NAME too
--   touch:KIND                  a touch, as touch:click
--   activity:METHOD             a follow-up, as activity:call; sum is of its seconds
--   activity:METHOD:effective   the same where the person was reached; it is counted under activity:METHOD too
--
-- Names are taken as sent. A colon is not set apart: a behaviour that is called touch:click counts as that touch.
--
-- Values are added in the order of their size, for the sum of floats depends on the order. Most events have none.
SELECT
    given.workspace AS workspace,
    given.lead_id AS lead_id,
    CAST(given.signal AS LowCardinality(String)) AS signal,
    toDate32(given.occurred_at, {tz:String}) AS day,
    toUInt32(count()) AS n,
    arraySum(arraySort(groupArrayIf(given.value, given.value != 0))) AS sum,
    min(given.occurred_at) AS first_at,
    max(given.occurred_at) AS last_at
FROM
(
    SELECT
        workspace,
        lead_id,
        occurred_at,
        value,
        arrayJoin(multiIf(
            type = 'touchpoint', [concat('touch:', name)],
            page_group = '', [CAST(name AS String)],
            [CAST(name AS String), concat(name, ':', page_group)])) AS signal
    FROM events
    UNION ALL
    SELECT
        workspace,
        lead_id,
        occurred_at,
        duration_s,
        arrayJoin(if(effective,
            [concat('activity:', method), concat('activity:', method, ':effective')],
            [concat('activity:', method)]))
    FROM activities
) AS given
GROUP BY workspace, lead_id, signal, day
