package feature

import (
	"slices"
	"strings"
)

// A vocabulary gives names as they come from sites, CRMs and chat systems their one meaning. Names are compared in lower
// case, with _ for blanks and hyphens. Each entry holds the names of a meaning, ours first, separated by |; its code is its
// place in the list, from 1.
type vocabulary []string

// code of a meaning by our name; 0 where there is none.
func (v vocabulary) code(name string) int {
	return 1 + slices.IndexFunc(v, func(names string) bool {
		first, _, _ := strings.Cut(names, "|")
		return first == name
	})
}

// table gives every name and its code.
func (v vocabulary) table() (names []string, codes []uint64) {
	for i, meaning := range v {
		for name := range strings.SplitSeq(meaning, "|") {
			names, codes = append(names, name), append(codes, uint64(i)+1)
		}
	}
	return names, codes
}

// says gives all names of a meaning, for people.
func (v vocabulary) says(name string) string {
	if code := v.code(name); code > 0 {
		return strings.ReplaceAll(v[code-1], "|", ", ")
	}
	return ""
}

// kinds are the types of the journey, in the order of their codes: 1 and 2 are the customer's, the others ours.
var kinds = vocabulary{"touchpoint", "behavior", "stage", "assignment", "activity"}

var stages = vocabulary{"new", "mql", "sql", "opportunity", "won", "lost", "recycled", "invalid"}

var actions = vocabulary{"assigned", "accepted", "returned", "recycled", "locked"}

var touches = vocabulary{
	"impression|曝光", "click|点击", "visit|访问", "form|表单|form_submit", "call|电话", "chat|咨询", "scan|扫码",
	"add_contact|加好友|加企微",
}

// Methods and outcomes of a follow-up.
var (
	methods = vocabulary{
		"call|phone|电话", "email|邮件", "wechat|wecom|微信|企微", "visit|onsite|拜访|上门", "video|视频会议", "meeting|会议",
	}
	outcomes = vocabulary{
		"demo_done|demo|演示完成|已演示", "proposal_sent|proposal|已发方案|方案", "quote_sent|quote|quotation|已报价|报价",
		"contract_discussed|contract|合同|谈合同",
	}
)

var pageGroups = vocabulary{
	"home|homepage|index|首页", "product|products|features|产品|产品页", "pricing|price|prices|价格|价格页|报价",
	"case|cases|case_study|customers|案例|案例页", "solution|solutions|方案|解决方案", "docs|doc|documentation|help|文档|帮助中心",
	"careers|career|jobs|招聘|加入我们",
}

var behaviors = vocabulary{
	"page_view|screen_view|pageview|页面浏览|浏览页面",
	"site_search|search|products_searched|站内搜索",
	"trial_signup|signed_up|sign_up|trial_started|试用注册|注册试用",
	"trial_action|trial_key_action|feature_used|试用关键动作",
	"video_play|video_playback_started|video_view|视频播放",
	"whitepaper_download|white_paper_download|白皮书下载",
	"casebook_download|case_download|案例集下载",
	"brochure_download|file_download|file_view|资料下载|查看文件",
	"price_list_download|pricelist_download|报价单下载",
	"blog_read|article_read|阅读博客",
	"blog_subscribe|newsletter_subscribe|subscribe|订阅博客|订阅",
	"report_share|content_share|share|转发",
	"calculator_use|calculator_used|roi_calculator|使用计算器",
	"template_download|模板下载",
	"ebook_download|电子书下载",
	"email_sent|email_delivered|邮件送达|邮件发送",
	"email_open|email_opened|打开邮件",
	"email_click|email_link_clicked|点击邮件",
	"email_reply|email_replied|回复邮件",
	"email_unsubscribe|unsubscribe|unsubscribed|邮件退订",
	"email_forward|邮件转发",
	"email_bounce|email_bounced|邮件退信",
	"sms_click|短信点击",
	"sms_optout|sms_opt_out|短信退订",
	"nurture_step|培育步骤",
	"oa_follow|official_account_follow|关注公众号|公众号关注",
	"oa_unfollow|official_account_unfollow|取消关注",
	"oa_message|official_account_message|公众号留言",
	"oa_article_read|article_view|公众号阅读",
	"oa_menu_click|公众号菜单",
	"wecom_add|wecom_added|添加企微|加企微",
	"wecom_lost|删除企微",
	"wecom_message_in|客户发言",
	"wecom_message_out|企微发言",
	"group_join|group_joined|入群",
	"group_message|群消息",
	"mini_program_visit|mini_program_view|小程序访问",
	"moments_click|朋友圈点击",
	"live_watch|live_watched|观看直播",
	"social_comment|社交评论",
	"webinar_registered|webinar_register|报名网络研讨会|报名直播",
	"webinar_attended|webinar_attend|参加网络研讨会|参加直播",
	"expo_visit|booth_visit|展位交流",
	"seminar_attended|参加沙龙|参加研讨会",
	"chat|chat_session|chat_started|在线咨询",
	"chat_message|咨询消息",
	"chat_handover|chatbot_handover|转人工",
	"hotline_call|call_in|400来电|热线来电",
	"ticket_opened|ticket|提交工单",
	"survey_completed|survey|填写问卷",
	"demo_request|request_demo|demo_requested|申请演示|预约演示",
	"quote_request|request_quote|quote_requested|要求报价|询价",
	"contract_inquiry|ask_contract|asks_contract|询问合同",
	"refer|refers_others|referral_made|推荐他人|转介绍",
	"form_submit|form_submitted|提交表单",
}

