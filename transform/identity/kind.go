package identity

// The kinds of nodes that are no identifiers.
const (
	// KindLead is the kind of a lead_id.
	KindLead = "lead"
	// KindAnonymous is the kind of an anonymous_id.
	KindAnonymous = "anonymous"
	// KindMergedInto is the identifier by which an update of a lead says that the lead is another one's record.
	KindMergedInto = "merged_into"
)

// neverIdentify are kinds of identifiers that many people share: they neither link nor decide.
const neverIdentify = `('account', 'browser', 'campaign', 'city', 'company', 'company_name', 'contact_name', 'country',
	'domain', 'ip', 'ip_address', 'lang', 'language', 'locale', 'merged_into', 'name', 'organization', 'province', 'region',
	'session', 'session_id', 'ua', 'user_agent', 'website')`

// clickIDs are the parameters by which advertising networks know their clicks.
const clickIDs = `('bd_vid', 'click_id', 'clickid', 'dclid', 'fbclid', 'gbraid', 'gclid', 'gdt_vid', 'li_fat_id', 'msclkid',
	'qhclickid', 'ttclid', 'twclid', 'wbraid', 'yclid')`

// isRecord is an SQL condition on kind: the identifier is that of a record or click, as salesforce_opportunity. It has
// one owner, and two leads that name it are no proof of one person: two contacts of a company share a deal, and an
// address with a gclid is passed on.
const isRecord = `(kind IN ` + clickIDs +
	` OR match(kind, '_(account|case|company|contract|deal|invoice|opportunity|order|quote|ticket)$'))`

// IdentifierNode is an SQL expression over the column identifiers of a raw row that has neither lead_id nor
// anonymous_id: a Tuple(kind String, value String) of the node that the row comes under. It is the first identifier by
// kind, those of a person before those of a record; ('', ”) where none says whose row it is.
const IdentifierNode = `arrayMap(node -> CAST((node.2, node.3) AS Tuple(kind String, value String)), arraySort(arrayFilter(
	node -> node.2 NOT IN ` + neverIdentify + ` AND node.3 != '',
	arrayMap((kind, value) -> (` + isRecord + `, toString(kind), value), mapKeys(identifiers), mapValues(identifiers)))))[1]`
