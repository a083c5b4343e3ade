-- Who is who. A node is an id that rows come under: lead:ID, anonymous:ID, or KIND:VALUE of an identifier. The package
-- transform/identity says what links nodes to persons.

-- What the raw rows say about pairs of nodes, a row for each direction. Every column is a minimum or maximum over rows,
-- so the same rows may be added again, in any order.
CREATE TABLE IF NOT EXISTS identity_links /*on_cluster*/
(
    node UInt64 COMMENT 'cityHash64(workspace, kind, value)',
    other UInt64 COMMENT 'the node at the other end',
    link Enum8('id' = 0, 'id of' = 1, 'alias' = 2, 'alias of' = 3, 'merged into' = 4, 'merged from' = 5)
        COMMENT 'what other is to node',
    workspace SimpleAggregateFunction(any, LowCardinality(String)),
    kind SimpleAggregateFunction(any, LowCardinality(String))
        COMMENT 'of node: lead, anonymous or that of the identifier',
    value SimpleAggregateFunction(any, String),
    other_kind SimpleAggregateFunction(any, LowCardinality(String)),
    first_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'when a row first said so',
    seen_at SimpleAggregateFunction(max, Nullable(DateTime64(3, 'UTC')))
        COMMENT 'when a row that is no update of a lead last said so',
    stated SimpleAggregateFunction(max, Tuple(at DateTime64(3, 'UTC'), event_id String))
        COMMENT 'the last update of a lead that said so; 1970 where none did'
)
ENGINE = /*replicated*/AggregatingMergeTree
ORDER BY (node, other, link);

-- The person behind each node that is not its own default: of lead X that is X, of anonymous Y anonymous:Y, of another
-- KIND:VALUE that text. A row of a raw table belongs to the person of its lead_id where it has one, else of its
-- anonymous_id, else of the identifier that identity.IdentifierNode names. lead_id is the column to read.
--
-- The ids that other records of a lead came under (merged_ids) are the rows of kind lead with its lead_id; equally the
-- distinct source_lead_id of its history that are neither empty nor the lead's own id.
CREATE TABLE IF NOT EXISTS identities /*on_cluster*/
(
    workspace LowCardinality(String),
    kind LowCardinality(String),
    value String,
    lead_id String COMMENT 'the person',
    first_at DateTime64(3, 'UTC') COMMENT 'when a row first linked the node',
    -- The first kind by name; merged_into where the lead was merged by hand; indirect where others link the two.
    via LowCardinality(String) COMMENT 'of a lead: the kind of id that it shares with another lead',
    _ver UInt64,
    _deleted UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver, _deleted)
ORDER BY (workspace, kind, value);

-- Identifiers that too many leads share, as a company's hotline: they link nobody.
CREATE TABLE IF NOT EXISTS identity_shared /*on_cluster*/
(
    workspace LowCardinality(String),
    kind LowCardinality(String),
    value String,
    leads UInt64 COMMENT 'that rows name together with it',
    _ver UInt64
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver)
ORDER BY (workspace, kind, value);

-- How many records of leads came in, and how many of them were of people known already.
CREATE TABLE IF NOT EXISTS duplicate_daily /*on_cluster*/
(
    workspace LowCardinality(String),
    date Date32
        COMMENT 'in the business time zone: of creation; of a duplicate, of when it was first linked',
    records UInt64 COMMENT 'leads and duplicates',
    leads UInt64,
    duplicates UInt64 COMMENT 'records that were merged into another one, whenever that was',
    duplicates_via Map(LowCardinality(String), UInt64) COMMENT 'by the kind of id that they share: see identities.via',
    duplicate_rate Float64 COMMENT 'duplicates / records',
    candidates UInt64 COMMENT 'leads with account and contact name of an earlier one that nothing links'
)
ENGINE = /*replicated*/MergeTree
ORDER BY (workspace, date);

-- Companies that several leads come from: whom to merge, which follow-up to keep, who is a customer already.
CREATE TABLE IF NOT EXISTS accounts /*on_cluster*/
(
    workspace LowCardinality(String),
    account String COMMENT 'as in leads',
    company String COMMENT 'as the lead created last spells it',
    leads UInt64 COMMENT '2 or more; those merged count once, invalid ones not',
    open_leads UInt64 COMMENT 'neither won nor lost nor recycled',
    won_leads UInt64,
    is_customer Bool COMMENT 'a lead of the company was ever won',
    same_names UInt64 COMMENT 'leads that share their contact name with an earlier one: proposed to be merged',
    owners Array(String) COMMENT 'of the open leads, sorted: more than one work on the company at once',
    first_created_at DateTime64(3, 'UTC'),
    last_created_at DateTime64(3, 'UTC'),
    last_activity_at Nullable(DateTime64(3, 'UTC')),
    last_activity_lead String COMMENT 'the lead that was followed up last; empty where none was',
    lead_ids Array(String) COMMENT 'by creation, the first 100'
)
ENGINE = /*replicated*/MergeTree
ORDER BY (workspace, account);
