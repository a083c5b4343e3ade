package infer

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// role is what a column may be in a mapping.
type role struct {
	key string
	// names are plain names that mean the role alone; parts may stand in a longer name.
	names, parts []string
	shapes       []shape
	// alone is how sure the shape makes it without any name, from 0 to 1; 0 is not at all.
	alone float64
	// few wants a list of values one can choose from, varied wants the opposite.
	few, varied bool
}

var (
	anyShape = []shape{shapeText, shapeNumber, shapePhone, shapeEmail}
	texts    = []shape{shapeText}
	labels   = []shape{shapeText, shapeNumber}
	numbers  = []shape{shapeNumber}
	times    = []shape{shapeTime}
)

// roles are in the order in which they take columns where two are as sure.
var roles = []role{
	{
		key: "email", names: words("email mail 邮箱 电子邮箱 电子邮件 邮件"), parts: words("email 邮箱"),
		shapes: []shape{shapeEmail}, alone: 0.6,
	},
	{
		key: "phone", names: words("phone mobile tel telephone 手机 手机号 手机号码 电话 电话号码 联系电话 联系方式"),
		parts: words("phone mobile 手机 电话"), shapes: []shape{shapePhone}, alone: 0.5,
	},
	{
		key: "id", names: words("id leadid customerid userid contactid prospectid leadnumber recordid uuid dataid " +
			"编号 线索编号 线索id 客户编号 客户id 数据id 记录id 流水号"),
		parts: words("id 编号"), shapes: anyShape,
	},
	{
		key: "won_at", names: words("wonat wondate closedate closedat closeddate 成交时间 成交日期 赢单时间 签约时间 签约日期"),
		parts: words("成交 签约 won"), shapes: times,
	},
	{
		key: "created", names: words("created createdat createdate createddate createtime createdtime creationdate date " +
			"time timestamp firstcontactdate submittedat eventtime day 创建时间 创建日期 提交时间 注册时间 录入时间 日期 时间 添加时间"),
		parts: words("creat first submit 创建 提交 注册 录入 日期 时间 date time"), shapes: times, alone: 0.4,
	},
	{key: "wechat", names: words("wechat wechatid weixin 微信 微信号"), parts: words("微信 wechat"), shapes: anyShape},
	{
		key: "company", names: words("company companyname account accountname organization organisation 公司 公司名称 企业 企业名称 " +
			"单位 单位名称 客户名称"),
		parts: words("company 公司 企业名"), shapes: texts, varied: true,
	},
	{
		key: "name", names: words("name fullname contactname leadname customername contact 姓名 名字 客户姓名 联系人 联系人姓名 线索名称 " +
			"客户"),
		parts: words("姓名 联系人"), shapes: texts, varied: true,
	},
	{
		key: "stage", names: words("stage status leadstage leadstatus lifecyclestage dealstage converted outcome y won " +
			"conversion 阶段 状态 线索阶段 线索状态 销售阶段 客户状态 客户阶段 跟进状态 是否成交 是否转化"),
		parts: words("stage status 阶段 状态 converted 成交"), shapes: labels, few: true,
	},
	{
		key: "channel", names: words("channel utmmedium medium 渠道 推广渠道 来源渠道 获客渠道 媒体"),
		parts: words("channel 渠道"), shapes: texts, few: true,
	},
	{
		key: "source", names: words("source leadsource utmsource origin 来源 线索来源 客户来源 数据来源"),
		parts: words("source origin 来源"), shapes: labels, few: true,
	},
	{
		key: "campaign", names: words("campaign campaignname utmcampaign 活动 市场活动 活动名称 推广计划 计划 计划名称 广告计划"),
		parts: words("campaignname 活动 计划"), shapes: texts,
	},
	{
		key: "owner", names: words("owner ownername leadowner assignee assignedto salesrep sales srid 跟进人 负责人 归属人 销售 销售员 " +
			"所有人 跟进员工"),
		parts: words("owner 跟进人 负责人"), shapes: anyShape,
	},
	{key: "team", names: words("team department dept 部门 团队 归属部门 所属部门"), parts: words("部门 团队"), shapes: labels},
	{
		key: "spend", names: words("cost spend spent amountspent markspent 花费 消费 消耗 费用 成本 消费金额"),
		parts: words("spent spend 花费 消耗 消费"), shapes: numbers,
	},
	{
		key: "amount", names: words("amount revenue dealamount dealvalue conversionvalue price 金额 成交金额 合同金额 订单金额 商机金额"),
		parts: words("amount revenue 金额"), shapes: numbers,
	},
	{
		key: "impressions", names: words("impressions views 展现 展现量 曝光 曝光量 展示 展示量 展示次数"),
		parts: words("impression 展现 曝光"), shapes: numbers,
	},
	{key: "clicks", names: words("clicks click 点击 点击量 点击数 点击次数"), parts: words("clicks 点击"), shapes: numbers},
	{
		key: "industry", names: words("industry sector businesssegment 行业 所属行业 客户行业"),
		parts: words("行业 industry"), shapes: labels,
	},
	{
		key: "region", names: words("region city province state 地区 区域 省份 城市 所在地 所在城市"),
		parts: words("地区 城市 省份"), shapes: labels,
	},
	{key: "product", names: words("product productname 产品 意向产品 产品名称"), parts: words("意向产品"), shapes: labels},
	{key: "budget", names: words("budget 预算 预算金额 采购预算"), parts: words("budget 预算"), shapes: labels},
	{key: "title", names: words("title jobtitle position 职位 职务 岗位"), parts: words("jobtitle 职位"), shapes: texts},
	{key: "employees", names: words("employees employeecount companysize 员工数 员工人数 人数 公司规模 企业规模 规模"), shapes: labels},
}

