package feature_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clew/transform/warehouse"
)

const (
	minute = int64(60_000)
	hour   = 60 * minute
	day    = 24 * hour
)

// happening is an event of a journey.
type happening struct {
	at                                  int64
	kind, name, channel, source, medium string
	group, owner, detail                string
	session                             uint64
	value                               float64
	effective                           bool
	properties                          map[string]string
}

// update is what was stated of a lead.
type update struct {
	at     int64
	stated map[string]string
}

// person is a lead with its whole history, in order.
type person struct {
	id, account string
	events      []happening
	updates     []update
}

// insert writes the journeys and accounts of people, in one batch each.
func insert(t *testing.T, db *warehouse.DB, people []person) {
	t.Helper()
	leads, err := db.Insert(t.Context(), "leads", []string{"workspace", "lead_id", "account"})
	if err != nil {
		t.Fatal(err)
	}
	defer leads.Abort()
	journeys, err := db.Insert(t.Context(), "lead_journeys", []string{
		"workspace", "lead_id", "is_lead", "at", "id", "type", "name", "channel", "source", "medium", "campaign", "page_group",
		"session", "value", "owner", "effective", "detail", "properties", "updated_at", "stated", "cut", "_ver",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer journeys.Abort()
	for _, p := range people {
		if err := leads.Append("w", p.id, p.account); err != nil {
			t.Fatal(err)
		}
		if err := journeys.Append(p.row()...); err != nil {
			t.Fatal(err)
		}
	}
	for _, batch := range []*warehouse.Batch{leads, journeys} {
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
	}
}

// column is one field of every element.
func column[E, V any](list []E, field func(E) V) []V {
	values := make([]V, len(list))
	for i, e := range list {
		values[i] = field(e)
	}
	return values
}

func (p person) row() []any {
	e, u := p.events, p.updates
	return []any{
		"w", p.id, true,
		column(e, func(h happening) int64 { return h.at }),
		make([]uint64, len(e)),
		column(e, func(h happening) string { return h.kind }),
		column(e, func(h happening) string { return h.name }),
		column(e, func(h happening) string { return h.channel }),
		column(e, func(h happening) string { return h.source }),
		column(e, func(h happening) string { return h.medium }),
		make([]string, len(e)),
		column(e, func(h happening) string { return h.group }),
		column(e, func(h happening) uint64 { return h.session }),
		column(e, func(h happening) float64 { return h.value }),
		column(e, func(h happening) string { return h.owner }),
		column(e, func(h happening) bool { return h.effective }),
		column(e, func(h happening) string { return h.detail }),
		column(e, func(h happening) map[string]string { return h.properties }),
		column(u, func(u update) int64 { return u.at }),
		column(u, func(u update) map[string]string { return u.stated }),
		uint32(0), uint64(1),
	}
}

// dice makes random histories.
type dice struct{ *rand.Rand }

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

func (d dice) chance(p float64) bool { return d.Float64() < p }

// start is the first moment of random histories: a Friday afternoon in Shanghai.
var start = time.Date(2026, 1, 2, 7, 30, 0, 123_000_000, time.UTC).UnixMilli()

// moment is within so many days, often on the hour of another so that events tie and windows end on them.
func (d dice) moment(days int) int64 {
	at := start + int64(d.IntN(days))*day
	switch d.IntN(3) {
	case 0:
		return at
	case 1:
		return at + int64(d.IntN(24))*hour
	}
	return at + int64(d.IntN(int(day)))
}

// spelled are names as they come, by what they mean. Other names mean nothing to the catalogue.
var spelled = map[string]string{
	"page_view": "page_view", "Page View": "page_view", "screen-view": "page_view", "页面浏览": "page_view",
	"site_search": "site_search", "trial_signup": "trial_signup", "Signed Up": "trial_signup", "trial_action": "trial_action",
	"video_play": "video_play", "whitepaper_download": "whitepaper_download", "白皮书下载": "whitepaper_download",
	"casebook_download": "casebook_download", "brochure_download": "brochure_download", "file_view": "brochure_download",
	"price_list_download": "price_list_download", "blog_read": "blog_read", "blog_subscribe": "blog_subscribe",
	"report_share": "report_share", "calculator_use": "calculator_use", "template_download": "template_download",
	"ebook_download": "ebook_download", "email_sent": "email_sent", "email_open": "email_open", "email_click": "email_click",
	"email_reply": "email_reply", "email_unsubscribe": "email_unsubscribe", "email_forward": "email_forward",
	"email_bounce": "email_bounce", "sms_click": "sms_click", "sms_optout": "sms_optout", "nurture_step": "nurture_step",
	"oa_follow": "oa_follow", "oa_unfollow": "oa_unfollow", "oa_message": "oa_message", "article_view": "oa_article_read",
	"oa_menu_click": "oa_menu_click", "wecom_add": "wecom_add", "wecom_lost": "wecom_lost",
	"wecom_message_in": "wecom_message_in", "wecom_message_out": "wecom_message_out", "group_join": "group_join",
	"group_message": "group_message", "mini_program_visit": "mini_program_visit", "moments_click": "moments_click",
	"live_watch": "live_watch", "social_comment": "social_comment", "webinar_registered": "webinar_registered",
	"webinar_attended": "webinar_attended", "expo_visit": "expo_visit", "seminar_attended": "seminar_attended",
	"chat": "chat", "chat_message": "chat_message", "chat_handover": "chat_handover", "hotline_call": "hotline_call",
	"ticket_opened": "ticket_opened", "survey_completed": "survey_completed", "demo_request": "demo_request",
	"Demo-Requested": "demo_request", "quote_request": "quote_request", "contract_inquiry": "contract_inquiry",
	"refer": "refer", "form_submit": "form_submit", "dance": "", "click": "", "won": "", "call": "",
}

// history makes n events, none of them a follow-up when the lead is left alone. What it likes to do depends on
// its number, so that of enough leads somebody likes each thing.
func (d dice) history(number, n int, alone bool) (events []happening) {
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range spelled {
			if !yield(name) {
				return
			}
		}
	})
	// A lead does few things, and many of them, sometimes within days.
	favourite := names[number%len(names)]
	d.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = append(names[:d.IntN(10)], favourite, favourite)
	if d.chance(0.1) {
		names = pick(d, []string{"wecom_message_in", "wecom_message_out"}, []string{"email_sent", "email_open"})
	}
	days := pick(d, 3, 40, 130)
	for range n {
		kind := pick(d, "behavior", "behavior", "behavior", "behavior", "touchpoint", "touchpoint", "stage", "assignment", "activity")
		if alone && kind == "activity" {
			kind = "behavior"
		}
		h := happening{at: d.moment(days), kind: kind, properties: map[string]string{}}
		switch kind {
		case "behavior":
			d.behave(&h, names)
		case "touchpoint":
			h.name = pick(d, "click", "Click", "visit", "form", "call", "chat", "scan", "add_contact", "impression", "表单")
			h.channel = pick(d, "search_ads", "social_promotion", "Exhibition", "hotline_400", "customer_referral",
				"partner_referral", "webinar", "")
			h.source, h.medium = pick(d, "", "baidu_brand", "douyin"), pick(d, "", "cpc", "offline")
			if d.chance(0.3) {
				h.properties["term"] = pick(d, "crm 软件", "某品牌 价格")
			}
		case "stage":
			h.name = pick(d, "new", "mql", "sql", "opportunity", "won", "lost", "recycled", "recycled", "invalid")
			h.detail, h.value = pick(d, "", "price", "competitor"), float64(d.IntN(3)*100)
		case "assignment":
			h.name = pick(d, "assigned", "assigned", "accepted", "returned", "recycled")
			h.owner = pick(d, "", "li", "wang", "zhao")
		case "activity":
			d.follow(&h)
		}
		events = append(events, h)
	}
	slices.SortStableFunc(events, func(a, b happening) int { return int(a.at - b.at) })
	return events
}

