-- cube: spend
-- limit: 10000
-- p1: 1000.5
-- query: {"measures":["clicks"],"dimensions":["channel"],"timeDimensions":[],"filters":[{"member":"cost","operator":"gt","values":["1000.5"]}],"order":[["clicks","desc"]],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  d.channel AS channel,
  sum(d.clicks) AS clicks
FROM channel_daily AS d
GROUP BY channel
HAVING if(length(groupUniqArrayIf(d.currency, d.cost != 0 AND d.currency != '')) > 1, NULL, sum(d.cost)) > {p1:Float64}
ORDER BY clicks DESC NULLS LAST, channel ASC NULLS LAST
LIMIT {limit:UInt64}
