package feature

// conversion are the five conditions of which three make a lead ready to convert.
const conversion = "(has($list.intent, $lower.cooperation_intent) OR $n.quote_request > 0) " +
	"+ ($attr.budget != '' OR $attr.budget_band != '') + ($n.demo_request > 0) + ($n.contract_inquiry > 0) + ($n.refer > 0)"

func need() []Feature {
	return []Feature{
		stated("N01", "urgency_band", "紧迫度", "Urgency of the need", "urgency"),
		computed("N02", "expected_purchase_days", "预计采购天数", "Days to the expected purchase", "days",
			"ifNull($num.expected_purchase_days, if(toString($purchase) = $attr.expected_purchase_date, "+
				"(toInt64($purchase) * 86400000 - $now) / 86400000, NULL))",
			says("expected_purchase_days")+"; else until midnight UTC of "+attributes.says("expected_purchase_date")).
			of(SourceAttribute).at(AvailabilityCapture),
		stated("N03", "budget_match", "预算匹配度", "Budget match", "budget_match"),
		banded("N04", "budget_amount_band", "预算金额", "Budget", "budget", "budget_band",
			10_000, 50_000, 100_000, 500_000, 1_000_000),
		computed("N05", "budget_declared", "已给预算", "Has told a budget", "",
			"if($updates = 0, NULL, $attr.budget != '' OR $attr.budget_band != '')",
			"1 once one was stated as "+attributes.says("budget")+" or "+attributes.says("budget_band")).
			as(TypeFlag).of(SourceAttribute).at(AvailabilityCapture),
		stated("N06", "decision_chain_clarity", "决策链清晰度", "Clarity of the decision chain", "decision_chain"),
		stated("N07", "decision_cycle_band", "决策周期", "Decision cycle", "decision_cycle"),
		stated("N08", "cooperation_intent", "合作意向", "Intent to cooperate", "cooperation_intent"),
		stated("N09", "product_interest", "意向产品", "Product asked for", "product"),
		computed("N10", "product_interest_count", "意向产品数", "Products asked for", "",
			"if($attr.product = '', NULL, arrayUniq(arrayFilter(x -> x != '', arrayMap(x -> trimBoth(x), "+
				"splitByRegexp($pattern.separators, $attr.product)))))",
			"Different texts between commas, semicolons, strokes or 、 in "+attributes.says("product")).
			of(SourceAttribute).at(AvailabilityCapture),
		computed("N11", "need_text_length", "需求描述长度", "Length of the need as told", "characters",
			"nullIf(lengthUTF8($attr.need), 0)", says("need")).of(SourceAttribute).at(AvailabilityCapture),
		shown("N12", "asks_quote", "要求报价", "Asked for a quote", "quote_request"),
		shown("N13", "asks_contract", "询问合同", "Asked about the contract", "contract_inquiry"),
		shown("N14", "demo_requested", "申请演示", "Asked for a demo", "demo_request"),
		shown("N15", "refers_others", "推荐他人", "Referred somebody", "refer"),
		computed("N16", "conversion_flags_count", "转换条件数", "Conditions of conversion met, of five", "", conversion,
			"How many hold: intends to buy (N08 says so, or N12), told a budget (as N05), N14, N13, N15; lead_facts counts the "+
				"same, and what follow-ups came to and what was said once and taken back"),
		stated("N17", "pain_point", "痛点", "Pain point", "pain_point"),
		stated("N18", "current_solution", "现有方案", "Present solution", "current_solution"),
	}
}

func origin() []Feature {
	return []Feature{
		computed("S01", "source", "来源", "Source", "",
			"nullIf(if($first.source != '', $first.source, arrayFirst((x, y) -> y = 1 AND x != '', $from, $kinds)), '')",
			"The first that was stated; else the first that a touch names").
			as(TypeCategory).of(SourceTouch).at(AvailabilityCapture),
		stated("S02", "source_group", "来源组", "Group of sources", "source_group"),
		computed("S03", "channel_online", "线上渠道", "Came online", "",
			"if(empty($met), NULL, NOT has($list.offline, lowerUTF8($met[1])))",
			"0 where the first touch's channel is offline: exhibition, visit, association, telephone or referral").
			as(TypeFlag).of(SourceTouch),
		stated("S04", "campaign_type", "活动类型", "Type of campaign", "campaign_type"),
		computed("S05", "first_touch_channel", "首触渠道", "Channel of the first touch", "", "nullIf($met[1], '')",
			"Channel of the first touch that names one").as(TypeCategory).of(SourceTouch),
		computed("S06", "last_touch_channel", "末触渠道", "Channel of the last touch", "", "nullIf($met[-1], '')",
			"Channel of the last touch that names one").as(TypeCategory).of(SourceTouch),
		computed("S07", "touch_channel_entropy", "渠道熵", "Spread over channels", "bits",
			"if(empty($met), NULL, arrayReduce('entropy', $met))", "Entropy of the touches' channels").of(SourceTouch),
		computed("S08", "distinct_channels", "渠道数", "Channels", "", "arrayUniq($met)", "Different channels of touches").
			of(SourceTouch).inWindows(),
		computed("S09", "utm_medium", "媒介", "Medium", "",
			"nullIf(arrayFirst((x, y) -> y = 1 AND x != '', $mediums, $kinds), '')", "The first medium that a touch names").
			as(TypeCategory).of(SourceTouch),
		computed("S10", "keyword_brand", "品牌词", "Came by the brand's name", "",
			"ifNull($flag.keyword_brand, if(NOT has($kinds, 1), NULL, arrayExists((x, y, z) -> z = 1 AND "+
				"(match(x, $pattern.brand) OR match(y, $pattern.brand)), $from, $property.term, $kinds)))",
			says("keyword_brand")+"; else 1 once a touch's source or term holds brand or 品牌").
			as(TypeFlag).of(SourceTouch),
		computed("S11", "referrer_type", "转介绍类型", "Kind of referral", "",
			"multiIf($attr.referrer_type != '', $attr.referrer_type, has($list.customer, lowerUTF8($met[1])), 'customer', "+
				"has($list.partner, lowerUTF8($met[1])), 'partner', has($list.employee, lowerUTF8($met[1])), 'employee', NULL)",
			says("referrer_type")+"; else by the first touch's channel: customer, partner or employee").
			as(TypeCategory).of(SourceTouch),
		computed("S12", "landing_page_group", "落地页组", "Group of the first page", "",
			"nullIf(arrayFirst((x, y) -> y = $code.page_view AND x != '', $groups, $does), '')",
			"Page group of the first page view that has one").as(TypeCategory),
		stated("S13", "form_type", "表单类型", "Type of form", "form_type"),
		computed("S16", "touches", "触点数", "Touches", "", "countEqual($kinds, 1)", "Touchpoints of any kind").
			of(SourceTouch).inWindows().decays("arraySum((x, y) -> (x = 1) * y, $kinds, $weights.30)"),
		computed("S17", "ad_clicks", "广告点击", "Clicks", "", "countEqual($touches, $touch.click)",
			"Touches named "+touches.says("click")).
			of(SourceTouch).inWindows().decays("arraySum((x, y) -> (x = $touch.click) * y, $touches, $weights.30)"),
		computed("S18", "form_touches", "表单提交", "Forms sent", "",
			"countEqual($touches, $touch.form) + $n.form_submit",
			"Touches named "+touches.says("form")+" and behaviours named "+behaviors.says("form_submit")).
			of(SourceTouch).inWindows(),
	}
}

