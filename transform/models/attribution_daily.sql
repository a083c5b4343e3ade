-- grain: one row per day, channel, campaign and currency
-- by: table
-- reads: attribution_credits, channel_daily, exchange_rates
-- writes: attribution_daily (workspace, date, channel, campaign, currency, unattributed, cost, cost_base, leads, mqls,
--   sqls, opportunities, won, opportunity_amount, won_amount, won_amount_base)
--
-- What a lead, an mql, a deal cost, and what the spend brought, by each rule of attribution. The rules stand side by
-- side in one row, as leads.first or won.linear, and the spend stands once: no sum can mix rules or count spend seven
-- times. A credit stands on the business day of its touch, beside the spend of that day and not on the day of the
-- conversion: that is the spend which brought it. So the last days look dear until their conversions are there. What no
-- touch led to stands on its own day. Spend without credit and credit without spend are rows, so by each rule the sums
-- agree with conversions and spend.
--
-- Conversions have no currency of their own; as in channel_daily they stand in the row of the largest spend of their
-- day, channel and campaign, else in a row of no currency. Money stands in the row of its own currency, or beside the
-- conversions where the deal names none. In the currency of the business it is worth what it was on the day that was
-- won.
--
-- Shares are added as whole numbers of 2⁻⁶⁰, by which a share or an amount loses nothing: so sums do not depend on the
-- order of the rows, and the same run twice gives the same table, without sorting each group.
SELECT
    workspace,
    date,
    channel,
    campaign,
    currency,
    unattributed,
    cost,
    cost_base,
    leads,
    mqls,
    sqls,
    opportunities,
    won,
    opportunity_amount,
    won_amount,
    won_amount_base
FROM
(
    WITH
        n -> toFloat64(n) * exp2(-60) AS number,
        (n, lacking) -> if(lacking = 0, number(n), NULL) AS known_number,
        s -> CAST((number(s[1]), number(s[2]), number(s[3]), number(s[4]), number(s[5]), number(s[6]), number(s[7]))
            AS Tuple(first Float64, last Float64, last_non_direct Float64, linear Float64, time_decay Float64,
                position Float64, w_shaped Float64)) AS by_rule,
        (s, u) -> CAST((known_number(s[1], u[1]), known_number(s[2], u[2]), known_number(s[3], u[3]),
                known_number(s[4], u[4]), known_number(s[5], u[5]), known_number(s[6], u[6]), known_number(s[7], u[7]))
            AS Tuple(first Nullable(Float64), last Nullable(Float64), last_non_direct Nullable(Float64),
                linear Nullable(Float64), time_decay Nullable(Float64), position Nullable(Float64),
                w_shaped Nullable(Float64))) AS known_by_rule
    SELECT
        money.workspace AS workspace,
        money.date AS date,
        money.channel AS channel,
        money.campaign AS campaign,
        CAST(money.currency AS LowCardinality(String)) AS currency,
        money.unattributed AS unattributed,
        sum(money.cost) AS cost,
        if(countIf(money.cost_base IS NULL) = 0, sum(money.cost_base), NULL) AS cost_base,
        by_rule(sumForEachIf(money.shares, money.measure = 'lead')) AS leads,
        by_rule(sumForEachIf(money.shares, money.measure = 'mql')) AS mqls,
        by_rule(sumForEachIf(money.shares, money.measure = 'sql')) AS sqls,
        by_rule(sumForEachIf(money.shares, money.measure = 'opportunity')) AS opportunities,
        by_rule(sumForEachIf(money.shares, money.measure = 'won')) AS won,
        by_rule(sumForEachIf(money.shares, money.measure = 'opportunity amount')) AS opportunity_amount,
        by_rule(sumForEachIf(money.shares, money.measure = 'won amount')) AS won_amount,
        known_by_rule(
            sumForEachIf(
                arrayMap(s -> toInt128(toFloat64(s) * if(money.currency = {base_currency:String}, 1, known.rate)),
                    money.shares),
                money.measure = 'won amount'),
            sumForEachIf(arrayMap(s -> toUInt64(s != 0), money.shares), money.measure = 'won amount'
                AND known.rate = 0 AND money.currency != {base_currency:String})) AS won_amount_base
    FROM
    (
        SELECT
            side.measure AS measure,
            side.workspace AS workspace,
            side.date AS date,
            side.channel AS channel,
            side.campaign AS campaign,
            side.unattributed AS unattributed,
            side.shares AS shares,
            side.paid_on AS paid_on,
            side.cost AS cost,
            side.cost_base AS cost_base,
            CAST(if(side.measure = 'spend' OR side.currency != '', side.currency, largest.currency) AS String)
                AS currency
        FROM
        (
            SELECT
                'spend' AS measure,
                workspace,
                date,
                channel,
                campaign,
                currency,
                false AS unattributed,
                CAST([] AS Array(Int128)) AS shares,
                date AS paid_on,
                cost,
                cost_base
            FROM channel_daily
            WHERE cost != 0
            UNION ALL
            SELECT
                conversion,
                workspace,
                toDate32(ifNull(touch_at, converted_at), {tz:String}) AS day,
                channel,
                campaign,
                '',
                unattributed,
                [
                    sum(toInt128(first * exp2(60))),
                    sum(toInt128(last * exp2(60))),
                    sum(toInt128(last_non_direct * exp2(60))),
                    sum(toInt128(linear * exp2(60))),
                    sum(toInt128(time_decay * exp2(60))),
                    sum(toInt128(position * exp2(60))),
                    sum(toInt128(w_shaped * exp2(60)))
                ],
                day,
                0,
                0
            FROM attribution_credits
            WHERE NOT is_invalid
            GROUP BY conversion, workspace, day, channel, campaign, unattributed
            UNION ALL
            SELECT
                concat(conversion, ' amount'),
                workspace,
                toDate32(ifNull(touch_at, converted_at), {tz:String}) AS day,
                channel,
                campaign,
                currency,
                unattributed,
                [
                    sum(toInt128(value * first * exp2(60))),
                    sum(toInt128(value * last * exp2(60))),
                    sum(toInt128(value * last_non_direct * exp2(60))),
                    sum(toInt128(value * linear * exp2(60))),
                    sum(toInt128(value * time_decay * exp2(60))),
                    sum(toInt128(value * position * exp2(60))),
                    sum(toInt128(value * w_shaped * exp2(60)))
                ],
                toDate32(converted_at, {tz:String}) AS won_on,
                0,
                0
            FROM attribution_credits
            WHERE NOT is_invalid AND value != 0 AND conversion IN ('opportunity', 'won')
            GROUP BY conversion, workspace, day, channel, campaign, currency, unattributed, won_on
        ) AS side
        LEFT JOIN
        (
            SELECT workspace, date, channel, campaign, argMin(currency, (-cost, currency)) AS currency
            FROM channel_daily
            WHERE cost != 0
            GROUP BY workspace, date, channel, campaign
        ) AS largest USING (workspace, date, channel, campaign)
    ) AS money
    ASOF LEFT JOIN exchange_rates AS known ON known.currency = money.currency AND known.date <= money.paid_on
    GROUP BY workspace, date, channel, campaign, currency, unattributed
)
