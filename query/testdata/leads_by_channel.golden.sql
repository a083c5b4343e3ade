-- cube: leads
-- limit: 10000
-- query: {"measures":["leads","won","lead_to_won_rate"],"dimensions":["channel"],"timeDimensions":[],"filters":[],"order":[["leads","desc"]],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  l.channel AS channel,
  countIf(NOT f.is_invalid) AS leads,
  countIf(f.won_at IS NOT NULL AND NOT f.is_invalid) AS won,
  countIf(f.won_at IS NOT NULL AND NOT f.is_invalid) / nullIf(countIf(NOT f.is_invalid), 0) AS lead_to_won_rate
FROM lead_facts AS f
LEFT JOIN leads AS l ON l.workspace = f.workspace AND l.lead_id = f.lead_id
WHERE NOT f.is_invalid
GROUP BY channel
ORDER BY leads DESC NULLS LAST, channel ASC NULLS LAST
LIMIT {limit:UInt64}
