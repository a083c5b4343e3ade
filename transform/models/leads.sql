-- grain: one row per lead
-- by: lead
-- reads: lead_updates, stage_changes, assignments, activities, events
-- writes: leads (workspace, lead_id, created_at, channel, source, medium, campaign, company, contact_name, phone,
--   email, wechat, industry, region, product, owner, team, attributes, account, merged_ids)
--
-- Anything but a touch makes a lead: an update, a stage, an assignment or a follow-up may each be the first to arrive.
-- Touches and behaviours alone make none; they say where a lead came from.
--
-- Order is that of occurred_at, then of event_id, so late arrival does not change a row. The updates of a lead are few:
-- gathered into one array, latest first, they are several times cheaper than one aggregate a field. The owner is who
-- was given the lead last. An acceptance counts where it names somebody, a lock never does, and a return or a recycling
-- leaves neither owner nor team.
SELECT
    seen.workspace AS workspace,
    seen.lead_id AS lead_id,
    coalesce(known.stated_at, known.updated_at, seen.seen_at) AS created_at,
    CAST(touch.first.channel AS LowCardinality(String)) AS channel,
    CAST(if(known.source != '', known.source, touch.first.source) AS LowCardinality(String)) AS source,
    CAST(touch.first.medium AS LowCardinality(String)) AS medium,
    CAST(touch.first.campaign AS LowCardinality(String)) AS campaign,
    known.company AS company,
    known.contact_name AS contact_name,
    known.phone AS phone,
    known.email AS email,
    known.wechat AS wechat,
    CAST(known.attributes['industry'] AS LowCardinality(String)) AS industry,
    CAST(known.attributes['region'] AS LowCardinality(String)) AS region,
    CAST(known.attributes['product'] AS LowCardinality(String)) AS product,
    CAST(given.owner AS LowCardinality(String)) AS owner,
    CAST(given.team AS LowCardinality(String)) AS team,
    CAST(mapSort(known.attributes) AS Map(LowCardinality(String), String)) AS attributes,
    -- The name without what varies in how it is written: width, case, brackets, spaces and punctuation, then the legal
    -- form at its end, or in Japan in front. A branch is part of its company. What says that there is none is no name.
    -- account begins
    transform(replaceRegexpOne(
        replaceAll(replaceRegexpOne(
            trimBoth(replaceRegexpAll(lowerUTF8(normalizeUTF8NFKC(known.company)), '[^\\p{L}\\p{N}\\p{M}]+', ' ')),
            '( (incorporated|inc|corporation|corp|company|co|limited|ltd|l l c|llc|l l p|llp|l p|lp|p l c|plc|'
                || 'g m b h|gmbh|mbh|ag|kg|ohg|ug|se|s a|sa|s a s|sas|s a r l|sarl|s r l|srl|s p a|spa|b v|bv|n v|nv|'
                || 'oy|oyj|ab|a s|as|aps|pty|pte|pvt|private|sdn|bhd|k k|kk|ltda))+$', ''), ' ', ''),
        '^(?:株式会社|有限会社)?(.+?)(?:(?:(?:股份|责任|責任)?有限(?:责任|責任)?公司|股份公司|分公司|公司|(?:特殊普通|普通|有限)合伙'
            || '|株式会社|有限会社|株)+(?:.{1,12}分公司)?)?$', '\\1'),
        ['无', '暂无', '没有', '未知', '不详', '个人', '个体', '自由职业', '测试', 'test', 'na', 'none', 'null', 'nil', 'unknown'],
        ['', '', '', '', '', '', '', '', '', '', '', '', '', '', ''])
        AS account,
    merged.ids AS merged_ids
FROM
(
    SELECT workspace, lead_id, min(at) AS seen_at
    FROM
    (
        SELECT workspace, lead_id, occurred_at AS at FROM lead_updates
        UNION ALL
        SELECT workspace, lead_id, occurred_at AS at FROM stage_changes
        UNION ALL
        SELECT workspace, lead_id, occurred_at AS at FROM assignments
        UNION ALL
        SELECT workspace, lead_id, occurred_at AS at FROM activities
    )
    GROUP BY workspace, lead_id
) AS seen
LEFT JOIN
(
    SELECT
        workspace,
        lead_id,
        updated_at,
        stated_at,
        arrayFirst(v -> v != '', latest.company) AS company,
        arrayFirst(v -> v != '', latest.contact_name) AS contact_name,
        arrayFirst(v -> v != '', latest.phone) AS phone,
        arrayFirst(v -> v != '', latest.email) AS email,
        arrayFirst(v -> v != '', latest.wechat) AS wechat,
        arrayLast(v -> v != '', latest.source) AS source,
        arrayFold((newer, older) -> mapUpdate(older, newer), latest.attributes,
            CAST(map() AS Map(String, String))) AS attributes
    FROM
    (
        SELECT
            workspace,
            lead_id,
            min(toNullable(occurred_at)) AS updated_at,
            min(created_at) AS stated_at,
            arrayReverseSort(groupArray(CAST(
                (occurred_at, event_id, company, contact_name, phone, email, wechat, source,
                    mapFilter((name, value) -> value != '', attributes))
                AS Tuple(occurred_at DateTime64(3, 'UTC'), event_id String, company String, contact_name String,
                    phone String, email String, wechat String, source String, attributes Map(String, String))
            ))) AS latest
        FROM lead_updates
        GROUP BY workspace, lead_id
    )
) AS known USING (workspace, lead_id)
LEFT JOIN
(
    SELECT
        workspace,
        lead_id,
        arrayLast((name, action) -> action != 'accepted' OR name != '', actions.owner, actions.action) AS owner,
        arrayLast((name, action) -> action != 'accepted' OR name != '', actions.team, actions.action) AS team
    FROM
    (
        SELECT
            workspace,
            lead_id,
            arraySort(groupArrayIf(CAST((occurred_at, event_id, action,
                    if(action IN ('returned', 'recycled'), '', owner), if(action IN ('returned', 'recycled'), '', team))
                AS Tuple(at DateTime64(3, 'UTC'), id String, action String, owner String, team String)),
                action != 'locked')) AS actions
        FROM assignments
        GROUP BY workspace, lead_id
    )
) AS given USING (workspace, lead_id)
LEFT JOIN
(
    SELECT
        workspace,
        lead_id,
        arrayMin(groupArray(CAST((occurred_at, event_id, channel, source, medium, campaign)
            AS Tuple(at DateTime64(3, 'UTC'), id String, channel String, source String, medium String,
                campaign String)))) AS first
    FROM events
    WHERE type = 'touchpoint'
    GROUP BY workspace, lead_id
) AS touch USING (workspace, lead_id)
LEFT JOIN
(
    SELECT workspace, lead_id, arraySort(groupUniqArray(source_lead_id)) AS ids
    FROM
    (
        SELECT workspace, lead_id, source_lead_id FROM lead_updates
        UNION ALL
        SELECT workspace, lead_id, source_lead_id FROM stage_changes
        UNION ALL
        SELECT workspace, lead_id, source_lead_id FROM assignments
        UNION ALL
        SELECT workspace, lead_id, source_lead_id FROM activities
        UNION ALL
        SELECT workspace, lead_id, source_lead_id FROM events
    )
    WHERE source_lead_id NOT IN ('', lead_id)
    GROUP BY workspace, lead_id
) AS merged USING (workspace, lead_id)
