-- cube: spend
-- limit: 10000
-- p1: "2026-01-01"
-- p2: "2026-01-08"
-- warning: spend is kept by day of Asia/Shanghai: its days are not those of UTC
-- query: {"measures":["cost"],"dimensions":[],"timeDimensions":[{"dimension":"created_at","granularity":"day","dateRange":["2026-01-01","2026-01-07"]}],"filters":[],"order":[["created_at.day","asc"]],"limit":10000,"offset":0,"timezone":"UTC"}
SELECT
  toDate32(d.date) AS created_at_day,
  if(length(groupUniqArrayIf(d.currency, d.cost != 0 AND d.currency != '')) > 1, NULL, sum(d.cost)) AS cost,
  length(groupUniqArrayIf(d.currency, d.cost != 0 AND d.currency != '')) > 1 AS mixed_cost
FROM channel_daily AS d
WHERE d.date >= {p1:Date32} AND d.date < {p2:Date32}
GROUP BY created_at_day
ORDER BY created_at_day ASC NULLS LAST
LIMIT {limit:UInt64}
