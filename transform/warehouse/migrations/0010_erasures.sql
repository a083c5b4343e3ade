-- What protects people: the key that their identifiers are hashed with, and what was erased.

-- The fingerprint of the key. The first row counts: identifiers hashed with another key would meet none of those stored.
CREATE TABLE IF NOT EXISTS privacy_key /*on_cluster*/
(
    fingerprint String,
    at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = /*replicated*/MergeTree
ORDER BY at;

-- Which erasures began, and how they ended: one row at the start, one at the end, the later replacing the earlier.
CREATE TABLE IF NOT EXISTS erasures /*on_cluster*/
(
    workspace LowCardinality(String),
    erasure String COMMENT 'keyed hash of whom the erasure was asked for',
    started_at DateTime64(3, 'UTC'),
    finished_at Nullable(DateTime64(3, 'UTC')),
    ids UInt64 COMMENT 'lead ids, anonymous ids and identifiers that the person had',
    rows UInt64 COMMENT 'raw rows that were blanked',
    letters UInt64 COMMENT 'dead letters that were blanked',
    derived UInt64 COMMENT 'rows removed from all other tables',
    version UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(version)
ORDER BY (started_at, workspace, erasure);

-- Whom an erasure under way is about, so that one that was cut off can be completed after what it was found by is gone.
-- Emptied at its end.
CREATE TABLE IF NOT EXISTS erasure_targets /*on_cluster*/
(
    workspace LowCardinality(String),
    erasure String,
    started_at DateTime64(3, 'UTC'),
    kind LowCardinality(String) COMMENT 'lead, anonymous, or the name of an identifier',
    value String
)
ENGINE = /*replicated*/MergeTree
ORDER BY (workspace, erasure, kind, value);

-- The messages that were erased. One that comes again, by a retry or out of an archive, is stored as a blank row.
CREATE TABLE IF NOT EXISTS erased_messages /*on_cluster*/
(
    id FixedString(16) COMMENT 'the first half of the SHA-256 of workspace and event id, or of topic and bytes of a dead letter',
    at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = /*replicated*/MergeTree
ORDER BY (id, at);
