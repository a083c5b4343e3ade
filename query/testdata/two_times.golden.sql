-- cube: leads
-- limit: 10000
-- p1: "2025-12-31 16:00:00.000"
-- p2: "2026-12-31 16:00:00.000"
-- tz: "Asia/Shanghai"
-- query: {"measures":["won"],"dimensions":[],"timeDimensions":[{"dimension":"created_at","granularity":"quarter"},{"dimension":"won_at","granularity":"year"},{"dimension":"won_at","granularity":"day"},{"dimension":"lost_at","dateRange":["2026-01-01","2026-12-31"]}],"filters":[],"order":[["created_at.quarter","asc"],["won_at.year","asc"],["won_at.day","asc"]],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  toStartOfQuarter(f.created_at, {tz:String}) AS created_at_quarter,
  toStartOfYear(f.won_at, {tz:String}) AS won_at_year,
  toDate32(f.won_at, {tz:String}) AS won_at_day,
  countIf(f.won_at IS NOT NULL AND NOT f.is_invalid) AS won
FROM lead_facts AS f
WHERE NOT f.is_invalid
  AND f.lost_at >= {p1:DateTime64(3, 'UTC')} AND f.lost_at < {p2:DateTime64(3, 'UTC')}
GROUP BY created_at_quarter, won_at_year, won_at_day
ORDER BY created_at_quarter ASC NULLS LAST, won_at_year ASC NULLS LAST, won_at_day ASC NULLS LAST
LIMIT {limit:UInt64}
