-- window: 3600000
WITH
  entrants AS
  (
    SELECT
      toUnixTimestamp64Milli(f.mql_at) AS t1,
      toUnixTimestamp64Milli(f.sql_at) AS t2,
      toUnixTimestamp64Milli(f.opportunity_at) AS t3,
      (SELECT toUnixTimestamp64Milli(as_of) FROM watermarks WHERE name = 'transform') AS seen
    FROM lead_facts AS f
    WHERE NOT f.is_invalid
      AND f.mql_at IS NOT NULL
  ),
  paths AS
  (
    SELECT
      t1 AS m1,
      least(t1, t2) AS l2,
      ifNull(t2 IS NOT NULL AND greatest(m1, t2) - l2 <= {window:Int64}, 0) AS s2,
      greatest(m1, t2) AS m2,
      least(l2, t3) AS l3,
      s2 AND ifNull(t3 IS NOT NULL AND greatest(m2, t3) - l3 <= {window:Int64}, 0) AS s3,
      greatest(m2, t3) AS m3,
      t1 + {window:Int64} >= seen AS open,
      arrayFilter(t -> t IS NOT NULL, [t1, t2, t3]) AS reached,
      reached != arraySort(reached) AS disordered
    FROM entrants
  )
SELECT
  1 AS total, '' AS kind, '' AS label,
  count() AS entered,
  countIf(open) AS unfinished,
  countIf(open AND NOT s3) AS still_open,
  countIf(disordered) AS out_of_order,
  countIf(s2) AS converted2,
  quantileExactInclusiveIf(0.5)(m2 - m1, s2) / 1000 AS median2,
  sumIf(m2 - m1, s2) / nullIf(converted2, 0) / 1000 AS mean2,
  countIf(s3) AS converted3,
  quantileExactInclusiveIf(0.5)(m3 - m2, s3) / 1000 AS median3,
  sumIf(m3 - m2, s3) / nullIf(converted3, 0) / 1000 AS mean3
FROM paths
