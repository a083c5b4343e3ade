-- grain: one row per day, channel, campaign and currency
-- by: table
-- reads: leads, lead_facts, costs
-- writes: channel_daily (workspace, date, channel, campaign, currency, cost, impressions, clicks, leads, invalid_leads,
--   mqls, sqls, opportunities, won, won_amount)
--
-- Spend beside what it brought, both by the business day: of the spend, and of the creation of the lead. Nothing is
-- dropped: spend without leads, leads without spend and an empty campaign are rows, so every sum agrees with its
-- source. Stage counts are of leads that ever reached the stage; an invalid lead counts as invalid and as nothing else.
--
-- Leads have no currency of their own. They stand in the row of the largest spend of their day, channel and campaign
-- (of two equal ones the first by name), else in a row of no currency. What was won is money: it stands in the row of
-- its own currency, or beside its leads where the deal names none, so that two currencies are never added up.
--
-- A cost that arrives twice counts once. Of two that share an id and differ, the one that occurred later counts.
-- Amounts are added in the order of their size: the sum of floats depends on the order, and the same run twice must
-- give the same table.
SELECT
    entry.workspace AS workspace,
    entry.date AS date,
    entry.channel AS channel,
    entry.campaign AS campaign,
    CAST(if(entry.kind = 'spend' OR entry.currency != '', entry.currency, entry.main_currency)
        AS LowCardinality(String)) AS currency,
    sum(entry.cost) AS cost,
    sum(entry.impressions) AS impressions,
    sum(entry.clicks) AS clicks,
    sum(entry.leads) AS leads,
    sum(entry.invalid_leads) AS invalid_leads,
    sum(entry.mqls) AS mqls,
    sum(entry.sqls) AS sqls,
    sum(entry.opportunities) AS opportunities,
    sum(entry.won) AS won,
    sum(entry.won_amount) AS won_amount
FROM
(
    SELECT
        side.kind AS kind,
        side.workspace AS workspace,
        side.date AS date,
        side.channel AS channel,
        side.campaign AS campaign,
        side.currency AS currency,
        side.cost AS cost,
        side.impressions AS impressions,
        side.clicks AS clicks,
        side.leads AS leads,
        side.invalid_leads AS invalid_leads,
        side.mqls AS mqls,
        side.sqls AS sqls,
        side.opportunities AS opportunities,
        side.won AS won,
        side.won_amount AS won_amount,
        first_value(if(side.kind = 'spend', side.currency, '')) OVER (
            PARTITION BY side.workspace, side.date, side.channel, side.campaign
            ORDER BY side.kind = 'spend' DESC, side.cost DESC, side.currency) AS main_currency
    FROM
    (
        SELECT
            'spend' AS kind,
            paid.workspace AS workspace,
            paid.last.date AS date,
            CAST(paid.last.channel AS LowCardinality(String)) AS channel,
            CAST(paid.last.campaign AS LowCardinality(String)) AS campaign,
            paid.last.currency AS currency,
            arraySum(arraySort(groupArray(paid.last.amount))) AS cost,
            sum(paid.last.impressions) AS impressions,
            sum(paid.last.clicks) AS clicks,
            0 AS leads,
            0 AS invalid_leads,
            0 AS mqls,
            0 AS sqls,
            0 AS opportunities,
            0 AS won,
            0 AS won_amount
        FROM
        (
            SELECT
                workspace,
                max(CAST((occurred_at, date, channel, campaign, currency, amount, impressions, clicks)
                    AS Tuple(occurred_at DateTime64(3, 'UTC'), date Date32, channel String, campaign String,
                        currency String, amount Float64, impressions UInt64, clicks UInt64))) AS last
            FROM costs
            WHERE date <= toDate32({as_of:DateTime64(3, 'UTC')}, {tz:String})
            GROUP BY workspace, event_id
        ) AS paid
        GROUP BY workspace, date, channel, campaign, currency
        UNION ALL
        SELECT
            kind,
            brought.workspace,
            brought.date,
            brought.channel,
            brought.campaign,
            if(kind = 'money', brought.currency, ''),
            0,
            0,
            0,
            if(kind = 'leads', brought.leads, 0),
            if(kind = 'leads', brought.invalid_leads, 0),
            if(kind = 'leads', brought.mqls, 0),
            if(kind = 'leads', brought.sqls, 0),
            if(kind = 'leads', brought.opportunities, 0),
            if(kind = 'leads', brought.won, 0),
            if(kind = 'money', brought.won_amount, 0)
        FROM
        (
            SELECT
                l.workspace AS workspace,
                toDate32(l.created_at, {tz:String}) AS date,
                l.channel AS channel,
                l.campaign AS campaign,
                f.won_currency AS currency,
                countIf(NOT f.is_invalid) AS leads,
                countIf(f.is_invalid) AS invalid_leads,
                countIf(NOT f.is_invalid AND f.mql_at IS NOT NULL) AS mqls,
                countIf(NOT f.is_invalid AND f.sql_at IS NOT NULL) AS sqls,
                countIf(NOT f.is_invalid AND f.opportunity_at IS NOT NULL) AS opportunities,
                countIf(NOT f.is_invalid AND f.won_at IS NOT NULL) AS won,
                arraySum(arraySort(groupArrayIf(f.won_amount, NOT f.is_invalid AND f.won_amount != 0))) AS won_amount
            FROM leads AS l
            INNER JOIN lead_facts AS f USING (workspace, lead_id)
            GROUP BY workspace, date, channel, campaign, currency
        ) AS brought
        ARRAY JOIN ['leads', 'money'] AS kind
        WHERE kind = 'leads' OR brought.won_amount != 0
    ) AS side
) AS entry
GROUP BY workspace, date, channel, campaign, currency
