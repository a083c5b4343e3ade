-- grain: one row per person, signal, half-life and limit a day
-- by: lead
-- reads: lead_signals, decays
-- writes: lead_decays (workspace, lead_id, signal, half_life_hours, per_day, state, last_at)
--
-- How much of a signal is left at a moment, without its days: a score of millions reads one number where it would read a
-- history. A day counts as of its last signal, and at most per_day times. The sum is that of the moment of the last
-- signal, so no term is larger than its count and no half-life is too short: what comes later is a factor of
-- 2^(−(as_of − last_at) / half-life), the same for all terms. For a moment before last_at there are the days themselves.
--
-- Days are added from the oldest on, for the sum of floats depends on the order. Which half-lives are asked for is looked
-- up once a signal; the same one asked for by name and for every signal is one row.
SELECT
    told.workspace AS workspace,
    told.lead_id AS lead_id,
    told.signal AS signal,
    ask.1 AS half_life_hours,
    ask.2 AS per_day,
    arraySum(arrayMap(
        (at, n) -> if(ask.2 = 0, n, least(n, ask.2))
            * exp2(dateDiff('millisecond', told.last_at, at) / (3600000 * ask.1)),
        told.days.1, told.days.2)) AS state,
    told.last_at AS last_at
FROM
(
    SELECT
        days.workspace AS workspace,
        days.lead_id AS lead_id,
        days.signal AS signal,
        max(days.last_at) AS last_at,
        arraySort(groupArray((days.last_at, days.n))) AS days
    FROM lead_signals AS days
    GROUP BY workspace, lead_id, signal
) AS told
INNER JOIN
(
    SELECT known.signal AS signal, arraySort(groupUniqArray((asked.half_life_hours, asked.per_day))) AS asks
    FROM (SELECT DISTINCT signal FROM lead_signals) AS known
    CROSS JOIN decays AS asked
    WHERE asked.signal = '' OR asked.signal = known.signal
    GROUP BY signal
) AS wanted ON wanted.signal = told.signal
ARRAY JOIN wanted.asks AS ask
