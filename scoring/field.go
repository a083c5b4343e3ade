package scoring

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// columns are the columns of the table leads that a rule may look at. Anything else a model names is no identifier
// but a key among the lead's attributes, which travels as a value.
var columns = []string{"campaign", "channel", "industry", "medium", "owner", "product", "region", "source", "team"}

// attributePrefix marks a field as an attribute of the lead.
const attributePrefix = "attr."

// maxAttribute is the length of an attribute's name in bytes. It only keeps accidents out.
const maxAttribute = 128

// attribute is the key that a field names among the attributes, if it is no column.
func attribute(field string) (key string, ok bool) { return strings.CutPrefix(field, attributePrefix) }

func knownField(field string) bool {
	key, ok := attribute(field)
	if !ok {
		return slices.Contains(columns, field)
	}
	return key != "" && len(key) <= maxAttribute && utf8.ValidString(key) && !strings.ContainsFunc(key, unicode.IsControl)
}
