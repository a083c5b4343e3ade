SELECT
    workspace,
    CAST({model:String} AS LowCardinality(String)) AS model,
    CAST({model_hash:String} AS LowCardinality(String)) AS model_hash,
    lead_id,
    {as_of:DateTime64(3, 'UTC')} AS as_of,
    _total AS total,
    CAST(multiIf(_total >= {from1:Float64}, {grade1:String}, _total >= {from2:Float64}, {grade2:String}, {grade3:String}) AS LowCardinality(String)) AS grade,
    CAST(arrayZip({rules:Array(String)}, [{weight2:Float64} * _r1, {weight2:Float64} * _r2, {weight1:Float64} * _r3, {weight2:Float64} * _r4])
        AS Array(Tuple(rule LowCardinality(String), points Float64))) AS reasons
FROM
(
    SELECT
        workspace,
        lead_id,
        if(attributes[{field1:String}] = '', {missing1:Float64}, transform(attributes[{field1:String}], {values1:Array(String)}, {points1:Array(Float64)}, {other1:Float64})) AS _r1,
        least(greatest(if(channel = '', {missing2:Float64}, transform(channel, {values2:Array(String)}, {points2:Array(Float64)}, {other2:Float64})), {rule2_low:Float64}), {rule2_high:Float64}) AS _r2,
        if(attributes[{field3:String}] = '', {missing3:Float64}, transform(attributes[{field3:String}], {values3:Array(String)}, {points3:Array(Float64)}, {other3:Float64})) AS _r3,
        if(region = '', {missing4:Float64}, transform(region, {values4:Array(String)}, {points4:Array(Float64)}, {other4:Float64})) AS _r4,
        least(greatest(_r1 + _r2, {group1_low:Float64}), {group1_high:Float64}) AS _g1,
        _r3 AS _g2,
        _r4 AS _g3,
        least(greatest(_g2, {axis1_low:Float64}), {axis1_high:Float64}) AS _a1,
        least(greatest(_g1 + _g3, {axis2_low:Float64}), {axis2_high:Float64}) AS _a2,
        least(greatest({weight1:Float64} * _a1 + {weight2:Float64} * _a2, {total_low:Float64}), {total_high:Float64}) AS _total
    FROM leads
)
-- axis1_high: 50.5
-- axis1_low: 0
-- axis2_high: 60
-- axis2_low: -10
-- field1: "紧迫'; DROP TABLE leads --"
-- field3: "visits"
-- from1: 80
-- from2: 60.5
-- grade1: "A'"
-- grade2: "B"
-- grade3: "丙"
-- group1_high: 55
-- group1_low: -5
-- missing1: -2
-- missing2: 0.1
-- missing3: 0
-- missing4: 0
-- model: "everything@2"
-- model_hash: "ab73e6ecf68cfa60a436556433b7955e7060cf40968ef0e66f06b5ce33b90cb4"
-- other1: 4
-- other2: 0.1
-- other3: 0
-- other4: 0
-- points1: []float64{30, -7.25, 40.5}
-- points2: []float64{5, 25}
-- points3: []float64{10, 60}
-- points4: []float64{-30, 0}
-- rule2_high: 20
-- rule2_low: -1
-- rules: []string{"urgency", "channel", "visits", "region"}
-- total_high: 100
-- total_low: 0
-- values1: []string{"0-3m", "\\", "it's \"now\""}
-- values2: []string{"{x:String}", "微信"}
-- values3: []string{"few", "many"}
-- values4: []string{"abroad", "home"}
-- weight1: 1.4
-- weight2: 0.6
