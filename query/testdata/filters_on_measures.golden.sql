-- cube: leads
-- limit: 10000
-- p1: 10
-- p2: 1
-- p3: 2
-- p4: 3
-- query: {"measures":["leads"],"dimensions":["channel"],"timeDimensions":[],"filters":[{"member":"leads","operator":"gte","values":["10"]},{"member":"lead_to_won_rate","operator":"set"},{"or":[{"member":"won","operator":"equals","values":["1","2"]},{"member":"won","operator":"notEquals","values":["3"]},{"member":"lost","operator":"notSet"}]}],"order":[["leads","desc"]],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  l.channel AS channel,
  countIf(NOT f.is_invalid) AS leads
FROM lead_facts AS f
LEFT JOIN leads AS l ON l.workspace = f.workspace AND l.lead_id = f.lead_id
WHERE NOT f.is_invalid
GROUP BY channel
HAVING countIf(NOT f.is_invalid) >= {p1:Float64}
  AND countIf(f.won_at IS NOT NULL AND NOT f.is_invalid) / nullIf(countIf(NOT f.is_invalid), 0) IS NOT NULL
  AND ((countIf(f.won_at IS NOT NULL AND NOT f.is_invalid) = {p2:Float64} OR countIf(f.won_at IS NOT NULL AND NOT f.is_invalid) = {p3:Float64}) OR countIf(f.won_at IS NOT NULL AND NOT f.is_invalid) != {p4:Float64} OR countIf(f.lost_at IS NOT NULL AND NOT f.is_invalid) IS NULL)
ORDER BY leads DESC NULLS LAST, channel ASC NULLS LAST
LIMIT {limit:UInt64}