// attributes are what an update may state. A group's traits come as company.NAME from the collector.
var attributes = vocabulary{
	"industry|company.industry|行业|所属行业",
	"industry_tier|industry_target_tier|目标行业|行业等级",
	"employees|employee_count|company.employees|numberofemployees|员工人数|人数",
	"company_size|employees_band|employee_band|company.size|公司规模|员工规模|客户规模",
	"revenue|annual_revenue|company.revenue|年营业额|营业额",
	"revenue_band|营业额区间",
	"listed|listed_flag|is_listed|上市|是否上市",
	"company_age|company_age_years|成立年限",
	"founded_year|founded|company.founded|成立年份",
	"region|province|company.region|省份|地区|区域",
	"city|company.city|城市",
	"country|company.country|国家",
	"city_tier|城市级别|城市等级",
	"in_service_area|服务范围内",
	"ownership|ownership_type|企业性质",
	"registered_capital|注册资本",
	"branches|branch_count|分支机构|分支机构数",
	"tech_stack_match|技术栈匹配",
	"uses_competitor|使用竞品",
	"competitor|current_vendor|竞品|现用产品",
	"credit_grade|信用等级",
	"existing_customer|is_existing_customer|老客户",
	"partner|is_partner|合作伙伴",
	"icp_similarity|icp相似度",
	"title|job_title|jobtitle|position|职位|职务",
	"department|部门",
	"is_decision_maker|decision_maker|决策人",
	"is_influencer|influencer|影响者",
	"is_student|is_intern|学生|实习生",
	"locale|language|context.locale|语言",
	"do_not_call|dnc|拒电|拒绝来电",
	"do_not_email|email_opt_out|拒邮|拒收邮件",
	"urgency|urgency_band|紧迫度|需求紧迫度|需求紧迫程度",
	"expected_purchase_days|预计采购天数",
	"expected_purchase_date|purchase_date|预计采购日期|预计采购时间",
	"budget_match|预算匹配|预算匹配度",
	"budget|budget_amount|预算|预算金额",
	"budget_band|budget_range|预算范围|预算区间",
	"decision_chain|decision_chain_clarity|决策链|决策链清晰度",
	"decision_cycle|decision_cycle_band|决策周期",
	"cooperation_intent|purchase_intent|intent|合作意向|购买意向|购买意愿",
	"product|product_interest|products|意向产品|产品",
	"need|need_text|message|description|requirement|需求|需求描述|留言",
	"source|来源|线索来源",
	"source_group|来源组",
	"campaign_type|活动类型",
	"keyword_brand|品牌词",
	"referrer_type|转介绍类型",
	"form_type|form|表单类型",
	"phone_valid|电话有效",
	"phone_virtual|虚拟号",
	"email_valid|邮箱有效",
	"fake_suspect|is_fake|虚假嫌疑",
	"budget_far_below_min|预算远低于门槛",
	"need_mismatch|需求不符",
	"company_valid|company_name_valid|企业名有效",
	"nurture_stage|培育阶段",
	"website|domain|company.website|网址|官网",
	"company|company_name|company.name|公司|公司名称|企业名称",
	"contact_name|name|联系人|姓名",
	"phone|mobile|电话|手机",
	"email|邮箱",
	"wechat|微信|微信号",
	"need_priority|需求优先级",
	"age|年龄",
	"job|occupation|职业",
	"education|学历",
	"payment_terms|付款方式",
	"decision_maker_title|决策人职位",
	"pain_point|痛点",
	"current_solution|现有方案",
	"sites|门店数|站点数",
}

