-- cube: spend
-- limit: 10000
-- query: {"measures":["leads","mqls","sqls","opportunities","won","clicks","impressions","cost_per_mql","cost_per_sql","cost_per_won","new_to_mql_rate","mql_to_sql_rate","sql_to_opportunity_rate","opportunity_to_won_rate","lead_to_won_rate","invalid_leads"],"dimensions":[],"timeDimensions":[],"filters":[],"order":[],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  sum(d.leads) AS leads,
  sum(d.mqls) AS mqls,
  sum(d.sqls) AS sqls,
  sum(d.opportunities) AS opportunities,
  sum(d.won) AS won,
  sum(d.clicks) AS clicks,
  sum(d.impressions) AS impressions,
  if(length(groupUniqArrayIf(d.currency, d.cost != 0 AND d.currency != '')) > 1, NULL, sum(d.cost) / nullIf(sum(d.mqls), 0)) AS cost_per_mql,
  if(length(groupUniqArrayIf(d.currency, d.cost != 0 AND d.currency != '')) > 1, NULL, sum(d.cost) / nullIf(sum(d.sqls), 0)) AS cost_per_sql,
  if(length(groupUniqArrayIf(d.currency, d.cost != 0 AND d.currency != '')) > 1, NULL, sum(d.cost) / nullIf(sum(d.won), 0)) AS cost_per_won,
  sum(d.mqls) / nullIf(sum(d.leads), 0) AS new_to_mql_rate,
  sum(d.sqls) / nullIf(sum(d.mqls), 0) AS mql_to_sql_rate,
  sum(d.opportunities) / nullIf(sum(d.sqls), 0) AS sql_to_opportunity_rate,
  sum(d.won) / nullIf(sum(d.opportunities), 0) AS opportunity_to_won_rate,
  sum(d.won) / nullIf(sum(d.leads), 0) AS lead_to_won_rate,
  sum(d.invalid_leads) AS invalid_leads,
  length(groupUniqArrayIf(d.currency, d.cost != 0 AND d.currency != '')) > 1 AS mixed_cost
FROM channel_daily AS d
LIMIT {limit:UInt64}
