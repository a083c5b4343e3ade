package feature_test

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// The oracle's table. Sums are features that add something up event by event, so they have windows and may decay.
var sums = func() map[string]func(happening) float64 {
	all := map[string]func(happening) float64{
		"W04": func(h happening) float64 {
			text := h.properties["dwell_seconds"]
			if text == "" {
				text = h.properties["duration_s"]
			}
			n, _ := parse(text)
			return n * one(h.kind == "behavior" && h.meaning() == "page_view")
		},
		"S16": func(h happening) float64 { return one(h.kind == "touchpoint") },
		"S17": touch("click"),
		"S18": func(h happening) float64 {
			return touch("form")(h) + one(h.kind == "behavior" && h.meaning() == "form_submit")
		},
		"T16": func(h happening) float64 { return one(h.kind == "behavior") },
		"X15": func(h happening) float64 { return touch("click")(h) * one(h.channel == "social_promotion") },
		"V04": func(h happening) float64 { return touch("scan")(h) * one(h.channel == "Exhibition") },
		"V07": func(h happening) float64 {
			return touch("chat")(h) + one(h.kind == "behavior" && h.meaning() == "chat")
		},
		"V10": func(h happening) float64 {
			return touch("call")(h)*one(h.channel == "hotline_400") + one(h.kind == "behavior" && h.meaning() == "hotline_call")
		},
		"F02": func(h happening) float64 { return one(h.kind == "activity") },
		"F03": func(h happening) float64 { return one(h.kind == "activity" && h.effective) },
		"F04": func(h happening) float64 { return called(h) * one(h.effective) },
		"F05": func(h happening) float64 { return called(h) * h.value / 60 },
		"F08": func(h happening) float64 { return one(h.kind == "activity" && h.name == "visit") },
		"F09": outcome("proposal_sent"), "F10": outcome("Quote Sent"), "F15": outcome("demo_done"),
		"F16": outcome("contract_discussed"),
		"F12": func(h happening) float64 { return one(h.kind == "activity" && h.properties["next_action"] != "") },
		"H01": func(h happening) float64 { return one(h.kind == "assignment" && h.name == "assigned") },
		"H11": func(h happening) float64 { return one(h.kind == "assignment" && h.name == "returned") },
		"H02": func(h happening) float64 { return one(h.kind == "stage" && h.name == "recycled") },
	}
	for id, name := range counts {
		all[id] = func(h happening) float64 { return one(h.kind == "behavior" && h.meaning() == name) }
	}
	for id, name := range map[string]string{
		"X14": "live_watch", "V03": "webinar_attended", "V05": "expo_visit", "V11": "hotline_call",
	} {
		all[id] = func(h happening) float64 { return h.value * one(h.kind == "behavior" && h.meaning() == name) }
	}
	for id, groups := range map[string][]string{
		"W06": {"home", "Home"}, "W07": {"product"}, "W08": {"pricing", "价格页"}, "W09": {"case"}, "W10": {"solution"},
		"W11": {"docs"}, "W12": {"careers"},
	} {
		all[id] = func(h happening) float64 {
			return one(h.kind == "behavior" && h.meaning() == "page_view" && slices.Contains(groups, h.group))
		}
	}
	return all
}()

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func touch(name string) func(happening) float64 {
	return func(h happening) float64 { return one(h.kind == "touchpoint" && h.meaning() == name) }
}

func called(h happening) float64 {
	return one(h.kind == "activity" && (h.name == "call" || h.name == "Phone"))
}

func outcome(detail string) func(happening) float64 {
	return func(h happening) float64 { return one(h.kind == "activity" && h.detail == detail) }
}

var counts = map[string]string{
	"W01": "page_view", "W13": "site_search", "W21": "trial_signup", "W23": "trial_action", "W24": "video_play",
	"D01": "whitepaper_download", "D02": "casebook_download", "D03": "brochure_download", "D04": "price_list_download",
	"D05": "blog_read", "D06": "blog_subscribe", "D07": "report_share", "D10": "calculator_use",
	"D11": "template_download", "D12": "ebook_download", "E01": "email_open", "E02": "email_click", "E03": "email_reply",
	"E04": "email_unsubscribe", "E08": "email_forward", "E09": "sms_click", "E10": "sms_optout", "E13": "email_sent",
	"X01": "oa_follow", "X02": "oa_unfollow", "X03": "oa_message", "X04": "oa_article_read", "X05": "oa_menu_click",
	"X06": "wecom_add", "X07": "wecom_message_in", "X08": "wecom_message_out", "X10": "group_join",
	"X11": "group_message", "X12": "mini_program_visit", "X13": "moments_click", "X16": "social_comment",
	"X17": "wecom_lost", "V01": "webinar_registered", "V02": "webinar_attended", "V06": "seminar_attended",
	"V08": "chat_message", "V09": "chat_handover", "V12": "ticket_opened", "V13": "survey_completed",
}

