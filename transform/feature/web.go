package feature

func web() []Feature {
	return []Feature{
		counted("W01", "page_views", "页面浏览", "Page views", "page_view"),
		computed("W02", "sessions", "会话数", "Visits", "", "arrayUniq($visits)", "Different sessions of page views").inWindows(),
		computed("W03", "distinct_days_active", "活跃天数", "Days active", "days",
			"arrayUniq(arrayFilter((x, y) -> y = 2, $dates, $kinds))",
			"Different days of the business time zone with a behaviour").inWindows(),
		computed("W04", "total_dwell_seconds", "停留时长", "Time on pages", "seconds", "arraySum($dwells)",
			"Sum of the property dwell_seconds, or else duration_s, of page views").inWindows().
			decays("arraySum((x, y) -> x * y, $dwells, $weights.30)"),
		computed("W05", "max_session_pages", "单次会话最多页数", "Most pages of a visit", "",
			"arrayMax(arrayPushBack($runs, 0))", "Page views of the session that has most").inWindows(),
		viewed("W06", "home_views", "首页浏览", "Views of the home page", "home"),
		viewed("W07", "product_page_views", "产品页浏览", "Views of product pages", "product"),
		viewed("W08", "pricing_page_views", "价格页浏览", "Views of the price page", "pricing"),
		viewed("W09", "case_page_views", "案例页浏览", "Views of case pages", "case"),
		viewed("W10", "solution_page_views", "方案页浏览", "Views of solution pages", "solution"),
		viewed("W11", "docs_views", "文档浏览", "Views of the documentation", "docs"),
		viewed("W12", "careers_page_views", "招聘页浏览", "Views of the careers page", "careers"),
		counted("W13", "search_on_site", "站内搜索", "Searches on the site", "site_search"),
		computed("W14", "return_visits", "回访", "Visits after the first", "", "greatest(arrayUniq($visits), 1) - 1",
			"Sessions less one, at least 0").inWindows(),
		computed("W15", "bounce_sessions", "跳出会话", "Visits of one page", "",
			"arrayUniq($visits) - countEqual($runs, 2)", "Sessions with exactly one page view").inWindows(),
		computed("W16", "last_visit_days", "距上次访问天数", "Days since the last page view", "days", "$last.page_view",
			"Since the last page view"),
		computed("W17", "first_visit_to_form_hours", "首访到留资小时", "Hours from the first contact to capture", "hours",
			"if($captured IS NULL OR empty($customer) OR $customer[1] > $captured, NULL, ($captured - $customer[1]) / 3600000)",
			"From the first touch or behaviour to the capture, where it came first").at(AvailabilityCapture),
		computed("W18", "weekend_share", "周末占比", "Share of page views on weekends", "share",
			"if(empty($views), NULL, arrayCount((x, y) -> x >= 6 AND y = $code.page_view, $weekdays, $does) / length($views))",
			"Page views on Saturday and Sunday of the business time zone over all"),
		computed("W19", "work_hours_share", "工作时间占比", "Share of page views in office hours", "share",
			"if(empty($views), NULL, arrayCount((x, y, z) -> x <= 5 AND z >= 9 AND z < 18 AND y = $code.page_view, "+
				"$weekdays, $does, $hours) / length($views))",
			"Page views from Monday to Friday, 9 to 18 h of the business time zone, over all"),
		computed("W20", "mobile_share", "移动端占比", "Share of page views on mobile devices", "share",
			"arrayCount((x, y) -> y = $code.page_view AND has($list.mobile, lowerUTF8(x)), $property.device, $does) / "+
				"nullIf(arrayCount((x, y) -> y = $code.page_view AND x != '', $property.device, $does), 0)",
			"Page views whose property device is a mobile one over those that have the property"),
		counted("W21", "trial_signup", "试用注册", "Trials begun", "trial_signup"),
		computed("W22", "trial_active_days", "试用活跃天数", "Days of using the trial", "days",
			"arrayUniq(arrayFilter((x, y) -> y = $code.trial_action, $dates, $does))",
			"Different days of the business time zone with a behaviour "+behaviors.says("trial_action")).inWindows(),
		counted("W23", "trial_key_actions", "试用关键动作", "Key actions in the trial", "trial_action"),
		counted("W24", "video_plays", "视频播放", "Videos played", "video_play"),
	}
}