// lists are values that an expression compares with.
var lists = map[string][]string{
	"yes": {"true", "yes", "y", "1", "t", "on", "是", "有", "对", "已", "√"},
	"no":  {"false", "no", "n", "0", "f", "off", "否", "无", "没有", "不", "未", "×"},

	"free_mail": {
		"qq.com", "163.com", "126.com", "139.com", "189.cn", "sina.com", "sina.cn", "sohu.com", "yeah.net", "foxmail.com",
		"aliyun.com", "gmail.com", "hotmail.com", "outlook.com", "live.com", "yahoo.com", "icloud.com", "msn.com", "aol.com",
		"wo.cn", "tom.com", "21cn.com", "vip.qq.com", "proton.me", "protonmail.com", "yandex.ru", "mail.ru", "gmx.de",
	},
	"mobile": {"mobile", "phone", "tablet", "ios", "android", "手机", "移动", "平板"},
	"intent": {
		"quote", "interested", "high", "strong", "medium", "yes", "true", "1", "要求报价", "有意向", "高", "强", "中", "是", "有",
	},
	"customer":    {"customer_referral", "customer", "客户转介绍", "老客户转介绍", "客户推荐"},
	"partner":     {"partner_referral", "partner", "合作伙伴转介绍", "合作伙伴", "渠道推荐"},
	"employee":    {"employee_referral", "employee", "员工推荐", "内部推荐"},
	"expo":        {"exhibition", "trade_fair", "expo", "展会"},
	"social_paid": {"social_promotion", "paid_social", "社交推广", "信息流"},
	"hotline":     {"hotline_400", "hotline", "phone", "400电话", "热线"},
	"offline": {
		"exhibition", "trade_fair", "expo", "展会", "cold_visit", "陌拜", "association", "协会", "offline_event", "线下活动",
		"hotline_400", "hotline", "phone", "400电话", "热线", "telemarketing", "电话营销", "customer_referral",
		"partner_referral", "employee_referral", "转介绍",
	},
}

// patterns are RE2, as of the engine.
var patterns = map[string]string{
	// A hidden digit of a masked number is a *.
	"mobile":         `^(\+?(00)?86[ -]?)?1[3-9*][0-9* -]{9,11}$`,
	"phone":          `^\+?[0-9*() -]{7,24}$`,
	"virtual":        `^(\+?(00)?86[ -]?)?(16[257]|17[01])`,
	"email":          `^[^@ ]+@[^@ ]+\.[^@ .]+$`,
	"domain":         `@([^@ ]+)$`,
	"host":           `^(?:[a-z]+://)?(?:www\.)?([^/:?#]+)`,
	"title_staff":    `(?i)助理|秘书|\bassistant\b|\bsecretary\b`,
	"title_intern":   `(?i)实习|学生|\b(intern|student|trainee)\b`,
	"title_deputy":   `(?i)副|\bvice\b|\bs?vp\b|\bdeputy\b`,
	"title_founder":  `(?i)创始人|董事|老板|法人|首席执行|总经理|总裁|\b(ceo|founder|owner|president|chairman)\b`,
	"title_director": `(?i)总监|首席|厂长|\b(director|c[tifom]o|head)\b`,
	"title_manager":  `(?i)经理|部长|主任|负责人|科长|\b(manager|lead)\b`,
	"title_worker":   `(?i)主管|专员|工程师|顾问|员工|\b(staff|engineer|specialist|analyst|supervisor|consultant)\b`,
	"education":      `(^|\.)edu(\.[a-z]+)?$|\.ac\.[a-z]+$`,
	"test_name":      `(?i)test|测试|^[0-9 .*-]+$|^(无|匿名|未知|none|null|n/a|xx+|aa+)$`,
	"test_company":   `(?i)^(test.*|.*测试.*|[0-9 .*-]+|无|个人|没有|未知|none|null|n/a|xx+|aa+)$`,
	"spam":           `(?i)https?://|www\.|代开|发票|博彩|贷款|刷单|seo`,
	"brand":          `(?i)brand|品牌`,
	"number":         `^-?[0-9]{1,15}(\.[0-9]{1,6})?$`,
	"separators":     `[,，、;；|/]`,
}
