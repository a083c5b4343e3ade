-- cube: leads
-- limit: 10000
-- p1: "social"
-- p2: ["north","south"]
-- p3: "2026-09-30 16:00:00.000"
-- p4: "2026-12-31 16:00:00.000"
-- query: {"measures":["leads"],"dimensions":[],"timeDimensions":[],"filters":[{"or":[{"member":"channel","operator":"equals","values":["social"]},{"and":[{"member":"region","operator":"equals","values":["north","south"]},{"member":"won_at","operator":"inDateRange","values":["this quarter"]}]}]}],"order":[],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  countIf(NOT f.is_invalid) AS leads
FROM lead_facts AS f
LEFT JOIN leads AS l ON l.workspace = f.workspace AND l.lead_id = f.lead_id
WHERE NOT f.is_invalid
  AND (l.channel = {p1:String} OR (l.region IN {p2:Array(String)} AND (f.won_at >= {p3:DateTime64(3, 'UTC')} AND f.won_at < {p4:DateTime64(3, 'UTC')})))
LIMIT {limit:UInt64}
