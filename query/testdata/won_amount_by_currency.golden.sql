-- cube: leads
-- limit: 10000
-- query: {"measures":["won_amount"],"dimensions":["currency"],"timeDimensions":[],"filters":[],"order":[["won_amount","desc"]],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  f.won_currency AS currency,
  if(length(groupUniqArrayIf(f.won_currency, f.won_amount != 0 AND f.won_currency != '' AND NOT f.is_invalid)) > 1, NULL, sumIf(f.won_amount, f.won_at IS NOT NULL AND NOT f.is_invalid)) AS won_amount,
  length(groupUniqArrayIf(f.won_currency, f.won_amount != 0 AND f.won_currency != '' AND NOT f.is_invalid)) > 1 AS mixed_won
FROM lead_facts AS f
WHERE NOT f.is_invalid
GROUP BY currency
ORDER BY won_amount DESC NULLS LAST, currency ASC NULLS LAST
LIMIT {limit:UInt64}
