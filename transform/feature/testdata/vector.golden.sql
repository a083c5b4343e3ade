SELECT
    _workspace AS workspace,
    _lead AS lead_id,
    _at AS observed_at,
    CAST(nullIf(_9, '') AS Nullable(String)) AS _f1,
    CAST(_16 AS Nullable(Float64)) AS _f2,
    CAST(arraySum((x, y) -> (x = 1) * y, _13, _18) AS Nullable(Float64)) AS _f3,
    CAST(countEqual(_20, 5) AS Nullable(Float64)) AS _f4,
    CAST(if(_21 = 0, NULL, _account.leads - (_23 IS NOT NULL)) AS Nullable(Float64)) AS _f5,
    CAST(if(_28 = 0, NULL, (_source.won - (_23 IS NOT NULL AND _23 + 7776000000 <= _2 AND _31 = _27) * ifNull(arrayExists((x, y) -> y = 5 AND x <= _23 + 7776000000, _17, _32), 0)) / nullIf(_source.mature - (_23 IS NOT NULL AND _23 + 7776000000 <= _2 AND _31 = _27), 0)) AS Nullable(Float64)) AS _f6
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _company,
    _j_at,
    _j_name,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    _2,
    _9,
    _13,
    _16,
    _17,
    _18,
    _20,
    _21,
    _23,
    _27,
    _28,
    if(_30 != '', _30, arrayFirst((x, y, z) -> x != '' AND y = 1 AND z <= _29, _25, _12, _17)) AS _31,
    _32
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _company,
    _j_at,
    _j_name,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    _2,
    _9,
    _12,
    _13,
    _16,
    _17,
    _18,
    _20,
    _21,
    _23,
    _25,
    _27,
    _28,
    _29,
    arrayFirst((x, y) -> x != '' AND y <= _29, arrayMap(x -> x['source'], _j_stated), _j_updated_at) AS _30,
    _32
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _company,
    _j_at,
    _j_name,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    _2,
    trimBoth(_7[indexOf(_8, 1)]) AS _9,
    _12,
    _13,
    countEqual(_15, 1) AS _16,
    _17,
    _18,
    _20,
    _21,
    _23,
    _25,
    _27,
    if(_27 = '', 0, cityHash64(_workspace, _27)) AS _28,
    ifNull(_23, 0) + 7776000000 AS _29,
    _32
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _company,
    _j_at,
    _j_name,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    _2,
    arrayFilter((y, x) -> x != 0 AND y != '', _5, _6) AS _7,
    arrayFilter((x, y) -> x != 0 AND y != '', _6, _5) AS _8,
    _12,
    _13,
    arraySlice(_13, _10 - _14 + 1, _14) AS _15,
    _17,
    _18,
    _20,
    _21,
    if(_3 > 0 AND (_22 IS NULL OR _j_updated_at[1] < _22), _j_updated_at[1], _22) AS _23,
    _25,
    if(_24 != '', _24, _26) AS _27,
    _32
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _company,
    _j_at,
    _j_name,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    _2,
    _3,
    arrayReverse(arrayFlatten(arrayMap(x -> mapValues(x), _4))) AS _5,
    arrayReverse(arrayMap(x -> CAST(transform(replaceAll(replaceAll(lowerUTF8(x), ' ', '_'), '-', '_'), {_p1:Array(String)}, {_p2:Array(UInt8)}, 0) AS UInt8), arrayFlatten(arrayMap(x -> mapKeys(x), _4)))) AS _6,
    _10,
    _12,
    arrayMap((x, y) -> (y = 2) * CAST(transform(replaceAll(replaceAll(lowerUTF8(x), ' ', '_'), '-', '_'), {_p3:Array(String)}, {_p4:Array(UInt8)}, 0) AS UInt8), _11, _12) AS _13,
    _14,
    _17,
    arrayMap(x -> exp2((x - _2) / (86400000. * 30)), _17) AS _18,
    _20,
    _21,
    arrayFirstOrNull((x, y) -> y >= 3, _17, _12) AS _22,
    _24,
    _25,
    arrayFirst((x, y) -> x != '' AND y = 1, _25, _12) AS _26,
    arrayMap((x, y) -> (y = 3) * CAST(transform(replaceAll(replaceAll(lowerUTF8(x), ' ', '_'), '-', '_'), {_p7:Array(String)}, {_p8:Array(UInt8)}, 0) AS UInt8), _11, _12) AS _32
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _company,
    _j_at,
    _j_name,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    _2,
    _3,
    arraySlice(_j_stated, 1, _3) AS _4,
    _10,
    arraySlice(_j_name, 1, _10) AS _11,
    arrayMap(x -> CAST(transform(replaceAll(replaceAll(lowerUTF8(x), ' ', '_'), '-', '_'), {_p5:Array(String)}, {_p6:Array(UInt8)}, 0) AS UInt8), arraySlice(_j_type, 1, _10)) AS _12,
    _14,
    arraySlice(_j_at, 1, _10) AS _17,
    _20,
    _21,
    _24,
    arraySlice(_j_source, 1, _10) AS _25
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _company,
    _j_at,
    _j_name,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    _2,
    arrayCount(x -> x <= _2, _j_updated_at) AS _3,
    arrayCount(x -> x <= _2, _j_at) AS _10,
    arrayCount(x -> x > _2 - 7 * 86400000 AND x <= _2, _j_at) AS _14,
    _20,
    _21,
    arrayFirst((x, y) -> x != '' AND y <= _2, arrayMap(x -> x['source'], _j_stated), _j_updated_at) AS _24
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _company,
    _j_at,
    _j_name,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    least(_observed, ifNull(_1 - 1, _observed)) AS _2,
    arrayMap(x -> CAST(transform(replaceAll(replaceAll(lowerUTF8(x), ' ', '_'), '-', '_'), {_p5:Array(String)}, {_p6:Array(UInt8)}, 0) AS UInt8), arraySlice(_j_type, 1, _19)) AS _20,
    _21
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _company,
    _j_at,
    _j_name,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    arrayFirstOrNull((x, y) -> y = 'activity', _j_at, _j_type) AS _1,
    arrayCount(x -> x <= _observed, _j_at) AS _19,
    if(_company = '', 0, cityHash64(_workspace, _company)) AS _21
