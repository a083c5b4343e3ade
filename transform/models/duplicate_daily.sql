-- grain: one row per day
-- by: table
-- reads: leads, identities
-- writes: duplicate_daily (workspace, date, records, leads, duplicates, duplicates_via, duplicate_rate, candidates)
--
-- How many of the records that come in are of people known already, day by day, so that one sees whether the rate
-- goes down. A record is a lead id. Of merged ones the one that names the person counts as a lead on the day of its
-- creation, the others as duplicates on the day when they were first linked. A candidate is a lead that nothing links
-- with another one, but that has account and contact name of an earlier one: it counts as a lead.
SELECT
    record.workspace AS workspace,
    record.date AS date,
    sum(record.leads) + sum(record.duplicates) AS records,
    sum(record.leads) AS leads,
    sum(record.duplicates) AS duplicates,
    CAST(mapSort(sumMap(record.via)) AS Map(LowCardinality(String), UInt64)) AS duplicates_via,
    sum(record.duplicates) / (sum(record.leads) + sum(record.duplicates)) AS duplicate_rate,
    sum(record.candidates) AS candidates
FROM
(
    SELECT
        workspace,
        toDate32(created_at, {tz:String}) AS date,
        1 AS leads,
        0 AS duplicates,
        CAST(map() AS Map(String, UInt64)) AS via,
        account != '' AND contact_name != '' AND row_number() OVER (
            PARTITION BY workspace, account, lowerUTF8(contact_name) ORDER BY created_at, lead_id) > 1 AS candidates
    FROM leads
    UNION ALL
    SELECT
        i.workspace,
        toDate32(i.first_at, {tz:String}),
        0,
        1,
        CAST(map(i.via, 1) AS Map(String, UInt64)),
        0
    FROM identities AS i
    INNER JOIN leads AS l ON l.workspace = i.workspace AND l.lead_id = i.lead_id
    WHERE i.kind = 'lead' AND i.first_at <= {as_of:DateTime64(3, 'UTC')}
) AS record
GROUP BY workspace, date
