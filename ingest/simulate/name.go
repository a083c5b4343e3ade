package simulate

import (
	"strconv"
	"time"
)

// The words people and companies are named with. Phones have the area code 000, which nobody has, and mail goes to a
// domain that is reserved for examples.
var (
	surnames = [...]string{
		"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马", "罗",
	}
	givenNames = [...]string{
		"伟", "芳", "娜", "敏", "静", "强", "磊", "洋", "艳", "勇", "杰", "娟", "涛", "明", "超", "秀英", "建国", "晓东",
		"雨桐", "子涵", "浩然", "思远", "佳怡", "志强", "文博", "海燕", "立新", "玉兰", "国华", "若曦",
	}
	cities = map[string][]string{
		"华东": {"上海", "杭州", "苏州", "南京", "宁波"}, "华南": {"深圳", "广州", "东莞", "佛山"}, "华北": {"北京", "天津", "石家庄"},
		"华中": {"武汉", "长沙", "郑州"}, "西南": {"成都", "重庆", "昆明"}, "西北": {"西安", "兰州"}, "东北": {"沈阳", "大连"},
	}
	brandFirst = [...]string{
		"云", "智", "恒", "瑞", "鼎", "华", "信", "德", "盛", "宏", "嘉", "远", "博", "思", "凯", "泰", "新", "中", "锦", "正",
	}
	brandSecond = [...]string{
		"帆", "联", "达", "程", "科", "源", "森", "诚", "和", "峰", "洋", "晟", "拓", "景", "邦", "维", "翼", "创", "美", "岳",
	}
	trades = map[string]string{
		"制造业": "精密制造", "软件与信息服务": "信息技术", "批发零售": "商贸", "医疗健康": "医疗科技", "教育培训": "教育科技",
		"金融": "商务咨询", "物流运输": "供应链", "建筑工程": "建设工程", "食品餐饮": "食品",
	}
)

func (d *dice) person() string {
	return surnames[d.IntN(len(surnames))] + givenNames[d.IntN(len(givenNames))]
}

func (d *dice) company(region, industry, size string) string {
	in := cities[region]
	brand := brandFirst[d.IntN(len(brandFirst))] + brandSecond[d.IntN(len(brandSecond))]
	name := in[d.IntN(len(in))] + brand + trades[industry]
	if size == sizeLarge {
		return name + "股份有限公司"
	}
	return name + "有限公司"
}

// phone has the form of a number and is none.
func phone(lead int) string {
	n := strconv.Itoa(100000000 + lead%100000000)
	return "+86 000 " + n[1:5] + " " + n[5:]
}

func mail(lead int) string { return "lead" + strconv.Itoa(lead) + "@customer.example" }

func wechat(lead int) string { return "wx_example_" + strconv.Itoa(lead) }

// owner is a salesperson. Their paces differ, and so does their luck.
type owner struct {
	name, team string
	// response is the median time to a first answer.
	response time.Duration
	// skill is added to the odds of a deal, on the scale of logits.
	skill float64
	// duty: answers at weekends too.
	duty float64
}

const (
	teamEast  = "华东销售部"
	teamSouth = "华南销售部"
	teamNorth = "华北销售部"
	teamWest  = "中西部销售部"
)

var teams = map[string]string{
	"华东": teamEast, "华南": teamSouth, "华北": teamNorth, "东北": teamNorth, "华中": teamWest, "西南": teamWest, "西北": teamWest,
}

var owners = map[string][]owner{
	teamEast: {
		{"赵晓燕", teamEast, 25 * time.Minute, 0.25, 0.95},
		{"钱志远", teamEast, 45 * time.Minute, 0.15, 0.85},
		{"孙佳宁", teamEast, 40 * time.Minute, 0, 0.8},
		{"李文涛", teamEast, 70 * time.Minute, -0.05, 0.75},
		{"周子墨", teamEast, 60 * time.Minute, 0.05, 0.8},
		{"吴海峰", teamEast, 150 * time.Minute, -0.25, 0.5},
		{"郑雅文", teamEast, 50 * time.Minute, 0.1, 0.8},
		{"冯立群", teamEast, 90 * time.Minute, -0.1, 0.7},
	},
	teamSouth: {
		{"陈美琪", teamSouth, 30 * time.Minute, 0.2, 0.9},
		{"褚建平", teamSouth, 60 * time.Minute, 0, 0.8},
		{"卫思敏", teamSouth, 45 * time.Minute, 0.1, 0.85},
		{"蒋浩宇", teamSouth, 80 * time.Minute, -0.1, 0.75},
		{"沈雨晴", teamSouth, 55 * time.Minute, 0.05, 0.8},
		{"韩国栋", teamSouth, 120 * time.Minute, -0.2, 0.6},
	},
	teamNorth: {
		{"杨静怡", teamNorth, 35 * time.Minute, 0.15, 0.9},
		{"朱振华", teamNorth, 75 * time.Minute, -0.05, 0.75},
		{"秦若兰", teamNorth, 50 * time.Minute, 0.05, 0.8},
		{"尤志刚", teamNorth, 180 * time.Minute, -0.3, 0.5},
		{"许明哲", teamNorth, 60 * time.Minute, 0, 0.8},
	},
	teamWest: {
		{"何雪梅", teamWest, 40 * time.Minute, 0.1, 0.85},
		{"吕天佑", teamWest, 65 * time.Minute, 0, 0.75},
		{"施慧敏", teamWest, 55 * time.Minute, 0.05, 0.8},
		{"张永胜", teamWest, 110 * time.Minute, -0.15, 0.6},
	},
}