FROM
(
SELECT
    o.workspace AS _workspace,
    o.lead_id AS _lead,
    o.observed_at AS _at,
    toUnixTimestamp64Milli(o.observed_at) AS _observed,
    j.at AS _j_at,
    j.name AS _j_name,
    j.source AS _j_source,
    j.stated AS _j_stated,
    j.type AS _j_type,
    j.updated_at AS _j_updated_at,
    o.account AS _company
FROM
(
    SELECT workspace, lead_id, at, name, source, stated, type, updated_at
    FROM lead_journeys
    WHERE (workspace, lead_id) IN (SELECT workspace, lead_id FROM observations)
) AS j
RIGHT JOIN
(
    SELECT s.workspace AS workspace, s.lead_id AS lead_id, s.observed_at AS observed_at, l.account AS account
    FROM
    (
        SELECT workspace, lead_id, CAST(observed_at AS DateTime64(3, 'UTC')) AS observed_at
    FROM observations
    ) AS s
    LEFT JOIN
    (
        SELECT workspace, lead_id, account
        FROM leads
        WHERE (workspace, lead_id) IN (SELECT workspace, lead_id FROM observations)
    ) AS l ON s.workspace = l.workspace AND s.lead_id = l.lead_id
) AS o ON j.workspace = o.workspace AND j.lead_id = o.lead_id
)
)
)
)
)
)
)
)
)
) AS _row
ANY LEFT JOIN
(
    SELECT key, bitShiftRight(x, 5) AS moment, leads
    FROM
    (
        SELECT key, arraySort(groupArrayArray(changes)) AS sorted, arrayCumSum(x -> bitAnd(x, 31) = 0, sorted) AS s0
        FROM
        (
        SELECT key, arrayConcat(arrayMap(x -> x * 32 + 0, if(captured IS NULL, [], [assumeNotNull(captured)]))) AS changes
        FROM
        (
        SELECT
            cityHash64(l.workspace, l.account) AS key,
            j.updated_at AS updated_at,
            arrayFirstOrNull((x, y) -> y NOT IN ('touchpoint', 'behavior'), j.at, j.type) AS worked,
            if(notEmpty(j.updated_at) AND (worked IS NULL OR j.updated_at[1] < worked), j.updated_at[1], worked) AS captured,
            arrayFilter((x, y) -> y IN ('touchpoint', 'behavior'), j.at, j.type) AS done,
            arrayMap((x, i) -> if(i = 1, 2592000000, x), arrayDifference(done), arrayEnumerate(done)) AS before,
            arraySlice(arrayPushBack(before, toInt64(2592000000)), 2) AS after,
            arrayFilter((x, y) -> y = 'stage', j.at, j.type) AS moved,
            arrayFilter((x, y) -> y = 'stage', j.name, j.type) AS stages,
            arrayDifference(arrayPushFront(arrayMap(x -> toInt8(x = 'opportunity'), stages), toInt8(0))) AS steps,
            arrayPopFront(steps) AS opened,
            arrayFirstIndex(s -> arrayExists((x, y) -> CAST(transform(replaceAll(replaceAll(lowerUTF8(x), ' ', '_'), '-', '_'), {_p1:Array(String)}, {_p2:Array(UInt8)}, 0) AS UInt8) = 27
                AND has({_p9:Array(String)}, lowerUTF8(trimBoth(y))), mapKeys(s), mapValues(s)), j.stated) AS decides
        FROM lead_journeys AS j
        INNER JOIN
        (
            SELECT workspace, lead_id, account
            FROM leads
            WHERE account != '' AND (workspace, account) IN (
                SELECT workspace, account FROM leads WHERE (workspace, lead_id) IN (
                    SELECT workspace, lead_id FROM observations))
        ) AS l ON j.workspace = l.workspace AND j.lead_id = l.lead_id
        )
        UNION ALL
        SELECT key, [moment * 32 + 31] AS changes
        FROM
        (
SELECT _1 AS key, _3 AS moment
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _company,
    _j_at,
    _j_type,
    _1,
    least(_observed, ifNull(_2 - 1, _observed)) AS _3
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _company,
    _j_at,
    _j_type,
    if(_company = '', 0, cityHash64(_workspace, _company)) AS _1,
    arrayFirstOrNull((x, y) -> y = 'activity', _j_at, _j_type) AS _2
FROM
(
SELECT
    o.workspace AS _workspace,
    o.lead_id AS _lead,
    o.observed_at AS _at,
    toUnixTimestamp64Milli(o.observed_at) AS _observed,
    j.at AS _j_at,
    j.type AS _j_type,
    o.account AS _company
FROM
(
    SELECT workspace, lead_id, at, type
    FROM lead_journeys
    WHERE (workspace, lead_id) IN (SELECT workspace, lead_id FROM observations)
) AS j
RIGHT JOIN
(
    SELECT s.workspace AS workspace, s.lead_id AS lead_id, s.observed_at AS observed_at, l.account AS account
    FROM
    (
        SELECT workspace, lead_id, CAST(observed_at AS DateTime64(3, 'UTC')) AS observed_at
    FROM observations
    ) AS s
    LEFT JOIN
    (
        SELECT workspace, lead_id, account
        FROM leads
        WHERE (workspace, lead_id) IN (SELECT workspace, lead_id FROM observations)
    ) AS l ON s.workspace = l.workspace AND s.lead_id = l.lead_id
) AS o ON j.workspace = o.workspace AND j.lead_id = o.lead_id
)
)
)
        )
        )
        WHERE key != 0
        GROUP BY key
    )
    ARRAY JOIN sorted AS x, s0 AS leads
    WHERE bitAnd(x, 31) = 31
) AS _account ON _row._21 = _account.key AND _row._2 = _account.moment
ANY LEFT JOIN
(
    SELECT key, bitShiftRight(x, 5) AS moment, mature, won
    FROM
    (
        SELECT key, arraySort(groupArrayArray(changes)) AS sorted, arrayCumSum(x -> bitAnd(x, 31) = 0, sorted) AS s0, arrayCumSum(x -> bitAnd(x, 31) = 2, sorted) AS s1
        FROM
        (
        SELECT key, arrayConcat(arrayMap(x -> x * 32 + 0, if(captured IS NULL, [], [ripe])), arrayMap(x -> x * 32 + 2, if(captured IS NULL OR won = 0, [], [ripe]))) AS changes
        FROM
        (
        SELECT
            arrayFirstOrNull((x, y) -> y NOT IN ('touchpoint', 'behavior'), j.at, j.type) AS worked,
            if(notEmpty(j.updated_at) AND (worked IS NULL OR j.updated_at[1] < worked), j.updated_at[1], worked) AS captured,
            ifNull(captured, 0) + 7776000000 AS ripe,
            arrayFirst((x, y) -> x != '' AND y <= ripe, arrayMap(x -> x['source'], j.stated), j.updated_at) AS named,
            if(named != '', named,
                arrayFirst((x, y, z) -> x != '' AND y = 'touchpoint' AND z <= ripe, j.source, j.type, j.at)) AS origin,
            if(origin = '', 0, cityHash64(j.workspace, origin)) AS key,
            arrayFirst((x, y, z) -> y = 'stage' AND z = 'won' AND x <= ripe, j.at, j.type, j.name) AS won
        FROM lead_journeys AS j
        WHERE j.workspace IN (SELECT workspace FROM observations)
        )
        UNION ALL
        SELECT key, [moment * 32 + 31] AS changes
        FROM
        (
SELECT _9 AS key, _2 AS moment
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _j_at,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    _2,
    if(_8 = '', 0, cityHash64(_workspace, _8)) AS _9
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _j_at,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    _2,
    if(_3 != '', _3, _7) AS _8
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _j_at,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    _2,
    _3,
    arrayFirst((x, y) -> x != '' AND y = 1, _5, _6) AS _7
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _j_at,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    _2,
    _3,
    arraySlice(_j_source, 1, _4) AS _5,
    arrayMap(x -> CAST(transform(replaceAll(replaceAll(lowerUTF8(x), ' ', '_'), '-', '_'), {_p5:Array(String)}, {_p6:Array(UInt8)}, 0) AS UInt8), arraySlice(_j_type, 1, _4)) AS _6
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _j_at,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    _2,
    arrayFirst((x, y) -> x != '' AND y <= _2, arrayMap(x -> x['source'], _j_stated), _j_updated_at) AS _3,
    arrayCount(x -> x <= _2, _j_at) AS _4
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _j_at,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    least(_observed, ifNull(_1 - 1, _observed)) AS _2
FROM
(
SELECT
    _workspace,
    _lead,
    _at,
    _observed,
    _j_at,
    _j_source,
    _j_stated,
    _j_type,
    _j_updated_at,
    arrayFirstOrNull((x, y) -> y = 'activity', _j_at, _j_type) AS _1
FROM
(
SELECT
    o.workspace AS _workspace,
    o.lead_id AS _lead,
    o.observed_at AS _at,
    toUnixTimestamp64Milli(o.observed_at) AS _observed,
    j.at AS _j_at,
    j.source AS _j_source,
    j.stated AS _j_stated,
    j.type AS _j_type,
    j.updated_at AS _j_updated_at
FROM
(
    SELECT workspace, lead_id, at, source, stated, type, updated_at
    FROM lead_journeys
    WHERE (workspace, lead_id) IN (SELECT workspace, lead_id FROM observations)
) AS j
RIGHT JOIN
(
    SELECT workspace, lead_id, CAST(observed_at AS DateTime64(3, 'UTC')) AS observed_at
    FROM observations
) AS o ON j.workspace = o.workspace AND j.lead_id = o.lead_id
)
)
)
)
)
)
)
)
        )
        )
        WHERE key != 0
        GROUP BY key
    )
    ARRAY JOIN sorted AS x, s0 AS mature, s1 AS won
    WHERE bitAnd(x, 31) = 31
) AS _source ON _row._28 = _source.key AND _row._2 = _source.moment
