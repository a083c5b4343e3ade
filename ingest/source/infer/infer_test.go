package infer

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/text/encoding/simplifiedchinese"

	"clew/ingest/event"
	"clew/ingest/source"
)

var update = flag.Bool("update", false, "write the golden files")

var saved = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// propose returns the proposal for a file, and the events it makes of all its rows. None may be refused.
func propose(t *testing.T, file string) (string, []event.Event) {
	t.Helper()
	text, err := Propose(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := source.Parse("proposed", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	r, err := m.Open(filepath.Dir(file)) // in a folder its name must tell it, and not only its format
	if err != nil {
		t.Fatal(err)
	}
	var out []event.Event
	for e, err := range r.Events(t.Context()) {
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		out = append(out, e)
	}
	return string(text), out
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// The day a file was saved dates what has no time.
	if err := os.Chtimes(file, saved, saved); err != nil {
		t.Fatal(err)
	}
	return file
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

const crmCN = `线索编号,姓名,手机号,邮箱,公司,线索来源,渠道,阶段,跟进人,部门,预算,创建时间,成交时间,成交金额,行业,备注
XS001,王伟,13812345678,wang@example.cn,北京云帆科技有限公司,官网,百度推广,已成交,李娜,华北区,12.5万,2026/1/5 9:30,2026/2/1 10:00,"￥118,000",软件,
XS002,赵敏,+86 139-0000-1111,zhao@example.cn,上海恒通制造有限公司,展会,线下活动,跟进中,张强,华东区,"30,000",2026/1/6 14:05,,,制造,要报价单
XS003,陈静,15900002222,,广州微光医疗,转介绍,老客户,无效线索,李娜,华南区,,2026/1/7 8:00,,,医疗,空号
XS004,刘洋,18600003333,liu@example.cn,深圳南山教育,官网,百度推广,新线索,,,5万,2026/1/8 23:59,,,教育,
`

func TestChineseCRMExportInGBK(t *testing.T) {
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(crmCN)
	if err != nil {
		t.Fatal(err)
	}
	text, events := propose(t, write(t, "线索导出.csv", gbk))
	golden(t, "crm-cn.yaml", text)
	got := encode(t, events)
	golden(t, "crm-cn.txt", strings.Join(got, "\n")+"\n")
}

func encode(t *testing.T, events []event.Event) []string {
	t.Helper()
	var out []string
	for _, e := range events {
		raw, err := event.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(e.Kind())+" "+string(raw))
	}
	return out
}

func TestForms(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // lines that must be in the proposal
		events     int
	}{
		{
			"leads.csv", "Weekly report\n\nLead Id;E-mail;Phone;Created At;Status;Owner\n" +
				"1;a@b.example;+44 20 7946 0958;31/01/2026;Open;Ann\n2;c@d.example;(020) 7946-0959;05/02/2026;Closed Won;Ben\n",
			[]string{
				`delimiter: ";"`, "skip: 2", `times: ["D/M/YYYY"]`, `contact.email: "{E-mail|trim}"`,
				`contact.phone: "{Phone|trim}"`, `"Closed Won": "won"`, `"Open": "new"`, "zone: UTC",
			},
			6,
		},
		{
			"ads.tsv", "date\tcampaign\tcost\timpressions\tclicks\n2026-01-05\tBrand\t1,234.50\t10,000\t7\n" +
				"2026-01-06\tBrand\t99\t1,000\t0\n",
			[]string{
				`delimiter: "\t"`, "- type: cost", `amount: "{cost|number}"`, `impressions: "{impressions|number}"`,
				`clicks: "{clicks}"`, "channel: ads",
			},
			2,
		},
		{
			"api.json", `{"code":0,"data":{"total":2,"list":[{"id":"a","profile":{"mobile":"13800001111","name":"李"},
			  "create_time":1769788800,"tags":["x","y"]},{"id":"b","profile":{"mobile":"13800002222"},"create_time":1769788801}]}}`,
			[]string{
				`rows: "data.list"`, `times: ["epoch_s"]`, `contact.phone: "{profile.mobile|trim}"`,
				`"attributes.tags": "{tags}"`,
			},
			2,
		},
		{
			"rows.ndjson", "{\"email\":\"a@b.example\",\"when?\":\"N/A\",\"a|b\":1}\n{\"email\":\"a@b.example\",\"a|b\":2}\n",
			[]string{
				`# "email" is in several rows`, "# No column has times: all is dated 2026-01-31", `nulls: ["N/A"]`,
				`column1: "a|b"`, `"attributes.a|b": "{column1}"`,
			},
			2,
		},
		{
			"deals.csv", "id,created,won date,status\n1,2026-01-05,31.01.2026,won\n2,2026-01-06,,won\n3,2026-01-07,,open\n",
			[]string{`occurred_at: "{won date|time:D.M.YYYY|or:created}"`, `occurred_at: "{created}"`},
			6,
		},
		{
			"odd.csv", "id,created at?,won date,status\n1,1/31/2026,31/1/2026,won\n2,1/30/2026,,won\n",
			[]string{
				`times: ["M/D/YYYY"]`, `column2: "created at?"`, `occurred_at: "{won date|time:D/M/YYYY|or:column2}"`,
			},
			4,
		},
		{
			"us[1].csv", "id,date\n1,1/2/2026\n2,1/3/2026\n",
			[]string{
				`- file: "us\\[1].csv"`, "# Day and month could be the other way round: then it is D/M/YYYY.",
				`times: ["M/D/YYYY"]`,
			},
			2,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, events := propose(t, write(t, c.name, c.text))
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %s in\n%s", want, text)
				}
			}
			if len(events) != c.events {
				t.Errorf("%d events, want %d:\n%s", len(events), c.events, strings.Join(encode(t, events), "\n"))
			}
		})
	}
}

