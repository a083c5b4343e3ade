-- cube: leads
-- limit: 10000
-- p1: "2026-10-19 04:00:00.000"
-- p2: "2026-11-16 05:00:00.000"
-- tz: "America/New_York"
-- query: {"measures":["mqls"],"dimensions":[],"timeDimensions":[{"dimension":"mql_at","granularity":"week","dateRange":["2026-10-19","2026-11-15"]}],"filters":[],"order":[["mql_at.week","asc"]],"limit":10000,"offset":0,"timezone":"America/New_York"}
SELECT
  toStartOfWeek(f.mql_at, 1, {tz:String}) AS mql_at_week,
  countIf(f.mql_at IS NOT NULL AND NOT f.is_invalid) AS mqls
FROM lead_facts AS f
WHERE NOT f.is_invalid
  AND f.mql_at >= {p1:DateTime64(3, 'UTC')} AND f.mql_at < {p2:DateTime64(3, 'UTC')}
GROUP BY mql_at_week
ORDER BY mql_at_week ASC NULLS LAST
LIMIT {limit:UInt64}
