-- window: 7776000000
WITH
  entrants AS
  (
    SELECT
      toUnixTimestamp64Milli(f.created_at) AS t1,
      toUnixTimestamp64Milli(f.won_at) AS t2,
      (SELECT toUnixTimestamp64Milli(as_of) FROM watermarks WHERE name = 'transform') AS seen
    FROM lead_facts AS f
    WHERE NOT f.is_invalid
      AND f.created_at IS NOT NULL
  ),
  paths AS
  (
    SELECT
      t1 AS m1,
      ifNull(t2 >= t1 AND t2 - t1 <= {window:Int64}, 0) AS s2,
      greatest(m1, t2) AS m2,
      t1 + {window:Int64} >= seen AS open,
      arrayFilter(t -> t IS NOT NULL, [t1, t2]) AS reached,
      reached != arraySort(reached) AS disordered
    FROM entrants
  )
SELECT
  1 AS total, '' AS kind, '' AS label,
  count() AS entered,
  countIf(open) AS unfinished,
  countIf(open AND NOT s2) AS still_open,
  countIf(disordered) AS out_of_order,
  countIf(s2) AS converted2,
  quantileExactInclusiveIf(0.5)(m2 - m1, s2) / 1000 AS median2,
  sumIf(m2 - m1, s2) / nullIf(converted2, 0) / 1000 AS mean2
FROM paths