func (d dice) behave(h *happening, names []string) {
	h.name = pick(d, names...)
	if d.chance(0.4) {
		h.name = pick(d, "page_view", "Page View", "page_view", "screen-view")
		h.group = pick(d, "", "home", "Home", "product", "pricing", "价格页", "case", "solution", "docs", "careers", "other")
		h.session = uint64(d.IntN(4))
		for name, values := range map[string][]string{
			"device": {"mobile", "Desktop", "iOS"}, "dwell_seconds": {"12", "3.5", "long"}, "duration_s": {"7", "-1", "nan"},
		} {
			if d.chance(0.5) {
				h.properties[name] = pick(d, values...)
			}
		}
	}
	if d.chance(0.4) {
		h.value = float64(d.IntN(90)) / 2
	}
	if d.chance(0.5) {
		h.properties["topic"] = pick(d, "mes", "crm")
	}
	if d.chance(0.5) {
		h.properties["depth"] = pick(d, "0.25", "1", "half")
	}
}

func (d dice) follow(h *happening) {
	h.name = pick(d, "call", "Phone", "wechat", "visit", "email")
	h.owner, h.effective = pick(d, "li", "wang"), d.chance(0.5)
	h.value = float64(d.IntN(900))
	h.detail = pick(d, "", "demo_done", "Quote Sent", "proposal_sent", "contract_discussed", "no_answer")
	for name, values := range map[string][]string{"emotion": {"positive", "negative"}, "next_action": {"call_again"}} {
		if d.chance(0.5) {
			h.properties[name] = pick(d, values...)
		}
	}
	if d.chance(0.6) {
		h.properties["next_at"] = pick(d, "2026-02-20 10:00:00.000", "2026-03-20T10:00:00Z", "soon")
	}
}

