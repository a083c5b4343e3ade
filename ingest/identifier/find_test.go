package identifier

import (
	"slices"
	"testing"
)

// TestFinder looks for a person in texts of every kind, and for nobody else.
func TestFinder(t *testing.T) {
	p := protector(t)
	f := p.NewFinder(map[string][]string{
		"email": {p.Hash("email", "li.na@example.com")}, "phone": {p.Hash("phone", "13812345678")},
		"wechat": {p.Hash("wechat", "lina_88")},
	}, []string{"lead-1234", "17"})
	for text, want := range map[string][]string{
		`{"mail":"Li.Na@Example.com","x":1`:             {"Li.Na@Example.com"},
		`?e=li.na%40example.com&b=2`:                    {"li.na%40example.com"},
		`tel +86 138-1234-5678, or nothing`:             {"+86 138-1234-5678"},
		`１３８１２３４５６７８`:                                   {"１３８１２３４５６７８"},
		`8613812345678`:                                 {"8613812345678", "13812345678"},
		`{"wechat":"lina_88"}`:                          {"lina_88"},
		`"lead-1234"`:                                   {"lead-1234"},
		`lead-1234`:                                     {"lead-1234"},
		`lead-12345, xlead-1234, lead-1234-5`:           nil,
		`{"lead_id":"17","employees":17}`:               {"17"},
		`17`:                                            {"17"},
		`x@example.com 13812345679 lina_89 171 "0017"`:  nil,
		`ali.na@example.com and li.na@example.com.evil`: nil,
		``: nil,
	} {
		var got []string
		for _, s := range f.Spans([]byte(text)) {
			got = append(got, text[s[0]:s[1]])
		}
		slices.Sort(got)
		slices.Sort(want)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("in %s found %q, want %q", text, got, want)
		}
	}
}
