-- Clocks and cadences: what a lead is owed, by when, and what it got. The four tables at the top are reference tables,
-- filled from the policy and calendar files and replaced as a whole when a file changes. Those below them are derived.

-- One row per clock and version of its policy. A cycle of a clock is counted by the version valid when it starts.
CREATE TABLE IF NOT EXISTS sla_policies /*on_cluster*/
(
    clock LowCardinality(String),
    policy LowCardinality(String) COMMENT 'name@version of the file',
    valid_from DateTime64(3, 'UTC'),
    valid_until DateTime64(3, 'UTC') COMMENT 'half-open',
    on_assignment Bool COMMENT 'starts with each assignment; otherwise when a rule begins to hold',
    met_by_effective Bool COMMENT 'stopped by effective activities alone',
    repeats Bool COMMENT 'each activity starts it anew',
    unless_worked Bool COMMENT 'does not start where an activity came since the lead (re)opened',
    pauses_while_locked Bool,
    drops_cancelled Bool COMMENT 'a cycle that ends before it is due leaves no row',
    rules Array(String) COMMENT 'the first that holds counts; the arrays below are as long',
    rule_stages Array(Array(String)) COMMENT 'one of these, as in the two below; none listed: any',
    rule_grades Array(Array(String)),
    rule_priorities Array(Array(String)),
    rule_ms Array(Int64) COMMENT 'milliseconds from start to due',
    rule_working Array(Bool) COMMENT 'on the working clock; otherwise on the calendar clock',
    plan String COMMENT 'hash of all that the reference tables were filled from'
)
ENGINE = /*replicated*/MergeTree
ORDER BY (clock, policy);

-- When each calendar's teams work, with the time worked before each interval: the working time between two moments is
-- a difference of two look-ups, and the moment after N hours of work is one look-up back.
CREATE TABLE IF NOT EXISTS work_calendar /*on_cluster*/
(
    calendar LowCardinality(String),
    starts_at DateTime64(3, 'UTC'),
    ends_at DateTime64(3, 'UTC') COMMENT 'half-open',
    before_ms Int64 COMMENT 'milliseconds of work before starts_at'
)
ENGINE = /*replicated*/MergeTree
ORDER BY (calendar, starts_at);

-- Which calendar a team has. The others have the one named default.
CREATE TABLE IF NOT EXISTS work_teams /*on_cluster*/
(
    team String,
    calendar LowCardinality(String)
)
ENGINE = /*replicated*/MergeTree
ORDER BY team;

-- One row per step of a cadence, its version and each industry it is for; the industry '' is for all others.
CREATE TABLE IF NOT EXISTS cadence_policies /*on_cluster*/
(
    industry String COMMENT 'in lower case',
    cadence LowCardinality(String),
    policy LowCardinality(String) COMMENT 'name@version of the file',
    valid_from DateTime64(3, 'UTC'),
    valid_until DateTime64(3, 'UTC') COMMENT 'half-open',
    step LowCardinality(String),
    grades Array(String),
    methods Array(String) COMMENT 'of the activities that count; none listed: any',
    from_day UInt32 COMMENT 'first day that counts; the day the grade was reached is day 1',
    every_days UInt32 COMMENT 'length of a window; 0: one window, up to the end of until_day',
    until_day UInt32 COMMENT 'last day of the last window; 0: until the lead is closed or graded otherwise',
    at_least UInt32 COMMENT 'activities in each window',
    at_most UInt32 COMMENT '0: no limit'
)
ENGINE = /*replicated*/MergeTree
ORDER BY (industry, policy, step);

-- What the clocks and cadences look at: the states a lead went through, in arrays of one length. An element says what
-- held from its moment up to the next.
CREATE TABLE IF NOT EXISTS sla_states /*on_cluster*/
(
    workspace LowCardinality(String),
    lead_id String,
    at Array(DateTime64(3, 'UTC')),
    open Array(Bool) COMMENT 'not won, lost, invalid, recycled or returned',
    opened_at Array(DateTime64(3, 'UTC')) COMMENT 'when it became what open says',
    stage Array(LowCardinality(String)),
    grade Array(LowCardinality(String)) COMMENT 'empty before the first',
    priority Array(LowCardinality(String)) COMMENT 'as stated, in lower case; empty where nobody did',
    owner Array(LowCardinality(String)),
    team Array(LowCardinality(String)),
    held Array(UInt32) COMMENT 'number of the assignment that holds; 0 for a lead in the pool',
    locked Array(Bool),
    _ver UInt64,
    _deleted UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver, _deleted)
