package feature

func followUp() []Feature {
	all := []Feature{
		computed("F01", "first_response_minutes", "首次响应分钟", "Time to the first response", "minutes",
			"if($assigned = 0 OR $responded = 0, NULL, ($responded - $assigned) / 60000)",
			"From the first assignment to the first effective follow-up at or after it"),
		computed("F02", "followups_count", "跟进次数", "Follow-ups", "", "countEqual($kinds, 5)", "Follow-ups of any kind").
			inWindows().decays("arraySum((x, y) -> (x = 5) * y, $kinds, $weights.30)"),
		computed("F03", "followups_effective", "有效跟进", "Effective follow-ups", "",
			"arrayCount((x, y) -> x = 5 AND y, $kinds, $effective)", "Follow-ups that reached the lead").inWindows(),
		computed("F04", "calls_connected", "接通电话", "Calls connected", "",
			"arrayCount((x, y) -> x = $method.call AND y, $methods, $effective)",
			"Effective follow-ups by "+methods.says("call")).inWindows(),
		computed("F05", "call_minutes", "通话分钟", "Minutes on the telephone", "minutes",
			"arraySum((x, y) -> (x = $method.call) * y, $methods, $values) / 60",
			"Sum of the seconds of follow-ups by "+methods.says("call")+", over 60").inWindows(),
		computed("F06", "customer_emotion", "客户情绪", "Mood of the customer", "",
			"nullIf(arrayLast((x, y) -> y = 5 AND x != '', $property.emotion, $kinds), '')",
			"The last mood that a follow-up noted").as(TypeCategory),
		stated("F07", "need_priority", "需求优先级", "Priority of the need", "need_priority"),
		computed("F08", "visits", "拜访", "Visits", "", "countEqual($methods, $method.visit)",
			"Follow-ups by "+methods.says("visit")),
		outcome("F09", "proposal_sent", "发出方案", "Proposals sent", "proposal_sent"),
		outcome("F10", "quote_sent", "发出报价", "Quotes sent", "quote_sent"),
		computed("F12", "next_step_promised", "下一步约定", "Next steps promised", "",
			"arrayCount((x, y) -> y = 5 AND x != '', $property.next_action, $kinds)", "Follow-ups that name a next action"),
		computed("F13", "next_step_overdue", "下一步逾期", "Next step is overdue", "",
			"if(NOT has($kinds, 5), NULL, ifNull(toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull("+
				"arrayLast((x, y) -> y = 5, $property.next_at, $kinds), 3, 'UTC')) < $now, 0))",
			"1 where the last follow-up promised a next one for a time that is past").as(TypeFlag),
		computed("F14", "rep_win_rate_prior", "销售历史赢单率", "Past win rate of the owner", "share",
			"if($owner_key = 0, NULL, ($owner.won - ($decider_key = $owner_key AND $decided_as = 'won')) / "+
				"nullIf($owner.decided - ($decider_key = $owner_key), 0))",
			"Of the other leads that the present owner had when they were first won or lost, the share won").of(SourcePrior),
		outcome("F15", "demo_done", "演示完成", "Demos given", "demo_done"),
		outcome("F16", "contract_discussed", "谈合同", "Contract discussed", "contract_discussed"),
		computed("F17", "days_since_followup", "距上次跟进天数", "Days since the last follow-up", "days",
			"if(NOT has($kinds, 5), NULL, ($now - arrayLast((x, y) -> y = 5, $at, $kinds)) / 86400000)",
			"Since the last follow-up"),
		computed("F18", "effective_share", "有效跟进占比", "Share of follow-ups that reached the lead", "share",
			"arrayCount((x, y) -> x = 5 AND y, $kinds, $effective) / nullIf(countEqual($kinds, 5), 0)", "F03 over F02"),
	}
	for i := range all {
		all[i].Availability = AvailabilityPostContact
		if all[i].Source == SourceBehavior {
			all[i].Source = SourceActivity
		}
	}
	return all
}

// outcome is how often follow-ups came to something.
func outcome(id, name, zh, en, of string) Feature {
	return computed(id, name, zh, en, "", "countEqual($outcomes, $outcome."+of+")",
		"Follow-ups whose outcome is "+outcomes.says(of))
}
