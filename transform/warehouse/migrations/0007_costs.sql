-- What leads cost, in the currency it was paid in and in that of the business, and what they should cost.

-- What one unit of a currency was worth in the currency of the business, from a day on until the next row. Settings fill
-- it from a file; without one it is left alone, and may be filled by INSERT: of two rows of a day the last one counts.
CREATE TABLE IF NOT EXISTS exchange_rates /*on_cluster*/
(
    date Date32 COMMENT 'the business day from which the rate holds',
    currency LowCardinality(String),
    rate Float64 COMMENT 'units of the currency of the business for one of this currency; more than 0',
    _ver UInt64 DEFAULT toUnixTimestamp64Nano(now64(9))
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver)
ORDER BY (currency, date);

-- What a lead of a channel should cost at most. Settings fill it at each run.
CREATE TABLE IF NOT EXISTS channel_targets /*on_cluster*/
(
    channel LowCardinality(String) COMMENT 'empty: every channel without a row of its own',
    benchmark Float64 COMMENT 'cost per lead that is usual in the field, in the currency of the business',
    target Float64 COMMENT 'cost per lead that is aimed at, in the currency of the business'
)
ENGINE = /*replicated*/MergeTree
ORDER BY channel;

DROP TABLE IF EXISTS channel_daily /*on_cluster*/ SYNC;

-- Spend beside what it brought. A day of spend without leads and a day of leads without spend are rows. The next run fills
-- it.
CREATE TABLE IF NOT EXISTS channel_daily /*on_cluster*/
(
    workspace LowCardinality(String),
    date Date32 COMMENT 'in the business time zone: of the spend, and of the creation of the leads',
    channel LowCardinality(String),
    campaign LowCardinality(String),
    currency LowCardinality(String) COMMENT 'of the spend and of what was won; leads stand in the row of the largest spend of their day, channel and campaign, or with none in a row of no currency',
    cost Float64,
    impressions UInt64,
    clicks UInt64,
    leads UInt64,
    invalid_leads UInt64,
    mqls UInt64,
    sqls UInt64,
    opportunities UInt64,
    won UInt64,
    won_amount Float64,
    cost_base Nullable(Float64) COMMENT 'cost in the currency of the business, by the rate of the day; NULL without a rate',
    won_amount_base Nullable(Float64) COMMENT 'won_amount likewise, by the rates of the days on which was won; NULL where one is missing',
    unrated_costs UInt64 COMMENT 'costs for which there is no rate',
    unrated_deals UInt64 COMMENT 'deals for which there is no rate'
)
ENGINE = /*replicated*/MergeTree
ORDER BY (workspace, date, channel, campaign, currency);