// required are what every lead should state, wanted also what is good to know.
const (
	required = "($attr.company = '') + ($attr.contact_name = '') + ($attr.phone = '') + ($attr.email = '') + ($attr.region = '')"
	wanted   = required + " + ($attr.industry = '') + ($attr.title = '') + ($attr.product = '') " +
		"+ ($attr.budget = '' AND $attr.budget_band = '') + ($first.source = '')"
)

func quality() []Feature {
	return []Feature{
		computed("Q01", "completeness_ratio", "完整度", "Completeness", "share",
			"if($updates = 0, NULL, 1 - ("+wanted+") / 10)",
			"Share that is stated of company, contact name, phone, e-mail, region, industry, title, product, budget and source").
			of(SourceAttribute).at(AvailabilityCapture),
		computed("Q02", "missing_required_count", "必填缺失", "Required fields that lack", "",
			"if($updates = 0, NULL, "+required+")", "Of company, contact name, phone, e-mail and region").
			of(SourceAttribute).at(AvailabilityCapture),
		computed("Q03", "phone_valid", "电话有效", "Phone is valid", "",
			"ifNull($flag.phone_valid, if($attr.phone = '', NULL, match($attr.phone, $pattern.phone)))",
			says("phone_valid")+"; else whether the phone, also a masked one, looks like one").
			as(TypeFlag).of(SourceAttribute).at(AvailabilityCapture),
		computed("Q04", "phone_is_virtual", "虚拟号", "Phone is of a virtual carrier", "",
			"ifNull($flag.phone_virtual, if($attr.phone = '', NULL, match($attr.phone, $pattern.virtual)))",
			says("phone_virtual")+"; else by the number's first three digits (162, 165, 167, 170, 171)").
			as(TypeFlag).of(SourceAttribute).at(AvailabilityCapture),
		computed("Q05", "email_valid", "邮箱有效", "E-mail address is valid", "",
			"ifNull($flag.email_valid, if($attr.email = '', NULL, match($attr.email, $pattern.email)))",
			says("email_valid")+"; else whether the address, also a masked one, looks like one").
			as(TypeFlag).of(SourceAttribute).at(AvailabilityCapture),
		shown("Q06", "email_bounced", "硬退信", "Mail bounced", "email_bounce"),
		computed("Q07", "company_name_valid", "企业名有效", "Company name looks real", "",
			"ifNull($flag.company_valid, if($attr.company = '', NULL, lengthUTF8($attr.company) >= 2 "+
				"AND NOT match($attr.company, $pattern.test_company)))",
			says("company_valid")+"; else 0 for one character, digits alone, or what says test, none, private or unknown").
			as(TypeFlag).of(SourceAttribute).at(AvailabilityCapture),
		statedFlag("Q10", "fake_suspect", "虚假嫌疑", "Suspected to be false", "fake_suspect"),
		statedFlag("Q11", "budget_far_below_min", "预算远低于门槛", "Budget far below the minimum", "budget_far_below_min"),
		statedFlag("Q12", "need_mismatch", "需求不符", "Need does not fit", "need_mismatch"),
		computed("Q13", "free_text_spam", "垃圾文本", "Need reads like spam", "",
			"if($attr.need = '', NULL, match($attr.need, $pattern.spam))",
			"1 where the need holds a link or the words of advertising").
			as(TypeFlag).of(SourceAttribute).at(AvailabilityCapture),
		computed("Q14", "attr_age_days", "资料陈旧天数", "Days since the last update", "days",
			"if($updates = 0, NULL, ($now - $j.updated_at[$updates]) / 86400000)", "Since the last update of the lead").
			of(SourceAttribute),
		computed("Q15", "update_count", "资料更新次数", "Updates", "", "$updates", "Updates of the lead").of(SourceAttribute),
		computed("Q16", "stated_attributes", "已知字段数", "Attributes known", "", "arrayUniq($known)",
			"Different attributes of the vocabulary that are stated").of(SourceAttribute),
	}
}
