SELECT
    workspace,
    CAST({model:String} AS LowCardinality(String)) AS model,
    CAST({model_hash:String} AS LowCardinality(String)) AS model_hash,
    lead_id,
    {as_of:DateTime64(3, 'UTC')} AS as_of,
    _total AS total,
    CAST(multiIf(_total >= {from1:Float64}, {grade1:String}, _total >= {from2:Float64}, {grade2:String}, {grade3:String}) AS LowCardinality(String)) AS grade,
    CAST(arrayZip({rules:Array(String)}, [_r1, _r2, _r3, _r4, _r5])
        AS Array(Tuple(rule LowCardinality(String), points Float64))) AS reasons
FROM
(
    SELECT
        workspace,
        lead_id,
        if(attributes[{field1:String}] = '', {missing1:Float64}, transform(attributes[{field1:String}], {values1:Array(String)}, {points1:Array(Float64)}, {other1:Float64})) AS _r1,
        if(attributes[{field2:String}] = '', {missing2:Float64}, transform(attributes[{field2:String}], {values2:Array(String)}, {points2:Array(Float64)}, {other2:Float64})) AS _r2,
        if(attributes[{field3:String}] = '', {missing3:Float64}, transform(attributes[{field3:String}], {values3:Array(String)}, {points3:Array(Float64)}, {other3:Float64})) AS _r3,
        if(attributes[{field4:String}] = '', {missing4:Float64}, transform(attributes[{field4:String}], {values4:Array(String)}, {points4:Array(Float64)}, {other4:Float64})) AS _r4,
        if(attributes[{field5:String}] = '', {missing5:Float64}, transform(attributes[{field5:String}], {values5:Array(String)}, {points5:Array(Float64)}, {other5:Float64})) AS _r5,
        _r1 + _r2 + _r3 AS _g1,
        _r4 + _r5 AS _g2,
        least(greatest(_g1 + _g2, {axis1_low:Float64}), {axis1_high:Float64}) AS _a1,
        least(greatest(_a1, {total_low:Float64}), {total_high:Float64}) AS _total
    FROM leads
)
-- axis1_high: 100
-- axis1_low: 0
-- field1: "urgency"
-- field2: "budget_match"
-- field3: "cooperation_intent"
-- field4: "company_size"
-- field5: "decision_chain"
-- from1: 80
-- from2: 60
-- grade1: "A"
-- grade2: "B"
-- grade3: "C"
-- missing1: 0
-- missing2: 0
-- missing3: 0
-- missing4: 0
-- missing5: 0
-- model: "s3-abc-v1@1"
-- model_hash: "b9193c6af6a56f800d6851b423276786b4d5892905870c91bc8618d1cd13acc0"
-- other1: 0
-- other2: 0
-- other3: 0
-- other4: 0
-- other5: 0
-- points1: []float64{30, 20, 10}
-- points2: []float64{5, 15, 25}
-- points3: []float64{6, 2, 10}
-- points4: []float64{20, 15, 10}
-- points5: []float64{15, 8, 3}
-- rules: []string{"urgency", "budget_match", "cooperation_intent", "company_size", "decision_chain"}
-- total_high: 100
-- total_low: 0
-- values1: []string{"0-3m", "3-6m", "6m+"}
-- values2: []string{"insufficient", "low", "match"}
-- values3: []string{"interested", "nurture", "quote"}
-- values4: []string{"large", "medium", "small"}
-- values5: []string{"confirmed", "partial", "vague"}
