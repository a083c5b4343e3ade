-- The raw tables: what arrived, written only by ingest and never changed.
--
-- Every row carries where it came from: _src names the topic, then partition, offset and the row's number within the
-- message. What a table holds can so be compared with what Kafka holds. No table has a deduplication window: a hidden
-- one would swallow repairs.

-- Touchpoints and behaviours in one timeline, sorted so that a lead's history is read in one piece.
CREATE TABLE IF NOT EXISTS events /*on_cluster*/
(
    workspace LowCardinality(String),
    event_id String,
    type LowCardinality(String),
    lead_id String,
    anonymous_id String,
    identifiers Map(LowCardinality(String), String),
    occurred_at DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    clamped Bool COMMENT 'occurred_at lay over 24 h in the future and was set to received_at',
    name LowCardinality(String) COMMENT 'the behaviour, or the kind of touch',
    channel LowCardinality(String),
    source LowCardinality(String),
    medium LowCardinality(String),
    campaign LowCardinality(String),
    content LowCardinality(String),
    term LowCardinality(String),
    url String,
    referrer String,
    page_group LowCardinality(String),
    value Float64,
    session_id String,
    properties Map(LowCardinality(String), String),
    _src UInt64,
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _row UInt16,
    _ingested_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX ix_offset _offset TYPE minmax GRANULARITY 4
)
ENGINE = /*replicated*/MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (workspace, lead_id, occurred_at, event_id);

CREATE TABLE IF NOT EXISTS lead_updates /*on_cluster*/
(
    workspace LowCardinality(String),
    event_id String,
    lead_id String,
    anonymous_id String,
    identifiers Map(LowCardinality(String), String),
    occurred_at DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    clamped Bool,
    created_at Nullable(DateTime64(3, 'UTC')),
    contact_name String,
    phone String,
    email String,
    wechat String,
    company String,
    source LowCardinality(String),
    attributes Map(LowCardinality(String), String),
    _src UInt64,
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _row UInt16,
    _ingested_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX ix_offset _offset TYPE minmax GRANULARITY 4
)
ENGINE = /*replicated*/MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (workspace, lead_id, occurred_at, event_id);

CREATE TABLE IF NOT EXISTS activities /*on_cluster*/
(
    workspace LowCardinality(String),
    event_id String,
    lead_id String,
    anonymous_id String,
    identifiers Map(LowCardinality(String), String),
    occurred_at DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    clamped Bool,
    owner LowCardinality(String),
    method LowCardinality(String),
    duration_s Float64,
    effective Bool,
    outcome LowCardinality(String),
    next_action String,
    next_at Nullable(DateTime64(3, 'UTC')),
    emotion LowCardinality(String),
    _src UInt64,
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _row UInt16,
    _ingested_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX ix_offset _offset TYPE minmax GRANULARITY 4
)
ENGINE = /*replicated*/MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (workspace, lead_id, occurred_at, event_id);

CREATE TABLE IF NOT EXISTS stage_changes /*on_cluster*/
(
    workspace LowCardinality(String),
    event_id String,
    lead_id String,
    anonymous_id String,
    identifiers Map(LowCardinality(String), String),
    occurred_at DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    clamped Bool,
    stage LowCardinality(String),
    amount Float64,
    currency LowCardinality(String),
    reason LowCardinality(String),
    _src UInt64,
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _row UInt16,
    _ingested_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX ix_offset _offset TYPE minmax GRANULARITY 4
)
ENGINE = /*replicated*/MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (workspace, lead_id, occurred_at, event_id);

CREATE TABLE IF NOT EXISTS assignments /*on_cluster*/
(
    workspace LowCardinality(String),
    event_id String,
    lead_id String,
    anonymous_id String,
    identifiers Map(LowCardinality(String), String),
    occurred_at DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    clamped Bool,
    owner LowCardinality(String),
    team LowCardinality(String),
    action LowCardinality(String),
    _src UInt64,
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _row UInt16,
    _ingested_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX ix_offset _offset TYPE minmax GRANULARITY 4
)
ENGINE = /*replicated*/MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (workspace, lead_id, occurred_at, event_id);

CREATE TABLE IF NOT EXISTS costs /*on_cluster*/
(
    workspace LowCardinality(String),
    event_id String,
    occurred_at DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    clamped Bool,
    date Date32 COMMENT 'the day of the spend in the business time zone',
    channel LowCardinality(String),
    campaign LowCardinality(String),
    amount Float64,
    currency LowCardinality(String),
    impressions UInt64,
    clicks UInt64,
    _src UInt64,
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _row UInt16,
    _ingested_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX ix_offset _offset TYPE minmax GRANULARITY 4
)
ENGINE = /*replicated*/MergeTree
PARTITION BY toYYYYMM(date)
ORDER BY (workspace, date, channel, campaign, event_id);

-- Messages that could not become a row, with their bytes, so that each can be corrected and sent again.
CREATE TABLE IF NOT EXISTS dead_letters /*on_cluster*/
(
    topic LowCardinality(String),
    reason LowCardinality(String) COMMENT 'a stable code: malformed_json, unknown_type, missing_field …',
    detail String,
    key String,
    raw String,
    received_at DateTime64(3, 'UTC'),
    _src UInt64,
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _row UInt16,
    _ingested_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = /*replicated*/MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (topic, received_at, _partition, _offset);

-- Who may write the rows of which partition: the largest (epoch, owner) holds it.
CREATE TABLE IF NOT EXISTS ingest_fence /*on_cluster*/
(
    _src UInt64,
    _partition UInt32,
    epoch UInt64,
    owner String,
    at DateTime64(3, 'UTC')
)
ENGINE = /*replicated*/MergeTree
ORDER BY (_src, _partition, epoch, owner);
