-- cube: leads
-- limit: 10000
-- p1: "2025-12-31 16:00:00.000"
-- p2: "2026-03-31 16:00:00.000"
-- p3: "2026-10-21 16:00:00.000"
-- p4: "2026-11-20 16:00:00.000"
-- p5: "2026-05-31 16:00:00.000"
-- p6: "2026-11-20 16:00:00.000"
-- query: {"measures":["leads"],"dimensions":[],"timeDimensions":[],"filters":[{"member":"created_at","operator":"inDateRange","values":["2026-01-01","2026-03-31"]},{"member":"mql_at","operator":"notInDateRange","values":["last 30 days"]},{"member":"won_at","operator":"beforeDate","values":["2026-06-01"]},{"member":"sql_at","operator":"afterDate","values":["yesterday"]},{"member":"lost_at","operator":"notSet"},{"member":"opportunity_at","operator":"set"}],"order":[],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  countIf(NOT f.is_invalid) AS leads
FROM lead_facts AS f
WHERE NOT f.is_invalid
  AND (f.created_at >= {p1:DateTime64(3, 'UTC')} AND f.created_at < {p2:DateTime64(3, 'UTC')})
  AND (f.mql_at < {p3:DateTime64(3, 'UTC')} OR f.mql_at >= {p4:DateTime64(3, 'UTC')} OR f.mql_at IS NULL)
  AND f.won_at < {p5:DateTime64(3, 'UTC')}
  AND f.sql_at >= {p6:DateTime64(3, 'UTC')}
  AND f.lost_at IS NULL
  AND f.opportunity_at IS NOT NULL
LIMIT {limit:UInt64}
