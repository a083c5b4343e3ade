package collect

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"clew/ingest/event"
)

// origin is where a visit came from.
type origin struct {
	source, medium, campaign, content, term string
	url, referrer                           string
	// clickID is the parameter by which an advertising network knows its click, as "gclid", and its value.
	clickID, click string
	// host is that of the referrer, "" where there is none or it is ours.
	host string
}

// touch returns the touch that a message tells of: one where there is a campaign, a click of an advertisement or a
// referrer that is not ours. A browser says so with every message until the page is left, and a single-page application
// even longer. So the touch is known by the person, the campaign and the session, or without one the day: however many
// messages tell of it, it counts once.
func (e *envelope) touch(m *message, head event.Header) *event.Touchpoint {
	o := e.origin(m)
	if o.source == "" && o.medium == "" && o.campaign == "" && o.clickID == "" && o.host == "" {
		return nil
	}
	t := &event.Touchpoint{
		Header: head, Channel: o.channel(), Source: cmp.Or(o.source, network(o.clickID).source, o.host), Medium: o.medium,
		Campaign: o.campaign, Content: o.content, Term: o.term, Touch: "visit", URL: o.url, Referrer: o.referrer,
	}
	if o.clickID != "" || isPaid(o.medium) {
		t.Touch = "click"
	}
	for _, text := range []*string{
		&t.Channel, &t.Source, &t.Medium, &t.Campaign, &t.Content, &t.Term, &t.URL, &t.Referrer,
	} {
		// The escapes of an address may hold any bytes, as those of GBK; its text stands whole in the other event.
		*text = cut(strings.ToValidUTF8(*text, "\uFFFD"), event.MaxText)
	}
	person := cmp.Or(head.AnonymousID, head.LeadID, head.Identifiers["email"], head.Identifiers["phone"],
		head.Identifiers["wechat_unionid"])
	t.EventID = digest("touch", person, m.period(head.OccurredAt),
		o.source, o.medium, o.campaign, o.content, o.term, o.click, o.host)
	return t
}

// period is the session, or else the day on the sender's clock: unlike the corrected time, that stays the same when a
// message is sent again.
func (m *message) period(occurred time.Time) string {
	if session, _ := m.context.member("sessionId").or(m.context.member("session_id")).text(); session != "" {
		return session
	}
	if at, fault := instant(cmp.Or(m.originalAt, m.claimed), ""); fault == nil {
		occurred = at
	}
	return occurred.Format(time.DateOnly)
}

// origin looks at the campaign that the SDK found, at the parameters of the page's address, and at the referrer.
func (e *envelope) origin(m *message) origin {
	page := m.context.member("page")
	text := func(name string) string {
		s, _ := page.member(name).or(m.properties.member(name)).text()
		return s
	}
	o := origin{url: text("url"), referrer: text("referrer")}
	here, err := url.Parse(o.url)
	if err != nil {
		here = &url.URL{}
	}
	// Semicolons and broken escapes cost the parameter they stand in, no other.
	query, _ := url.ParseQuery(strings.TrimPrefix(cmp.Or(text("search"), here.RawQuery), "?"))
	campaign := m.context.member("campaign")
	if !campaign.isObject() {
		campaign = m.properties.member("campaign") // an app's first start says it there
	}
	utm := func(name, parameter string) string {
		return strings.TrimSpace(cmp.Or(campaign.string(name), query.Get("utm_"+parameter)))
	}
	o.source, o.medium, o.campaign = utm("source", "source"), utm("medium", "medium"), utm("name", "campaign")
	o.content, o.term = utm("content", "content"), utm("term", "term")
	for _, n := range networks {
		if o.click = query.Get(n.clickID); o.click != "" {
			o.clickID = n.clickID
			break
		}
	}
	if from, err := url.Parse(o.referrer); err == nil && !e.ours(from.Hostname(), here.Hostname()) {
		o.host = bareHost(from.Hostname())
	}
	return o
}

// ours says whether a referrer's host is the page's, one below or above it, or another of our own.
func (e *envelope) ours(from, here string) bool {
	from, here = bareHost(from), bareHost(here)
	return from == "" || from == here || e.own[from] ||
		strings.HasSuffix(from, "."+here) || strings.HasSuffix(here, "."+from)
}

func bareHost(host string) string { return strings.TrimPrefix(strings.ToLower(host), "www.") }

// adNetwork is an advertising network that marks its clicks by a parameter of its own.
type adNetwork struct{ clickID, source, channel string }

