-- grain: one row per person and conversion, and one per run of touches that no conversion has followed
-- by: lead
-- reads: lead_journeys, lead_facts
-- writes: attribution_paths (workspace, lead_id, conversion, conversion_no, open_for, converted_at, value, currency,
--   is_invalid, created_no, at, channel, source, medium, campaign)
--
-- The one place that says which touches belong to a conversion; what shares it out to them reads this table.
--
-- Conversions are the creation of the lead, its first mql, sql and opportunity (a stage reached again is the same lead
-- again, and counts of leads must agree with lead_facts), and every won: each is a deal of its own. To a conversion
-- belong the touches that stand before it in the order of (time, event id) and after the previous conversion of the
-- same kind, and are no older than the lookback, ends included. A creation is a moment and no event: touches of that
-- very millisecond belong to it.
--
-- A path without a conversion is kept too: channels are judged also by those whom they did not win. Its lookback counts
-- from its last touch, so that no row changes because time goes by. The touches of a person lead, until the conversion
-- is there, to all kinds that were not reached; those after the last won may lead to another one.
--
-- Direct touches are left out where that is asked for, but not of a path that has no others.
SELECT
    workspace,
    lead_id,
    CAST(path.kind AS LowCardinality(String)) AS conversion,
    path.no AS conversion_no,
    CAST(path.open_for AS Array(LowCardinality(String))) AS open_for,
    if(path.kind = '', NULL, fromUnixTimestamp64Milli(path.ended, 'UTC')) AS converted_at,
    path.value AS value,
    CAST(path.currency AS LowCardinality(String)) AS currency,
    is_invalid,
    toUInt32(if(is_lead, arrayCount(t -> t <= created, at), 0)) AS created_no,
    arrayFilter((v, k) -> k, touch_at, in_path) AS at,
    CAST(arrayFilter((v, k) -> k, touch_channel, in_path) AS Array(LowCardinality(String))) AS channel,
    CAST(arrayFilter((v, k) -> k, touch_source, in_path) AS Array(LowCardinality(String))) AS source,
    CAST(arrayFilter((v, k) -> k, touch_medium, in_path) AS Array(LowCardinality(String))) AS medium,
    CAST(arrayFilter((v, k) -> k, touch_campaign, in_path) AS Array(LowCardinality(String))) AS campaign
FROM
(
    SELECT
        workspace,
        lead_id,
        is_lead,
        is_invalid,
        created,
        path,
        touch_at,
        touch_channel,
        touch_source,
        touch_medium,
        touch_campaign,
        arrayMap((i, t) -> i > path.after AND i < path.until AND t >= path.ended - {lookback_ms:Int64},
            touch_no, touch_at) AS inside,
        if({exclude_direct:Bool} AND arrayExists((k, d) -> k AND NOT d, inside, touch_direct),
            arrayMap((k, d) -> k AND NOT d, inside, touch_direct), inside) AS in_path
    FROM
    (
        SELECT
            j.workspace AS workspace,
            j.lead_id AS lead_id,
            j.is_lead AS is_lead,
            f.is_invalid AS is_invalid,
            toUnixTimestamp64Milli(f.created_at) AS created,
            arrayFilter((i, t) -> t = 'touchpoint', arrayEnumerate(j.at), j.type) AS touch_no,
            arrayFilter((v, t) -> t = 'touchpoint', j.at, j.type) AS touch_at,
            arrayFilter((v, t) -> t = 'touchpoint', j.channel, j.type) AS touch_channel,
            arrayFilter((v, t) -> t = 'touchpoint', j.source, j.type) AS touch_source,
            arrayFilter((v, t) -> t = 'touchpoint', j.medium, j.type) AS touch_medium,
            arrayFilter((v, t) -> t = 'touchpoint', j.campaign, j.type) AS touch_campaign,
            arrayMap(c -> has({direct:Array(String)}, c), touch_channel) AS touch_direct,
            arrayFilter((i, t) -> t = 'stage', arrayEnumerate(j.at), j.type) AS stage_no,
            arrayFilter((v, t) -> t = 'stage', j.at, j.type) AS stage_at,
            arrayFilter((v, t) -> t = 'stage', j.name, j.type) AS stage_name,
            arrayFilter((v, t) -> t = 'stage', j.value, j.type) AS stage_value,
            arrayMap(p -> p['currency'], arrayFilter((p, t) -> t = 'stage', j.properties, j.type)) AS stage_currency,
            arrayFilter((i, n) -> n = 'won', stage_no, stage_name) AS won_no,
            arrayFilter(k -> NOT has(stage_name, k) AND NOT (k = 'lead' AND j.is_lead),
                ['lead', 'mql', 'sql', 'opportunity', 'won']) AS never,
            -- Each path is those touches whose index in the journey lies between after and until, not too long before
            -- ended.
            CAST(arrayConcat(
                if(j.is_lead, [('lead', 1, 0, arrayCount(t -> t <= created, j.at) + 1, created, 0, '', [])], []),
                arrayFilter(p -> p.1 = 'won' OR (p.2 = 1 AND p.1 IN ('mql', 'sql', 'opportunity')),
                    arrayMap((n, u, i, t, v, c) -> (n, u, if(n = 'won' AND u > 1, won_no[u - 1], 0), i, t, v, c, []),
                        stage_name, arrayEnumerateUniq(stage_name), stage_no, stage_at, stage_value, stage_currency)),
                if(empty(never), [], [('', 1, 0, length(j.at) + 1, touch_at[-1], 0, '', never)]),
                if(empty(won_no), [], [('', 2, won_no[-1], length(j.at) + 1, touch_at[-1], 0, '', ['won'])])
            ) AS Array(Tuple(kind String, no UInt32, after UInt32, until UInt32, ended Int64, value Float64,
                currency String, open_for Array(String)))) AS paths
        FROM lead_journeys AS j
        LEFT JOIN lead_facts AS f USING (workspace, lead_id)
    )
    ARRAY JOIN paths AS path
)
WHERE conversion != '' OR notEmpty(at)
