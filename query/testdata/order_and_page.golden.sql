-- cube: leads
-- limit: 100
-- offset: 200
-- tz: "Asia/Shanghai"
-- query: {"measures":["leads","won"],"dimensions":["channel","region"],"timeDimensions":[{"dimension":"created_at","granularity":"month"}],"filters":[],"order":[["won","desc"],["created_at","asc"],["region","desc"]],"limit":100,"offset":200,"timezone":"Asia/Shanghai"}
SELECT
  l.channel AS channel,
  l.region AS region,
  toStartOfMonth(f.created_at, {tz:String}) AS created_at_month,
  countIf(NOT f.is_invalid) AS leads,
  countIf(f.won_at IS NOT NULL AND NOT f.is_invalid) AS won
FROM lead_facts AS f
LEFT JOIN leads AS l ON l.workspace = f.workspace AND l.lead_id = f.lead_id
WHERE NOT f.is_invalid
GROUP BY channel, region, created_at_month
ORDER BY won DESC NULLS LAST, created_at_month ASC NULLS LAST, region DESC NULLS LAST, channel ASC NULLS LAST
LIMIT {limit:UInt64}
OFFSET {offset:UInt64}
