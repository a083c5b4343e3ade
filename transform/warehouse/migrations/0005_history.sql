-- What is known of a lead is recomputed lead by lead: a run takes the leads that something happened to and replaces their
-- rows by rows of a higher _ver. A row that is no more is replaced by one that says _deleted. Readers see the last row of
-- each key, for the connection asks for FINAL. The tables are made anew here.
--
-- The tables have no partitions: a run writes one part a table, and a rebuild one for each range of leads.

-- How far the derived tables have come: the last row of each name. None, so that the next run fills them from the raw ones.
DROP TABLE IF EXISTS watermarks /*on_cluster*/ SYNC;

CREATE TABLE IF NOT EXISTS watermarks /*on_cluster*/
(
    name LowCardinality(String),
    arrived_until DateTime64(3, 'UTC') COMMENT 'raw rows with _ingested_at before this were seen',
    as_of DateTime64(3, 'UTC') COMMENT 'the moment the derived tables were computed for',
    plan String COMMENT 'hash of models and settings: another one asks for a rebuild',
    arrived Map(LowCardinality(String), UInt64) COMMENT 'how many rows each raw table held from before arrived_until: more of them later have come unseen',
    _ver UInt64
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver)
ORDER BY name;

-- Leads to be recomputed by the next run though no raw row of theirs arrived, as after an erasure.
CREATE TABLE IF NOT EXISTS touched /*on_cluster*/
(
    workspace LowCardinality(String),
    lead_id String,
    _ingested_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = /*replicated*/MergeTree
ORDER BY (_ingested_at, workspace, lead_id)
TTL toDateTime(_ingested_at) + INTERVAL 30 DAY;

-- Which grade a lead got when, on change. Written by scoring; transform reads it as it reads the raw tables.
CREATE TABLE IF NOT EXISTS grade_changes /*on_cluster*/
(
    workspace LowCardinality(String),
    event_id String COMMENT 'model, lead and moment: the same change twice counts once',
    lead_id String,
    occurred_at DateTime64(3, 'UTC'),
    model LowCardinality(String) COMMENT 'name@version',
    grade LowCardinality(String),
    total Float64,
    _ingested_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = /*replicated*/MergeTree
ORDER BY (workspace, lead_id, occurred_at, event_id);

-- A run asks the raw tables what arrived since the last one. With the least and largest arrival of each 32 k rows at hand
-- it reads no old months.
ALTER TABLE events /*on_cluster*/ ADD INDEX IF NOT EXISTS ix_ingested _ingested_at TYPE minmax GRANULARITY 4;
ALTER TABLE lead_updates /*on_cluster*/ ADD INDEX IF NOT EXISTS ix_ingested _ingested_at TYPE minmax GRANULARITY 4;
ALTER TABLE activities /*on_cluster*/ ADD INDEX IF NOT EXISTS ix_ingested _ingested_at TYPE minmax GRANULARITY 4;
ALTER TABLE stage_changes /*on_cluster*/ ADD INDEX IF NOT EXISTS ix_ingested _ingested_at TYPE minmax GRANULARITY 4;
ALTER TABLE assignments /*on_cluster*/ ADD INDEX IF NOT EXISTS ix_ingested _ingested_at TYPE minmax GRANULARITY 4;

DROP TABLE IF EXISTS leads /*on_cluster*/ SYNC;

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
    phone String COMMENT 'masked, as the two below',
    email String,
    wechat String,
    industry LowCardinality(String),
    region LowCardinality(String),
    product LowCardinality(String),
    owner LowCardinality(String) COMMENT 'who was given the lead last; empty when it went back to the pool',
    team LowCardinality(String),
    attributes Map(LowCardinality(String), String) COMMENT 'the latest value of each',
    account String COMMENT 'the normalised company name: leads of one company share it; empty without a company',
    merged_ids Array(String) COMMENT 'the ids that other records of this person came under, sorted; empty for most',
    _ver UInt64,
    _deleted UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver, _deleted)
ORDER BY (workspace, lead_id);

DROP TABLE IF EXISTS lead_facts /*on_cluster*/ SYNC;

-- What happened to the lead. One row a lead. A time that is NULL has not come.
CREATE TABLE IF NOT EXISTS lead_facts /*on_cluster*/
(
    workspace LowCardinality(String),
    lead_id String,
    created_at DateTime64(3, 'UTC'),
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
    followed_up_24h Nullable(Bool) COMMENT 'first activity within 24 h of creation; NULL while that is still open',
    days_to_won Nullable(Float64) COMMENT 'won_at minus created_at in days of 24 h; negative where the source says so',
    flags Array(LowCardinality(String)) COMMENT 'what is odd about the record: won_before_created, clamped_time …',
    last_channel LowCardinality(String) COMMENT 'of the last touchpoint, as the three below',
    last_source LowCardinality(String),
    last_medium LowCardinality(String),
    last_campaign LowCardinality(String),
    last_behavior_at Nullable(DateTime64(3, 'UTC')),
    stages Array(LowCardinality(String)) COMMENT 'entered, in order; a change that repeats the stage before it enters none',
    stages_at Array(DateTime64(3, 'UTC')) COMMENT 'when each was entered: it lasted until the next',
    stage_entries Map(LowCardinality(String), UInt32) COMMENT 'how often each stage was entered',
    new_last_at Nullable(DateTime64(3, 'UTC')) COMMENT 'last entered, as the seven below',
    mql_last_at Nullable(DateTime64(3, 'UTC')),
    sql_last_at Nullable(DateTime64(3, 'UTC')),
    opportunity_last_at Nullable(DateTime64(3, 'UTC')),
    won_last_at Nullable(DateTime64(3, 'UTC')),
    lost_last_at Nullable(DateTime64(3, 'UTC')),
    recycled_last_at Nullable(DateTime64(3, 'UTC')),
    invalid_last_at Nullable(DateTime64(3, 'UTC')),
    reopens UInt32 COMMENT 'from won, lost, recycled or invalid to mql or more, be it by way of new',
    reopened_at Nullable(DateTime64(3, 'UTC')) COMMENT 'last',
    regressions UInt32 COMMENT 'moves back on the way new, mql, sql, opportunity, won',
    regressed_at Nullable(DateTime64(3, 'UTC')) COMMENT 'last',
    owner LowCardinality(String) COMMENT 'as in leads',
    team LowCardinality(String) COMMENT 'as in leads',
    owners Array(LowCardinality(String)) COMMENT 'who held the lead, in order; times in the pool are left out',
    owner_teams Array(LowCardinality(String)) COMMENT 'of each holding',
    owned_from Array(DateTime64(3, 'UTC')) COMMENT 'of each holding',
    owned_until Array(Nullable(DateTime64(3, 'UTC'))) COMMENT 'of each holding; NULL of the present one',
    owner_changes UInt32 COMMENT 'from one owner to another, also by way of the pool',
    owner_mkt LowCardinality(String) COMMENT 'the attribute of that name, else the last owner in a team of marketing',
    owner_sales LowCardinality(String) COMMENT 'the attribute of that name, else the last owner in a team of sales',
    returns UInt32 COMMENT 'assignments sent back by the owner',
    methods Map(LowCardinality(String), UInt32) COMMENT 'activities by method',
    last_activity_at Nullable(DateTime64(3, 'UTC')),
    last_effective_at Nullable(DateTime64(3, 'UTC')),
    valid_lead Bool COMMENT '3 or more effective activities within 30 days of creation',
    complete_activities UInt32 COMMENT 'recorded with owner, method, outcome, next step and, where somebody was spoken to, duration',
    record_completeness Nullable(Float64) COMMENT 'complete_activities / activities',
    base_completeness Float64 COMMENT 'share of company, contact, phone, e-mail and region that is known',
    next_action String COMMENT 'promised by the last activity',
    next_at Nullable(DateTime64(3, 'UTC')) COMMENT 'promised by the last activity',
    next_overdue Bool COMMENT 'next_at has come and the lead is not won, lost, recycled or invalid',
    purchase_intent_at Nullable(DateTime64(3, 'UTC')) COMMENT 'condition of conversion: first stated a purchase intent',
    budget_given_at Nullable(DateTime64(3, 'UTC')) COMMENT 'condition of conversion: first gave a budget',
    demo_requested_at Nullable(DateTime64(3, 'UTC')) COMMENT 'condition of conversion: first asked for a demo',
    contract_asked_at Nullable(DateTime64(3, 'UTC')) COMMENT 'condition of conversion: first asked about the contract',
    referred_at Nullable(DateTime64(3, 'UTC')) COMMENT 'condition of conversion: first referred others',
    conversion_conditions UInt8 COMMENT 'how many of the five hold',
    conversion_ready Bool COMMENT '3 or more of the five hold',
    conversion_ready_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when the third came to hold',
    invalid_reason LowCardinality(String) COMMENT 'as the latest stage says; empty unless is_invalid',
    exclusion_reasons Array(LowCardinality(String)) COMMENT 'sorted, of budget_far_below_min, email_invalid, false_data, invalid_stage, need_mismatch, phone_invalid',
    recycles UInt32 COMMENT 'back to the pool, by stage or by assignment',
    last_recycle_at Nullable(DateTime64(3, 'UTC')),
    reactivations UInt32 COMMENT 'after a recycling mql or more, or given to an owner',
    reactivated_at Nullable(DateTime64(3, 'UTC')) COMMENT 'last',
    grade_a_at Nullable(DateTime64(3, 'UTC')) COMMENT 'first graded A, by any model',
    days_to_grade_a Nullable(Float64) COMMENT 'grade_a_at minus created_at in days of 24 h',
    changes_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when this row changes though nothing happens; a run after that recomputes the lead',
    _ver UInt64,
    _deleted UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver, _deleted)
ORDER BY (workspace, lead_id);

-- The history of a person in arrays of one length, sorted by (time, event id): touches, behaviours, stages, assignments
-- and follow-ups in one timeline. Of very many touches and behaviours the middle is cut out; nothing else is ever cut.
-- Updates stand in two arrays of their own.
CREATE TABLE IF NOT EXISTS lead_journeys /*on_cluster*/
(
    workspace LowCardinality(String),
    lead_id String COMMENT 'anonymous:ID for a visitor who is no lead yet',
    is_lead Bool,
    at Array(Int64) COMMENT 'milliseconds since 1970',
    id Array(UInt64) COMMENT 'hash of the event id',
    type Array(LowCardinality(String)) COMMENT 'touchpoint, behavior, stage, assignment or activity',
    name Array(LowCardinality(String)) COMMENT 'kind of touch, behaviour, stage, action or method',
    channel Array(LowCardinality(String)),
    source Array(LowCardinality(String)),
    medium Array(LowCardinality(String)),
    campaign Array(LowCardinality(String)),
    page_group Array(LowCardinality(String)),
    session Array(UInt64) COMMENT 'hash of the session id, 0 without one',
    value Array(Float64) COMMENT 'of a behaviour its value, of a stage the amount, of an activity seconds',
    owner Array(LowCardinality(String)) COMMENT 'of an assignment or activity',
    effective Array(Bool) COMMENT 'of an activity',
    detail Array(LowCardinality(String)) COMMENT 'reason of a stage, outcome of an activity, team of an assignment',
    properties Array(Map(LowCardinality(String), String)) COMMENT 'of a behaviour; of a touch url, referrer, content and term; of a stage the currency; of an activity emotion, next_action and next_at; empty ones left out',
    updated_at Array(Int64) COMMENT 'of each update of the lead, sorted by (time, event id)',
    stated Array(Map(LowCardinality(String), String)) COMMENT 'what the update stated: attributes, and company, contact_name, phone, email, wechat, source',
    cut UInt32 COMMENT 'touches and behaviours left out of the arrays',
    _ver UInt64,
    _deleted UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver, _deleted)
ORDER BY (workspace, lead_id);

-- How often a lead gave a signal on a day. What scores by behaviour are computed from.
CREATE TABLE IF NOT EXISTS lead_signals /*on_cluster*/
(
    workspace LowCardinality(String),
    lead_id String,
    signal LowCardinality(String) COMMENT 'NAME and NAME:PAGE_GROUP of a behaviour, touch:KIND, activity:METHOD and activity:METHOD:effective',
    day Date32 COMMENT 'in the business time zone',
    n UInt32,
    sum Float64 COMMENT 'of the values of behaviours, of the seconds of activities',
    first_at DateTime64(3, 'UTC'),
    last_at DateTime64(3, 'UTC'),
    _ver UInt64,
    _deleted UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver, _deleted)
ORDER BY (workspace, lead_id, signal, day);

-- Which decayed sums are kept: of a signal, or of every signal where that is empty. A rebuild fills it from the settings.
CREATE TABLE IF NOT EXISTS decays /*on_cluster*/
(
    signal LowCardinality(String) COMMENT 'empty: every signal',
    half_life_hours UInt32,
    per_day UInt32 COMMENT 'at most so many a day count; 0: all'
)
ENGINE = /*replicated*/MergeTree
ORDER BY (signal, half_life_hours, per_day);

-- The decayed sum of a lead's signals at the moment of the last one: state × 2^(−(as_of − last_at) / half-life) is the
-- sum at as_of, so time never rewrites a row. A landmark of its own for each row has no end: counted from one fixed day, a
-- half-life of a week would overflow a Float64 after twenty years.
CREATE TABLE IF NOT EXISTS lead_decays /*on_cluster*/
(
    workspace LowCardinality(String),
    lead_id String,
    signal LowCardinality(String),
    half_life_hours UInt32,
    per_day UInt32 COMMENT 'at most so many a day count; 0: all',
    state Float64 COMMENT 'the sum over days of the count times 2^((last of the day − last_at) / half-life)',
    last_at DateTime64(3, 'UTC'),
    _ver UInt64,
    _deleted UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver, _deleted)
ORDER BY (workspace, lead_id, signal, half_life_hours, per_day);
