package identity

import (
	"maps"
	"slices"
	"strings"

	"clew/ingest/identifier"
)

// The kinds of nodes that are no identifiers.
const (
	// KindLead is the kind of a lead_id.
	KindLead = "lead"
	// KindAnonymous is the kind of an anonymous_id.
	KindAnonymous = "anonymous"
	// KindMergedInto is the identifier by which an update of a lead says that the lead is another one's record.
	KindMergedInto = "merged_into"
)

// identifies is an SQL condition on kind, false for the kinds that many people share: they neither link nor decide.
const identifies = `(kind NOT IN ('account', 'anonymous', 'browser', 'campaign', 'city', 'company', 'company_name',
	'contact_name', 'country', 'domain', 'ip', 'ip_address', 'lang', 'language', 'lead', 'locale', 'merged_into', 'name',
	'organization', 'province', 'region', 'session', 'session_id', 'ua', 'user_agent', 'website')
	AND NOT endsWith(kind, '` + identifier.InvalidSuffix + `'))`

// isRecord is an SQL condition on a kind: the identifier is that of a record or click, as salesforce_opportunity. It has
// one owner, and two leads that name it are no proof of one person: two contacts of a company share a deal, and an
// address with a gclid is passed on.
func isRecord(kind string) string {
	return "(" + kind + ` IN ('bd_vid', 'click_id', 'clickid', 'dclid', 'fbclid', 'gbraid', 'gclid', 'gdt_vid', 'li_fat_id',
	'msclkid', 'qhclickid', 'ttclid', 'twclid', 'wbraid', 'yclid')
	OR match(` + kind + `, '_(account|case|company|contract|deal|invoice|opportunity|order|quote|ticket)$'))`
}

// identifierNodes is an SQL expression over the column identifiers of a raw row: the nodes among them, as an
// Array(Tuple(kind String, value String)), those of persons before those of records, each by kind and value. A value may
// stand under several names of one kind, as mobile and contact_phone: they are one node.
var identifierNodes = `arrayDistinct(arrayMap(
	node -> CAST((node.2, node.3) AS Tuple(kind String, value String)), arraySort(
	arrayMap((kind, value) -> (` + isRecord("kind") + `, ` + canonical("toString(kind)") + `, value),
		mapKeys(mapFilter((kind, value) -> value != '' AND ` + names("value") + ` AND ` + identifies + `, identifiers)),
		mapValues(mapFilter((kind, value) -> value != '' AND ` + names("value") + ` AND ` + identifies + `, identifiers))))))`

// IdentifierNode is an SQL expression over the column identifiers of a raw row that has neither lead_id nor
// anonymous_id: a Tuple(kind String, value String) of the node that the row comes under. It is the first identifier by
// kind and value, those of a person before those of a record; two empty texts where none says whose row it is.
var IdentifierNode = identifierNodes + `[1]`

// names is an SQL condition on an id: it is not what programs write where they know of none.
func names(column string) string {
	return "lower(" + column + ") NOT IN ('-', '0', '00000000-0000-0000-0000-000000000000', '[object object]', 'anonymous', " +
		"'false', 'guest', 'n/a', 'nan', 'nil', 'none', 'not_authenticated', 'null', 'true', 'undefined', 'unknown')"
}

// canonical is an SQL expression for the one name of a kind.
func canonical(column string) string {
	names := identifier.Names()
	var from, to []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if names[name] != name {
			from, to = append(from, "'"+name+"'"), append(to, "'"+names[name]+"'")
		}
	}
	return "transform(" + column + ", [" + strings.Join(from, ", ") + "], [" + strings.Join(to, ", ") + "])"
}
