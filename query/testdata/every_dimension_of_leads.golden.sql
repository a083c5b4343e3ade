-- cube: leads
-- limit: 10000
-- model: "starter"
-- p1: "x"
-- query: {"measures":["leads"],"dimensions":["channel","source","medium","campaign","region","industry","product","owner","team","stage","grade","currency","flag","attr.x"],"timeDimensions":[],"filters":[],"order":[["leads","desc"]],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  l.channel AS channel,
  l.source AS source,
  l.medium AS medium,
  l.campaign AS campaign,
  l.region AS region,
  l.industry AS industry,
  l.product AS product,
  l.owner AS owner,
  l.team AS team,
  f.stage AS stage,
  s.grade AS grade,
  f.won_currency AS currency,
  arrayStringConcat(arraySort(f.flags), ',') AS flag,
  l.attributes[{p1:String}] AS attr_14,
  countIf(NOT f.is_invalid) AS leads
FROM lead_facts AS f
LEFT JOIN leads AS l ON l.workspace = f.workspace AND l.lead_id = f.lead_id
LEFT JOIN (SELECT workspace, lead_id, grade, total FROM scores WHERE model = (SELECT argMax(model, (as_of, model)) FROM scores WHERE {model:String} IN ('', model, splitByChar('@', model)[1]))) AS s ON s.workspace = f.workspace AND s.lead_id = f.lead_id
WHERE NOT f.is_invalid
GROUP BY channel, source, medium, campaign, region, industry, product, owner, team, stage, grade, currency, flag, attr_14
ORDER BY leads DESC NULLS LAST, channel ASC NULLS LAST, source ASC NULLS LAST, medium ASC NULLS LAST, campaign ASC NULLS LAST, region ASC NULLS LAST, industry ASC NULLS LAST, product ASC NULLS LAST, owner ASC NULLS LAST, team ASC NULLS LAST, stage ASC NULLS LAST, grade ASC NULLS LAST, currency ASC NULLS LAST, flag ASC NULLS LAST, attr_14 ASC NULLS LAST
LIMIT {limit:UInt64}