// networks are looked at in this order. Facebook marks unpaid links too, so that its mark alone is no advertisement.
var networks = []adNetwork{
	{"gclid", "google", "paid_search"},
	{"gbraid", "google", "paid_search"},
	{"wbraid", "google", "paid_search"},
	{"dclid", "google", "display"},
	{"msclkid", "bing", "paid_search"},
	{"bd_vid", "baidu", "paid_search"},
	{"qhclickid", "360", "paid_search"},
	{"yclid", "yandex", "paid_search"},
	{"gdt_vid", "tencent", "paid_social"},
	{"ttclid", "tiktok", "paid_social"},
	{"li_fat_id", "linkedin", "paid_social"},
	{"twclid", "twitter", "paid_social"},
	{"fbclid", "facebook", "organic_social"},
}

// network returns the network of a parameter, the zero value where there is none.
func network(clickID string) adNetwork {
	i := slices.IndexFunc(networks, func(n adNetwork) bool { return n.clickID == clickID })
	if i < 0 {
		return adNetwork{}
	}
	return networks[i]
}

// Search engines and social networks, by a label of their host or by what utm_source calls them. A short name has its
// domain, for "t" and "x" are labels of other hosts too.
var (
	searchEngines = []string{
		"google", "bing", "baidu", "sogou", "so.com", "360.cn", "so360", "sm.cn", "yandex", "duckduckgo", "yahoo", "naver",
		"ecosia", "toutiao", "petalsearch",
	}
	socialNetworks = []string{
		"facebook", "fb.com", "fb.me", "instagram", "ig.me", "twitter", "t.co", "x.com", "linkedin", "lnkd.in", "youtube",
		"youtu.be", "tiktok", "pinterest", "reddit", "whatsapp", "weixin", "wechat", "weibo", "douyin", "zhihu",
		"xiaohongshu", "xhslink", "bilibili", "kuaishou", "qq.com", "tieba",
	}
)

// mediums gives the channel that a medium names by itself. The names follow the default channel groups of Google
// Analytics 4.
var mediums = map[string]string{
	"organic": "organic_search", "social": "organic_social", "social-network": "organic_social",
	"social-media": "organic_social", "sm": "organic_social", "email": "email", "e-mail": "email", "edm": "email",
	"newsletter": "email", "sms": "sms", "push": "push", "affiliate": "affiliate", "affiliates": "affiliate",
	"referral": "referral", "link": "referral", "display": "display", "banner": "display", "cpm": "display",
	"expandable": "display", "interstitial": "display", "video": "organic_video", "audio": "audio",
}

// channel names the channel: what was paid for first, then what the medium says, then whose page it was. A medium that
// no rule knows is a channel of its own, as "exhibition".
func (o origin) channel() string {
	medium := strings.ToLower(o.medium)
	source := strings.ToLower(cmp.Or(o.source, o.host))
	known := mediums[medium]
	switch {
	case known == "" && isPaid(medium):
		return paid(cmp.Or(source, network(o.clickID).source), medium)
	case known != "":
		return known
	case medium != "":
		return strings.Join(strings.Fields(medium), "_")
	case o.clickID != "":
		return network(o.clickID).channel
	case strings.HasPrefix(source, "mail."):
		return "email"
	case among(source, searchEngines):
		return "organic_search"
	case among(source, socialNetworks):
		return "organic_social"
	case o.source == "" && o.host != "":
		return "referral"
	}
	return "other"
}

func isPaid(medium string) bool {
	medium = strings.ToLower(medium)
	return strings.HasPrefix(medium, "cp") || strings.Contains(medium, "ppc") || strings.Contains(medium, "paid") ||
		strings.Contains(medium, "retarget") || medium == "sem"
}

func paid(source, medium string) string {
	switch {
	case strings.Contains(medium, "video"):
		return "paid_video"
	case strings.Contains(medium, "social") || among(source, socialNetworks):
		return "paid_social"
	case strings.Contains(medium, "search") || medium == "sem" || among(source, searchEngines):
		return "paid_search"
	}
	return "paid_other"
}

// among says whether a source such as "m.baidu.com" or "baidu_brand", in lower case, is one of the names.
func among(source string, names []string) bool {
	isHost := strings.Contains(source, ".")
	labels := strings.FieldsFunc(source, func(r rune) bool { return strings.ContainsRune("._- ", r) })
	return slices.ContainsFunc(names, func(name string) bool {
		label, _, isDomain := strings.Cut(name, ".")
		if isHost && isDomain {
			return source == name || strings.HasSuffix(source, "."+name)
		}
		return slices.Contains(labels, label)
	})
}
