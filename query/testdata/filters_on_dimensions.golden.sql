-- cube: leads
-- limit: 10000
-- p1: ["social",""]
-- p10: 50
-- p11: "employees"
-- p12: 1000
-- p13: "won_before_created"
-- p2: "华东"
-- p3: "spring"
-- p4: "summer"
-- p5: "test"
-- p6: "demo"
-- p7: "a"
-- p8: "b"
-- p9: "employees"
-- query: {"measures":["leads"],"dimensions":[],"timeDimensions":[],"filters":[{"member":"channel","operator":"equals","values":["social","(none)"]},{"member":"region","operator":"notEquals","values":["华东"]},{"member":"campaign","operator":"contains","values":["spring","summer"]},{"member":"source","operator":"notContains","values":["test","demo"]},{"member":"owner","operator":"startsWith","values":["a"]},{"member":"team","operator":"endsWith","values":["b"]},{"member":"product","operator":"set"},{"member":"industry","operator":"notSet"},{"member":"attr.employees","operator":"gte","values":["50"]},{"member":"attr.employees","operator":"lt","values":["1000"]},{"member":"flag","operator":"contains","values":["won_before_created"]}],"order":[],"limit":10000,"offset":0,"timezone":"Asia/Shanghai"}
SELECT
  countIf(NOT f.is_invalid) AS leads
FROM lead_facts AS f
LEFT JOIN leads AS l ON l.workspace = f.workspace AND l.lead_id = f.lead_id
WHERE NOT f.is_invalid
  AND l.channel IN {p1:Array(String)}
  AND l.region != {p2:String}
  AND (positionCaseInsensitiveUTF8(l.campaign, {p3:String}) > 0 OR positionCaseInsensitiveUTF8(l.campaign, {p4:String}) > 0)
  AND (positionCaseInsensitiveUTF8(l.source, {p5:String}) = 0 AND positionCaseInsensitiveUTF8(l.source, {p6:String}) = 0)
  AND startsWith(lowerUTF8(l.owner), lowerUTF8({p7:String}))
  AND endsWith(lowerUTF8(l.team), lowerUTF8({p8:String}))
  AND l.product != ''
  AND l.industry = ''
  AND toFloat64OrNull(l.attributes[{p9:String}]) >= {p10:Float64}
  AND toFloat64OrNull(l.attributes[{p11:String}]) < {p12:Float64}
  AND positionCaseInsensitiveUTF8(arrayStringConcat(arraySort(f.flags), ','), {p13:String}) > 0
LIMIT {limit:UInt64}
