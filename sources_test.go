package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// writeText writes a file into a new folder, and returns its path.
func writeText(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const ownMapping = `title: {en: My leads, zh: 我的线索}
zone: Asia/Shanghai
times: [YYYY/M/D]
inputs:
  - file: my-*.csv
    events:
      - type: lead
        fields: {event_id: "my:{编号}", occurred_at: "{日期}", lead_id: "{编号}", contact.phone: "{手机号}"}
`

func TestProgramSources(t *testing.T) {
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("编号,日期,手机号\nA1,2026/1/5,13812345678\nA2,昨天,13900001111\nA3,2026/1/7,\n")
	if err != nil {
		t.Fatal(err)
	}
	file := writeText(t, "my-线索.csv", gbk)
	mapping := writeText(t, "mine.yaml", ownMapping)
	settings := writeText(t, "clew.yaml", "sources:\n  dir: "+filepath.Dir(mapping)+"\n")

	t.Run("list", func(t *testing.T) {
		type source struct {
			Name   string            `json:"name"`
			Title  map[string]string `json:"title"`
			Inputs []string          `json:"inputs"`
		}
		seen := map[string]source{}
		for _, s := range decode[[]source](t, mustClew(t, "sources", "list", "--json", "--config", settings)) {
			seen[s.Name] = s
			if s.Title["en"] == "" || s.Title["zh"] == "" || len(s.Inputs) == 0 {
				t.Errorf("%s lacks a title in en or zh, or inputs: %+v", s.Name, s)
			}
		}
		if seen["mine"].Title["zh"] != "我的线索" || seen["olist"].Name == "" {
			t.Errorf("want our own and the shipped ones, got %v", seen)
		}
		if text := mustClew(t, "sources", "list"); !strings.HasPrefix(text, "NAME ") || strings.Contains(text, "mine") {
			t.Errorf("without the setting: %s", text)
		}
		whole := mustClew(t, "sources", "list", "hubspot")
		if !strings.Contains(whole, "contacts*.csv") || !strings.Contains(whole, "https://developers.hubspot.com/") {
			t.Errorf("want its inputs and its documentation, got %s", whole)
		}
	})
	t.Run("check", func(t *testing.T) {
		if got := mustClew(t, "sources", "check", "mine", "olist", mapping, "--config", settings); got !=
			"✓ mine\n✓ olist\n✓ "+mapping+"\n" {
			t.Errorf("got %s", got)
		}
		wrong := writeText(t, "wrong.yaml", strings.Replace(ownMapping, "type: lead", "type: sale", 1)+"colour: red\n")
		stdout, stderr, code := clew(t, "sources", "check", wrong)
		want := "✗ mapping \"wrong\" is wrong:\n" +
			"  line 7: inputs[0].events[0].type \"sale\" is no event type: use one of [\"touchpoint\" \"behavior\" \"lead\" " +
			"\"activity\" \"stage\" \"assignment\" \"cost\"]\n  line 9: key \"colour\" is unknown: correct or remove it\n"
		if stdout != want || code != 1 || stderr != "clew: 1 of 1 mappings are wrong; correct the lines above\n" {
			t.Errorf("exit %d\n%s%s", code, stdout, stderr)
		}
	})
	t.Run("preview", func(t *testing.T) {
		got := mustClew(t, "sources", "preview", file, "--mapping", mapping, "-n", "2")
		want := `{"type":"lead","event_id":"my:A1","occurred_at":"2026-01-04T16:00:00Z","lead_id":"A1",` +
			`"contact":{"phone":"13812345678"}}
{"rejected":{"file":"my-线索.csv","line":3,"offset":4,"column":"日期","value":"昨天","reason":` +
			`"for occurred_at of a lead is no time of the form YYYY/M/D: correct it, or add its form to times of mapping \"mine\""}}
{"type":"lead","event_id":"my:A3","occurred_at":"2026-01-06T16:00:00Z","lead_id":"A3"}
`
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("preview of a webhook", func(t *testing.T) {
		hook := writeText(t, "hook.yaml", strings.Replace(ownMapping, "file: my-*.csv", "payload: true\n    rows: list", 1))
		body := writeText(t, "body.json", `{"list":[{"编号":"B1","日期":"2026/2/1"}]}`)
		got := mustClew(t, "sources", "preview", body, "--payload", "--mapping", hook)
		if want := `{"type":"lead","event_id":"my:B1","occurred_at":"2026-01-31T16:00:00Z","lead_id":"B1"}` + "\n"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("infer", func(t *testing.T) {
		good := writeText(t, "leads.csv", "编号,日期,手机号\nA1,2026/1/5,13812345678\nA3,2026/1/7,13900001111\n")
		text := mustClew(t, "sources", "infer", good)
		proposed := writeText(t, "proposed.yaml", text)
		mustClew(t, "sources", "check", proposed)
		byFile := mustClew(t, "sources", "preview", good, "--mapping", proposed)
		if !strings.Contains(byFile, `"contact":{"phone":"13900001111"}`) || strings.Contains(byFile, "rejected") {
			t.Errorf("%s\ngives\n%s", text, byFile)
		}
		if direct := mustClew(t, "sources", "preview", good); direct != byFile {
			t.Errorf("without a mapping: got\n%s\nwant\n%s", direct, byFile)
		}
	})
	t.Run("faults", func(t *testing.T) {
		for want, args := range map[string][]string{
			"no mapping \"none\": use one of ":                             {"preview", file, "--mapping", "none"},
			"mapping \"olist\" reads [":                                    {"preview", file, "--mapping", "olist"},
			"--events is 0; ask for at least 1":                            {"preview", file, "--mapping", mapping, "-n", "0"},
			"--payload needs --mapping: a mapping is proposed for ":        {"preview", file, "--payload"},
			"the payload is not JSON: ":                                    {"preview", file, "--payload", "--mapping", "hubspot"},
			"has no rows to guess from":                                    {"infer", writeText(t, "a.csv", "a,b\n")},
			"sources.dir: \"/none\" is no directory; name the one that ho": {"list", "--config", writeText(t, "c.yaml", "sources: {dir: /none}")},
		} {
			stdout, stderr, code := clew(t, append([]string{"sources"}, args...)...)
			if code != 1 || !strings.Contains(stderr, want) || stdout != "" {
				t.Errorf("%v: exit %d, %s%s; want %s", args, code, stdout, stderr, want)
			}
		}
	})
}
