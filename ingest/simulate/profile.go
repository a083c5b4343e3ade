package simulate

import (
	"math"
	"strconv"

	"clew/ingest/event"
)

// profile is who a lead is. The five attributes that a grade is made of, and their values, are those of the scoring
// model s3-abc-v1.
type profile struct {
	industry, region, product, title string
	size                             string
	employees                        int
	need                             [5]int // level of each of needs, 0 the best
	points                           float64
	company, contact                 string
	// worth is what no attribute tells, normally distributed.
	worth float64
	owner owner
}

const (
	sizeLarge  = "large"
	sizeMedium = "medium"
	sizeSmall  = "small"
)

// need is an attribute of a grade with its values from best to worst, their points out of 100, and the part of the
// leads that has the best and the worst.
type need struct {
	name        string
	values      [3]string
	points      [3]float64
	best, worst float64
}

const (
	needUrgency = iota
	needBudget
	needSize
	needChain
	needIntent
)

var needs = [5]need{
	{"urgency", [3]string{"0-3m", "3-6m", "6m+"}, [3]float64{30, 20, 10}, 0.33, 0.29},
	{"budget_match", [3]string{"match", "low", "insufficient"}, [3]float64{25, 15, 5}, 0.34, 0.27},
	{"company_size", [3]string{sizeLarge, sizeMedium, sizeSmall}, [3]float64{20, 15, 10}, 0.17, 0.45},
	{"decision_chain", [3]string{"confirmed", "partial", "vague"}, [3]float64{15, 8, 3}, 0.30, 0.30},
	{"cooperation_intent", [3]string{"quote", "interested", "nurture"}, [3]float64{10, 6, 2}, 0.30, 0.28},
}

// What a deal's odds depend on, on the scale of logits. meanPoints and sigmaPoints are those of profile.points over the
// leads of an average channel, and sigmaOdds is about the standard deviation of the sum; all three are measured.
const (
	oddsPoints  = 1
	oddsWorth   = 0.25
	oddsFast    = 0.2
	meanPoints  = 64.4
	sigmaPoints = 17.5
	sigmaOdds   = 1.15
	// needShared is the correlation of each need with the lead's worth.
	needShared = 0.55
)

var (
	industries = []choice{
		{"制造业", 28},
		{"软件与信息服务", 16},
		{"批发零售", 14},
		{"医疗健康", 9},
		{"教育培训", 9},
		{"金融", 7},
		{"物流运输", 7},
		{"建筑工程", 5},
		{"食品餐饮", 5},
	}
	regions = []choice{
		{"华东", 34}, {"华南", 22}, {"华北", 18}, {"华中", 10}, {"西南", 9}, {"东北", 4}, {"西北", 3},
	}
	products = map[string][]choice{
		sizeLarge:  {{"企业版", 7}, {"专业版", 3}},
		sizeMedium: {{"企业版", 2}, {"专业版", 6}, {"标准版", 2}},
		sizeSmall:  {{"专业版", 3}, {"标准版", 7}},
	}
	// Who writes, by how clear the decision chain is.
	titles = [3][]choice{
		{{"创始人", 3}, {"总经理", 4}, {"总监", 4}, {"经理", 1}},
		{{"总监", 3}, {"经理", 5}, {"主管", 3}},
		{{"经理", 2}, {"主管", 3}, {"专员", 5}, {"实习生", 1}},
	}
)

// quantile is the value below which a part of a standard normal distribution lies.
func quantile(part float64) float64 { return math.Sqrt2 * math.Erfinv(2*part-1) }

// bounds are those of the best and the worst level of each need.
var bounds = func() (out [5][2]float64) {
	for i, n := range needs {
		out[i] = [2]float64{quantile(1 - n.best), quantile(n.worst)}
	}
	return out
}()

func (d *dice) profile(c *channel) profile {
	p := profile{worth: d.NormFloat64() + c.lift()}
	for i := range needs {
		x := needShared*p.worth + math.Sqrt(1-needShared*needShared)*d.NormFloat64()
		switch {
		case x > bounds[i][0]:
			p.need[i] = 0
		case x > bounds[i][1]:
			p.need[i] = 1
		default:
			p.need[i] = 2
		}
		p.points += needs[i].points[p.need[i]]
	}
	p.size = needs[needSize].values[p.need[needSize]]
	p.employees = d.employees(p.size)
	p.industry, p.region = d.pick(industries), d.pick(regions)
	p.product, p.title = d.pick(products[p.size]), d.pick(titles[p.need[needChain]])
	p.company, p.contact = d.company(p.region, p.industry, p.size), d.person()
	team := owners[teams[p.region]]
	p.owner = team[d.IntN(len(team))]
	return p
}

// lift is how much better the leads of a channel are, as far as their attributes tell.
func (c *channel) lift() float64 { return 0.35 * math.Log(c.won/averageWon()) }

func (d *dice) employees(size string) int {
	switch size {
	case sizeLarge:
		return 500 + int(d.spread(600, 0.8))
	case sizeMedium:
		return 100 + d.IntN(400)
	}
	return 3 + d.IntN(97)
}

// odds is the chance that a lead is won in the end. Over the leads of a channel it averages channel.won: a logistic of
// a normal variable has about the mean of a logistic narrowed by its variance.
func (p *profile) odds(c *channel, fast bool) float64 {
	x := oddsPoints*((p.points-meanPoints)/sigmaPoints-c.lift()) + oddsWorth*(p.worth-c.lift()) + p.owner.skill
	if fast {
		x += oddsFast
	}
	return logistic(logit(c.won)*math.Sqrt(1+math.Pi/8*sigmaOdds*sigmaOdds) + x - 0.5*oddsFast)
}

// known returns the attributes that a form gives away: most of them, and not always the same.
func (s *story) known() map[string]event.Scalar {
	p := &s.profile
	out := make(map[string]event.Scalar, 12)
	out["source_group"] = event.Scalar(s.campaign.channel.group)
	give := func(chance float64, name, value string) {
		if s.dice.chance(chance) {
			out[name] = event.Scalar(value)
		}
	}
	give(0.93, "industry", p.industry)
	give(0.96, "region", p.region)
	give(0.85, "product", p.product)
	give(0.88, "title", p.title)
	give(0.75, "employees", strconv.Itoa(p.employees))
	for i, n := range needs {
		if s.dice.chance(0.75) {
			out[n.name] = event.Scalar(n.values[p.need[i]])
			s.told[i] = true
		}
	}
	return out
}

// learned returns what a first talk adds: the needs that were not told, and now and then a change for the better.
func (s *story) learned() map[string]event.Scalar {
	out := make(map[string]event.Scalar, 5)
	for i, n := range needs {
		level := s.profile.need[i]
		better := i == needIntent && level > 0 && s.fate.depth >= depthSQL && s.dice.chance(0.3)
		if better {
			level--
		}
		if better || !s.told[i] && s.dice.chance(0.95) {
			out[n.name] = event.Scalar(n.values[level])
		}
	}
	return out
}
