package simulate

// channel is one of the twelve sources of leads, in four groups.
type channel struct {
	name, group, medium string
	// share of the leads of a year.
	share float64
	// won is the part of the leads that is won in the end.
	won float64
	// cycle is how long deals take, relative to the average.
	cycle float64
	// cpl is the cost of a lead and cpc that of a click, in the currency; 0 costs nothing.
	cpl, cpc float64
	// first and capture are the kinds of the first touch and of the one that made the lead.
	first, capture string
	// pages is the mean number of pages read before capture.
	pages float64
	// office: leads come in only while people are at work.
	office bool
	plan   plan
	// sources are what the plan's campaigns run on: a platform, a partner, a trade fair.
	sources []choice
}

// plan is the rhythm of a channel's campaigns.
type plan int

const (
	planNone    plan = iota // no campaign, no name
	planAlways              // one campaign a source, all year
	planMonthly             // one campaign a source and month
	planFair                // three days every six weeks
	planWebinar             // every other Thursday
)

var channels = []channel{
	{
		name: "search_ads", group: "marketing", medium: "cpc", share: 0.20, won: 0.117, cycle: 1, cpl: 460, cpc: 14,
		first: "click", capture: "form", pages: 4, plan: planAlways,
		sources: []choice{{"baidu_brand", 3}, {"baidu_generic", 5}, {"so360_generic", 2}, {"bing_generic", 1}},
	},
	{
		name: "social_promotion", group: "marketing", medium: "paid_social", share: 0.17, won: 0.045, cycle: 1.9,
		cpl: 190, cpc: 3.5, first: "impression", capture: "form", pages: 2, plan: planMonthly,
		sources: []choice{{"douyin", 5}, {"wechat_moments", 3}, {"zhihu", 1}},
	},
	{
		name: "exhibition", group: "marketing", medium: "offline", share: 0.09, won: 0.09, cycle: 1.3, cpl: 880,
		first: "scan", capture: "scan", pages: 0.3, office: true, plan: planFair,
		sources: []choice{{"industry_fair", 1}, {"smart_factory_expo", 1}, {"software_expo", 1}, {"digital_summit", 1}},
	},
	{
		name: "webinar", group: "marketing", medium: "webinar", share: 0.10, won: 0.085, cycle: 1.2, cpl: 230, cpc: 6,
		first: "click", capture: "form", pages: 2, plan: planWebinar,
		sources: []choice{{"live_class", 1}},
	},
	{
		name: "customer_referral", group: "referral", medium: "referral", share: 0.06, won: 0.22, cycle: 0.7,
		first: "call", capture: "call", pages: 1.5, office: true, sources: []choice{{"customer", 1}},
	},
	{
		name: "partner_referral", group: "referral", medium: "referral", share: 0.06, won: 0.165, cycle: 0.8,
		first: "call", capture: "call", pages: 1, office: true,
		sources: []choice{{"partner_east", 4}, {"partner_south", 3}, {"partner_cloud", 2}},
	},
	{
		name: "employee_referral", group: "referral", medium: "referral", share: 0.03, won: 0.17, cycle: 0.8,
		first: "chat", capture: "chat", pages: 1, office: true, sources: []choice{{"employee", 1}},
	},
	{
		name: "web_form", group: "self_service", medium: "organic", share: 0.13, won: 0.125, cycle: 0.85,
		first: "visit", capture: "form", pages: 6, sources: []choice{{"organic_search", 5}, {"direct", 3}, {"blog", 2}},
	},
	{
		name: "hotline_400", group: "self_service", medium: "phone", share: 0.05, won: 0.155, cycle: 0.6,
		first: "call", capture: "call", pages: 1, office: true, sources: []choice{{"hotline", 1}},
	},
	{
		name: "official_account", group: "self_service", medium: "wechat", share: 0.06, won: 0.08, cycle: 1.2,
		first: "scan", capture: "chat", pages: 3, sources: []choice{{"article", 3}, {"menu", 2}, {"qr_code", 1}},
	},
	{
		name: "cold_visit", group: "other", medium: "offline", share: 0.03, won: 0.032, cycle: 1.8,
		first: "visit", capture: "visit", pages: 0.2, office: true, sources: []choice{{"door_to_door", 1}},
	},
	{
		name: "association", group: "other", medium: "offline", share: 0.02, won: 0.065, cycle: 1.3,
		first: "visit", capture: "form", pages: 0.5, office: true, sources: []choice{{"chamber_of_commerce", 1}},
	},
}

// averageWon is the mean of won over the channels, weighted by share.
func averageWon() float64 {
	sum, shares := 0.0, 0.0
	for _, c := range channels {
		sum, shares = sum+c.won*c.share, shares+c.share
	}
	return sum / shares
}
