-- grain: one row per lead, conversion and touch; one for a conversion without a touch
-- by: lead
-- reads: attribution_paths
-- writes: attribution_credits (workspace, lead_id, conversion, conversion_no, touch_no, touches, converted_at,
--   touch_at, channel, source, medium, campaign, unattributed, is_invalid, value, currency, first, last, last_non_direct, linear,
--   time_decay, position, w_shaped)
--
-- Who brought the conversion, by seven rules at once. By each the shares of a conversion sum to 1.
--
-- last_non_direct is the last touch whose channel is not a direct one, the last of all where each is. time_decay halves
-- a touch's weight for each quarter of the lookback, at least a day, before the conversion. position gives 0.4 to the
-- first and to the last and shares 0.2 among those between; of two touches each has a half.
--
-- w_shaped gives 0.3 to the first touch, to the one that made the lead and to the last, and shares 0.1 among the
-- others. A touch that is two of these has both shares. Where the path has no touch that made the lead, or no others,
-- their part goes to the rest in proportion. So one touch has 1, and two have a half each unless one of them made the
-- lead.
SELECT
    workspace,
    lead_id,
    conversion,
    conversion_no,
    touch_no,
    touches,
    converted_at,
    if(touch_no = 0, NULL, fromUnixTimestamp64Milli(touch_ms, 'UTC')) AS touch_at,
    touch_channel AS channel,
    touch_source AS source,
    touch_medium AS medium,
    touch_campaign AS campaign,
    toBool(touch_no = 0) AS unattributed,
    is_invalid,
    value,
    currency,
    toFloat64(touch_no <= 1) AS first,
    toFloat64(touch_no = touches) AS last,
    toFloat64(touch_no = meant_no) AS last_non_direct,
    1 / greatest(touches, 1) AS linear,
    if(touches = 0, 1, exp2((touch_ms - ended) / half_life) / weights) AS time_decay,
    multiIf(touches <= 1, 1, touches = 2, 0.5, touch_no IN (1, touches), 0.4, 0.2 / (touches - 2)) AS position,
    if(touches = 0, 1, (3 * milestones + if(milestones = 0, 1 / others, 0)) / (6 + 3 * (created_no > 0) + (others > 0)))
        AS w_shaped
FROM
(
    SELECT
        workspace,
        lead_id,
        conversion,
        conversion_no,
        converted_at,
        is_invalid,
        value,
        currency,
        touches,
        ended,
        half_life,
        weights,
        meant_no,
        created_no,
        others,
        touch_no,
        touch_ms,
        touch_channel,
        touch_source,
        touch_medium,
        touch_campaign,
        (touch_no = 1) + (touch_no = touches) + (touch_no = created_no) AS milestones
    FROM
    (
        SELECT
            workspace,
            lead_id,
            conversion,
            conversion_no,
            assumeNotNull(converted_at) AS converted_at,
            is_invalid,
            value,
            currency,
            toUInt32(length(at)) AS touches,
            toUnixTimestamp64Milli(converted_at) AS ended,
            greatest({lookback_ms:Int64} / 4, 86400000) AS half_life,
            arraySum(t -> exp2((t - ended) / half_life), at) AS weights,
            arrayLastIndex(c -> NOT has({direct:Array(String)}, c), channel) AS last_meant,
            if(last_meant = 0, touches, last_meant) AS meant_no,
            created_no,
            touches - 1 - (touches > 1) - (created_no > 1 AND created_no < touches) AS others,
            at,
            channel,
            source,
            medium,
            campaign
        FROM attribution_paths
        WHERE conversion != ''
    )
    LEFT ARRAY JOIN
        arrayEnumerate(at) AS touch_no,
        at AS touch_ms,
        channel AS touch_channel,
        source AS touch_source,
        medium AS touch_medium,
        campaign AS touch_campaign
)
