-- grain: one row per lead
-- by: lead
-- reads: leads, lead_updates, stage_changes, assignments, activities, events
-- writes: lead_facts (workspace, lead_id, created_at, first_touch_at, last_touch_at, touches, behaviors, stage,
--   stage_at, mql_at, sql_at, opportunity_at, won_at, lost_at, recycled_at, invalid_at, is_invalid, won_amount,
--   won_currency, lost_reason, assigned_at, accepted_at, assignments, first_activity_at, first_effective_at,
--   activities, effective_activities, effective_activities_30d, response_seconds, response_from_creation_seconds,
--   followed_up_24h, days_to_won, flags,
--   changes_at)
--
-- What happened to each lead up to as_of, so that funnels, response times and rates need no raw rows. Each raw table
-- is read once, in its sort order, and shrinks to a row a lead before it is joined.
--
-- A stage is reached when a change says so: sql does not imply mql, and a lead without any change is new since
-- nothing. A lead may be won twice; time, amount and currency are those of the first, as time and reason of lost are.
-- The response clock starts at the first assignment and is stopped by the first effective activity at or after it;
-- one from before says nothing about the answer to the assignment. A day is 24 h and a window half-open: an activity
-- 24 h after creation is late, one before creation is not. Event ids are counted as 64-bit hashes, twice as fast as
-- text; two of the few hundred ids of one lead do not collide.
SELECT
    l.workspace AS workspace,
    l.lead_id AS lead_id,
    l.created_at AS created_at,
    seen.first_touch_at AS first_touch_at,
    seen.last_touch_at AS last_touch_at,
    toUInt32(seen.touches) AS touches,
    toUInt32(seen.behaviors) AS behaviors,
    CAST(if(moved.latest.stage != '', moved.latest.stage, 'new') AS LowCardinality(String)) AS stage,
    moved.stage_at AS stage_at,
    moved.mql_at AS mql_at,
    moved.sql_at AS sql_at,
    moved.opportunity_at AS opportunity_at,
    moved.won_at AS won_at,
    moved.lost_at AS lost_at,
    moved.recycled_at AS recycled_at,
    moved.invalid_at AS invalid_at,
    toBool(moved.latest.stage = 'invalid') AS is_invalid,
    moved.first_won.amount AS won_amount,
    CAST(moved.first_won.currency AS LowCardinality(String)) AS won_currency,
    CAST(moved.first_lost.reason AS LowCardinality(String)) AS lost_reason,
    given.assigned_at AS assigned_at,
    given.accepted_at AS accepted_at,
    toUInt32(given.assignments) AS assignments,
    worked.first_activity_at AS first_activity_at,
    worked.first_effective_at AS first_effective_at,
    toUInt32(worked.activities) AS activities,
    toUInt32(worked.effective_activities) AS effective_activities,
    toUInt32(arrayUniq(arrayFilter((id, at) -> at >= created_at AND at < created_at + INTERVAL 30 DAY,
        worked.reached.id, worked.reached.at))) AS effective_activities_30d,
    if(arrayExists(at -> at >= given.assigned_at, worked.reached.at),
        dateDiff('millisecond', given.assigned_at,
            arrayMin(arrayFilter(at -> at >= given.assigned_at, worked.reached.at))) / 1000,
        NULL) AS response_seconds,
    dateDiff('millisecond', l.created_at, worked.first_effective_at) / 1000 AS response_from_creation_seconds,
    multiIf(
        worked.first_activity_at < l.created_at + INTERVAL 24 HOUR, true,
        {as_of:DateTime64(3, 'UTC')} < l.created_at + INTERVAL 24 HOUR, NULL,
        false) AS followed_up_24h,
    dateDiff('millisecond', l.created_at, moved.won_at) / 86400000 AS days_to_won,
    CAST(arrayFilter(flag -> flag != '', [
        if(seen.any_clamped OR stated.any_clamped OR moved.any_clamped OR given.any_clamped OR worked.any_clamped,
            'clamped_time', ''),
        if(moved.won_at < l.created_at, 'won_before_created', '')]) AS Array(LowCardinality(String))) AS flags,
    if(followed_up_24h IS NULL, l.created_at + INTERVAL 24 HOUR, NULL) AS changes_at
