-- groups: 20
-- p1: "2025-12-31 16:00:00.000"
-- p2: "2026-03-31 16:00:00.000"
-- window: 7776000000
WITH
  entrants AS
  (
    SELECT
      l.channel AS value,
      toUnixTimestamp64Milli(f.created_at) AS t1,
      toUnixTimestamp64Milli(f.mql_at) AS t2,
      toUnixTimestamp64Milli(f.sql_at) AS t3,
      toUnixTimestamp64Milli(f.won_at) AS t4,
      (SELECT toUnixTimestamp64Milli(as_of) FROM watermarks WHERE name = 'transform') AS seen
    FROM lead_facts AS f
    LEFT JOIN leads AS l ON l.workspace = f.workspace AND l.lead_id = f.lead_id
    WHERE NOT f.is_invalid
      AND f.created_at IS NOT NULL
      AND f.created_at >= {p1:DateTime64(3, 'UTC')} AND f.created_at < {p2:DateTime64(3, 'UTC')}
  ),
  largest AS
  (
    SELECT value
    FROM entrants
    WHERE value != ''
    GROUP BY value
    ORDER BY count() DESC, value ASC
    LIMIT {groups:UInt64}
  ),
  paths AS
  (
    SELECT
      multiIf(value = '', 'none', value IN (SELECT value FROM largest), 'value', 'other') AS kind,
      if(kind = 'value', value, '') AS label,
      t1 AS m1,
      ifNull(t2 >= t1 AND t2 - t1 <= {window:Int64}, 0) AS s2,
      greatest(m1, t2) AS m2,
      s2 AND ifNull(t3 >= t2 AND t3 - t1 <= {window:Int64}, 0) AS s3,
      greatest(m2, t3) AS m3,
      s3 AND ifNull(t4 >= t3 AND t4 - t1 <= {window:Int64}, 0) AS s4,
      greatest(m3, t4) AS m4,
      t1 + {window:Int64} >= seen AS open,
      arrayFilter(t -> t IS NOT NULL, [t1, t2, t3, t4]) AS reached,
      reached != arraySort(reached) AS disordered
    FROM entrants
  )
SELECT
  grouping(kind) AS total, kind, label,
  count() AS entered,
  countIf(open) AS unfinished,
  countIf(open AND NOT s4) AS still_open,
  countIf(disordered) AS out_of_order,
  countIf(s2) AS converted2,
  quantileExactInclusiveIf(0.5)(m2 - m1, s2) / 1000 AS median2,
  sumIf(m2 - m1, s2) / nullIf(converted2, 0) / 1000 AS mean2,
  countIf(s3) AS converted3,
  quantileExactInclusiveIf(0.5)(m3 - m2, s3) / 1000 AS median3,
  sumIf(m3 - m2, s3) / nullIf(converted3, 0) / 1000 AS mean3,
  countIf(s4) AS converted4,
  quantileExactInclusiveIf(0.5)(m4 - m3, s4) / 1000 AS median4,
  sumIf(m4 - m3, s4) / nullIf(converted4, 0) / 1000 AS mean4
FROM paths
GROUP BY GROUPING SETS ((kind, label), ())
ORDER BY total DESC, indexOf(['value', 'none', 'other'], kind) ASC, entered DESC, label ASC
