package identity_test

import (
	"testing"

	"clew/transform/identity"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// TestIdentifierNode holds which identifier decides over whose row it is that has no other id.
func TestIdentifierNode(t *testing.T) {
	db := warehousetest.Open(t)
	for _, c := range []struct {
		identifiers map[string]string
		kind, value string
	}{
		{map[string]string{}, "", ""},
		{map[string]string{"email": ""}, "", ""},
		{map[string]string{"phone": "1", "email": "2"}, "email", "2"},
		{map[string]string{"company": "a", "ip": "b", "merged_into": "L", "phone": "1"}, "phone", "1"},
		{map[string]string{"company": "a", "user_agent": "b"}, "", ""},
		// A person before a record or a click, whatever their names.
		{map[string]string{"hubspot_deal": "d", "phone": "1"}, "phone", "1"},
		{map[string]string{"gclid": "g", "wechat_unionid": "w"}, "wechat_unionid", "w"},
		{map[string]string{"salesforce_opportunity": "o", "salesforce_contact": "c"}, "salesforce_contact", "c"},
		{map[string]string{"salesforce_opportunity": "o"}, "salesforce_opportunity", "o"},
		{map[string]string{"weiling_company": "c"}, "weiling_company", "c"},
		{map[string]string{"gclid": "g"}, "gclid", "g"},
		// Names of one kind.
		{map[string]string{"mobile": "1", "wechat": "2"}, "phone", "1"},
		{map[string]string{"contact_phone": "1", "phone": "2"}, "phone", "1"},
		{map[string]string{"phone_invalid": "123", "wechat": "2"}, "wechat", "2"},
		// No identifier passes for another id.
		{map[string]string{"anonymous": "1", "lead": "2"}, "", ""},
	} {
		var got []struct {
			Kind  string `ch:"kind"`
			Value string `ch:"value"`
		}
		err := db.Select(t.Context(), &got, "SELECT node.kind AS kind, node.value AS value "+
			"FROM (SELECT "+identity.IdentifierNode+" AS node "+
			"FROM (SELECT {identifiers:Map(LowCardinality(String), String)} AS identifiers))",
			warehouse.Params{"identifiers": c.identifiers})
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Kind != c.kind || got[0].Value != c.value {
			t.Errorf("%v: %s:%s, want %s:%s", c.identifiers, got[0].Kind, got[0].Value, c.kind, c.value)
		}
	}
}
