-- grain: one row per day, channel, campaign and currency
-- by: table
-- reads: leads, lead_facts, costs, exchange_rates
-- writes: channel_daily (workspace, date, channel, campaign, currency, cost, impressions, clicks, leads, invalid_leads,
--   mqls, sqls, opportunities, won, won_amount, cost_base, won_amount_base, unrated_costs, unrated_deals)
--
-- Spend beside what it brought, both by the business day: of the spend, and of the creation of the lead. Nothing is
-- dropped: spend without leads, leads without spend and an empty campaign are rows, so every sum agrees with its
-- source. Stage counts are of leads that ever reached the stage; an invalid lead counts as invalid and as nothing else.
--
-- Leads have no currency of their own. They stand in the row of the largest spend of their day, channel and campaign
-- (of two equal ones the first by name), else in a row of no currency. What was won is money: it stands in the row of
-- its own currency, or beside its leads where the deal names none, so that two currencies are never added up.
--
-- Money is worth in the currency of the business what it was on its day: spend on the day of the spend, a deal on the
-- day it was won. A rate holds until the next one. What lies before the first rate of its currency has none: it is
-- counted, and the sum it would belong to is NULL, because a sum that lacks a part looks like a small one.
--
-- A cost that arrives twice counts once. Advertising systems report a day again when its figures change: of two costs
-- that share an id the one that occurred later counts, and of two of one time the one that arrived later, be it larger
-- or smaller, even on another day or campaign. What a later report leaves out stays as it was reported last: reports
-- leave out what was not spent on, and what was not asked for. To take a cost back, send it again with the amount 0.
--
-- Amounts are added in the order of their size: the sum of floats depends on the order, and the same run twice must
-- give the same table.
SELECT
    entry.workspace AS workspace,
    entry.date AS date,
    entry.channel AS channel,
    entry.campaign AS campaign,
    CAST(entry.currency AS LowCardinality(String)) AS currency,
    arraySum(arraySort(groupArrayIf(entry.cost, entry.cost != 0))) AS cost,
    sum(entry.impressions) AS impressions,
    sum(entry.clicks) AS clicks,
    sum(entry.leads) AS leads,
    sum(entry.invalid_leads) AS invalid_leads,
    sum(entry.mqls) AS mqls,
    sum(entry.sqls) AS sqls,
    sum(entry.opportunities) AS opportunities,
    sum(entry.won) AS won,
    arraySum(arraySort(groupArrayIf(entry.won_amount, entry.won_amount != 0))) AS won_amount,
    if(unrated_costs = 0,
        arraySum(arraySort(groupArrayIf(entry.cost * entry.rate, entry.cost != 0))), NULL) AS cost_base,
    if(unrated_deals = 0,
        arraySum(arraySort(groupArrayIf(entry.won_amount * entry.rate, entry.won_amount != 0))), NULL)
        AS won_amount_base,
    sumIf(entry.costs, entry.rate = 0) AS unrated_costs,
    sumIf(entry.deals, entry.rate = 0) AS unrated_deals
