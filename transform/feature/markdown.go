package feature

import (
	"fmt"
	"strings"
)

// families are the headings of the document, by the letter of the ID.
var families = map[string]string{
	"C": "Company 企业", "P": "Contact 联系人", "N": "Need and intent 需求意向", "S": "Source and campaign 来源",
	"Q": "Data quality 数据质量", "W": "Web and app 官网行为", "D": "Content 内容", "E": "E-mail and SMS 邮件短信",
	"X": "WeChat, WeCom and social media 社交", "V": "Events and service 活动与客服", "T": "Tempo 时间与速度",
	"A": "Account 企业聚合", "H": "History and recycling 历史回收", "F": "Sales interaction 销售跟进",
}

// Markdown writes the catalogue as a page of documentation.
func Markdown() string {
	all := Catalogue()
	base, safe := 0, 0
	for _, f := range all {
		if f.Base == "" {
			base++
			if f.Safe() {
				safe++
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, heading, base, safe, len(all))
	family := ""
	for _, f := range all {
		if f.Base != "" {
			continue
		}
		if f.ID[:1] != family {
			family = f.ID[:1]
			fmt.Fprintf(&b, "\n## %s\n\n| | name | 名称 | | type | known | definition |\n|---|---|---|---|---|---|---|\n",
				families[family])
		}
		kind := string(f.Type)
		if f.Unit != "" {
			kind += ", " + f.Unit
		}
		fmt.Fprintf(&b, "| %s%s | `%s` | %s | %s | %s | %s | %s |\n", f.ID, marks(f), f.Name, f.ZH, f.EN, kind,
			f.Availability, strings.ReplaceAll(f.Definition, "|", "\\|"))
	}
	return b.String()
}

// marks say which further forms a feature has.
func marks(f Feature) string {
	text := ""
	if f.windowed {
		text += " ▪"
	}
	if f.decayed != "" {
		text += " ↘"
	}
	return text
}

const heading = `# Features

What a score may look at: %d dimensions, %d of them safe before contact; with windows and decayed forms %d features.
` + "`clew features`" + ` lists them, and ` + "`clew features --lead ID --as-of 2026-01-31T00:00:00Z`" + ` prints the vector of one lead.

A vector is **as of** a moment: what happened later, also by a millisecond, is not seen. A window of 7 days reaches from
then 7 × 24 hours back and does not include its far end. What is not known is NULL; a count of nothing is 0.

- ▪ also in windows: ` + "`ID_7d`, `ID_30d`, `ID_90d`" + `. ↘ also decayed: ` + "`ID_decayed`" + `, where an event counts 2^(−days / 30).
- *known*: ` + "`capture`" + ` once the lead is captured, ` + "`pre_contact`" + ` until somebody follows up. Both are safe: asked for after the
  first follow-up, they are as of the last millisecond before it, so neither it nor what was learned by it is in them.
  ` + "`post_contact`" + ` sees everything up to the moment asked for.
- Contact is the first follow-up on record, an activity. What sales learned or did without one, or wrote down before it (a
  budget told in a call, a chat on WeCom), is taken for what was known before: record follow-ups by the time they began.
- An attribute is known by any of the names given, in any case, with blanks or hyphens for _. Of several updates the
  latest that is not empty counts. Yes and no are also true, false, 1, 0, 是, 否, 有, 无; a number is written in digits,
  with a point and commas between thousands.
- Behaviours, pages and touches are known by the names given, in the same way.
- Whose history it is (identities, accounts) is as known today. Of more than 2,000 touches and behaviours of one lead the
  middle is left out, so counts over them are at least as large as they say, and more of them later change what is left
  out. Windows that lie in the first or last 1,000 are exact. Stages, assignments and follow-ups are never left out.
`