// stating are the attributes of random updates: names as they come, what they mean, and values.
var stating = []struct {
	name, means string
	values      []string
}{
	{"industry", "industry", []string{"制造业", " 金融 "}},
	{"行业", "industry", []string{"物流"}},
	{"Industry Tier", "industry_tier", []string{"1", "2"}},
	{"employees", "employees", []string{"9", "10", "1,200", "many", "5000"}},
	{"company_size", "company_size", []string{"large", "small"}},
	{"annual_revenue", "revenue", []string{"999999.5", "20000000"}},
	{"revenue_band", "revenue_band", []string{"千万"}},
	{"上市", "listed", []string{"是", "否", "准备中"}},
	{"company_age", "company_age", []string{"3"}},
	{"founded_year", "founded_year", []string{"2015", "1999"}},
	{"region", "region", []string{"华东"}},
	{"city", "city", []string{"苏州"}},
	{"country", "country", []string{"CN"}},
	{"city_tier", "city_tier", []string{"2"}},
	{"in_service_area", "in_service_area", []string{"true", "FALSE"}},
	{"ownership", "ownership", []string{"民营"}},
	{"registered_capital", "registered_capital", []string{"499999", "500000"}},
	{"branches", "branches", []string{"0", "7", "200"}},
	{"tech_stack_match", "tech_stack_match", []string{"yes"}},
	{"uses_competitor", "uses_competitor", []string{"0", "?"}},
	{"竞品", "competitor", []string{"某CRM"}},
	{"credit_grade", "credit_grade", []string{"AA"}},
	{"existing_customer", "existing_customer", []string{"是"}},
	{"is_partner", "partner", []string{"n"}},
	{"icp_similarity", "icp_similarity", []string{"0.75"}},
	{"sites", "sites", []string{"12"}},
	{"title", "title", []string{"总经理", "副总经理", "销售总监", "采购经理", "实习生", "CEO", "Vice President", "Account Manager", "总经理助理", "诗人", "专员"}},
	{"department", "department", []string{"采购部"}},
	{"is_decision_maker", "is_decision_maker", []string{"1"}},
	{"is_influencer", "is_influencer", []string{"0"}},
	{"is_student", "is_student", []string{"是"}},
	{"language", "locale", []string{"zh-CN"}},
	{"do_not_call", "do_not_call", []string{"true"}},
	{"do_not_email", "do_not_email", []string{"false"}},
	{"job", "job", []string{"admin."}},
	{"education", "education", []string{"university.degree"}},
	{"age", "age", []string{"41"}},
	{"urgency", "urgency", []string{"0-3m", "6m+"}},
	{"expected_purchase_days", "expected_purchase_days", []string{"45"}},
	{"expected_purchase_date", "expected_purchase_date", []string{"2026-06-01", "2026-13-01", "2026-02-30", "soon"}},
	{"budget_match", "budget_match", []string{"match"}},
	{"budget", "budget", []string{"9999", "10000", "50,000", "open"}},
	{"budget_range", "budget_band", []string{"10-20万"}},
	{"decision_chain", "decision_chain", []string{"confirmed"}},
	{"decision_cycle", "decision_cycle", []string{"3m"}},
	{"cooperation_intent", "cooperation_intent", []string{"quote", "Interested", "nurture"}},
	{"product", "product", []string{"企业版", "CRM, MES、 CRM ;"}},
	{"need", "need", []string{"要一套系统", "see https://x.example"}},
	{"pain_point", "pain_point", []string{"慢"}},
	{"current_solution", "current_solution", []string{"Excel"}},
	{"source", "source", []string{"baidu_brand", "live_class"}},
	{"source_group", "source_group", []string{"marketing"}},
	{"campaign_type", "campaign_type", []string{"fair"}},
	{"keyword_brand", "keyword_brand", []string{"1"}},
	{"referrer_type", "referrer_type", []string{"customer"}},
	{"form_type", "form_type", []string{"trial"}},
	{"phone_valid", "phone_valid", []string{"0"}},
	{"phone_virtual", "phone_virtual", []string{"1"}},
	{"email_valid", "email_valid", []string{"no"}},
	{"company_valid", "company_valid", []string{"no"}},
	{"fake_suspect", "fake_suspect", []string{"是"}},
	{"budget_far_below_min", "budget_far_below_min", []string{"是"}},
	{"need_mismatch", "need_mismatch", []string{"否"}},
	{"nurture_stage", "nurture_stage", []string{"4"}},
	{"need_priority", "need_priority", []string{"high"}},
	{"website", "website", []string{"https://www.example.com/cn", "qq.com"}},
	{"company", "company", []string{"苏州某某有限公司", "测试公司", "无", "A"}},
	{"contact_name", "contact_name", []string{"王伟", "test", "王", "12345"}},
	{"phone", "phone", []string{"+86 138****5678", "+86 170****5678", "+86 21****5678", "?1***"}},
	{"email", "email", []string{"w***@example.com", "a***@qq.com", "x***@cs.pku.edu.cn", "?a***", "b***@mail.example.com"}},
	{"favourite_colour", "", []string{"red"}},
}

