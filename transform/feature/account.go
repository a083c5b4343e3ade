package feature

// account are features of the company that a lead is of: those of its other leads. NULL without a company.
func account() []Feature {
	all := []Feature{
		computed("A01", "account_leads", "同企业线索数", "Other leads of the company", "", others("leads", "$captured IS NOT NULL"),
			"Leads captured so far"),
		computed("A02", "account_active_contacts_30d", "同企业30天活跃联系人", "Other leads of the company active in 30 days", "",
			others("active", since(30)+" > 0"), "Leads with a touch or behaviour in the last 30 days"),
		computed("A03", "account_events_30d", "同企业30天事件数", "Events of other leads of the company in 30 days", "",
			others("events", since(30)), "Touches and behaviours in the last 30 days"),
		computed("A04", "account_decision_makers_seen", "同企业决策人数", "Other leads of the company that decide", "",
			others("deciders", "arrayExists((x, y) -> x = $attribute.is_decision_maker AND has($list.yes, lowerUTF8(trimBoth(y))), "+
				"$known, $known_values)"), "Leads that were ever said to decide"),
		computed("A05", "account_open_opps", "同企业进行中商机", "Open opportunities of the company's other leads", "",
			others("open", "arrayLast(x -> x > 0, $stages) = $stage.opportunity"), "Leads whose stage is opportunity"),
		computed("A06", "account_won_before", "同企业已成交", "Other leads of the company that were won", "",
			others("won", "has($stages, $stage.won)"), "Leads that were ever won"),
		computed("A07", "account_lost_before", "同企业已丢单", "Other leads of the company that were lost", "",
			others("lost", "has($stages, $stage.lost)"), "Leads that were ever lost"),
	}
	for i := range all {
		all[i].Source = SourceAccount
		all[i].Definition += ", of the same company, without this lead"
	}
	return append(all, computed("P06", "contact_count_in_company", "同企业联系人数", "People of the company", "",
		"if($account_key = 0, NULL, $account.leads)", "Leads of the same company captured so far, with this one").
		of(SourceAccount))
}

// others is a total of the company less the lead's own part.
func others(total, own string) string {
	return "if($account_key = 0, NULL, $account." + total + " - (" + own + "))"
}

// priors are what is known of the source.
func priors() []Feature {
	own := "($captured IS NOT NULL AND $captured + " + maturity + " <= $now AND $ripe_source = $source_now)"
	won := own + " * ifNull(arrayExists((x, y) -> y = $stage.won AND x <= $captured + " + maturity + ", $at, $stages), 0)"
	return []Feature{
		computed("S15", "source_conv_rate_prior", "来源历史转化率", "Past conversion of the source", "share",
			"if($source_key = 0, NULL, ($source.won - "+won+") / nullIf($source.mature - "+own+", 0))",
			"Of the other leads of the source that were captured at least 90 days ago, the share won within 90 days; the "+
				"source is the first stated as source, else that of the first touch").of(SourcePrior),
	}
}
