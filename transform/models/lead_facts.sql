-- grain: one row per lead
-- by: lead
-- reads: leads, lead_updates, stage_changes, assignments, activities, events, grade_changes
-- writes: lead_facts (workspace, lead_id, created_at, first_touch_at, last_touch_at, touches, behaviors, stage,
--   stage_at, mql_at, sql_at, opportunity_at, won_at, lost_at, recycled_at, invalid_at, is_invalid, won_amount,
--   won_currency, lost_reason, assigned_at, accepted_at, assignments, first_activity_at, first_effective_at,
--   activities, effective_activities, effective_activities_30d, response_seconds, response_from_creation_seconds,
--   followed_up_24h, days_to_won, flags, last_channel, last_source, last_medium, last_campaign, last_behavior_at,
--   stages, stages_at, stage_entries, new_last_at, mql_last_at, sql_last_at, opportunity_last_at, won_last_at,
--   lost_last_at, recycled_last_at, invalid_last_at, reopens, reopened_at, regressions, regressed_at, owner, team,
--   owners, owner_teams, owned_from, owned_until, owner_changes, owner_mkt, owner_sales, returns, methods,
--   last_activity_at, last_effective_at, valid_lead, complete_activities, record_completeness, base_completeness,
--   next_action, next_at, next_overdue, purchase_intent_at, budget_given_at, demo_requested_at, contract_asked_at,
--   referred_at, conversion_conditions, conversion_ready, conversion_ready_at, invalid_reason, exclusion_reasons,
--   recycles, last_recycle_at, reactivations, reactivated_at, grade_a_at, days_to_grade_a, changes_at)
--
-- What happened to each lead, so that funnels, response times and rates need no events. Each history is read once and
-- shrinks to a row a lead before it is joined; where a rule needs an order, its rows are gathered into one array and
-- sorted by time, then event id.
--
-- A stage is reached when a change says so: sql does not imply mql, and a lead without any change is new since
-- nothing. A change that repeats the stage before it enters nothing. A lead may be won twice; time, amount and currency
-- are those of the first, as time and reason of lost are. A move back on the way new < mql < sql < opportunity < won is
-- a regression. A lead that was won, lost, recycled or invalid and then is mql or more again was re-opened; new is no
-- step forward, for many a CRM says it of a lead in the pool.
--
-- The response clock starts at the first assignment and is stopped by the first effective activity at or after it;
-- one from before says nothing about the answer to the assignment. A day is 24 h and a window half-open: an activity
-- 24 h after creation is late, one before creation is not.
--
-- An owner holds a lead until it is given to another or goes back; owner, team, from and until of each holding stand in
-- four arrays. Of the two owners of a lead, the one in marketing and the one in sales, the lead's attributes owner_mkt
-- and owner_sales say who they are; where they do not, it is who last held it in a team whose name says marketing or
-- sales. A lead is recycled by its stage or by an assignment's action, which often come together: what follows a
-- recycling without a reactivation between is the same one. It is reactivated when it is mql or more again, or given to
-- an owner.
--
-- A record of a follow-up is complete when it says by whom and how it was made, what came of it and what comes next,
-- and how long it took where somebody was spoken to. What was promised last is overdue once its time has come, unless
-- the lead has ended: a later follow-up replaces the promise.
--
-- A condition of conversion holds from when it was first shown: by a behaviour, by the outcome of a follow-up or by an
-- attribute that says anything but no. Names are compared in lower case, with _ for blanks and hyphens. Said once, it
-- is said: a later no takes nothing back. What excludes a lead is read from what is known of it now; the mask of a
-- phone number or an e-mail address that is none begins with a question mark.
SELECT
    l.workspace AS workspace,
    l.lead_id AS lead_id,
    l.created_at AS created_at,
    seen.first_touch_at AS first_touch_at,
    seen.last_touch_at AS last_touch_at,
    toUInt32(seen.touches) AS touches,
    toUInt32(seen.behaviors) AS behaviors,
    CAST(if(moved.latest.stage = '', 'new', moved.latest.stage) AS LowCardinality(String)) AS stage,
    moved.stage_at AS stage_at,
    arrayElementOrNull(moved.entered.at, indexOf(moved.entered.stage, 'mql')) AS mql_at,
    arrayElementOrNull(moved.entered.at, indexOf(moved.entered.stage, 'sql')) AS sql_at,
    arrayElementOrNull(moved.entered.at, indexOf(moved.entered.stage, 'opportunity')) AS opportunity_at,
    arrayElementOrNull(moved.entered.at, indexOf(moved.entered.stage, 'won')) AS won_at,
    arrayElementOrNull(moved.entered.at, indexOf(moved.entered.stage, 'lost')) AS lost_at,
    arrayElementOrNull(moved.entered.at, indexOf(moved.entered.stage, 'recycled')) AS recycled_at,
    arrayElementOrNull(moved.entered.at, indexOf(moved.entered.stage, 'invalid')) AS invalid_at,
    toBool(moved.latest.stage = 'invalid') AS is_invalid,
    moved.entered.amount[indexOf(moved.entered.stage, 'won')] AS won_amount,
    CAST(moved.entered.currency[indexOf(moved.entered.stage, 'won')] AS LowCardinality(String)) AS won_currency,
    CAST(moved.entered.reason[indexOf(moved.entered.stage, 'lost')] AS LowCardinality(String)) AS lost_reason,
    given.assigned_at AS assigned_at,
    given.accepted_at AS accepted_at,
    toUInt32(given.assignments) AS assignments,
    worked.first_activity_at AS first_activity_at,
    arrayElementOrNull(worked.effective_at, 1) AS first_effective_at,
    toUInt32(worked.activities) AS activities,
    toUInt32(length(worked.effective_at)) AS effective_activities,
    toUInt32(arrayCount(at -> at >= l.created_at AND at < l.created_at + INTERVAL 30 DAY, worked.effective_at))
        AS effective_activities_30d,
    dateDiff('millisecond', given.assigned_at, arrayFirstOrNull(at -> at >= given.assigned_at, worked.effective_at))
        / 1000 AS response_seconds,
    dateDiff('millisecond', l.created_at, first_effective_at) / 1000 AS response_from_creation_seconds,
    multiIf(
        worked.first_activity_at < l.created_at + INTERVAL 24 HOUR, true,
        {as_of:DateTime64(3, 'UTC')} < l.created_at + INTERVAL 24 HOUR, NULL,
        false) AS followed_up_24h,
    dateDiff('millisecond', l.created_at, won_at) / 86400000 AS days_to_won,
    CAST(arrayFilter(flag -> flag != '', [
        if(seen.any_clamped OR stated.any_clamped OR moved.any_clamped OR given.any_clamped OR worked.any_clamped,
            'clamped_time', ''),
        if(won_at < l.created_at, 'won_before_created', '')]) AS Array(LowCardinality(String))) AS flags,

    CAST(seen.last.channel AS LowCardinality(String)) AS last_channel,
    CAST(seen.last.source AS LowCardinality(String)) AS last_source,
    CAST(seen.last.medium AS LowCardinality(String)) AS last_medium,
    CAST(seen.last.campaign AS LowCardinality(String)) AS last_campaign,
    seen.last_behavior_at AS last_behavior_at,

    CAST(moved.entered.stage AS Array(LowCardinality(String))) AS stages,
    moved.entered.at AS stages_at,
    CAST(arrayMap(s -> (s, countEqual(moved.entered.stage, s)), arraySort(arrayDistinct(moved.entered.stage)))
        AS Map(LowCardinality(String), UInt32)) AS stage_entries,
    arrayLastOrNull((at, s) -> s = 'new', moved.entered.at, moved.entered.stage) AS new_last_at,
    arrayLastOrNull((at, s) -> s = 'mql', moved.entered.at, moved.entered.stage) AS mql_last_at,
    arrayLastOrNull((at, s) -> s = 'sql', moved.entered.at, moved.entered.stage) AS sql_last_at,
    arrayLastOrNull((at, s) -> s = 'opportunity', moved.entered.at, moved.entered.stage) AS opportunity_last_at,
    arrayLastOrNull((at, s) -> s = 'won', moved.entered.at, moved.entered.stage) AS won_last_at,
    arrayLastOrNull((at, s) -> s = 'lost', moved.entered.at, moved.entered.stage) AS lost_last_at,
    arrayLastOrNull((at, s) -> s = 'recycled', moved.entered.at, moved.entered.stage) AS recycled_last_at,
    arrayLastOrNull((at, s) -> s = 'invalid', moved.entered.at, moved.entered.stage) AS invalid_last_at,
    toUInt32(length(moved.reopened_at)) AS reopens,
    arrayElementOrNull(moved.reopened_at, -1) AS reopened_at,
    toUInt32(length(moved.regressed_at)) AS regressions,
    arrayElementOrNull(moved.regressed_at, -1) AS regressed_at,

    l.owner AS owner,
    l.team AS team,
    CAST(given.held.owner AS Array(LowCardinality(String))) AS owners,
    CAST(given.held.team AS Array(LowCardinality(String))) AS owner_teams,
    given.held.since AS owned_from,
    given.held.until AS owned_until,
    toUInt32(greatest(length(arrayCompact(arrayFilter(o -> o != '', given.held.owner))), 1) - 1) AS owner_changes,
    CAST(if(l.attributes['owner_mkt'] != '', l.attributes['owner_mkt'], arrayLast((o, role) -> o != ''
        AND role = 'marketing', given.held.owner, given.held.role)) AS LowCardinality(String)) AS owner_mkt,
    CAST(if(l.attributes['owner_sales'] != '', l.attributes['owner_sales'], arrayLast((o, role) -> o != ''
        AND role = 'sales', given.held.owner, given.held.role)) AS LowCardinality(String)) AS owner_sales,
    toUInt32(given.returns) AS returns,

    CAST(arrayMap(m -> (m, countEqual(worked.methods, m)), arraySort(arrayDistinct(worked.methods)))
        AS Map(LowCardinality(String), UInt32)) AS methods,
    worked.last_activity_at AS last_activity_at,
    arrayElementOrNull(worked.effective_at, -1) AS last_effective_at,
    toBool(effective_activities_30d >= 3) AS valid_lead,
    toUInt32(worked.complete) AS complete_activities,
    if(worked.activities = 0, NULL, worked.complete / worked.activities) AS record_completeness,
    ((l.company != '') + (l.contact_name != '') + (l.phone != '') + (l.email != '') + (l.region != '')) / 5
        AS base_completeness,
    worked.latest.next_action AS next_action,
    worked.latest.next_at AS next_at,
    toBool(ifNull(next_at <= {as_of:DateTime64(3, 'UTC')} AND stage NOT IN ('won', 'lost', 'recycled', 'invalid'),
        false)) AS next_overdue,

    shown.purchase_intent_at AS purchase_intent_at,
    shown.budget_given_at AS budget_given_at,
    shown.demo_requested_at AS demo_requested_at,
    shown.contract_asked_at AS contract_asked_at,
    shown.referred_at AS referred_at,
    toUInt8(length(shown.times)) AS conversion_conditions,
    toBool(length(shown.times) >= 3) AS conversion_ready,
    shown.times[3] AS conversion_ready_at,

    CAST(if(is_invalid, moved.latest.reason, '') AS LowCardinality(String)) AS invalid_reason,
    CAST(arraySort(arrayDistinct(arrayFilter(reason -> reason != '', arrayConcat(
        [if(is_invalid, 'invalid_stage', ''),
        if(startsWith(l.phone, '?'), 'phone_invalid', ''),
        if(startsWith(l.email, '?'), 'email_invalid', ''),
        transform(lower(invalid_reason),
            ['dead_phone', 'phone_invalid', 'invalid_phone', '空号', '停机', '电话无效',
                'email_invalid', 'invalid_email', '邮箱无效',
                'fake', 'false_data', 'spam', '信息虚假', '虚假信息',
                'need_mismatch', '需求不符', '需求不匹配',
                'budget_far_below_min', 'budget_too_low', '预算过低', '预算远低于门槛'],
            ['phone_invalid', 'phone_invalid', 'phone_invalid', 'phone_invalid', 'phone_invalid', 'phone_invalid',
                'email_invalid', 'email_invalid', 'email_invalid',
                'false_data', 'false_data', 'false_data', 'false_data', 'false_data',
                'need_mismatch', 'need_mismatch', 'need_mismatch',
                'budget_far_below_min', 'budget_far_below_min', 'budget_far_below_min', 'budget_far_below_min'], '')],
        arrayMap((name, said) -> transform(concat(lower(name), '=', multiIf(
                lower(said) IN ('false', 'no', 'n', '0', 'f', 'off', '否', '无', '没有', '不', '未'), 'no',
                lower(said) IN ('true', 'yes', 'y', '1', 't', 'on', '是', '有', '对'), 'yes',
                lower(said))),
            ['phone_valid=no', '电话有效=no', 'phone_status=invalid', 'phone_status=dead', '电话状态=空号', '电话状态=停机',
                'email_valid=no', '邮箱有效=no', 'email_bounced=yes', 'email_status=invalid', 'email_status=bounced',
                'fake_suspect=yes', 'is_fake=yes', '虚假嫌疑=yes',
                'need_mismatch=yes', '需求不符=yes',
                'budget_far_below_min=yes', '预算远低于门槛=yes', 'budget_match=far_below'],
            ['phone_invalid', 'phone_invalid', 'phone_invalid', 'phone_invalid', 'phone_invalid', 'phone_invalid',
                'email_invalid', 'email_invalid', 'email_invalid', 'email_invalid', 'email_invalid',
                'false_data', 'false_data', 'false_data',
                'need_mismatch', 'need_mismatch',
                'budget_far_below_min', 'budget_far_below_min', 'budget_far_below_min'], ''),
            mapKeys(told), mapValues(mapFilter((name, said) -> lower(name) IN ('phone_valid', '电话有效', 'phone_status',
                '电话状态', 'email_valid', '邮箱有效', 'email_bounced', 'email_status', 'fake_suspect', 'is_fake', '虚假嫌疑',
                'need_mismatch', '需求不符', 'budget_far_below_min', '预算远低于门槛', 'budget_match'), l.attributes) AS told))
        )))) AS Array(LowCardinality(String)))
        AS exclusion_reasons,

    toUInt32(arrayCount((back, before) -> back AND NOT before,
        (arraySort(if(moved.ever_recycled OR given.ever_recycled, arrayConcat(moved.turns, given.turns), []))
            AS turns).back,
        arrayPopBack(arrayPushFront(turns.back, false)) AS back_before)) AS recycles,
    arrayLastOrNull((at, back, before) -> back AND NOT before, turns.at, turns.back, back_before) AS last_recycle_at,
    toUInt32(arrayCount((back, before) -> before AND NOT back, turns.back, back_before)) AS reactivations,
    arrayLastOrNull((at, back, before) -> before AND NOT back, turns.at, turns.back, back_before) AS reactivated_at,
    graded.a_at AS grade_a_at,
    dateDiff('millisecond', l.created_at, graded.a_at) / 86400000 AS days_to_grade_a,
    least(
        if(followed_up_24h IS NULL, l.created_at + INTERVAL 24 HOUR, NULL),
        if(next_at > {as_of:DateTime64(3, 'UTC')} AND stage NOT IN ('won', 'lost', 'recycled', 'invalid'),
            next_at, NULL)) AS changes_at
