-- grain: one row per rule, day, channel, campaign and currency
-- by: table
-- reads: attribution_credits, channel_daily, exchange_rates
-- writes: attribution_daily (workspace, model, date, channel, campaign, currency, unattributed, leads, mqls, sqls,
--   opportunities, won, opportunity_amount, won_amount, cost, won_amount_base, cost_base)
--
-- What a lead, an mql, a deal cost, and what the spend brought, by each rule of attribution. A credit stands on the
-- business day of its touch, beside the spend of that day and not on the day of the conversion: that is the spend which
-- brought it. So the last days look dear until their conversions are there. What no touch led to stands on its own day.
-- Spend without credit and credit without spend are rows, so by each rule the sums agree with conversions and spend.
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
    CAST(rule AS LowCardinality(String)) AS model,
    date,
    channel,
    campaign,
    currency,
    unattributed,
    toFloat64(lead_shares[nth]) / unit AS leads,
    toFloat64(mql_shares[nth]) / unit AS mqls,
    toFloat64(sql_shares[nth]) / unit AS sqls,
    toFloat64(opportunity_shares[nth]) / unit AS opportunities,
    toFloat64(won_shares[nth]) / unit AS won,
    toFloat64(opportunity_amounts[nth]) / unit AS opportunity_amount,
    toFloat64(won_amounts[nth]) / unit AS won_amount,
    spent AS cost,
    if(unrated_deals[nth] = 0, toFloat64(won_amounts_base[nth]) / unit, NULL) AS won_amount_base,
    if(unrated_costs = 0, spent_base, NULL) AS cost_base
FROM
(
    SELECT
        money.workspace AS workspace,
        money.date AS date,
        money.channel AS channel,
        money.campaign AS campaign,
        CAST(money.currency AS LowCardinality(String)) AS currency,
        money.unattributed AS unattributed,
        exp2(60) AS unit,
        sumForEachIf(money.shares, money.kind = 'count' AND money.conversion = 'lead') AS lead_shares,
        sumForEachIf(money.shares, money.kind = 'count' AND money.conversion = 'mql') AS mql_shares,
        sumForEachIf(money.shares, money.kind = 'count' AND money.conversion = 'sql') AS sql_shares,
        sumForEachIf(money.shares, money.kind = 'count' AND money.conversion = 'opportunity') AS opportunity_shares,
        sumForEachIf(money.shares, money.kind = 'count' AND money.conversion = 'won') AS won_shares,
        sumForEachIf(money.shares, money.kind = 'amount' AND money.conversion = 'opportunity') AS opportunity_amounts,
        sumForEachIf(money.shares, money.kind = 'amount' AND money.conversion = 'won') AS won_amounts,
        sumForEachIf(
            arrayMap(s -> toInt128(toFloat64(s) * if(money.currency = {base_currency:String}, 1, known.rate)),
                money.shares),
            money.kind = 'amount' AND money.conversion = 'won') AS won_amounts_base,
        sumForEachIf(arrayMap(s -> toUInt64(s != 0), money.shares), money.kind = 'amount' AND money.conversion = 'won'
            AND known.rate = 0 AND money.currency != {base_currency:String}) AS unrated_deals,
        sum(money.cost) AS spent,
        sum(money.cost_base) AS spent_base,
        countIf(money.cost_base IS NULL) AS unrated_costs
    FROM
    (
        SELECT
            side.kind AS kind,
            side.conversion AS conversion,
            side.workspace AS workspace,
            side.date AS date,
            side.channel AS channel,
            side.campaign AS campaign,
            side.unattributed AS unattributed,
            side.shares AS shares,
            side.paid_on AS paid_on,
            side.cost AS cost,
            side.cost_base AS cost_base,
            if(side.kind = 'spend' OR side.currency != '', CAST(side.currency AS String),
                first_value(if(side.kind = 'spend', CAST(side.currency AS String), '')) OVER (
                    PARTITION BY side.workspace, side.date, side.channel, side.campaign
                    ORDER BY side.kind = 'spend' DESC, side.cost DESC, side.currency)) AS currency
        FROM
        (
            SELECT
                'spend' AS kind,
                '' AS conversion,
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
                'count',
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
                'amount',
                conversion,
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
    ) AS money
    ASOF LEFT JOIN exchange_rates AS known ON known.currency = money.currency AND known.date <= money.paid_on
    GROUP BY workspace, date, channel, campaign, currency, unattributed
)
ARRAY JOIN
    ['first', 'last', 'last_non_direct', 'linear', 'time_decay', 'position', 'w_shaped'] AS rule,
    arrayEnumerate(['first', 'last', 'last_non_direct', 'linear', 'time_decay', 'position', 'w_shaped']) AS nth
WHERE cost != 0 OR leads != 0 OR mqls != 0 OR sqls != 0 OR opportunities != 0 OR won != 0
    OR opportunity_amount != 0 OR won_amount != 0
