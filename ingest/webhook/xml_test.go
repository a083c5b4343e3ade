package webhook

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestXMLObject(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{
			"texts", `<?xml version="1.0"?><xml><A><![CDATA[1 < 2]]></A><B/> <C>x&amp;y</C></xml>`,
			`{"A":"1 < 2","B":"","C":"x&y"}`,
		},
		{"prefixes and nesting", `<s:E xmlns:s="u"><s:B><sf:Id>7</sf:Id></s:B></s:E>`, `{"B":{"Id":"7"}}`},
		{"lists", `<x><a>1</a><b>2</b><a>3</a><a/></x>`, `{"a":["1","3",""],"b":"2"}`},
		{
			"types and nulls", `<x><o xsi:type="sf:Lead"><i>1</i></o><n xsi:nil="true"/><n>2</n><t xsi:type="string">s</t></x>`,
			`{"n":[null,"2"],"o":{"@type":"sf:Lead","i":"1"},"t":"s"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := xmlObject([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			if err := e.Encode(o); err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(b.String()); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestXMLFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "it has no element"},
		{"text alone", "<x>1</x>", "element x has no elements inside"},
		{"cut", "<x><a>1", "unexpected EOF"},
		{"deep", strings.Repeat("<x>", 40) + strings.Repeat("</x>", 40), "it is nested deeper than 32 elements"},
		{
			"entity of its own", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x><a>&e;</a></x>`,
			"invalid character entity",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if o, err := xmlObject([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v; want %q", o, err, c.want)
			}
		})
	}
}

// FuzzXMLObject holds that no text makes it fail otherwise than by an error.
func FuzzXMLObject(f *testing.F) {
	f.Add([]byte(`<xml><A><![CDATA[1]]></A><A/></xml>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if o, err := xmlObject(text); err == nil {
			if _, err := json.Marshal(o); err != nil {
				t.Fatalf("%q became %v, which is no JSON: %v", text, o, err)
			}
		}
	})
}