func TestParquet(t *testing.T) {
	type row struct {
		ID      string    `parquet:"lead_id"`
		At      time.Time `parquet:"created_at,timestamp(millisecond)"`
		Contact struct {
			Email string `parquet:"email"`
		} `parquet:"contact"`
		Status string `parquet:"status"`
	}
	rows := []row{{ID: "1", At: saved, Status: "open"}, {ID: "2", At: saved, Status: "won"}}
	rows[0].Contact.Email, rows[1].Contact.Email = "a@b.example", "c@d.example"
	file := filepath.Join(t.TempDir(), "leads.parquet")
	if err := parquet.WriteFile(file, rows); err != nil {
		t.Fatal(err)
	}
	text, events := propose(t, file)
	got := strings.Join(encode(t, events), "\n")
	want := `lead {"event_id":"leads:1:lead","occurred_at":"2026-01-31T12:00:00Z","lead_id":"leads:1",` +
		`"identifiers":{"email":"a@b.example"},"created_at":"2026-01-31T12:00:00Z","contact":{"email":"a@b.example"}}
stage {"event_id":"leads:1:stage","occurred_at":"2026-01-31T12:00:00Z","lead_id":"leads:1","stage":"new"}
lead {"event_id":"leads:2:lead","occurred_at":"2026-01-31T12:00:00Z","lead_id":"leads:2",` +
		`"identifiers":{"email":"c@d.example"},"created_at":"2026-01-31T12:00:00Z","contact":{"email":"c@d.example"}}
stage {"event_id":"leads:2:stage","occurred_at":"2026-01-31T12:00:00Z","lead_id":"leads:2","stage":"won"}`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s\nby\n%s", got, want, text)
	}
}

func TestNothingToGuessFrom(t *testing.T) {
	for text, want := range map[string]string{
		"": "the file is empty: its first line must name the columns", "a,b\n": "has no rows to guess from: export some",
	} {
		if _, err := Propose(write(t, "a.csv", text)); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// TestPublicDataSets holds that a proposal is right in itself on every real file, and takes every row of it.
func TestPublicDataSets(t *testing.T) {
	want := map[string][]string{
		"olist/olist_marketing_qualified_leads_dataset.csv": {
			`"olist-marketing-qual:{mql_id}`, `source: "{origin|trim}"`,
			`occurred_at: "{first_contact_date}"`,
		},
		"olist/olist_closed_deals_dataset.csv": {`occurred_at: "{won_date`},
		"xeducation/Leads.csv":                 {`source: "{Lead Source|trim}"`, `{Converted|map:stage}`, `nulls: ["Select"]`},
		"bank/bank-additional-full.csv":        {`delimiter: ";"`, `"yes": "won"`, `{#row|pad:8}`},
		"attribution/attribution_data.csv":     {`{customer_id}`, `{#row|pad:8}`, `channel: "{channel|trim}"`},
		"marketing/Marketing.csv":              {"- type: cost", `amount: "{mark_spent}"`, `times: ["M/D/YYYY"]`},
		"webfunnel/user_table.csv":             {`occurred_at: "{date}"`, `"attributes.device": "{device}"`},
		"webfunnel/home_page_table.csv":        {`{user_id}`},
	}
	for name, lines := range want {
		t.Run(name, func(t *testing.T) {
			text, events := propose(t, data(t, name))
			if len(events) == 0 {
				t.Errorf("no events by\n%s", text)
			}
			for _, line := range lines {
				if !strings.Contains(text, line) {
					t.Errorf("no %s in\n%s", line, text)
				}
			}
			ids := map[string]bool{}
			for _, e := range events {
				if ids[e.Head().EventID] {
					t.Fatalf("event id %s twice by\n%s", e.Head().EventID, text)
				}
				ids[e.Head().EventID] = true
			}
		})
	}
}

// data returns a file of the public data sets, which lie beside the repository.
func data(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		found := filepath.Join(dir, "..", "shared", "data", name)
		if _, err := os.Stat(found); err == nil {
			return found
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("no ../shared/data/%s beside the repository: CI must have it", name)
	}
	t.Skipf("no ../shared/data/%s beside the repository", name)
	return ""
}

func TestStageWords(t *testing.T) {
	for value, want := range map[string]string{
		"Closed Won": "won", "closedlost": "lost", "Unqualified": "invalid", "Marketing Qualified Lead": "mql",
		"Sales Qualified": "sql", "已成交": "won", "未成交": "lost", "跟进中": "sql", "公海": "recycled", "方案报价": "opportunity",
		"新线索": "new", "1": "won", "0": "", "否": "", "whatever": "",
	} {
		if got := stageOf(value); got != want {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
	}
}

func TestRolesAreOfOneKind(t *testing.T) {
	var keys []string
	for _, r := range roles {
		if slices.Contains(keys, r.key) {
			t.Errorf("role %s twice", r.key)
		}
		keys = append(keys, r.key)
		for _, n := range append(slices.Clone(r.names), r.parts...) {
			if n != plainName(n) {
				t.Errorf("role %s: %q is not plain, so nothing is ever named so", r.key, n)
			}
		}
	}
}