ORDER BY (workspace, lead_id);

-- Every time a clock ran for a lead. Seconds leave out the time it was paused.
CREATE TABLE IF NOT EXISTS sla_clocks /*on_cluster*/
(
    workspace LowCardinality(String),
    lead_id String,
    clock LowCardinality(String),
    cycle UInt32 COMMENT 'from 1, in the order of started_at',
    policy LowCardinality(String) COMMENT 'name@version of the file',
    rule LowCardinality(String),
    stage LowCardinality(String) COMMENT 'at the start, as the grade',
    grade LowCardinality(String),
    owner LowCardinality(String) COMMENT 'at the start, or else the first one after it',
    team LowCardinality(String),
    calendar LowCardinality(String) COMMENT 'of the team',
    started_at DateTime64(3, 'UTC'),
    due_at Nullable(DateTime64(3, 'UTC')) COMMENT 'an activity at this moment is late; NULL while a lock has no end',
    met_at Nullable(DateTime64(3, 'UTC')),
    ended_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when the lead no longer asked for it',
    status LowCardinality(String) COMMENT 'met, met_late, overdue, missed, open or cancelled',
    calendar_seconds Nullable(Float64) COMMENT 'from start to met_at',
    working_seconds Nullable(Float64) COMMENT 'from start to met_at; NULL outside the range of the calendars too',
    paused_seconds Float64 COMMENT 'of locks that have ended or ended with the cycle',
    changes_at Nullable(DateTime64(3, 'UTC')) COMMENT 'due_at of an open cycle: a run after that recomputes the lead',
    _ver UInt64,
    _deleted UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver, _deleted)
ORDER BY (workspace, lead_id, clock, cycle);

-- What a cadence asked for while a lead had a grade, and what was done. Days are those of the business time zone.
CREATE TABLE IF NOT EXISTS cadence_steps /*on_cluster*/
(
    workspace LowCardinality(String),
    lead_id String,
    started_at DateTime64(3, 'UTC') COMMENT 'when the lead, being open, got the grade',
    step LowCardinality(String),
    policy LowCardinality(String) COMMENT 'name@version of the file',
    grade LowCardinality(String),
    owner LowCardinality(String) COMMENT 'the last one while it had the grade',
    team LowCardinality(String),
    ended_at Nullable(DateTime64(3, 'UTC')),
    expected UInt32 COMMENT 'windows that are over',
    kept UInt32 COMMENT 'of these, with enough activities',
    actions UInt32 COMMENT 'activities in all windows, the current one included',
    exceeded UInt32 COMMENT 'windows with more than at most',
    last_at Nullable(DateTime64(3, 'UTC')) COMMENT 'the last of these activities',
    due_at Nullable(DateTime64(3, 'UTC')) COMMENT 'end of the first window that still wants activities',
    overdue_since Nullable(DateTime64(3, 'UTC')) COMMENT 'end of the first window that went by since the step was last kept',
    changes_at Nullable(DateTime64(3, 'UTC')) COMMENT 'end of the current window: a run after that recomputes the lead',
    _ver UInt64,
    _deleted UInt8
)
ENGINE = /*replicated*/ReplacingMergeTree(_ver, _deleted)
ORDER BY (workspace, lead_id, started_at, step);

-- How the clocks were kept, by the day they started.
CREATE TABLE IF NOT EXISTS sla_attainment /*on_cluster*/
(
    workspace LowCardinality(String),
    date Date32 COMMENT 'of the start, in the business time zone',
    clock LowCardinality(String),
    grade LowCardinality(String),
    owner LowCardinality(String),
    team LowCardinality(String),
    started UInt64 COMMENT 'met + breached + running + cancelled',
    met UInt64 COMMENT 'in time',
    breached UInt64 COMMENT 'met late, overdue or missed',
    overdue UInt64 COMMENT 'breached, not met, and still asked for: a missed cycle is over',
    running UInt64 COMMENT 'not yet due',
    cancelled UInt64,
    median_working_seconds Nullable(Float64) COMMENT 'of the cycles that were met, late ones included',
    p90_working_seconds Nullable(Float64)
)
ENGINE = /*replicated*/MergeTree
ORDER BY (workspace, date, clock, grade, owner, team);
