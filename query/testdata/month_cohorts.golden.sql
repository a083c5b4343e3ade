-- cube: leads
-- limit: 10000
-- p1: "2025-12-31 16:00:00.000"
-- p2: "2026-03-31 16:00:00.000"
-- tz: "Asia/Shanghai"
-- query: {"measures":["leads","won"],"dimensions":["channel"],"timeDimensions":[{"dimension":"created_at","granularity":"month","dateRange":["2026-01-01","2026-03-31"]}],"filters":[],"order":[["created_at.month","asc"]],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  l.channel AS channel,
  toStartOfMonth(f.created_at, {tz:String}) AS created_at_month,
  countIf(NOT f.is_invalid) AS leads,
  countIf(f.won_at IS NOT NULL AND NOT f.is_invalid) AS won
FROM lead_facts AS f
LEFT JOIN leads AS l ON l.workspace = f.workspace AND l.lead_id = f.lead_id
WHERE NOT f.is_invalid
  AND f.created_at >= {p1:DateTime64(3, 'UTC')} AND f.created_at < {p2:DateTime64(3, 'UTC')}
GROUP BY channel, created_at_month
ORDER BY created_at_month ASC NULLS LAST, channel ASC NULLS LAST
LIMIT {limit:UInt64}
