-- Both kinds of marker, twice each.
CREATE TABLE IF NOT EXISTS leads ON CLUSTER 'main'
(
    lead_id String COMMENT 'not a /* marker */'
)
ENGINE = ReplicatedMergeTree
ORDER BY lead_id;

CREATE TABLE IF NOT EXISTS job_runs ON CLUSTER 'main'
(
    run_id String,
    version UInt8
)
ENGINE = ReplicatedReplacingMergeTree(version)
ORDER BY run_id;
