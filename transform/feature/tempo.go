package feature

import "fmt"

// dayMS is the milliseconds of a day of 24 hours.
const dayMS = 86_400_000

// intent are the behaviours that speak of buying.
const intent = "$code.demo_request, $code.quote_request, $code.contract_inquiry, $code.price_list_download, " +
	"$code.trial_signup, $code.calculator_use, $code.form_submit"

func tempo() []Feature {
	all := []Feature{
		computed("T01", "lead_age_days", "线索年龄天数", "Age of the lead", "days", "($now - $captured) / 86400000",
			"Since the capture: the first update, stage, assignment or follow-up"),
		computed("T02", "days_since_last_event", "距上次行为天数", "Days since the customer's last event", "days",
			"if(empty($customer), NULL, ($now - $customer[-1]) / 86400000)", "Since the last touch or behaviour"),
		computed("T03", "events_7d", "近7天事件数", "Events in the last 7 days", "", since(7),
			"Touches and behaviours in the last 7 days"),
		computed("T04", "events_30d", "近30天事件数", "Events in the last 30 days", "", since(30),
			"Touches and behaviours in the last 30 days"),
		computed("T05", "events_prev_30d", "前30天事件数", "Events in the 30 days before these", "", since(60)+" - "+since(30),
			"Touches and behaviours 30 to 60 days ago"),
		computed("T06", "velocity_ratio", "速度比", "Pace of the week against the month", "ratio",
			"("+since(7)+" / 7) / nullIf("+since(30)+" / 30, 0)", "Events a day of the last 7 days over those of the last 30"),
		computed("T07", "burst_flag", "突增", "Sudden activity", "",
			since(7)+" >= 5 AND "+since(7)+" >= 3 * ("+since(35)+" - "+since(7)+") / 4",
			"1 where the last 7 days had at least 5 events and 3 times the weekly mean of the 28 days before").as(TypeFlag),
		computed("T08", "longest_gap_days", "最长间隔天数", "Longest gap", "days",
			"if(length($customer) < 2, NULL, arrayMax(arrayDifference($customer)) / 86400000)",
			"Longest time between two events that follow each other"),
		computed("T09", "active_weeks_12w", "近12周活跃周数", "Active weeks of the last 12", "weeks",
			"arrayUniq(arrayMap(x -> intDiv($now - x, 604800000), arrayFilter(x -> x > $now - 7257600000, $customer)))",
			"Of the last 12 times 7 days, those with a touch or behaviour"),
		computed("T10", "high_intent_events_14d", "近14天高意向行为", "Signs of buying in the last 14 days", "",
			"arrayCount((x, y) -> x > $now - 1209600000 AND y IN ("+intent+"), $at, $does)",
			"Demo, quote and contract asked for, price list, trial, calculator and form, in the last 14 days"),
		computed("T11", "decayed_intensity_h7", "7天半衰强度", "Activity with a half-life of 7 days", "",
			"arraySum((x, y) -> (x = 1 OR x = 2) * y, $kinds, $weights.7)", "Sum over touches and behaviours of 2^(-days / 7)"),
		computed("T12", "decayed_intensity_h30", "30天半衰强度", "Activity with a half-life of 30 days", "",
			"arraySum((x, y) -> (x = 1 OR x = 2) * y, $kinds, $weights.30)", "Sum over touches and behaviours of 2^(-days / 30)"),
		computed("T13", "hour_of_capture", "留资小时", "Hour of the capture", "hour", "toHour($capture)",
			"0 to 23, in the business time zone").at(AvailabilityCapture),
		computed("T14", "dow_of_capture", "留资星期", "Weekday of the capture", "", "toDayOfWeek($capture)",
			"1 (Monday) to 7, in the business time zone").at(AvailabilityCapture),
		computed("T15", "month_of_capture", "留资月份", "Month of the capture", "", "toMonth($capture)",
			"1 to 12, in the business time zone").at(AvailabilityCapture),
		computed("T16", "behaviors_total", "行为总数", "Behaviours", "", "countEqual($kinds, 2)", "Behaviours of any name").
			inWindows().decays("arraySum((x, y) -> (x = 2) * y, $kinds, $weights.30)"),
		computed("T17", "distinct_behaviors", "行为种类数", "Kinds of behaviour", "",
			"arrayUniq(arrayFilter((x, y) -> y = 2, $words, $kinds))", "Different names of behaviours").inWindows(),
		computed("T18", "first_event_days", "首次行为距今天数", "Days since the customer's first event", "days",
			"if(empty($customer), NULL, ($now - $customer[1]) / 86400000)", "Since the first touch or behaviour"),
	}
	for i := range all {
		if all[i].ID != "T16" && all[i].ID != "T17" {
			all[i].Source = SourceTempo
		}
	}
	return all
}

// since counts the customer's events of the last days.
func since(days int) string {
	return fmt.Sprintf("arrayCount(x -> x > $now - %d, $customer)", days*dayMS)
}

func history() []Feature {
	all := []Feature{
		computed("H01", "times_assigned", "分配次数", "Times assigned", "", "countEqual($actions, $action.assigned)",
			"Assignments of the lead to somebody"),
		computed("H02", "times_recycled", "回收次数", "Times recycled", "", "countEqual($stages, $stage.recycled)",
			"How often the lead came to the stage recycled"),
		computed("H03", "times_reactivated", "再激活次数", "Times reactivated", "",
			"arrayCount((x, y) -> x = $stage.recycled AND y <= $stage.won, arrayPopBack($moves), arrayPopFront($moves))",
			"How often the stage after recycled was one of new, mql, sql, opportunity and won"),
		computed("H05", "days_since_recycle", "距回收天数", "Days since recycled", "days",
			"if(NOT has($stages, $stage.recycled), NULL, "+
				"($now - arrayLast((x, y) -> y = $stage.recycled, $at, $stages)) / 86400000)", "Since the last stage recycled"),
		computed("H06", "previous_lost_reason", "上次丢单原因", "Reason of the last loss", "",
			"nullIf(arrayLast((x, y) -> y = $stage.lost, $details, $stages), '')", "Reason of the last stage lost").
			as(TypeCategory),
		computed("H07", "previous_outcome", "上次结果", "Last outcome", "",
			"nullIf(arrayElement(['won', 'lost', 'recycled', 'invalid'], "+
				"greatest(arrayLast(x -> x >= $stage.won, $stages), $stage.opportunity) - $stage.opportunity), '')",
			"The last stage of won, lost, recycled and invalid").as(TypeCategory),
		computed("H09", "stage", "阶段", "Stage", "", "nullIf(arrayLast((x, y) -> y > 0, $words, $stages), '')",
			"The latest stage").as(TypeCategory),
		computed("H10", "days_in_stage", "阶段停留天数", "Days in the stage", "days",
			"if(empty($moves), NULL, ($now - arrayLast((x, y) -> y > 0, $at, $stages)) / 86400000)", "Since the latest stage"),
		computed("H11", "times_returned", "退回次数", "Times returned", "", "countEqual($actions, $action.returned)",
			"How often somebody gave the lead back"),
	}
	for i := range all {
		all[i].Source, all[i].Availability = SourceHistory, AvailabilityPostContact
	}
	return all
}
