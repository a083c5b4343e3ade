-- grain: one row per company that two or more leads come from
-- by: table
-- reads: leads, lead_facts
-- writes: accounts (workspace, account, company, leads, open_leads, won_leads, is_customer, same_names, owners,
--   first_created_at, last_created_at, last_activity_at, last_activity_lead, lead_ids)
--
-- Several leads of one company are worked side by side unless somebody looks: here they stand together, with the lead
-- whose follow-up is to be kept, and whether the company is a customer already. A company never merges leads by itself.
-- Of two leads that were followed up at the same moment the one with the greater id is the last.
SELECT
    of.workspace AS workspace,
    of.account AS account,
    argMax(of.company, (of.created_at, of.lead_id)) AS company,
    count() AS leads,
    countIf(of.is_open) AS open_leads,
    countIf(of.won_at IS NOT NULL) AS won_leads,
    toBool(won_leads > 0) AS is_customer,
    toUInt64(countIf(of.name != '') - uniqExactIf(of.name, of.name != '')) AS same_names,
    CAST(arraySort(groupUniqArrayIf(of.owner, of.is_open AND of.owner != '')) AS Array(String)) AS owners,
    min(of.created_at) AS first_created_at,
    max(of.created_at) AS last_created_at,
    max(of.last_activity_at) AS last_activity_at,
    argMaxIf(of.lead_id, (assumeNotNull(of.last_activity_at), of.lead_id), of.last_activity_at IS NOT NULL)
        AS last_activity_lead,
    arraySlice(arraySort(groupArray((of.created_at, of.lead_id))), 1, 100).2 AS lead_ids
FROM
(
    SELECT
        l.workspace AS workspace,
        l.lead_id AS lead_id,
        l.account AS account,
        l.company AS company,
        l.created_at AS created_at,
        lowerUTF8(l.contact_name) AS name,
        l.owner AS owner,
        f.won_at AS won_at,
        f.last_activity_at AS last_activity_at,
        f.stage NOT IN ('won', 'lost', 'recycled', 'invalid') AS is_open
    FROM leads AS l
    INNER JOIN lead_facts AS f ON f.workspace = l.workspace AND f.lead_id = l.lead_id
    WHERE l.account != '' AND NOT f.is_invalid
) AS of
GROUP BY workspace, account
HAVING leads > 1