FROM
(
    SELECT
        money.workspace AS workspace,
        money.date AS date,
        money.channel AS channel,
        money.campaign AS campaign,
        money.currency AS currency,
        money.cost AS cost,
        money.costs AS costs,
        money.impressions AS impressions,
        money.clicks AS clicks,
        money.leads AS leads,
        money.invalid_leads AS invalid_leads,
        money.mqls AS mqls,
        money.sqls AS sqls,
        money.opportunities AS opportunities,
        money.won AS won,
        money.won_amount AS won_amount,
        money.deals AS deals,
        if(money.currency = {base_currency:String}, 1, known.rate) AS rate
    FROM
    (
        SELECT
            side.workspace AS workspace,
            side.date AS date,
            side.channel AS channel,
            side.campaign AS campaign,
            if(side.kind = 'spend' OR side.currency != '', side.currency,
                first_value(if(side.kind = 'spend', side.currency, '')) OVER (
                    PARTITION BY side.workspace, side.date, side.channel, side.campaign
                    ORDER BY side.kind = 'spend' DESC, side.cost DESC, side.currency)) AS currency,
            side.paid_on AS paid_on,
            side.cost AS cost,
            side.costs AS costs,
            side.impressions AS impressions,
            side.clicks AS clicks,
            side.leads AS leads,
            side.invalid_leads AS invalid_leads,
            side.mqls AS mqls,
            side.sqls AS sqls,
            side.opportunities AS opportunities,
            side.won AS won,
            side.won_amount AS won_amount,
            side.deals AS deals
        FROM
        (
            SELECT
                'spend' AS kind,
                paid.workspace AS workspace,
                paid.last.date AS date,
                CAST(paid.last.channel AS LowCardinality(String)) AS channel,
                CAST(paid.last.campaign AS LowCardinality(String)) AS campaign,
                paid.last.currency AS currency,
                paid.last.date AS paid_on,
                arraySum(arraySort(groupArray(paid.last.amount))) AS cost,
                countIf(paid.last.amount != 0) AS costs,
                sum(paid.last.impressions) AS impressions,
                sum(paid.last.clicks) AS clicks,
                0 AS leads,
                0 AS invalid_leads,
                0 AS mqls,
                0 AS sqls,
                0 AS opportunities,
                0 AS won,
                0 AS won_amount,
                0 AS deals
            FROM
            (
                SELECT
                    workspace,
                    max(CAST((occurred_at, received_at, _partition, _offset, _row,
                        date, channel, campaign, currency, amount, impressions, clicks)
                        AS Tuple(occurred_at DateTime64(3, 'UTC'), received_at DateTime64(3, 'UTC'), partition UInt32,
                            offset UInt64, row UInt16, date Date32, channel String, campaign String, currency String,
                            amount Float64, impressions UInt64, clicks UInt64))) AS last
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
                brought.won_on,
                0,
                0,
                0,
                0,
                if(kind = 'leads', brought.leads, 0),
                if(kind = 'leads', brought.invalid_leads, 0),
                if(kind = 'leads', brought.mqls, 0),
                if(kind = 'leads', brought.sqls, 0),
                if(kind = 'leads', brought.opportunities, 0),
                if(kind = 'leads', brought.won, 0),
                if(kind = 'money', brought.won_amount, 0),
                if(kind = 'money', brought.deals, 0)
            FROM
            (
                SELECT
                    l.workspace AS workspace,
                    toDate32(l.created_at, {tz:String}) AS date,
                    l.channel AS channel,
                    l.campaign AS campaign,
                    f.won_currency AS currency,
                    ifNull(toDate32(f.won_at, {tz:String}), date) AS won_on,
                    countIf(NOT f.is_invalid) AS leads,
                    countIf(f.is_invalid) AS invalid_leads,
                    countIf(NOT f.is_invalid AND f.mql_at IS NOT NULL) AS mqls,
                    countIf(NOT f.is_invalid AND f.sql_at IS NOT NULL) AS sqls,
                    countIf(NOT f.is_invalid AND f.opportunity_at IS NOT NULL) AS opportunities,
                    countIf(NOT f.is_invalid AND f.won_at IS NOT NULL) AS won,
                    arraySum(arraySort(groupArrayIf(f.won_amount, NOT f.is_invalid AND f.won_amount != 0)))
                        AS won_amount,
                    countIf(NOT f.is_invalid AND f.won_amount != 0) AS deals
                FROM leads AS l
                INNER JOIN lead_facts AS f USING (workspace, lead_id)
                GROUP BY workspace, date, channel, campaign, currency, won_on
            ) AS brought
            ARRAY JOIN ['leads', 'money'] AS kind
            WHERE kind = 'leads' OR brought.deals != 0
        ) AS side
    ) AS money
    ASOF LEFT JOIN exchange_rates AS known ON known.currency = money.currency AND known.date <= money.paid_on
) AS entry
GROUP BY workspace, date, channel, campaign, currency
