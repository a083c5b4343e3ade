-- cube: leads
-- limit: 10000
-- query: {"measures":[],"dimensions":["region","industry"],"timeDimensions":[],"filters":[],"order":[],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  l.region AS region,
  l.industry AS industry
FROM lead_facts AS f
LEFT JOIN leads AS l ON l.workspace = f.workspace AND l.lead_id = f.lead_id
WHERE NOT f.is_invalid
GROUP BY region, industry
ORDER BY region ASC NULLS LAST, industry ASC NULLS LAST
LIMIT {limit:UInt64}
