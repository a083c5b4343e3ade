-- cube: leads
-- limit: 10000
-- model: "starter"
-- query: {"measures":["leads","invalid_leads","mqls","sqls","opportunities","won","lost","new_to_mql_rate","mql_to_sql_rate","sql_to_opportunity_rate","opportunity_to_won_rate","lead_to_won_rate","won_amount","first_response_hours","first_response_from_creation_hours","timeliness_24h","valid_lead_rate","days_to_won_median","days_to_won_mean","days_to_won_p25","days_to_won_p75","days_to_won_p90","days_to_won_max","days_to_won_min","won_within_7d","won_within_30d","won_within_90d","won_before_created","avg_score"],"dimensions":[],"timeDimensions":[],"filters":[],"order":[],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  countIf(NOT f.is_invalid) AS leads,
  countIf(f.is_invalid) AS invalid_leads,
  countIf(f.mql_at IS NOT NULL AND NOT f.is_invalid) AS mqls,
  countIf(f.sql_at IS NOT NULL AND NOT f.is_invalid) AS sqls,
  countIf(f.opportunity_at IS NOT NULL AND NOT f.is_invalid) AS opportunities,
  countIf(f.won_at IS NOT NULL AND NOT f.is_invalid) AS won,
  countIf(f.lost_at IS NOT NULL AND NOT f.is_invalid) AS lost,
  countIf(f.mql_at IS NOT NULL AND NOT f.is_invalid) / nullIf(countIf(NOT f.is_invalid), 0) AS new_to_mql_rate,
  countIf(f.sql_at IS NOT NULL AND NOT f.is_invalid) / nullIf(countIf(f.mql_at IS NOT NULL AND NOT f.is_invalid), 0) AS mql_to_sql_rate,
  countIf(f.opportunity_at IS NOT NULL AND NOT f.is_invalid) / nullIf(countIf(f.sql_at IS NOT NULL AND NOT f.is_invalid), 0) AS sql_to_opportunity_rate,
  countIf(f.won_at IS NOT NULL AND NOT f.is_invalid) / nullIf(countIf(f.opportunity_at IS NOT NULL AND NOT f.is_invalid), 0) AS opportunity_to_won_rate,
  countIf(f.won_at IS NOT NULL AND NOT f.is_invalid) / nullIf(countIf(NOT f.is_invalid), 0) AS lead_to_won_rate,
  if(length(groupUniqArrayIf(f.won_currency, f.won_amount != 0 AND f.won_currency != '' AND NOT f.is_invalid)) > 1, NULL, sumIf(f.won_amount, f.won_at IS NOT NULL AND NOT f.is_invalid)) AS won_amount,
  quantileExactInclusiveIf(0.5)(f.response_seconds / 3600, NOT f.is_invalid) AS first_response_hours,
  quantileExactInclusiveIf(0.5)(f.response_from_creation_seconds / 3600, NOT f.is_invalid) AS first_response_from_creation_hours,
  countIf(f.followed_up_24h AND NOT f.is_invalid) / nullIf(countIf(f.followed_up_24h IS NOT NULL AND NOT f.is_invalid), 0) AS timeliness_24h,
  countIf(f.effective_activities_30d >= 3 AND NOT f.is_invalid) / nullIf(countIf(NOT f.is_invalid), 0) AS valid_lead_rate,
  quantileExactInclusiveIf(0.5)(f.days_to_won, NOT f.is_invalid) AS days_to_won_median,
  avgIf(f.days_to_won, NOT f.is_invalid) AS days_to_won_mean,
  (quantileExactIf(0.25)(f.days_to_won, NOT f.is_invalid) - quantileExactIf(0.75)(-f.days_to_won, NOT f.is_invalid)) / 2 AS days_to_won_p25,
  (quantileExactIf(0.75)(f.days_to_won, NOT f.is_invalid) - quantileExactIf(0.25)(-f.days_to_won, NOT f.is_invalid)) / 2 AS days_to_won_p75,
  (quantileExactIf(0.9)(f.days_to_won, NOT f.is_invalid) - quantileExactIf(0.1)(-f.days_to_won, NOT f.is_invalid)) / 2 AS days_to_won_p90,
  maxIf(f.days_to_won, NOT f.is_invalid) AS days_to_won_max,
  minIf(f.days_to_won, NOT f.is_invalid) AS days_to_won_min,
  countIf(f.days_to_won <= 7 AND NOT f.is_invalid) AS won_within_7d,
  countIf(f.days_to_won <= 30 AND NOT f.is_invalid) AS won_within_30d,
  countIf(f.days_to_won <= 90 AND NOT f.is_invalid) AS won_within_90d,
  countIf(f.won_at < f.created_at AND NOT f.is_invalid) AS won_before_created,
  avgOrNullIf(s.total, s.lead_id != '' AND NOT f.is_invalid) AS avg_score,
  length(groupUniqArrayIf(f.won_currency, f.won_amount != 0 AND f.won_currency != '' AND NOT f.is_invalid)) > 1 AS mixed_won
FROM lead_facts AS f
LEFT JOIN (SELECT workspace, lead_id, grade, total FROM scores WHERE model = (SELECT argMax(model, (as_of, model)) FROM scores WHERE {model:String} IN ('', model, splitByChar('@', model)[1]))) AS s ON s.workspace = f.workspace AND s.lead_id = f.lead_id
LIMIT {limit:UInt64}
