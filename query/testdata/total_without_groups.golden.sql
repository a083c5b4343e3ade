-- cube: leads
-- limit: 10000
-- query: {"measures":["leads","days_to_won_median","days_to_won_mean","won_within_7d"],"dimensions":[],"timeDimensions":[],"filters":[],"order":[],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  countIf(NOT f.is_invalid) AS leads,
  quantileExactInclusiveIf(0.5)(f.days_to_won, NOT f.is_invalid) AS days_to_won_median,
  avgIf(f.days_to_won, NOT f.is_invalid) AS days_to_won_mean,
  countIf(f.days_to_won <= 7 AND NOT f.is_invalid) AS won_within_7d
FROM lead_facts AS f
WHERE NOT f.is_invalid
LIMIT {limit:UInt64}
