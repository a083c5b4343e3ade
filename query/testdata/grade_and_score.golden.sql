-- cube: leads
-- limit: 10000
-- model: "starter"
-- query: {"measures":["leads","avg_score"],"dimensions":["grade"],"timeDimensions":[],"filters":[],"order":[["leads","desc"]],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  s.grade AS grade,
  countIf(NOT f.is_invalid) AS leads,
  avgOrNullIf(s.total, s.lead_id != '' AND NOT f.is_invalid) AS avg_score
FROM lead_facts AS f
LEFT JOIN (SELECT workspace, lead_id, grade, total FROM scores WHERE model = (SELECT argMax(model, (as_of, model)) FROM scores WHERE {model:String} IN ('', model, splitByChar('@', model)[1]))) AS s ON s.workspace = f.workspace AND s.lead_id = f.lead_id
WHERE NOT f.is_invalid
GROUP BY grade
ORDER BY leads DESC NULLS LAST, grade ASC NULLS LAST
LIMIT {limit:UInt64}
