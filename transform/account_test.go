package transform_test

import (
	"regexp"
	"strings"
	"testing"

	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// accountSQL takes the expression for the account out of the model leads.
func accountSQL(t *testing.T) string {
	t.Helper()
	models, err := transform.Models()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range models {
		if m.Name != "leads" {
			continue
		}
		if found := regexp.MustCompile(`(?s)-- account begins\n(.*) AS account,`).FindStringSubmatch(m.SQL); found != nil {
			return strings.ReplaceAll(found[1], "known.company", "company")
		}
	}
	t.Fatal("the model leads has no account behind `-- account begins`")
	return ""
}

// TestAccount holds which names of companies are one account.
func TestAccount(t *testing.T) {
	db := warehousetest.Open(t)
	expression := accountSQL(t)
	for want, companies := range map[string][]string{
		"北京示例科技": {
			"北京示例科技有限公司", "北京示例科技股份有限公司", "北京示例科技有限责任公司", "北京示例科技有限責任公司", " 北京示例科技 有限公司 ",
			"（北京）示例科技有限公司", "北京（示例）科技有限公司", "北京示例科技公司", "北京示例科技", "北京示例科技有限公司上海分公司",
			"北京示例科技 Co., Ltd.", "北京示例科技有限公司。",
		},
		"示例集团": {"示例集团有限公司", "示例集团", "示例集团股份有限公司"},
		"acme": {
			"ACME Inc.", "Acme, Inc", "acme", "Acme Co., Ltd.", "ＡＣＭＥ　Ｃｏ．，Ｌｔｄ．", "Acme GmbH", "Acme G.m.b.H.", "ACME GmbH & Co. KG",
			"Acme Ltd", "Acme S.A.", "Acme Pte. Ltd.", "Acme Sdn. Bhd.", "Acme L.L.C.", "Acme Corporation", "Acme Company Limited",
		},
		"ibm中国":    {"IBM（中国）有限公司", "IBM (中国) 有限公司", "ibm中国"},
		"att":      {"AT&T Inc.", "AT&T"},
		"costco":   {"Costco", "COSTCO Co."},
		"示例会计师事务所": {"示例会计师事务所（特殊普通合伙）", "示例会计师事务所"},
		"示例":       {"株式会社示例", "示例㈱", "示例（株）"},
		"société":  {"Société SARL", "Socie\u0301te\u0301"},
		"株洲示例":     {"株洲示例有限公司"},
		"示例上海":     {"示例上海分公司"},
		// Of a name that is but a legal form something stays.
		"inc": {"Inc."},
		// No company.
		"": {"", "  ", "无", "暂无", "个人", "N/A", "-", "none", "NULL", "测试", "未知", "。"},
	} {
		for _, company := range companies {
			var got []struct {
				Account string `ch:"account"`
			}
			err := db.Select(t.Context(), &got, "SELECT "+expression+" AS account FROM (SELECT {company:String} AS company)",
				warehouse.Params{"company": company})
			if err != nil {
				t.Fatal(err)
			}
			if got[0].Account != want {
				t.Errorf("%q is %q, want %q", company, got[0].Account, want)
			}
		}
	}
}
