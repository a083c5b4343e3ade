package feature

func company() []Feature {
	return []Feature{
		stated("C01", "industry", "行业", "Industry", "industry"),
		stated("C02", "industry_target_tier", "目标行业等级", "Tier of the industry as a target", "industry_tier"),
		banded("C03", "employee_band", "员工规模", "Employees", "employees", "company_size", 10, 50, 100, 500, 1000, 5000),
		banded("C04", "revenue_band", "年营业额", "Annual revenue", "revenue", "revenue_band",
			1_000_000, 5_000_000, 20_000_000, 100_000_000, 500_000_000),
		statedFlag("C05", "listed_flag", "上市", "Listed company", "listed"),
		computed("C06", "company_age_years", "成立年限", "Age of the company", "years",
			"ifNull($num.company_age, toYear(fromUnixTimestamp64Milli($now, $tz)) - $num.founded_year)",
			says("company_age")+"; else the year less what was stated as "+attributes.says("founded_year")).
			of(SourceAttribute).at(AvailabilityCapture),
		stated("C07", "region_province", "省份", "Region or province", "region"),
		stated("C08", "city_tier", "城市级别", "Tier of the city", "city_tier"),
		statedFlag("C09", "in_service_area", "在服务范围内", "Within the service area", "in_service_area"),
		stated("C10", "ownership_type", "企业性质", "Type of ownership", "ownership"),
		banded("C11", "registered_capital_band", "注册资本", "Registered capital", "registered_capital", "",
			500_000, 1_000_000, 5_000_000, 10_000_000, 50_000_000),
		banded("C12", "branch_count_band", "分支机构数", "Branches", "branches", "", 1, 2, 5, 20, 100),
		statedFlag("C13", "tech_stack_match", "技术栈匹配", "Technology fits", "tech_stack_match"),
		computed("C14", "uses_competitor", "使用竞品", "Uses a competitor's product", "",
			"ifNull($flag.uses_competitor, if($attr.competitor != '', 1, NULL))",
			says("uses_competitor")+"; else 1 where one was named as "+attributes.says("competitor")).
			as(TypeFlag).of(SourceAttribute).at(AvailabilityCapture),
		stated("C15", "credit_grade", "信用等级", "Credit grade", "credit_grade"),
		statedFlag("C16", "is_existing_customer", "老客户", "Existing customer", "existing_customer"),
		statedFlag("C17", "is_partner", "合作伙伴", "Partner", "partner"),
		statedNumber("C18", "icp_similarity", "理想客户相似度", "Likeness to the ideal customer, as stated", "icp_similarity"),
		stated("C19", "city", "城市", "City", "city"),
		stated("C20", "country", "国家", "Country", "country"),
		statedNumber("C21", "site_count", "门店数", "Sites or shops", "sites"),
	}
}

func contact() []Feature {
	return []Feature{
		computed("P01", "title_level", "职位级别", "Level of the title", "",
			"multiIf($attr.title = '', NULL, match($attr.title, $pattern.title_intern), 'intern', "+
				"match($attr.title, $pattern.title_staff), 'staff', match($attr.title, $pattern.title_deputy), 'director', "+
				"match($attr.title, $pattern.title_founder), 'founder', match($attr.title, $pattern.title_director), 'director', "+
				"match($attr.title, $pattern.title_manager), 'manager', match($attr.title, $pattern.title_worker), 'staff', "+
				"'other')",
			says("title")+": founder (and chief executive), director, manager, staff, intern or other").
			as(TypeCategory).of(SourceAttribute).at(AvailabilityCapture),
		stated("P02", "department", "部门", "Department", "department"),
		statedFlag("P03", "is_decision_maker", "决策人", "Decides", "is_decision_maker"),
		statedFlag("P04", "is_influencer", "影响者", "Influences the decision", "is_influencer"),
		computed("P05", "is_intern_or_student", "实习生或学生", "Intern or student", "",
			"ifNull($flag.is_student, if($attr.title = '', NULL, match($attr.title, $pattern.title_intern)))",
			says("is_student")+"; else from "+attributes.says("title")).
			as(TypeFlag).of(SourceAttribute).at(AvailabilityCapture),
		computed("P07", "has_mobile", "手机", "Has a mobile phone", "",
			"if($updates = 0, NULL, match($attr.phone, $pattern.mobile))",
			"1 where the phone is a Chinese mobile, 0 where it is another or none was stated").
			as(TypeFlag).of(SourceAttribute).at(AvailabilityCapture),
		computed("P08", "has_wecom", "企微好友", "Was added on WeCom", "",
			"$n.wecom_add > 0 OR has($touches, $touch.add_contact)",
			"1 once there is a behaviour "+behaviors.says("wecom_add")+" or a touch "+touches.says("add_contact")).
			as(TypeFlag),
		computed("P09", "email_domain_type", "邮箱类型", "Kind of e-mail domain", "",
			"multiIf($domain = '', NULL, has($list.free_mail, $domain), 'personal', match($domain, $pattern.education), "+
				"'education', 'company')",
			"personal (a free mail service), education or company, by the domain of the e-mail address").
			as(TypeCategory).of(SourceAttribute).at(AvailabilityCapture),
		computed("P10", "email_domain_matches_company", "邮箱域名匹配官网", "E-mail domain is that of the website", "",
			"if($domain = '' OR $host = '', NULL, $domain = $host OR endsWith($domain, concat('.', $host)))",
			"Domain of the e-mail address against "+attributes.says("website")).
			as(TypeFlag).of(SourceAttribute).at(AvailabilityCapture),
		computed("P11", "name_valid", "姓名有效", "Name looks real", "",
			"if($attr.contact_name = '', NULL, lengthUTF8($attr.contact_name) >= 2 "+
				"AND NOT match($attr.contact_name, $pattern.test_name))",
			"0 for a contact's name of one character, of digits alone, or one that says test, none or unknown").
			as(TypeFlag).of(SourceAttribute).at(AvailabilityCapture),
		stated("P12", "locale", "语言", "Language", "locale"),
		statedFlag("P13", "do_not_call", "拒绝来电", "Wants no calls", "do_not_call"),
		statedFlag("P14", "do_not_email", "拒收邮件", "Wants no e-mail", "do_not_email"),
		stated("P15", "job", "职业", "Occupation", "job"),
		stated("P16", "education", "学历", "Education", "education"),
		statedNumber("P17", "age", "年龄", "Age, in years", "age"),
	}
}