FROM leads AS l
LEFT JOIN
(
    SELECT
        workspace,
        lead_id,
        if(empty(touched), NULL, arrayMin(touched.at)) AS first_touch_at,
        if(empty(touched), NULL, last.at) AS last_touch_at,
        arrayMax(touched) AS last,
        length(touched) AS touches,
        behaviors,
        last_behavior_at,
        any_clamped
    FROM
    (
        SELECT
            workspace,
            lead_id,
            groupArrayIf(CAST((occurred_at, event_id, channel, source, medium, campaign)
                AS Tuple(at DateTime64(3, 'UTC'), id String, channel String, source String, medium String,
                    campaign String)), type = 'touchpoint') AS touched,
            countIf(type = 'behavior') AS behaviors,
            maxOrNullIf(occurred_at, type = 'behavior') AS last_behavior_at,
            max(clamped) AS any_clamped
        FROM events
        GROUP BY workspace, lead_id
    )
) AS seen USING (workspace, lead_id)
LEFT JOIN
(
    SELECT
        workspace,
        lead_id,
        changes[-1] AS latest,
        arrayElementOrNull(changes.at, -1) AS stage_at,
        arrayFilter((change, before) -> change.stage != before,
            changes, arrayPopBack(arrayPushFront(changes.stage, ''))) AS entered,
        arrayFilter((at, way, before) -> way > 0 AND way < before,
            entered.at, entered.way, arrayPopBack(arrayPushFront(entered.way, 0))) AS regressed_at,
        arrayFilter((at, way, before) -> way > 1 AND before IN ('won', 'lost', 'recycled', 'invalid'),
            (arrayFilter(change -> change.stage != 'new', entered) AS steps).at, steps.way,
            arrayPopBack(arrayPushFront(steps.stage, ''))) AS reopened_at,
        has(changes.stage, 'recycled') AS ever_recycled,
        arrayMap(change -> CAST((change.at, change.id, change.stage = 'recycled')
                AS Tuple(at DateTime64(3, 'UTC'), id String, back Bool)),
            arrayFilter(change -> change.way > 1 OR change.stage = 'recycled', changes)) AS turns,
        any_clamped
    FROM
    (
        SELECT
            workspace,
            lead_id,
            arraySort(groupArray(CAST((occurred_at, event_id, stage,
                    transform(stage, ['new', 'mql', 'sql', 'opportunity', 'won'], [1, 2, 3, 4, 5], 0),
                    amount, currency, reason)
                AS Tuple(at DateTime64(3, 'UTC'), id String, stage String, way UInt8, amount Float64, currency String,
                    reason String)))) AS changes,
            max(clamped) AS any_clamped
        FROM stage_changes
        GROUP BY workspace, lead_id
    )
) AS moved USING (workspace, lead_id)
LEFT JOIN
(
    SELECT
        workspace,
        lead_id,
        assigned_at,
        accepted_at,
        assignments,
        returns,
        arrayZip(
            arrayFill((o, action) -> action != 'accepted' OR o != '', actions.owner, actions.action),
            arrayFill((t, action) -> action != 'accepted' OR t != '', actions.team, actions.action)) AS holders,
        arrayPopBack(arrayPushFront(holders, ('', ''))) AS before,
        arrayFilter((at, holder, held_before) -> holder != held_before, actions.at, holders, before) AS starts,
        arrayFilter(holding -> (holding.owner, holding.team) != ('', ''), arrayMap((holder, since, until) ->
                CAST((holder.1, holder.2, since, until, multiIf(
                        multiSearchAny(lower(holder.2), ['marketing', 'mkt', '市场'])
                            = multiSearchAny(lower(holder.2), ['sales', '销售']), '',
                        multiSearchAny(lower(holder.2), ['sales', '销售']), 'sales',
                        'marketing'))
                    AS Tuple(owner String, team String, since DateTime64(3, 'UTC'),
                        until Nullable(DateTime64(3, 'UTC')), role String)),
            arrayFilter((holder, held_before) -> holder != held_before, holders, before),
            starts,
            arrayResize(arrayPopFront(CAST(starts AS Array(Nullable(DateTime64(3, 'UTC'))))), length(starts)))) AS held,
        has(actions.action, 'recycled') AS ever_recycled,
        arrayMap(turn -> CAST((turn.at, turn.id, turn.action = 'recycled')
                AS Tuple(at DateTime64(3, 'UTC'), id String, back Bool)),
            arrayFilter(turn -> turn.action IN ('assigned', 'recycled')
                OR (turn.action = 'accepted' AND turn.owner != ''), actions)) AS turns,
        any_clamped
    FROM
    (
        SELECT
            workspace,
            lead_id,
            minOrNullIf(occurred_at, action = 'assigned') AS assigned_at,
            minOrNullIf(occurred_at, action = 'accepted') AS accepted_at,
            countIf(action = 'assigned') AS assignments,
            countIf(action = 'returned') AS returns,
            arraySort(groupArrayIf(CAST((occurred_at, event_id, action,
                    if(action IN ('returned', 'recycled'), '', owner), if(action IN ('returned', 'recycled'), '', team))
                AS Tuple(at DateTime64(3, 'UTC'), id String, action String, owner String, team String)),
                action != 'locked')) AS actions,
            max(clamped) AS any_clamped
        FROM assignments
        GROUP BY workspace, lead_id
    )
) AS given USING (workspace, lead_id)
LEFT JOIN
(
    SELECT
        workspace,
        lead_id,
        toNullable(arrayMin(records.at)) AS first_activity_at,
        toNullable(latest.at) AS last_activity_at,
        arrayMax(records) AS latest,
        arraySort(arrayFilter((at, effective) -> effective, records.at, records.effective)) AS effective_at,
        length(records) AS activities,
        records.method AS methods,
        complete,
        any_clamped
    FROM
    (
        SELECT
            workspace,
            lead_id,
            groupArray(CAST((occurred_at, event_id, effective, method, next_action, next_at)
                AS Tuple(at DateTime64(3, 'UTC'), id String, effective Bool, method String, next_action String,
                    next_at Nullable(DateTime64(3, 'UTC'))))) AS records,
            countIf(owner != '' AND method != '' AND outcome != '' AND (next_action != '' OR next_at IS NOT NULL)
                AND (duration_s > 0 OR NOT effective OR lower(method) IN ('email', 'wechat', 'wecom', 'sms', 'message',
                    'chat', '邮件', '微信', '企业微信', '短信'))) AS complete,
            max(clamped) AS any_clamped
        FROM activities
        GROUP BY workspace, lead_id
    )
) AS worked USING (workspace, lead_id)
LEFT JOIN
(
    SELECT workspace, lead_id, max(clamped) AS any_clamped
    FROM lead_updates
    WHERE clamped
    GROUP BY workspace, lead_id
) AS stated USING (workspace, lead_id)
LEFT JOIN
(
    SELECT
        workspace,
        lead_id,
        minOrNullIf(at, condition = 1) AS purchase_intent_at,
        minOrNullIf(at, condition = 2) AS budget_given_at,
        minOrNullIf(at, condition = 3) AS demo_requested_at,
        minOrNullIf(at, condition = 4) AS contract_asked_at,
        minOrNullIf(at, condition = 5) AS referred_at,
        arraySort(arrayFilter(at -> at IS NOT NULL, [purchase_intent_at, budget_given_at, demo_requested_at,
            contract_asked_at, referred_at])) AS times
    FROM
    (
        SELECT workspace, lead_id, at, transform(translate(lower(sign), ' -', '__'),
            ['intent=quote', 'intent=interested', 'intent=high', 'intent=strong', 'intent=medium', 'intent=yes',
                'intent=true', 'intent=1', 'intent=要求报价', 'intent=有意向', 'intent=高', 'intent=强', 'intent=中',
                'intent=是', 'intent=有', 'quote_request', 'request_quote', 'quote_requested', '要求报价', '询价',
                'intent_confirmed', '明确意向',
                'budget', 'budget_amount', 'budget_band', 'budget_range', '预算', '预算金额', '预算范围', '预算区间',
                'budget_confirmed', '确认预算',
                'demo_request', 'request_demo', 'demo_requested', '申请演示', '预约演示', 'demo_done', '演示完成', '已演示',
                'contract_inquiry', 'ask_contract', 'asks_contract', '询问合同', 'contract_discussed', '谈合同',
                'refer', 'refers_others', 'referral_made', '推荐他人', '转介绍'],
            [1, 1, 1, 1, 1, 1,
                1, 1, 1, 1, 1, 1, 1,
                1, 1, 1, 1, 1, 1, 1,
                1, 1,
                2, 2, 2, 2, 2, 2, 2, 2,
                2, 2,
                3, 3, 3, 3, 3, 3, 3, 3,
                4, 4, 4, 4, 4, 4,
                5, 5, 5, 5, 5], 0) AS condition
        FROM
        (
            SELECT workspace, lead_id, occurred_at AS at, CAST(name AS String) AS sign
            FROM events
            WHERE type = 'behavior'
            UNION ALL
            SELECT workspace, lead_id, occurred_at AS at, CAST(outcome AS String) AS sign
            FROM activities
            UNION ALL
            SELECT workspace, lead_id, at, if(lower(stated.1) IN ('cooperation_intent', 'purchase_intent', 'intent',
                '合作意向', '购买意向', '购买意愿'), concat('intent=', stated.2), stated.1) AS sign
            FROM
            (
                SELECT workspace, lead_id, occurred_at AS at,
                    arrayJoin(CAST(attributes AS Array(Tuple(String, String)))) AS stated
                FROM lead_updates
            )
            WHERE lower(stated.2) NOT IN ('', '0', 'false', 'no', 'n', 'f', 'off', 'none', 'null', 'unknown', '否', '无',
                '没有', '不', '未', '未知')
        )
        WHERE condition != 0
    )
    GROUP BY workspace, lead_id
) AS shown USING (workspace, lead_id)
LEFT JOIN
(
    SELECT workspace, lead_id, minOrNullIf(occurred_at, grade = 'A') AS a_at
    FROM grade_changes
    GROUP BY workspace, lead_id
) AS graded USING (workspace, lead_id)
