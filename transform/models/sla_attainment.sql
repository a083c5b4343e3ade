-- grain: one row per workspace, day, clock, grade, owner and team
-- by: table
-- reads: sla_clocks
-- writes: sla_attainment (workspace, date, clock, grade, owner, team, started, met, breached, overdue, running,
--   cancelled, median_working_seconds, p90_working_seconds)
--
-- How the clocks were kept, by the day they started: the share met is met / (met + breached). Median and ninth decile
-- are exact, by linear interpolation, of the cycles that were met at all. They do not add up over rows, so other cuts
-- are taken from sla_clocks.
SELECT
    workspace,
    toDate32(started_at, {tz:String}) AS date,
    clock,
    grade,
    owner,
    team,
    count() AS started,
    countIf(status = 'met') AS met,
    countIf(status IN ('met_late', 'overdue', 'missed')) AS breached,
    countIf(status = 'overdue') AS overdue,
    countIf(status = 'open') AS running,
    countIf(status = 'cancelled') AS cancelled,
    quantileExactInclusiveOrNull(0.5)(working_seconds) AS median_working_seconds,
    quantileExactInclusiveOrNull(0.9)(working_seconds) AS p90_working_seconds
FROM sla_clocks
GROUP BY workspace, date, clock, grade, owner, team
