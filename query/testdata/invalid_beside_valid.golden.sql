-- cube: leads
-- limit: 10000
-- query: {"measures":["leads","invalid_leads"],"dimensions":["source"],"timeDimensions":[],"filters":[],"order":[["leads","desc"]],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  l.source AS source,
  countIf(NOT f.is_invalid) AS leads,
  countIf(f.is_invalid) AS invalid_leads
FROM lead_facts AS f
LEFT JOIN leads AS l ON l.workspace = f.workspace AND l.lead_id = f.lead_id
GROUP BY source
ORDER BY leads DESC NULLS LAST, source ASC NULLS LAST
LIMIT {limit:UInt64}
