-- The derived tables: recomputed from the raw ones, each replaced as a whole in one step. They are never added to.

-- Who the lead is. One row a lead.
CREATE TABLE IF NOT EXISTS leads /*on_cluster*/
(
    workspace LowCardinality(String),
    lead_id String,
    created_at DateTime64(3, 'UTC'),
    channel LowCardinality(String) COMMENT 'of the first touchpoint',
    source LowCardinality(String) COMMENT 'of the first update that names one, else of the first touchpoint',
    medium LowCardinality(String),
    campaign LowCardinality(String) COMMENT 'of the first touchpoint',
    company String,
    contact_name String,
    phone String,
    email String,
    wechat String,
    industry LowCardinality(String),
    region LowCardinality(String),
    product LowCardinality(String),
    owner LowCardinality(String) COMMENT 'who was given the lead last; empty when it went back to the pool',
    team LowCardinality(String),
    attributes Map(LowCardinality(String), String) COMMENT 'the latest value of each'
)
ENGINE = /*replicated*/MergeTree
ORDER BY (workspace, lead_id);

-- What happened to the lead. One row a lead. A time that is NULL has not come.
CREATE TABLE IF NOT EXISTS lead_facts /*on_cluster*/
(
    workspace LowCardinality(String),
    lead_id String,
    created_at DateTime64(3, 'UTC'),
    as_of DateTime64(3, 'UTC') COMMENT 'the moment these facts were computed for',
    first_touch_at Nullable(DateTime64(3, 'UTC')),
    last_touch_at Nullable(DateTime64(3, 'UTC')),
    touches UInt32,
    behaviors UInt32,
    stage LowCardinality(String) COMMENT 'the latest',
    stage_at Nullable(DateTime64(3, 'UTC')),
    mql_at Nullable(DateTime64(3, 'UTC')) COMMENT 'first reached, as the six below',
    sql_at Nullable(DateTime64(3, 'UTC')),
    opportunity_at Nullable(DateTime64(3, 'UTC')),
    won_at Nullable(DateTime64(3, 'UTC')),
    lost_at Nullable(DateTime64(3, 'UTC')),
    recycled_at Nullable(DateTime64(3, 'UTC')),
    invalid_at Nullable(DateTime64(3, 'UTC')),
    is_invalid Bool COMMENT 'the latest stage is invalid: kept here, left out of every count of leads',
    won_amount Float64,
    won_currency LowCardinality(String),
    lost_reason LowCardinality(String),
    assigned_at Nullable(DateTime64(3, 'UTC')) COMMENT 'first assignment',
    accepted_at Nullable(DateTime64(3, 'UTC')),
    assignments UInt32,
    first_activity_at Nullable(DateTime64(3, 'UTC')),
    first_effective_at Nullable(DateTime64(3, 'UTC')) COMMENT 'first activity that reached the lead',
    activities UInt32,
    effective_activities UInt32,
    effective_activities_30d UInt32 COMMENT 'within 30 days of creation',
    response_seconds Nullable(Float64) COMMENT 'first effective activity at or after assigned_at, minus assigned_at',
    response_from_creation_seconds Nullable(Float64) COMMENT 'first_effective_at minus created_at',
    followed_up_24h Nullable(Bool) COMMENT 'first activity within 24 h of creation; NULL while that is still open at as_of',
    days_to_won Nullable(Float64) COMMENT 'won_at minus created_at in days of 24 h; negative where the source says so',
    flags Array(LowCardinality(String)) COMMENT 'what is odd about the record: won_before_created, clamped_time …'
)
ENGINE = /*replicated*/MergeTree
ORDER BY (workspace, lead_id);

-- Spend beside what it brought. A day of spend without leads and a day of leads without spend are rows.
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
    won_amount Float64
)
ENGINE = /*replicated*/MergeTree
ORDER BY (workspace, date, channel, campaign, currency);

-- The current score of each lead by each model.
CREATE TABLE IF NOT EXISTS scores /*on_cluster*/
(
    workspace LowCardinality(String),
    model LowCardinality(String) COMMENT 'name@version',
    model_hash LowCardinality(String),
    lead_id String,
    as_of DateTime64(3, 'UTC'),
    total Float64,
    grade LowCardinality(String),
    reasons Array(Tuple(rule LowCardinality(String), points Float64)) COMMENT 'one entry a rule; the points sum to the total before its limits'
)
ENGINE = /*replicated*/MergeTree
ORDER BY (workspace, model, lead_id);

-- What ran, when, and how it ended: one row at the start, one at the end, the later replacing the earlier.
CREATE TABLE IF NOT EXISTS job_runs /*on_cluster*/
(
    run_id String,
    job LowCardinality(String),
    trigger LowCardinality(String) COMMENT 'schedule or demand',
    as_of DateTime64(3, 'UTC'),
    started_at DateTime64(3, 'UTC'),
    finished_at Nullable(DateTime64(3, 'UTC')),
    status LowCardinality(String) COMMENT 'running, ok or failed',
    rows UInt64 COMMENT 'in the tables the job wrote',
    error String,
    version UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(version)
ORDER BY (job, started_at, run_id);
