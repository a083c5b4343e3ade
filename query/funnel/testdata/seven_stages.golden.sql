-- p1: "2025-10-31 16:00:00.000"
-- p2: "2026-10-31 16:00:00.000"
-- window: 31536000000
WITH
  entrants AS
  (
    SELECT
      toUnixTimestamp64Milli(f.created_at) AS t1,
      toUnixTimestamp64Milli(f.mql_at) AS t2,
      toUnixTimestamp64Milli(f.sql_at) AS t3,
      toUnixTimestamp64Milli(f.opportunity_at) AS t4,
      toUnixTimestamp64Milli(f.won_at) AS t5,
      toUnixTimestamp64Milli(f.lost_at) AS t6,
      toUnixTimestamp64Milli(f.recycled_at) AS t7,
      (SELECT toUnixTimestamp64Milli(as_of) FROM watermarks WHERE name = 'transform') AS seen
    FROM lead_facts AS f
    WHERE NOT f.is_invalid
      AND f.created_at IS NOT NULL
      AND f.created_at >= {p1:DateTime64(3, 'UTC')} AND f.created_at < {p2:DateTime64(3, 'UTC')}
  ),
  paths AS
  (
    SELECT
      t1 AS m1,
      ifNull(t2 >= t1 AND t2 - t1 <= {window:Int64}, 0) AS s2,
      greatest(m1, t2) AS m2,
      s2 AND ifNull(t3 >= t2 AND t3 - t1 <= {window:Int64}, 0) AS s3,
      greatest(m2, t3) AS m3,
      s3 AND ifNull(t4 >= t3 AND t4 - t1 <= {window:Int64}, 0) AS s4,
      greatest(m3, t4) AS m4,
      s4 AND ifNull(t5 >= t4 AND t5 - t1 <= {window:Int64}, 0) AS s5,
      greatest(m4, t5) AS m5,
      s5 AND ifNull(t6 >= t5 AND t6 - t1 <= {window:Int64}, 0) AS s6,
      greatest(m5, t6) AS m6,
      s6 AND ifNull(t7 >= t6 AND t7 - t1 <= {window:Int64}, 0) AS s7,
      greatest(m6, t7) AS m7,
      t1 + {window:Int64} >= seen AS open,
      arrayFilter(t -> t IS NOT NULL, [t1, t2, t3, t4, t5, t6, t7]) AS reached,
      reached != arraySort(reached) AS disordered
    FROM entrants
  )
SELECT
  1 AS total, '' AS kind, '' AS label,
  count() AS entered,
  countIf(open) AS unfinished,
  countIf(open AND NOT s7) AS still_open,
  countIf(disordered) AS out_of_order,
  countIf(s2) AS converted2,
  quantileExactInclusiveIf(0.5)(m2 - m1, s2) / 1000 AS median2,
  sumIf(m2 - m1, s2) / nullIf(converted2, 0) / 1000 AS mean2,
  countIf(s3) AS converted3,
  quantileExactInclusiveIf(0.5)(m3 - m2, s3) / 1000 AS median3,
  sumIf(m3 - m2, s3) / nullIf(converted3, 0) / 1000 AS mean3,
  countIf(s4) AS converted4,
  quantileExactInclusiveIf(0.5)(m4 - m3, s4) / 1000 AS median4,
  sumIf(m4 - m3, s4) / nullIf(converted4, 0) / 1000 AS mean4,
  countIf(s5) AS converted5,
  quantileExactInclusiveIf(0.5)(m5 - m4, s5) / 1000 AS median5,
  sumIf(m5 - m4, s5) / nullIf(converted5, 0) / 1000 AS mean5,
  countIf(s6) AS converted6,
  quantileExactInclusiveIf(0.5)(m6 - m5, s6) / 1000 AS median6,
  sumIf(m6 - m5, s6) / nullIf(converted6, 0) / 1000 AS mean6,
  countIf(s7) AS converted7,
  quantileExactInclusiveIf(0.5)(m7 - m6, s7) / 1000 AS median7,
  sumIf(m7 - m6, s7) / nullIf(converted7, 0) / 1000 AS mean7
FROM paths
