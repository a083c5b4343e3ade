package collect

import (
	"fmt"
	"net/url"
	"testing"

	"clew/ingest/event"
)

func TestChannels(t *testing.T) {
	for _, c := range []struct{ query, referrer, channel, source, touch string }{
		{"utm_source=baidu&utm_medium=cpc", "", "paid_search", "baidu", "click"},
		{"utm_source=baidu_brand&utm_medium=sem", "", "paid_search", "baidu_brand", "click"},
		{"utm_source=weixin&utm_medium=cpc", "", "paid_social", "weixin", "click"},
		{"utm_source=newsletter&utm_medium=email", "", "email", "newsletter", "visit"},
		{"utm_source=x&utm_medium=EDM", "", "email", "x", "visit"},
		{"utm_source=taboola&utm_medium=cpc", "", "paid_other", "taboola", "click"},
		{"utm_source=youtube&utm_medium=paid_video", "", "paid_video", "youtube", "click"},
		{"utm_source=partner&utm_medium=paid_video", "", "paid_video", "partner", "click"},
		{"utm_source=hannover&utm_medium=Trade+Fair", "", "trade_fair", "hannover", "visit"},
		{"utm_source=x&utm_medium=social", "", "organic_social", "x", "visit"},
		{"utm_source=google&utm_medium=organic", "", "organic_search", "google", "visit"},
		{"utm_source=google&utm_medium=cpm", "", "display", "google", "click"},
		{"utm_source=zhihu", "", "organic_social", "zhihu", "visit"},
		{"utm_source=leaflet", "", "other", "leaflet", "visit"},
		{"utm_campaign=spring", "", "other", "", "visit"},
		{"gclid=1", "https://www.google.com/", "paid_search", "google", "click"},
		{"msclkid=1", "", "paid_search", "bing", "click"},
		{"bd_vid=1", "", "paid_search", "baidu", "click"},
		{"fbclid=1", "https://l.facebook.com/", "organic_social", "facebook", "click"},
		{"fbclid=1&utm_medium=cpc&utm_source=fb", "", "paid_social", "fb", "click"},
		{"gclid=1&utm_medium=cpc", "", "paid_search", "google", "click"},
		{"", "https://www.google.com.hk/search", "organic_search", "google.com.hk", "visit"},
		{"", "https://www.so.com/s", "organic_search", "so.com", "visit"},
		{"", "https://t.co/abc", "organic_social", "t.co", "visit"},
		{"", "https://x.com/abc", "organic_social", "x.com", "visit"},
		{"", "https://x.partner.example/abc", "referral", "x.partner.example", "visit"},
		{"", "https://mail.google.com/", "email", "mail.google.com", "visit"},
		{"", "https://partner.example/", "referral", "partner.example", "visit"},
		{"", "", "", "", ""},
		{"", "https://www.shop.example/other", "", "", ""},
		{"q=1", "not a url\x7f", "", "", ""},
		{"utm_source=%B0%D9%B6%C8&utm_medium=cpc", "", "paid_other", "\uFFFD\u0676\uFFFD", "click"}, // GBK
	} {
		e := envelope{received: received, workspace: "default"}
		m := newMessage(value(fmt.Sprintf(`{"type":"page","anonymousId":"a","context":{"page":{"url":%s,"referrer":%s}}}`,
			quote("https://shop.example/?"+c.query), quote(c.referrer))), "")
		_, touch, fault := e.toEvents(m)
		if fault != nil {
			t.Fatal(fault)
		}
		var got event.Touchpoint
		if touch != nil {
			got = *touch
			if err := got.Validate(); err != nil {
				t.Errorf("%s from %q: %v", c.query, c.referrer, err)
			}
		}
		if got.Channel != c.channel || got.Source != c.source || got.Touch != c.touch {
			t.Errorf("%s from %q: channel %q, source %q, touch %q; want %q, %q, %q", c.query, c.referrer,
				got.Channel, got.Source, got.Touch, c.channel, c.source, c.touch)
		}
	}
}

// A touch counts once, whatever tells of it; another campaign, person, session or day is another touch.
func TestTouchIdentity(t *testing.T) {
	id := func(body string, received string) string {
		at, fault := instant(received, "")
		if fault != nil {
			t.Fatal(fault)
		}
		e := envelope{received: at, workspace: "default"}
		_, touch, fault := e.toEvents(newMessage(value(body), ""))
		if fault != nil || touch == nil {
			t.Fatalf("%s: %v, touch %v", body, fault, touch)
		}
		return touch.EventID
	}
	body := func(person, campaign, at, more string) string {
		return fmt.Sprintf(`{"type":"page","anonymousId":%q,"timestamp":%q,"context":`+
			`{"page":{"url":"https://a.example/%s?utm_campaign=%s"}%s}}`, person, at, url.PathEscape(at), campaign, more)
	}
	day := "2026-03-02T10:00:00Z"
	first := id(body("a", "spring", day, ""), day)
	for name, same := range map[string]string{
		"another page":   id(body("a", "spring", "2026-03-02T11:00:00Z", ""), "2026-03-02T11:00:00Z"),
		"received later": id(body("a", "spring", day, ""), "2026-03-03T09:00:00Z"),
		"another locale": id(body("a", "spring", day, `,"locale":"de"`), day),
	} {
		if same != first {
			t.Errorf("%s: another touch", name)
		}
	}
	others := map[string]bool{first: true}
	for name, other := range map[string]string{
		"another person":   id(body("b", "spring", day, ""), day),
		"another campaign": id(body("a", "summer", day, ""), day),
		"another day":      id(body("a", "spring", "2026-03-03T10:00:00Z", ""), "2026-03-03T10:00:00Z"),
		"a session":        id(body("a", "spring", day, `,"sessionId":1`), day),
		"another session":  id(body("a", "spring", day, `,"sessionId":2`), day),
		"a click":          id(body("a", "spring&gclid=1", day, ""), day),
		"another click":    id(body("a", "spring&gclid=2", day, ""), day),
		"an email alone":   id(body("", "spring", day, `,"traits":{"email":"a@a.example"}`), day),
		"another email":    id(body("", "spring", day, `,"traits":{"email":"b@a.example"}`), day),
		"a phone alone":    id(body("", "spring", day, `,"traits":{"phone":"+861"}`), day),
	} {
		if others[other] {
			t.Errorf("%s: the same touch", name)
		}
		others[other] = true
	}
}
