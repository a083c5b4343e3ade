-- cube: spend
-- limit: 10000
-- p1: "2026-10-01"
-- p2: "2026-11-01"
-- query: {"measures":["cost","leads","cpl","romi","won_amount"],"dimensions":["channel","campaign"],"timeDimensions":[{"dimension":"date","dateRange":["2026-10-01","2026-10-31"]}],"filters":[],"order":[["cost","desc"]],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  d.channel AS channel,
  d.campaign AS campaign,
  if(length(groupUniqArrayIf(d.currency, d.cost != 0 AND d.currency != '')) > 1, NULL, sum(d.cost)) AS cost,
  sum(d.leads) AS leads,
  if(length(groupUniqArrayIf(d.currency, d.cost != 0 AND d.currency != '')) > 1, NULL, sum(d.cost) / nullIf(sum(d.leads), 0)) AS cpl,
  if(length(groupUniqArrayIf(d.currency, (d.cost != 0 OR d.won_amount != 0) AND d.currency != '')) > 1, NULL, (sum(d.won_amount) - sum(d.cost)) / nullIf(sum(d.cost), 0)) AS romi,
  if(length(groupUniqArrayIf(d.currency, d.won_amount != 0 AND d.currency != '')) > 1, NULL, sum(d.won_amount)) AS won_amount,
  length(groupUniqArrayIf(d.currency, d.cost != 0 AND d.currency != '')) > 1 AS mixed_cost,
  length(groupUniqArrayIf(d.currency, (d.cost != 0 OR d.won_amount != 0) AND d.currency != '')) > 1 AS mixed_cost_and_won,
  length(groupUniqArrayIf(d.currency, d.won_amount != 0 AND d.currency != '')) > 1 AS mixed_won
FROM channel_daily AS d
WHERE d.date >= {p1:Date32} AND d.date < {p2:Date32}
GROUP BY channel, campaign
ORDER BY cost DESC NULLS LAST, channel ASC NULLS LAST, campaign ASC NULLS LAST
LIMIT {limit:UInt64}