FROM leads AS l
LEFT JOIN
(
    SELECT
        workspace,
        lead_id,
        minOrNullIf(occurred_at, type = 'touchpoint') AS first_touch_at,
        maxOrNullIf(occurred_at, type = 'touchpoint') AS last_touch_at,
        uniqExactIf(cityHash64(event_id), type = 'touchpoint') AS touches,
        uniqExactIf(cityHash64(event_id), type = 'behavior') AS behaviors,
        max(clamped) AS any_clamped
    FROM events
    WHERE lead_id != '' AND occurred_at <= {as_of:DateTime64(3, 'UTC')}
    GROUP BY workspace, lead_id
) AS seen USING (workspace, lead_id)
LEFT JOIN
(
    SELECT
        workspace,
        lead_id,
        max(CAST((occurred_at, event_id, stage)
            AS Tuple(at DateTime64(3, 'UTC'), id String, stage String))) AS latest,
        toNullable(latest.at) AS stage_at,
        minOrNullIf(occurred_at, stage = 'mql') AS mql_at,
        minOrNullIf(occurred_at, stage = 'sql') AS sql_at,
        minOrNullIf(occurred_at, stage = 'opportunity') AS opportunity_at,
        minOrNullIf(occurred_at, stage = 'won') AS won_at,
        minOrNullIf(occurred_at, stage = 'lost') AS lost_at,
        minOrNullIf(occurred_at, stage = 'recycled') AS recycled_at,
        minOrNullIf(occurred_at, stage = 'invalid') AS invalid_at,
        minIf(CAST((occurred_at, event_id, amount, currency)
            AS Tuple(at DateTime64(3, 'UTC'), id String, amount Float64, currency String)), stage = 'won') AS first_won,
        minIf(CAST((occurred_at, event_id, reason)
            AS Tuple(at DateTime64(3, 'UTC'), id String, reason String)), stage = 'lost') AS first_lost,
        max(clamped) AS any_clamped
    FROM stage_changes
    WHERE lead_id != '' AND occurred_at <= {as_of:DateTime64(3, 'UTC')}
    GROUP BY workspace, lead_id
) AS moved USING (workspace, lead_id)
LEFT JOIN
(
    SELECT
        workspace,
        lead_id,
        minOrNullIf(occurred_at, action = 'assigned') AS assigned_at,
        minOrNullIf(occurred_at, action = 'accepted') AS accepted_at,
        uniqExactIf(cityHash64(event_id), action = 'assigned') AS assignments,
        max(clamped) AS any_clamped
    FROM assignments
    WHERE lead_id != '' AND occurred_at <= {as_of:DateTime64(3, 'UTC')}
    GROUP BY workspace, lead_id
) AS given USING (workspace, lead_id)
LEFT JOIN
(
    SELECT
        workspace,
        lead_id,
        minOrNull(occurred_at) AS first_activity_at,
        minOrNullIf(occurred_at, effective) AS first_effective_at,
        uniqExact(cityHash64(event_id)) AS activities,
        uniqExactIf(cityHash64(event_id), effective) AS effective_activities,
        groupArrayIf(CAST((cityHash64(event_id), occurred_at) AS Tuple(id UInt64, at DateTime64(3, 'UTC'))),
            effective) AS reached,
        max(clamped) AS any_clamped
    FROM activities
    WHERE lead_id != '' AND occurred_at <= {as_of:DateTime64(3, 'UTC')}
    GROUP BY workspace, lead_id
) AS worked USING (workspace, lead_id)
LEFT JOIN
(
    SELECT workspace, lead_id, max(clamped) AS any_clamped
    FROM lead_updates
    WHERE lead_id != '' AND occurred_at <= {as_of:DateTime64(3, 'UTC')} AND clamped
    GROUP BY workspace, lead_id
) AS stated USING (workspace, lead_id)
