SELECT
    workspace,
    CAST({model:String} AS LowCardinality(String)) AS model,
    CAST({model_hash:String} AS LowCardinality(String)) AS model_hash,
    lead_id,
    {as_of:DateTime64(3, 'UTC')} AS as_of,
    _total AS total,
    CAST(multiIf(_total >= {from1:Float64}, {grade1:String}, _total >= {from2:Float64}, {grade2:String}, {grade3:String}) AS LowCardinality(String)) AS grade,
    CAST(arrayZip({rules:Array(String)}, [_r1])
        AS Array(Tuple(rule LowCardinality(String), points Float64))) AS reasons
FROM
(
    SELECT
        workspace,
        lead_id,
        if(attributes[{field1:String}] = '', {missing1:Float64}, transform(attributes[{field1:String}], {values1:Array(String)}, {points1:Array(Float64)}, {other1:Float64})) AS _r1,
        _r1 AS _g1,
        least(greatest(_g1, {axis1_low:Float64}), {axis1_high:Float64}) AS _a1,
        least(greatest(_a1, {total_low:Float64}), {total_high:Float64}) AS _total
    FROM leads
)
-- axis1_high: 100
-- axis1_low: 0
-- field1: "value"
-- from1: 80
-- from2: 60
-- grade1: "A"
-- grade2: "B"
-- grade3: "C"
-- missing1: 0
-- model: "boundaries@1"
-- model_hash: "11de4977c8463aaaead2da2c678677bdfbbfcf6e432b9ee187a10c51cd0aa519"
-- other1: 0
-- points1: []float64{80, 60, 79.99, 59.99, 79.5, 100}
-- rules: []string{"value"}
-- total_high: 100
-- total_low: 0
-- values1: []string{"a", "b", "below_a", "below_b", "half", "top"}
