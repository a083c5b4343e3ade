package feature

func social() []Feature {
	return []Feature{
		counted("X01", "oa_follow", "关注公众号", "Followed the official account", "oa_follow"),
		counted("X02", "oa_unfollow", "取消关注", "Unfollowed the official account", "oa_unfollow"),
		counted("X03", "oa_message", "公众号留言", "Messages to the official account", "oa_message"),
		counted("X04", "oa_article_reads", "公众号阅读", "Articles of the official account read", "oa_article_read"),
		counted("X05", "oa_menu_clicks", "公众号菜单点击", "Clicks in the official account's menu", "oa_menu_click"),
		counted("X06", "wecom_added", "添加企微", "Added on WeCom", "wecom_add"),
		counted("X07", "wecom_messages_in", "客户企微发言", "WeCom messages of the customer", "wecom_message_in"),
		counted("X08", "wecom_messages_out", "我方企微发言", "WeCom messages of ours", "wecom_message_out").
			at(AvailabilityPostContact),
		computed("X09", "wecom_reply_latency", "客户回复时延", "Time to the customer's answer on WeCom", "minutes",
			"if(empty($replies), NULL, arrayAvg($replies) / 60000)",
			"Mean time from a message of ours to the customer's, where that is the next one").at(AvailabilityPostContact),
		counted("X10", "group_joined", "入群", "Joined a group", "group_join"),
		counted("X11", "group_messages", "群消息", "Messages in groups", "group_message"),
		counted("X12", "mini_program_visits", "小程序访问", "Visits of the mini program", "mini_program_visit"),
		counted("X13", "moments_clicks", "朋友圈点击", "Clicks in Moments", "moments_click"),
		summed("X14", "live_watch_minutes", "直播观看分钟", "Minutes of live streams watched", "live_watch", "minutes"),
		computed("X15", "social_ad_clicks", "社交广告点击", "Clicks on social advertisements", "",
			"arrayCount((x, y) -> x = $touch.click AND has($list.social_paid, lowerUTF8(y)), $touches, $channels)",
			"Touches "+touches.says("click")+" of a channel of paid social media").of(SourceTouch).inWindows().
			decays("arraySum((x, y, z) -> (x = $touch.click AND has($list.social_paid, lowerUTF8(y))) * z, " +
				"$touches, $channels, $weights.30)"),
		counted("X16", "social_comments", "社交评论", "Comments on social media", "social_comment"),
		counted("X17", "wecom_lost", "删除企微", "Dropped us on WeCom", "wecom_lost"),
	}
}

func service() []Feature {
	return []Feature{
		counted("V01", "webinar_registered", "报名网络研讨会", "Webinars registered for", "webinar_registered"),
		counted("V02", "webinar_attended", "参加网络研讨会", "Webinars attended", "webinar_attended"),
		summed("V03", "webinar_minutes", "网络研讨会分钟", "Minutes of webinars", "webinar_attended", "minutes"),
		computed("V04", "expo_scanned", "展会扫码", "Scanned at an exhibition", "",
			"arrayCount((x, y) -> x = $touch.scan AND has($list.expo, lowerUTF8(y)), $touches, $channels)",
			"Touches "+touches.says("scan")+" of the channel exhibition").of(SourceTouch).inWindows().
			decays("arraySum((x, y, z) -> (x = $touch.scan AND has($list.expo, lowerUTF8(y))) * z, " +
				"$touches, $channels, $weights.30)"),
		summed("V05", "expo_booth_minutes", "展位停留分钟", "Minutes at the booth", "expo_visit", "minutes"),
		counted("V06", "seminar_attended", "参加沙龙", "Seminars attended", "seminar_attended"),
		computed("V07", "chat_sessions", "在线咨询", "Chats", "",
			"$n.chat + countEqual($touches, $touch.chat)",
			"Behaviours named "+behaviors.says("chat")+" and touches named "+touches.says("chat")).inWindows().
			decays("arraySum((x, y, z) -> (x = $code.chat OR y = $touch.chat) * z, $does, $touches, $weights.30)"),
		counted("V08", "chat_messages", "咨询消息", "Messages in chats", "chat_message"),
		counted("V09", "chatbot_handover", "转人工", "Chats handed to a person", "chat_handover"),
		computed("V10", "hotline_calls_in", "400来电", "Calls to the hotline", "",
			"$n.hotline_call + arrayCount((x, y) -> x = $touch.call AND has($list.hotline, lowerUTF8(y)), $touches, $channels)",
			"Behaviours named "+behaviors.says("hotline_call")+" and touches "+touches.says("call")+" of the hotline").
			inWindows(),
		summed("V11", "hotline_minutes", "400通话分钟", "Minutes on the hotline", "hotline_call", "minutes"),
		counted("V12", "ticket_opened", "提交工单", "Tickets opened", "ticket_opened"),
		counted("V13", "survey_completed", "填写问卷", "Surveys filled in", "survey_completed"),
	}
}