func words(list string) []string { return strings.Fields(list) }

// guess is a column for a role.
type guess struct {
	column *column
	score  float64 // from 0 to 1
	why    string
	others []string
}

// score says how well a column fits, 0 for not at all, and why.
func (r *role) score(c *column) (float64, string) {
	short := len(c.values) < 10
	switch {
	case !slices.Contains(r.shapes, c.shape), r.few && c.more:
		return 0, ""
	case r.varied && !short && len(c.kinds)*2 < min(len(c.values), maxKinds):
		return 0, ""
	}
	score, why := r.alone, "by its values"
	switch {
	case slices.Contains(r.names, c.plain):
		score, why = 0.9, "by its name"
	case slices.ContainsFunc(r.parts, func(p string) bool { return holds(c.plain, p) }):
		score, why = 0.6, "by a part of its name"
	case score == 0:
		return 0, ""
	}
	if r.alone > 0 && score > r.alone {
		score, why = min(1, score+0.1), why+" and its values"
	}
	if r.key == "id" {
		if c.unique {
			score, why = min(1, score+0.2), why+", and no two rows have one value"
		} else {
			score -= 0.3
		}
	}
	if empty := 1 - float64(len(c.values))/float64(max(1, c.rows)); r.key == "id" || r.key == "created" {
		score -= empty
	}
	return max(0, score), why
}

// holds says that a plain name contains a word; a short Latin one only at the end, as in userid.
func holds(plain, part string) bool {
	if len(part) <= 3 && part[0] < unicode.MaxASCII {
		return strings.HasSuffix(plain, part)
	}
	return strings.Contains(plain, part)
}

// assign gives every role its column, the surest first. A column has one role.
func assign(all []*column) map[string]*guess {
	type pair struct {
		role int
		guess
	}
	var pairs []pair
	for i := range roles {
		for _, c := range all {
			if score, why := roles[i].score(c); score > 0 {
				pairs = append(pairs, pair{i, guess{column: c, score: score, why: why}})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(b.score, a.score) })
	out := map[string]*guess{}
	taken := map[*column]bool{}
	for _, p := range pairs {
		key := roles[p.role].key
		switch have := out[key]; {
		case have != nil && have.column != p.column:
			have.others = append(have.others, p.column.name)
		case have == nil && !taken[p.column]:
			out[key] = &p.guess
			taken[p.column] = true
		}
	}
	return out
}

// stageWords tell our stage from a word in a system's. The first that fits counts.
var stageWords = []struct {
	stage string
	words []string
}{
	{"invalid", words("无效 空号 invalid unqualified disqualified junk bad spam")},
	{"lost", words("流失 输单 丢单 战败 lost 放弃 未成交 churn")},
	{"recycled", words("公海 回收 退回 recycl nurture")},
	{"mql", words("mql marketingqualified 市场认可")},
	{"won", words("成交 赢单 签约 won customer converted 已转化 evangelist")},
	{"opportunity", words("商机 报价 方案 谈判 opportunity proposal negotiat quote contractsent presentation")},
	{"sql", words("sql 销售认可 意向 跟进中 已联系 联系中 contacted working qualified connected inprogress")},
	{"new", words("新 未跟进 待跟进 未分配 new open raw subscriber lead created")},
}

// stageOf returns our stage for a system's, or nothing. A yes in a column about conversion is won.
func stageOf(value string) string {
	plain := plainName(value)
	switch plain {
	case "1", "yes", "是", "true", "y":
		return "won"
	case "0", "no", "否", "false", "n", "":
		return ""
	}
	for _, s := range stageWords {
		if named(plain, s.words...) {
			return s.stage
		}
	}
	return ""
}
