-- cube: leads
-- limit: 10000
-- p1: "company size"
-- p2: "'; DROP TABLE leads --"
-- p3: "规模"
-- p4: 100
-- query: {"measures":["leads"],"dimensions":["attr.company size","attr.'; DROP TABLE leads --"],"timeDimensions":[],"filters":[{"member":"attr.规模","operator":"gt","values":["100"]}],"order":[["attr.company size","asc"]],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  l.attributes[{p1:String}] AS attr_1,
  l.attributes[{p2:String}] AS attr_2,
  countIf(NOT f.is_invalid) AS leads
FROM lead_facts AS f
LEFT JOIN leads AS l ON l.workspace = f.workspace AND l.lead_id = f.lead_id
WHERE NOT f.is_invalid
  AND toFloat64OrNull(l.attributes[{p3:String}]) > {p4:Float64}
GROUP BY attr_1, attr_2
ORDER BY attr_1 ASC NULLS LAST, attr_2 ASC NULLS LAST
LIMIT {limit:UInt64}
