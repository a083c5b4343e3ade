-- cube: leads
-- limit: 10000
-- p1: "2026-11-20 16:00:00.000"
-- p2: "2026-11-21 16:00:00.000"
-- tz: "Asia/Shanghai"
-- query: {"measures":["leads"],"dimensions":[],"timeDimensions":[{"dimension":"created_at","granularity":"hour","dateRange":["2026-11-21","2026-11-21"]}],"filters":[],"order":[["created_at.hour","asc"]],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  formatDateTime(f.created_at, '%Y-%m-%dT%H:00:00.000', {tz:String}) AS created_at_hour,
  countIf(NOT f.is_invalid) AS leads
FROM lead_facts AS f
WHERE NOT f.is_invalid
  AND f.created_at >= {p1:DateTime64(3, 'UTC')} AND f.created_at < {p2:DateTime64(3, 'UTC')}
GROUP BY created_at_hour
ORDER BY created_at_hour ASC NULLS LAST
LIMIT {limit:UInt64}
