-- Both kinds of marker, twice each.
CREATE TABLE IF NOT EXISTS leads /*on_cluster*/
(
    lead_id String COMMENT 'not a /* marker */'
)
ENGINE = /*replicated*/MergeTree
ORDER BY lead_id;

CREATE TABLE IF NOT EXISTS job_runs /*on_cluster*/
(
    run_id String,
    version UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(version)
ORDER BY run_id;