// states makes up to n updates. An update names each meaning once: of two names for it in one update the order of the
// map would decide.
func (d dice) states(n int) (updates []update) {
	for range n {
		u := update{at: d.moment(130), stated: map[string]string{}}
		said, share := map[string]bool{}, d.Float64()
		for _, s := range stating {
			if d.chance(share) && !said[s.means] {
				u.stated[s.name], said[s.means] = pick(d, s.values...), true
			}
		}
		updates = append(updates, u)
	}
	slices.SortStableFunc(updates, func(a, b update) int { return int(a.at - b.at) })
	return updates
}

// people makes n leads, of which some have no history at all, some no account, and most share one.
func (d dice) people(n int) []person {
	list := make([]person, n)
	for i := range list {
		list[i] = person{id: fmt.Sprintf("lead-%d", i), account: pick(d, "", "a", "b", "c", "d")}
		if d.chance(0.1) {
			continue
		}
		list[i].events = d.history(i, pick(d, 0, 3, 12, 40), d.chance(0.6))
		list[i].updates = d.states(d.IntN(4))
	}
	return list
}

// observations are moments at, just before and just after what happened to a lead, and where a window leaves it behind.
func (d dice) observations(p person, n int) []int64 {
	var moments []int64
	for range n {
		at := d.moment(130)
		if all := append(column(p.events, func(h happening) int64 { return h.at }),
			column(p.updates, func(u update) int64 { return u.at })...); len(all) > 0 && d.chance(0.8) {
			at = pick(d, all...) + pick[int64](d, 0, 0, 0, 0, 2, 7, 7, 14, 28, 30, 35, 60, 84, 90)*day + pick[int64](d, -1, 0, 0, 1)
		}
		if d.chance(0.1) {
			at = time.Date(2026, 2, 20, 10, 0, 0, int(d.Int64N(2))*1_000_000, time.UTC).UnixMilli() // when follow-ups are due
		}
		moments = append(moments, at)
	}
	return moments
}
