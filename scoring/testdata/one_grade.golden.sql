SELECT
    workspace,
    CAST({model:String} AS LowCardinality(String)) AS model,
    CAST({model_hash:String} AS LowCardinality(String)) AS model_hash,
    lead_id,
    {as_of:DateTime64(3, 'UTC')} AS as_of,
    _total AS total,
    CAST({grade1:String} AS LowCardinality(String)) AS grade,
    CAST(arrayZip({rules:Array(String)}, [_r1])
        AS Array(Tuple(rule LowCardinality(String), points Float64))) AS reasons
FROM
(
    SELECT
        workspace,
        lead_id,
        if(team = '', {missing1:Float64}, transform(team, {values1:Array(String)}, {points1:Array(Float64)}, {other1:Float64})) AS _r1,
        _r1 AS _g1,
        least(greatest(_g1, {axis1_low:Float64}), {axis1_high:Float64}) AS _a1,
        least(greatest(_a1, {total_low:Float64}), {total_high:Float64}) AS _total
    FROM leads
)
-- axis1_high: 10
-- axis1_low: 0
-- grade1: "all"
-- missing1: 0
-- model: "one-grade@1"
-- model_hash: "ab030833571edcd95a6c71842f7e0f26384fabb2dd16f19789631d34c990c8f3"
-- other1: 0
-- points1: []float64{1}
-- rules: []string{"team"}
-- total_high: 10
-- total_low: 0
-- values1: []string{"east"}