var texts = map[string]string{
	"C01": "industry", "C02": "industry_tier", "C07": "region", "C08": "city_tier", "C10": "ownership",
	"C15": "credit_grade", "C19": "city", "C20": "country", "P02": "department", "P12": "locale", "P15": "job",
	"P16": "education", "N01": "urgency", "N03": "budget_match", "N06": "decision_chain", "N07": "decision_cycle",
	"N08": "cooperation_intent", "N09": "product", "N17": "pain_point", "N18": "current_solution", "S02": "source_group",
	"S04": "campaign_type", "S13": "form_type", "F07": "need_priority",
}

var numbers = map[string]string{"C18": "icp_similarity", "C21": "sites", "P17": "age"}

var flags = map[string]string{
	"C05": "listed", "C09": "in_service_area", "C13": "tech_stack_match", "C16": "existing_customer", "C17": "partner",
	"P03": "is_decision_maker", "P04": "is_influencer", "P13": "do_not_call", "P14": "do_not_email",
	"Q10": "fake_suspect", "Q11": "budget_far_below_min", "Q12": "need_mismatch",
}

var once = map[string]string{
	"N12": "quote_request", "N13": "contract_inquiry", "N14": "demo_request", "N15": "refer", "Q06": "email_bounce",
}

// others are features of their own making.
var others = merged(fits, needs, pages, tempos, histories)

func merged(all ...map[string]func(view) any) map[string]func(view) any {
	out := map[string]func(view) any{}
	for _, part := range all {
		maps.Copy(out, part)
	}
	return out
}

func band(number, text string, cuts ...string) func(view) any {
	return func(v view) any {
		n, ok := v.number(number).(float64)
		if !ok {
			if v.attr(text) == "" {
				return nil
			}
			return v.attr(text)
		}
		low := "0"
		for _, cut := range cuts {
			if limit, _ := parse(cut); n < limit {
				return low + "-" + cut
			}
			low = cut
		}
		return low + "+"
	}
}

// stated gives what is first that is not nil.
func stated(flag string, otherwise func(view) any) func(view) any {
	return func(v view) any {
		if f := v.flag(flag); f != nil {
			return f
		}
		return otherwise(v)
	}
}

// told asks about an attribute that was stated.
func told(attribute string, ask func(string) bool) func(view) any {
	return func(v view) any {
		if v.attr(attribute) == "" {
			return nil
		}
		return bit(ask(v.attr(attribute)))
	}
}

func updated(of func(view) any) func(view) any {
	return func(v view) any {
		if len(v.updates) == 0 {
			return nil
		}
		return of(v)
	}
}

func (v view) mailDomain() string {
	_, domain, _ := strings.Cut(v.attr("email"), "@")
	return domain
}

var fits = map[string]func(view) any{
	"C03": band("employees", "company_size", "10", "50", "100", "500", "1000", "5000"),
	"C04": band("revenue", "revenue_band", "1000000", "5000000", "20000000", "100000000", "500000000"),
	"C06": func(v view) any {
		if age := v.number("company_age"); age != nil {
			return age
		}
		if year, ok := v.number("founded_year").(float64); ok {
			return float64(v.local(v.now).Year()) - year
		}
		return nil
	},
	"C11": band("registered_capital", "-", "500000", "1000000", "5000000", "10000000", "50000000"),
	"C12": band("branches", "-", "1", "2", "5", "20", "100"),
	"C14": stated("uses_competitor", func(v view) any {
		if v.attr("competitor") == "" {
			return nil
		}
		return 1.0
	}),
	"P01": func(v view) any {
		levels := map[string]string{
			"总经理": "founder", "副总经理": "director", "销售总监": "director", "采购经理": "manager", "实习生": "intern", "CEO": "founder",
			"Vice President": "director", "Account Manager": "manager", "总经理助理": "staff", "诗人": "other", "专员": "staff",
		}
		return text(levels[v.attr("title")])
	},
	"P05": stated("is_student", told("title", func(s string) bool { return s == "实习生" })),
	"P07": updated(func(v view) any {
		return bit(v.attr("phone") == "+86 138****5678" || v.attr("phone") == "+86 170****5678")
	}),
	"P08": func(v view) any {
		return bit(v.count("behavior", "wecom_add")+v.count("touchpoint", "add_contact") > 0)
	},
	"P09": func(v view) any {
		return text(map[string]string{
			"example.com": "company", "mail.example.com": "company", "qq.com": "personal", "cs.pku.edu.cn": "education",
		}[v.mailDomain()])
	},
	"P10": func(v view) any {
		host := map[string]string{"https://www.example.com/cn": "example.com", "qq.com": "qq.com"}[v.attr("website")]
		if host == "" || v.mailDomain() == "" {
			return nil
		}
		return bit(v.mailDomain() == host || strings.HasSuffix(v.mailDomain(), "."+host))
	},
	"P11": told("contact_name", func(s string) bool { return s == "王伟" }),
	"Q01": updated(func(v view) any { return 1 - (v.lacks()+v.lacksMore())/10 }),
	"Q02": updated(func(v view) any { return v.lacks() }),
	"Q03": stated("phone_valid", told("phone", func(s string) bool { return s[0] != '?' })),
	"Q04": stated("phone_virtual", told("phone", func(s string) bool { return s == "+86 170****5678" })),
	"Q05": stated("email_valid", told("email", func(s string) bool { return s[0] != '?' })),
	"Q07": stated("company_valid", told("company", func(s string) bool { return s == "苏州某某有限公司" })),
	"Q13": told("need", func(s string) bool { return strings.Contains(s, "https") }),
	"Q14": updated(func(v view) any {
		return float64(v.now-v.updates[len(v.updates)-1].at) / float64(day)
	}),
	"Q15": func(v view) any { return float64(len(v.updates)) },
	"Q16": func(v view) any {
		seen := map[string]bool{}
		for _, s := range stating {
			seen[s.means] = seen[s.means] || s.means != "" && v.attr(s.means) != ""
		}
		n := 0.0
		for _, has := range seen {
			n += one(has)
		}
		return n
	},
}