// reading are the behaviours that are about a piece of content.
const reading = "$code.whitepaper_download, $code.casebook_download, $code.brochure_download, $code.price_list_download, " +
	"$code.blog_read, $code.template_download, $code.ebook_download"

func content() []Feature {
	return []Feature{
		counted("D01", "whitepaper_downloads", "白皮书下载", "White papers", "whitepaper_download"),
		counted("D02", "casebook_downloads", "案例集下载", "Case books", "casebook_download"),
		counted("D03", "brochure_downloads", "资料下载", "Brochures and files", "brochure_download"),
		counted("D04", "price_list_downloads", "报价单下载", "Price lists", "price_list_download"),
		counted("D05", "blog_reads", "博客阅读", "Blog posts read", "blog_read"),
		counted("D06", "blog_subscribe", "博客订阅", "Subscriptions", "blog_subscribe"),
		counted("D07", "report_share", "转发", "Shared", "report_share"),
		computed("D08", "content_topics", "内容主题数", "Topics read", "", "arrayUniq($topics)",
			"Different values of the property topic over the behaviours of D01 to D05, D11 and D12").inWindows(),
		computed("D09", "content_depth_ratio", "阅读完成度", "Share read", "share",
			"if(empty($depths), NULL, arrayAvg(arrayMap(x -> toFloat64OrZero(x), $depths)))",
			"Mean of the property depth (0 to 1) over the behaviours of D01 to D05, D11 and D12 that have it"),
		counted("D10", "calculator_used", "使用计算器", "Calculator used", "calculator_use"),
		counted("D11", "template_downloads", "模板下载", "Templates", "template_download"),
		counted("D12", "ebook_downloads", "电子书下载", "E-books", "ebook_download"),
	}
}

func mail() []Feature {
	return []Feature{
		counted("E01", "email_opens", "打开邮件", "Mails opened", "email_open"),
		counted("E02", "email_clicks", "点击邮件", "Mails clicked", "email_click"),
		counted("E03", "email_replies", "回复邮件", "Mails answered", "email_reply"),
		counted("E04", "email_unsubscribe", "邮件退订", "Unsubscribed from mail", "email_unsubscribe"),
		computed("E05", "email_open_rate", "邮件打开率", "Rate of mails opened", "share",
			"$n.email_open / nullIf($n.email_sent, 0)", "E01 over the behaviours "+behaviors.says("email_sent")).inWindows(),
		computed("E06", "email_click_rate", "邮件点击率", "Rate of mails clicked", "share",
			"$n.email_click / nullIf($n.email_sent, 0)", "E02 over the behaviours "+behaviors.says("email_sent")).inWindows(),
		computed("E07", "emails_since_last_open", "未打开邮件数", "Mails sent since one was opened", "",
			"arrayCount((x, y) -> y = $code.email_sent AND x > if(empty($done.email_open), 0, $done.email_open[-1]), $at, $does)",
			"Behaviours "+behaviors.says("email_sent")+" after the last of E01"),
		counted("E08", "email_forward", "邮件转发", "Mails forwarded", "email_forward"),
		counted("E09", "sms_clicks", "短信点击", "Clicks in text messages", "sms_click"),
		counted("E10", "sms_optout", "短信退订", "Unsubscribed from text messages", "sms_optout"),
		computed("E11", "nurture_stage", "培育步数", "Steps of nurturing", "",
			"ifNull($num.nurture_stage, $n.nurture_step)",
			says("nurture_stage")+"; else how many behaviours "+behaviors.says("nurture_step")),
		computed("E12", "last_email_click_days", "距上次点击邮件天数", "Days since a mail was clicked", "days",
			"$last.email_click", "Since the last of E02"),
		counted("E13", "emails_received", "收到邮件", "Mails sent to the lead", "email_sent"),
	}
}
