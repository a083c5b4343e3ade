package feature

// part is an expression that features share: it is computed once a row, however many features use it.
//
// Templates of parts and features name parts as $part or $part.argument; $1 is the argument of the part itself. Other
// words are those of compiler.word: $days, the window; $code.NAME, $touch.NAME and the like, codes of a vocabulary, and
// $lookup.code and the like, the code of x in it; $list.NAME, $pattern.NAME and $text.NAME, values that travel as parameters; and
// $j.COLUMN, a column of lead_journeys.
//
// A part exists in up to two scopes, before contact and up to the moment asked for, and in windows. Of an aligned part,
// an array with one element an event, the window is the end of the array. A whole one has no windows. Any other is
// computed from windowed parts.
type part struct {
	sql  string
	kind partKind
}

type partKind int

const (
	derived partKind = iota
	aligned
	whole
)

var parts = map[string]part{
	// When. $now before contact is the last millisecond before the first follow-up, if that is earlier.
	"now":     {"least($observed, ifNull($contact - 1, $observed))", whole},
	"contact": {"arrayFirstOrNull((x, y) -> y = 'activity', $j.at, $j.type)", whole},
	"count":   {"arrayCount(x -> x <= $now, $j.at)", whole},
	"recent":  {"arrayCount(x -> x > $now - $days * 86400000 AND x <= $now, $j.at)", derived},
	// Captured is when the first word of a lead came: an update, a stage, an assignment or a follow-up.
	"captured": {"if($updates > 0 AND ($worked IS NULL OR $j.updated_at[1] < $worked), $j.updated_at[1], $worked)", whole},
	"capture":  {"fromUnixTimestamp64Milli($captured, $tz)", whole},
	"worked":   {"arrayFirstOrNull((x, y) -> y >= 3, $at, $kinds)", whole},

	// Events, one element each.
	"at":        {"arraySlice($j.at, 1, $count)", aligned},
	"kinds":     {"arrayMap(x -> $lookup.kind, arraySlice($j.type, 1, $count))", aligned},
	"words":     {"arraySlice($j.name, 1, $count)", aligned},
	"does":      {"arrayMap((x, y) -> (y = 2) * $lookup.code, $words, $kinds)", aligned},
	"touches":   {"arrayMap((x, y) -> (y = 1) * $lookup.touch, $words, $kinds)", aligned},
	"stages":    {"arrayMap((x, y) -> (y = 3) * $lookup.stage, $words, $kinds)", aligned},
	"actions":   {"arrayMap((x, y) -> (y = 4) * $lookup.action, $words, $kinds)", aligned},
	"methods":   {"arrayMap((x, y) -> (y = 5) * $lookup.method, $words, $kinds)", aligned},
	"details":   {"arraySlice($j.detail, 1, $count)", aligned},
	"outcomes":  {"arrayMap((x, y) -> (y = 5) * $lookup.outcome, $details, $kinds)", aligned},
	"groups":    {"arraySlice($j.page_group, 1, $count)", aligned},
	"pages":     {"arrayMap((x, y) -> (y = $code.page_view) * $lookup.page, $groups, $does)", aligned},
	"channels":  {"arraySlice($j.channel, 1, $count)", aligned},
	"from":      {"arraySlice($j.source, 1, $count)", aligned},
	"mediums":   {"arraySlice($j.medium, 1, $count)", aligned},
	"owners":    {"arraySlice($j.owner, 1, $count)", aligned},
	"effective": {"arraySlice($j.effective, 1, $count)", aligned},
	"values":    {"arraySlice($j.value, 1, $count)", aligned},
	"sessions":  {"arraySlice($j.session, 1, $count)", aligned},
	"told":      {"arraySlice($j.properties, 1, $count)", aligned},
	"property":  {"arrayMap(x -> x[$text.1], $told)", aligned},
	"dwelt": {"arrayMap((x, y, z) -> if(z = $code.page_view, if(x != '', x, y), ''), " +
		"$property.dwell_seconds, $property.duration_s, $does)", aligned},
	"dwells":   {"arrayMap(x -> if(match(x, $pattern.number), toFloat64OrZero(x), 0), $dwelt)", aligned},
	"dates":    {"arrayMap(x -> toDate(fromUnixTimestamp64Milli(x, $tz)), $at)", aligned},
	"weekdays": {"arrayMap(x -> toDayOfWeek(fromUnixTimestamp64Milli(x, $tz)), $at)", aligned},
	"hours":    {"arrayMap(x -> toHour(fromUnixTimestamp64Milli(x, $tz)), $at)", aligned},
	"weights":  {"arrayMap(x -> exp2((x - $now) / (86400000. * $1)), $at)", aligned},

	// Events of some kind.
	"customer":  {"arrayFilter((x, y) -> y = 1 OR y = 2, $at, $kinds)", derived},
	"views":     {"arrayFilter((x, y) -> y = $code.page_view, $at, $does)", derived},
	"visits":    {"arrayFilter((x, y) -> x != 0 AND y = $code.page_view, $sessions, $does)", derived},
	"runs":      {"arrayEnumerateUniq($visits)", derived},
	"met":       {"arrayFilter((x, y) -> y = 1 AND x != '', $channels, $kinds)", derived},
	"done":      {"arrayFilter((x, y) -> y = $code.$1, $at, $does)", derived},
	"last":      {"if(empty($done.$1), NULL, ($now - $done.$1[-1]) / 86400000)", derived},
	"n":         {"countEqual($does, $code.$1)", derived},
	"moves":     {"arrayFilter(x -> x > 0, $stages)", derived},
	"assigned":  {"arrayFirst((x, y) -> y = $action.assigned, $at, $actions)", whole},
	"responded": {"arrayFirst((x, y, z) -> y = 5 AND z AND x >= $assigned, $at, $kinds, $effective)", whole},
	"talking":   {"arrayMap(y -> (y = $code.wecom_message_in) + 2 * (y = $code.wecom_message_out), $does)", derived},
	"talks":     {"arrayFilter((x, y) -> y > 0, $at, $talking)", derived},
	"talkers":   {"arrayFilter(y -> y > 0, $talking)", derived},
	"replies": {"arrayFilter(x -> x >= 0, arrayMap((x, y, a, b) -> if(a = 2 AND b = 1, y - x, -1), arrayPopBack($talks), " +
		"arrayPopFront($talks), arrayPopBack($talkers), arrayPopFront($talkers)))", derived},
	"topics": {"arrayFilter((x, y) -> x != '' AND y IN ($reading), $property.topic, $does)", derived},
	"depths": {"arrayFilter((x, y) -> y IN ($reading) AND match(x, $pattern.number), $property.depth, $does)", derived},

	// What chooses the row of a timeline, 0 for none; and what the lead itself has put into it.
	"account_key":   {"if($company = '', 0, cityHash64($workspace, $company))", whole},
	"stated_source": {"arrayFirst((x, y) -> x != '' AND y <= $now, arrayMap(x -> x['source'], $j.stated), $j.updated_at)", whole},
	"touch_source":  {"arrayFirst((x, y) -> x != '' AND y = 1, $from, $kinds)", whole},
	"source_now":    {"if($stated_source != '', $stated_source, $touch_source)", whole},
	"source_key":    {"if($source_now = '', 0, cityHash64($workspace, $source_now))", whole},
	"ripe":          {"ifNull($captured, 0) + " + maturity, whole},
	"ripe_stated":   {"arrayFirst((x, y) -> x != '' AND y <= $ripe, arrayMap(x -> x['source'], $j.stated), $j.updated_at)", whole},
	"ripe_source": {"if($ripe_stated != '', $ripe_stated, " +
		"arrayFirst((x, y, z) -> x != '' AND y = 1 AND z <= $ripe, $from, $kinds, $at))", whole},
	"owner_now":   {"arrayLast((x, y) -> x != '' AND y = 4, $owners, $kinds)", whole},
	"owner_key":   {"if($owner_now = '', 0, cityHash64($workspace, $owner_now))", whole},
	"decided":     {"arrayFirstIndex(x -> x = $stage.won OR x = $stage.lost, $stages)", whole},
	"decided_as":  {"if($decided = 0, '', $words[$decided])", whole},
	"decider":     {"arrayLast((x, y, z) -> x != '' AND y = 4 AND z <= $decided, $owners, $kinds, arrayEnumerate($at))", whole},
	"decider_key": {"if($decided = 0 OR $decider = '', 1, cityHash64($workspace, $decider))", whole},

	// What is stated, latest first.
	"updates": {"arrayCount(x -> x <= $now, $j.updated_at)", whole},
	"stated":  {"arraySlice($j.stated, 1, $updates)", whole},
	"keys": {"arrayReverse(arrayMap(x -> $lookup.attribute, " +
		"arrayFlatten(arrayMap(x -> mapKeys(x), $stated))))", whole},
	"said":         {"arrayReverse(arrayFlatten(arrayMap(x -> mapValues(x), $stated)))", whole},
	"known":        {"arrayFilter((x, y) -> x != 0 AND y != '', $keys, $said)", whole},
	"known_values": {"arrayFilter((y, x) -> x != 0 AND y != '', $said, $keys)", whole},
	// The texts of an attribute: the latest, the first, the latest as a number, as a flag, in lower case.
	"attr":     {"trimBoth($known_values[indexOf($known, $attribute.$1)])", whole},
	"first":    {"trimBoth(arrayLast((x, y) -> y = $attribute.$1, $known_values, $known))", whole},
	"lower":    {"lowerUTF8($attr.$1)", whole},
	"plain":    {"replaceAll($attr.$1, ',', '')", whole},
	"num":      {"if(match($plain.$1, $pattern.number), toFloat64OrNull($plain.$1), NULL)", whole},
	"flag":     {"multiIf(has($list.yes, $lower.$1), 1, has($list.no, $lower.$1), 0, NULL)", whole},
	"purchase": {"toDate32OrNull($attr.expected_purchase_date)", whole},
	"domain":   {"extract($lower.email, $pattern.domain)", whole},
	"host":     {"extract($lower.website, $pattern.host)", whole},
}