func (v view) lacks() (n float64) {
	for _, a := range []string{"company", "contact_name", "phone", "email", "region"} {
		n += one(v.attr(a) == "")
	}
	return n
}

func (v view) lacksMore() (n float64) {
	for _, a := range []string{"industry", "title", "product", "source"} {
		n += one(v.attr(a) == "")
	}
	return n + one(v.attr("budget")+v.attr("budget_band") == "")
}

var needs = map[string]func(view) any{
	"N02": func(v view) any {
		if n := v.number("expected_purchase_days"); n != nil {
			return n
		}
		if date, err := time.Parse(time.DateOnly, v.attr("expected_purchase_date")); err == nil {
			return float64(date.UnixMilli()-v.now) / float64(day)
		}
		return nil
	},
	"N04": band("budget", "budget_band", "10000", "50000", "100000", "500000", "1000000"),
	"N05": updated(func(v view) any { return bit(v.attr("budget")+v.attr("budget_band") != "") }),
	"N10": func(v view) any {
		n := map[string]float64{"企业版": 1, "CRM, MES、 CRM ;": 2}[v.attr("product")]
		if n == 0 {
			return nil
		}
		return n
	},
	"N11": func(v view) any {
		if v.attr("need") == "" {
			return nil
		}
		return float64(len([]rune(v.attr("need"))))
	},
	"N16": func(v view) any {
		intends := slices.Contains([]string{"quote", "Interested"}, v.attr("cooperation_intent"))
		n := one(intends || v.count("behavior", "quote_request") > 0) + one(v.attr("budget")+v.attr("budget_band") != "")
		for _, name := range []string{"demo_request", "contract_inquiry", "refer"} {
			n += one(v.count("behavior", name) > 0)
		}
		return n
	},
	"S01": func(v view) any {
		for _, u := range v.updates {
			if u.stated["source"] != "" {
				return u.stated["source"]
			}
		}
		for _, e := range v.events {
			if e.kind == "touchpoint" && e.source != "" {
				return e.source
			}
		}
		return nil
	},
	"S03": func(v view) any {
		if len(v.met()) == 0 {
			return nil
		}
		return bit(slices.Contains([]string{"search_ads", "social_promotion", "webinar"}, v.met()[0]))
	},
	"S05": func(v view) any { return text(cmp.Or(append(v.met(), "")...)) },
	"S06": func(v view) any {
		if len(v.met()) == 0 {
			return nil
		}
		return v.met()[len(v.met())-1]
	},
	"S07": func(v view) any {
		if len(v.met()) == 0 {
			return nil
		}
		n, h := map[string]float64{}, 0.0
		for _, c := range v.met() {
			n[c]++
		}
		for _, k := range n {
			p := k / float64(len(v.met()))
			h -= p * math.Log2(p)
		}
		return h
	},
	"S08": func(v view) any {
		channels := v.met()
		slices.Sort(channels)
		return float64(len(slices.Compact(channels)))
	},
	"S09": func(v view) any {
		for _, e := range v.events {
			if e.kind == "touchpoint" && e.medium != "" {
				return e.medium
			}
		}
		return nil
	},
	"S10": stated("keyword_brand", func(v view) any {
		if v.count("touchpoint", "") == 0 {
			return nil
		}
		return bit(len(v.pick(func(h happening) bool {
			return h.kind == "touchpoint" && (h.source == "baidu_brand" || h.properties["term"] == "某品牌 价格")
		})) > 0)
	}),
	"S11": func(v view) any {
		if v.attr("referrer_type") != "" {
			return v.attr("referrer_type")
		}
		first := cmp.Or(append(v.met(), "")...)
		return text(map[string]string{"customer_referral": "customer", "partner_referral": "partner"}[first])
	},
	"S12": func(v view) any {
		for _, e := range v.named("page_view") {
			if e.group != "" {
				return e.group
			}
		}
		return nil
	},
}
