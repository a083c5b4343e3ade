-- Which touches brought which conversion, and what they cost.

DROP TABLE IF EXISTS attribution_paths /*on_cluster*/ SYNC;

-- The touches of a person that led to a conversion, in arrays of one length sorted by (time, event id); and those that
-- led to none so far.
CREATE TABLE IF NOT EXISTS attribution_paths /*on_cluster*/
(
    workspace LowCardinality(String),
    lead_id String COMMENT 'anonymous:ID for a visitor who is no lead yet',
    conversion LowCardinality(String) COMMENT 'lead, mql, sql, opportunity or won; empty: none so far',
    conversion_no UInt32 COMMENT 'of a lead''s conversions of one kind the how manieth, from 1; without a conversion 1, and 2 for the touches after the last won',
    open_for Array(LowCardinality(String)) COMMENT 'where there is none so far: the conversions that the touches may still lead to',
    converted_at Nullable(DateTime64(3, 'UTC')),
    value Float64 COMMENT 'the amount of the deal; of a lead 0',
    currency LowCardinality(String),
    is_invalid Bool COMMENT 'the lead''s latest stage is invalid',
    created_no UInt32 COMMENT 'the touch of the path that made the lead: the last one not after its creation; 0: none',
    at Array(Int64) COMMENT 'milliseconds since 1970',
    channel Array(LowCardinality(String)),
    source Array(LowCardinality(String)),
    medium Array(LowCardinality(String)),
    campaign Array(LowCardinality(String)),
    _ver UInt64,
    _deleted UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver, _deleted)
ORDER BY (workspace, lead_id, conversion, conversion_no);

DROP TABLE IF EXISTS attribution_credits /*on_cluster*/ SYNC;

-- What share each touch has in a conversion, by seven rules. The shares of a conversion sum to 1 by each of them.
CREATE TABLE IF NOT EXISTS attribution_credits /*on_cluster*/
(
    workspace LowCardinality(String),
    lead_id String,
    conversion LowCardinality(String) COMMENT 'lead, mql, sql, opportunity or won',
    conversion_no UInt32 COMMENT 'of a lead''s conversions of one kind the how manieth, from 1',
    touch_no UInt32 COMMENT 'of the touches of the path the how manieth, from 1; 0: there is none',
    touches UInt32 COMMENT 'in the path',
    converted_at DateTime64(3, 'UTC'),
    touch_at Nullable(DateTime64(3, 'UTC')),
    channel LowCardinality(String),
    source LowCardinality(String),
    medium LowCardinality(String),
    campaign LowCardinality(String),
    unattributed Bool COMMENT 'no touch led to the conversion; this row holds all of it',
    is_invalid Bool COMMENT 'the lead''s latest stage is invalid: kept here, left out of every count',
    value Float64 COMMENT 'of the whole conversion: times a share it is the touch''s',
    currency LowCardinality(String),
    first Float64,
    last Float64,
    last_non_direct Float64,
    linear Float64,
    time_decay Float64,
    position Float64,
    w_shaped Float64,
    _ver UInt64,
    _deleted UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver, _deleted)
ORDER BY (workspace, lead_id, conversion, conversion_no, touch_no);

DROP TABLE IF EXISTS attribution_channels /*on_cluster*/ SYNC;

-- Conversions shared out to channels by what the paths of all leads say together.
CREATE TABLE IF NOT EXISTS attribution_channels /*on_cluster*/
(
    workspace LowCardinality(String),
    conversion LowCardinality(String),
    model LowCardinality(String) COMMENT 'markov or shapley',
    channel LowCardinality(String),
    unattributed Bool COMMENT 'conversions without a touch',
    currency LowCardinality(String) COMMENT 'of the conversions'' value; conversions of several are shared out apart',
    credit Float64 COMMENT 'conversions',
    value Float64
)
ENGINE = /*replicated*/MergeTree
ORDER BY (workspace, conversion, model, channel, unattributed, currency);

DROP TABLE IF EXISTS attribution_daily /*on_cluster*/ SYNC;

-- Spend beside what the touches of the day brought by each rule: the cost of a lead is sum(cost) / sum(leads.linear). The
-- rules stand side by side, for all of them share out the same conversions, and the spend stands once. Leads that turned
-- out invalid are left out. The next run fills it.
CREATE TABLE IF NOT EXISTS attribution_daily /*on_cluster*/
(
    workspace LowCardinality(String),
    date Date32 COMMENT 'in the business time zone: of the spend, of the touch, and of a conversion without a touch',
    channel LowCardinality(String),
    campaign LowCardinality(String),
    currency LowCardinality(String) COMMENT 'of the spend and of the deals; conversions stand in the row of the largest spend of their day, channel and campaign, or with none in a row of no currency',
    unattributed Bool COMMENT 'conversions without a touch',
    cost Float64,
    cost_base Nullable(Float64) COMMENT 'in the currency of the business, by the rate of the day; NULL without a rate',
    leads Tuple(first Float64, last Float64, last_non_direct Float64, linear Float64, time_decay Float64, position Float64, w_shaped Float64) COMMENT 'conversions that the touches have a share in, shares added up, as the four below',
    mqls Tuple(first Float64, last Float64, last_non_direct Float64, linear Float64, time_decay Float64, position Float64, w_shaped Float64),
    sqls Tuple(first Float64, last Float64, last_non_direct Float64, linear Float64, time_decay Float64, position Float64, w_shaped Float64),
    opportunities Tuple(first Float64, last Float64, last_non_direct Float64, linear Float64, time_decay Float64, position Float64, w_shaped Float64),
    won Tuple(first Float64, last Float64, last_non_direct Float64, linear Float64, time_decay Float64, position Float64, w_shaped Float64),
    opportunity_amount Tuple(first Float64, last Float64, last_non_direct Float64, linear Float64, time_decay Float64, position Float64, w_shaped Float64),
    won_amount Tuple(first Float64, last Float64, last_non_direct Float64, linear Float64, time_decay Float64, position Float64, w_shaped Float64),
    won_amount_base Tuple(first Nullable(Float64), last Nullable(Float64), last_non_direct Nullable(Float64), linear Nullable(Float64), time_decay Nullable(Float64), position Nullable(Float64), w_shaped Nullable(Float64)) COMMENT 'in the currency of the business, by the rates of the days on which was won; NULL where one is missing'
)
ENGINE = /*replicated*/MergeTree
ORDER BY (workspace, date, channel, campaign, currency, unattributed);
