-- groups: 5
-- p1: "north"
-- p2: ["won","lost"]
-- p3: "2025-12-31 16:00:00.000"
-- p4: "2026-12-31 16:00:00.000"
-- p5: "company size"
-- window: 1209600000
WITH
  entrants AS
  (
    SELECT
      l.attributes[{p5:String}] AS value,
      toUnixTimestamp64Milli(f.mql_at) AS t1,
      toUnixTimestamp64Milli(f.won_at) AS t2,
      (SELECT toUnixTimestamp64Milli(as_of) FROM watermarks WHERE name = 'transform') AS seen
    FROM lead_facts AS f
    LEFT JOIN leads AS l ON l.workspace = f.workspace AND l.lead_id = f.lead_id
    WHERE NOT f.is_invalid
      AND f.mql_at IS NOT NULL
      AND l.region = {p1:String}
      AND (f.stage IN {p2:Array(String)} OR (f.won_at >= {p3:DateTime64(3, 'UTC')} AND f.won_at < {p4:DateTime64(3, 'UTC')}))
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
      t1 + {window:Int64} >= seen AS open,
      arrayFilter(t -> t IS NOT NULL, [t1, t2]) AS reached,
      reached != arraySort(reached) AS disordered
    FROM entrants
  )
SELECT
  grouping(kind) AS total, kind, label,
  count() AS entered,
  countIf(open) AS unfinished,
  countIf(open AND NOT s2) AS still_open,
  countIf(disordered) AS out_of_order,
  countIf(s2) AS converted2,
  quantileExactInclusiveIf(0.5)(m2 - m1, s2) / 1000 AS median2,
  sumIf(m2 - m1, s2) / nullIf(converted2, 0) / 1000 AS mean2
FROM paths
GROUP BY GROUPING SETS ((kind, label), ())
ORDER BY total DESC, indexOf(['value', 'none', 'other'], kind) ASC, entered DESC, label ASC
