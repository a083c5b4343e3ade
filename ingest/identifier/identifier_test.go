package identifier

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"

	"clew/ingest/event"
)

func protector(t testing.TB) *Protector {
	t.Helper()
	p, err := NewProtector([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNormaliseAndMask(t *testing.T) {
	for _, c := range []struct {
		kind                Kind
		value, normal, mask string
		valid               bool
	}{
		{KindEmail, " John.Smith@Example.COM ", "john.smith@example.com", "j***@example.com", true},
		{KindEmail, "j@example.com", "j@example.com", "***@example.com", true},
		{KindEmail, "张三@例子.中国", "张三@例子.中国", "张***@例子.中国", true},
		{KindEmail, "a.b@xn--fsqu00a.xn--fiqs8s", "a.b@例子.中国", "a***@例子.中国", true},
		{KindEmail, "info@Bücher.example", "info@bücher.example", "i***@bücher.example", true},
		{KindEmail, "info@xn--bcher-kva.example", "info@bücher.example", "i***@bücher.example", true},
		{KindEmail, "ｗａｎｇ＠ｑｑ．ｃｏｍ", "wang@qq.com", "w***@qq.com", true},
		{KindEmail, "li+crm@mail.example.org", "li+crm@mail.example.org", "l***@mail.example.org", true},
		{KindEmail, " n/a ", "n/a", "?***", false},
		{KindEmail, "no-at.example.com", "no-at.example.com", "?n***om", false},
		{KindEmail, "two@@example.com", "two@@example.com", "?t***om", false},
		{KindEmail, "a@localhost", "a@localhost", "?a***st", false},
		{KindEmail, "a b@example.com", "a b@example.com", "?a***om", false},
		{KindEmail, "", "", "", false},

		{KindPhone, "13812345678", "+8613812345678", "+86 138****5678", true},
		{KindPhone, " 138-1234-5678 ", "+8613812345678", "+86 138****5678", true},
		{KindPhone, "+86 138 1234 5678", "+8613812345678", "+86 138****5678", true},
		{KindPhone, "0086 13812345678", "+8613812345678", "+86 138****5678", true},
		{KindPhone, "8613812345678", "+8613812345678", "+86 138****5678", true},
		{KindPhone, "013812345678", "+8613812345678", "+86 138****5678", true},
		{KindPhone, "（+８６）１３８　１２３４　５６７８", "+8613812345678", "+86 138****5678", true},
		{KindPhone, "010-12345678", "+861012345678", "+86 101****5678", true},
		{KindPhone, "(010) 1234 5678", "+861012345678", "+86 101****5678", true},
		{KindPhone, "0755-88889999", "+8675588889999", "+86 755****9999", true},
		{KindPhone, "021-68888888 转 802", "+862168888888;ext=802", "+86 216****8888", true},
		{KindPhone, "021-68888888 ext. 802", "+862168888888;ext=802", "+86 216****8888", true},
		{KindPhone, "400-123-4567", "+864001234567", "+86 400****4567", true},
		{KindPhone, "+1 (415) 555-2671", "+14155552671", "+1 415****2671", true},
		{KindPhone, "+44 20 7946 0958", "+442079460958", "+44 207****0958", true},
		{KindPhone, "+852 9123 4567", "+85291234567", "+852 9****67", true},
		{KindPhone, "00852 9123 4567", "+85291234567", "+852 9****67", true},
		{KindPhone, "+8613812345678999", "+8613812345678999", "?8***99", false},
		{KindPhone, "12345678", "12345678", "?1***78", false},
		{KindPhone, "110", "110", "?1***", false},
		{KindPhone, "无", "无", "?***", false},
		{KindPhone, "@00", "@00", "?***", false},

		{KindWeChat, " wxid_Ab12Cd34 ", "wxid_Ab12Cd34", "w***34", true},
		{KindWeChat, "zhang", "zhang", "z***", true},
		{KindOther, "11010519491231002X", "11010519491231002X", "1***2X", true},
	} {
		normal, valid := Normalise(c.kind, c.value)
		if normal != c.normal || valid != c.valid {
			t.Errorf("%s %q: normal form %q, %v; want %q, %v", c.kind, c.value, normal, valid, c.normal, c.valid)
		}
		mask := Mask(c.kind, c.value)
		if mask != c.mask {
			t.Errorf("%s %q: mask %q, want %q", c.kind, c.value, mask, c.mask)
		}
		if again := Mask(c.kind, mask); again != mask {
			t.Errorf("%s %q: the mask %q is masked to %q", c.kind, c.value, mask, again)
		}
	}
}

func TestIsMasked(t *testing.T) {
	for value, want := range map[string]bool{
		"138****5678": true, "jo***n@example.com": true, "+886 912****678": true, "张***": true, "***": true,
		"13812345678": false, "***13812345678": false, "secret***name": false, "john.smith@example.com***": false,
		"john@a***.com": false, "": false, "**": false, "a***@x.com, john@y.com": false,
	} {
		if got := IsMasked(value); got != want {
			t.Errorf("%q: masked %v, want %v", value, got, want)
		}
	}
}

func TestHash(t *testing.T) {
	p := protector(t)
	// The keyed hash is a contract: stored ones must be found again by later programs. It was computed by
	// printf 'email\0john@example.com' | openssl dgst -sha256 -hmac 0123456789abcdef
	const john = "#08232afb26263cce2039f0daec9b1634"
	if got := p.Hash("email", " John@Example.com "); got != john {
		t.Errorf("hash %s, want %s", got, john)
	}
	if p.Hash("mobile", "138 1234 5678") != p.Hash("phone", "+8613812345678") {
		t.Error("a mobile is hashed as another thing than a phone")
	}
	if p.Hash("wechat", "AbC") == p.Hash("wechat", "abc") {
		t.Error("WeChat ids differ by case")
	}
	if p.Hash("wechat", "x") == p.Hash("wechat_unionid", "x") {
		t.Error("two kinds share a hash")
	}
	if p.Hash("phone", john) != john {
		t.Error("a hash was hashed")
	}
	other, err := NewProtector([]byte("0123456789abcdeX"))
	if err != nil {
		t.Fatal(err)
	}
	if other.Hash("email", "john@example.com") == john || other.Fingerprint() == p.Fingerprint() {
		t.Error("another key gives the same hash")
	}
	if _, err := NewProtector([]byte("short")); err == nil {
		t.Error("a short key was taken")
	}
}

// protected is an event as JSON, protected, as JSON.
func protected(t *testing.T, p *Protector, kind event.Type, text string) (event.Event, string) {
	t.Helper()
	e := event.New(kind)
	if err := json.Unmarshal([]byte(text), e); err != nil {
		t.Fatal(err)
	}
	p.Protect(e)
	out, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return e, string(out)
}

func TestProtectLead(t *testing.T) {
	p := protector(t)
	e, text := protected(t, p, event.TypeLead, `{
		"event_id": "1", "lead_id": "L1",
		"identifiers": {"mobile": "138 1234 5678", "hubspot_contact": "17", "unionid": "oABC", "login": "wang.wu@example.com"},
		"contact": {"name": "王五", "phone": "13812345678", "email": "Wang.Wu@example.com", "wechat": "wang_wu_88"},
		"attributes": {"email": "wang.wu@example.com", "手机": "13812345678", "phone": "yes", "industry": "saas", "do_not_email": "no"}}`)
	lead := e.(*event.Lead)
	want := map[string]string{
		"phone": p.Hash("phone", "+8613812345678"), "hubspot_contact": "17", "wechat_unionid": p.Hash("wechat_unionid", "oABC"),
		"login": p.Hash("email", "wang.wu@example.com"), "email": p.Hash("email", "wang.wu@example.com"),
		"wechat": p.Hash("wechat", "wang_wu_88"),
	}
	if !maps.Equal(lead.Identifiers, want) {
		t.Errorf("identifiers %v, want %v", lead.Identifiers, want)
	}
	if c := (event.Contact{Name: "王五", Phone: "+86 138****5678", Email: "w***@example.com", WeChat: "w***88"}); *lead.Contact != c {
		t.Errorf("contact %+v, want %+v", *lead.Contact, c)
	}
	attributes := map[string]event.Scalar{
		"email": "w***@example.com", "手机": "+86 138****5678", "phone": "yes", "industry": "saas", "do_not_email": "no",
	}
	if !maps.Equal(lead.Attributes, attributes) {
		t.Errorf("attributes %v, want %v", lead.Attributes, attributes)
	}
	for _, plain := range []string{"13812345678", "138 1234", "wang.wu", "Wang.Wu", "wang_wu", "oABC"} {
		if strings.Contains(text, plain) {
			t.Errorf("%q is still in %s", plain, text)
		}
	}
	if _, again := protected(t, p, event.TypeLead, text); again != text {
		t.Errorf("protecting again changes\n%s to\n%s", text, again)
	}
}

func TestProtectInvalidAndDiffering(t *testing.T) {
	p := protector(t)
	e, text := protected(t, p, event.TypeLead, `{"event_id": "1",
		"identifiers": {"phone": "13812345678", "email": "none", "contact_phone": "13900000001", "mobile": "13900000002"},
		"contact": {"phone": "010-12345678", "email": "n/a"}}`)
	want := map[string]string{
		"phone": p.Hash("phone", "13812345678"), "email_invalid": p.Hash("email", "none"),
		"contact_phone": p.Hash("phone", "010-12345678"), "mobile": p.Hash("phone", "13900000002"),
		"contact_email_invalid": p.Hash("email", "n/a"),
	}
	if got := e.Head().Identifiers; !maps.Equal(got, want) {
		t.Errorf("identifiers %v, want %v", got, want)
	}
	again, second := protected(t, p, event.TypeLead, text)
	if second != text || !maps.Equal(again.Head().Identifiers, want) {
		t.Errorf("protecting again changes\n%s to\n%s", text, second)
	}
	masked, _ := protected(t, p, event.TypeLead, `{"event_id": "2", "contact": {"phone": "138****5678", "email": "j***@x.com"}}`)
	if lead := masked.(*event.Lead); len(lead.Identifiers) > 0 || lead.Contact.Phone != "138****5678" {
		t.Errorf("a masked contact became %+v with identifiers %v", *lead.Contact, lead.Identifiers)
	}
}

func TestProtectOthers(t *testing.T) {
	p := protector(t)
	e, _ := protected(t, p, event.TypeBehavior, `{"event_id": "1", "identifiers": {"hubspot_contact": "17"},
		"properties": {"E-Mail": "li@example.com", "tel": "400-123-4567", "page": "/a@b.com", "微信": "li_si_2020"}}`)
	want := map[string]event.Scalar{
		"E-Mail": "l***@example.com", "tel": "+86 400****4567", "page": "/a@b.com", "微信": "l***20",
	}
	if got := e.(*event.Behavior); !maps.Equal(got.Properties, want) || got.Identifiers["hubspot_contact"] != "17" {
		t.Errorf("%+v", got)
	}
	plain := event.Touchpoint{Header: event.Header{LeadID: "L1"}, URL: "https://x.com/p", Referrer: "https://r.com/?q=1"}
	same := plain
	p.Protect(&same)
	if !reflect.DeepEqual(same, plain) {
		t.Errorf("a touch without anybody's data changed: %+v", same)
	}
}

func TestMaskURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://x.com/a": "https://x.com/a",
		"https://x.com/?q=1&e=john@example.com&r=2":           "https://x.com/?q=1&e=j***@example.com&r=2",
		"https://x.com/?e=john%40example.com#top":             "https://x.com/?e=j***@example.com#top",
		"https://x.com/?email=john%2Bcrm%40example.com":       "https://x.com/?email=j***@example.com",
		"https://x.com/?phone=13812345678&utm_source=a%20b":   "https://x.com/?phone=+86+138****5678&utm_source=a%20b",
		"https://x.com/?mobile=%2B8613812345678":              "https://x.com/?mobile=+86+138****5678",
		"https://x.com/?phone=+8613812345678":                 "https://x.com/?phone=+86+138****5678",
		"https://x.com/?%E6%89%8B%E6%9C%BA=13812345678":       "https://x.com/?%E6%89%8B%E6%9C%BA=+86+138****5678",
		"https://x.com/?phone=yes&email=":                     "https://x.com/?phone=yes&email=",
		"https://x.com/#/p?tel=13812345678":                   "https://x.com/#/p?tel=+86+138****5678",
		"https://user@x.com/?a":                               "https://user@x.com/?a",
		"https://x.com/?redirect=https%3A%2F%2Fy.com%3Fa%3D1": "https://x.com/?redirect=https%3A%2F%2Fy.com%3Fa%3D1",
		"https://x.com/?":                                     "https://x.com/?",
		"":                                                    "",
	} {
		got := MaskURL(raw)
		if got != want {
			t.Errorf("%s became %s, want %s", raw, got, want)
		}
		if again := MaskURL(got); again != got {
			t.Errorf("%s is masked again to %s", got, again)
		}
	}
}

// FuzzNormalise looks for values that break the forms: a normal form must be its own, and no mask may be the value.
func FuzzNormalise(f *testing.F) {
	for _, seed := range []string{"a@b.cc", "+8613812345678", "010-12345678 转 1", "a@xn--fiqs8s.cn", "xn--@", "＋８６１３８"} {
		f.Add(seed)
	}
	p := protector(f)
	f.Fuzz(func(t *testing.T, value string) {
		for _, k := range []Kind{KindEmail, KindPhone, KindWeChat, KindOther} {
			normal, valid := Normalise(k, value)
			if again, _ := Normalise(k, normal); valid && again != normal {
				t.Errorf("%s %q has the normal form %q, and that %q", k, value, normal, again)
			}
			if sum := p.Hash(string(k), value); !IsHash(sum) {
				t.Errorf("%s %q has the hash %q", k, value, sum)
			}
			mask := Mask(k, value)
			if again := Mask(k, mask); again != mask {
				t.Errorf("%s %q has the mask %q, and that %q", k, value, mask, again)
			}
		}
		if masked := MaskURL("https://x.com/?" + value); MaskURL(masked) != masked {
			t.Errorf("%q: URL %q is masked again to %q", value, masked, MaskURL(masked))
		}
	})
}

func BenchmarkProtect(b *testing.B) {
	p := protector(b)
	lead := &event.Lead{
		Header:     event.Header{LeadID: "L1"},
		Attributes: map[string]event.Scalar{"industry": "saas", "employees": "51-200", "title": "CTO", "region": "华东", "budget": "50"},
	}
	visit := &event.Touchpoint{Header: event.Header{AnonymousID: "a"}, URL: "https://www.example.com/pricing?utm_source=baidu&utm_medium=cpc"}
	view := &event.Behavior{Properties: map[string]event.Scalar{"device": "mobile", "path": "/pricing", "duration": "12"}}
	b.Run("lead", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			lead.Identifiers = map[string]string{"email": "wang.wu@example.com"}
			lead.Contact = &event.Contact{Name: "王五", Phone: "13812345678", Email: "wang.wu@example.com"}
			p.Protect(lead)
		}
	})
	b.Run("touch", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.Protect(visit)
		}
	})
	b.Run("behavior", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.Protect(view)
		}
	})
}
