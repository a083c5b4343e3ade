package sla_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"clew/transform/sla"
)

// TestFaults gives files with faults: every one is named, in one message.
func TestFaults(t *testing.T) {
	const clocks = "kind: clocks\nname: ours\nversion: 1\nsource: ours\nclocks:\n  - {clock: call, starts: state, met_by: any, rules: "
	const cadence = "kind: cadence\nname: ours\nversion: 1\nsource: ours\nindustries: [fishing]\nsteps:\n"
	const calendar = "kind: calendar\nname: east\nsource: ours\nteams: [east]\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"no YAML":       {map[string]string{"a.yaml": "clocks: ["}, []string{"a.yaml"}},
		"no such kind":  {map[string]string{"a.yaml": "kind: clock\n"}, []string{"a.yaml", `kind is "clock"`, "calendar or holidays"}},
		"unknown key":   {map[string]string{"a.yaml": calendar + "lunch: noon\n"}, []string{"a.yaml", "lunch"}},
		"unknown key 2": {map[string]string{"a.yaml": clocks + "[{rule: x, hour: 2}]}\n"}, []string{"a.yaml", "hour"}},
		"two files at once": {
			map[string]string{"a.yaml": "kind: x\n", "b.yaml": calendar + "lunch: noon\n"},
			[]string{"a.yaml", `kind is "x"`, "b.yaml", "lunch"},
		},
		"a shipped version": {
			map[string]string{"a.yaml": strings.Replace(clocks, "ours", "guides", 1) + "[{rule: x, hours: 2, runs: working, reason: x}]}\n"},
			[]string{"guides@1 exists already", "another version"},
		},
		"everything wrong with a clock": {
			map[string]string{"a.yaml": "kind: clocks\nname: ''\nversion: 0\nclocks:\n  - {clock: a, starts: now, met_by: all, repeats: true, " +
				"unless_worked: true}\n  - {clock: a, starts: state, met_by: any, rules: [{rule: x, stages: [won], grades: [''], " +
				"hours: -1, runs: fast}, {rule: x, hours: .nan, runs: working, reason: x}]}\n"},
			[]string{
				"has no name", "version is 0", "has no source", "starts is \"now\"", "met_by is \"all\"", "exclude each other",
				"clock a: has no rules", `clock "a": want a name`, `stage "won"`, "an empty grade", "hours is -1", "runs is \"fast\"",
				"rule x: has no reason", `rule "x": want a name`, "hours is NaN",
			},
		},
		"everything wrong with a cadence": {
			map[string]string{"a.yaml": cadence + "  - {step: a, day: 1, every_days: 1, grades: [A], reason: x}\n" +
				"  - {step: a, grades: [A], reason: x, day: 2, from_day: 3}\n" +
				"  - {step: b, every_days: 7, until_day: 10}\n" +
				"  - {step: c, every_days: 7, at_least: 3, at_most: 2, grades: [A], reason: x}\n" +
				"  - {step: d, day: 4000, grades: [A], reason: x}\n  - {step: e, day: 1, until_day: 2, grades: [A], reason: x}\n"},
			[]string{
				"step a: want either day or every_days", `step "a": want a name`, "step a: ends on day 2, before it begins on day 3",
				"step b: days 1 to 10 are no whole number of windows", "step b: has no grades", "step b: has no reason",
				"step c: at_most is 2", "step d: a day beyond 3660", "step e: until_day goes with every_days alone",
			},
		},
		"everything wrong with a calendar": {
			map[string]string{"a.yaml": "kind: calendar\nname: east\ntimezone: Local\nweek:\n  Monday: [\"09:00-18:00\"]\n" +
				"  tuesday: [\"9-18\"]\n  friday: [\"13:00-18:00\", \"09:00-12:00\"]\nmakeup: [\"18:00-09:00\"]\nholidays: [moon]\n" +
				"pauses: [{from: 2026-01-02T00:00:00Z, until: 2026-01-01T00:00:00Z}]\n"},
			[]string{
				"no source", `timezone "Local"`, "lists no teams", `"Monday" is no weekday`, `tuesday: "9-18"`, `friday: "09:00-12:00"`,
				`makeup: "18:00-09:00"`, `"moon"`, "pauses: 2026-01-02T00:00:00Z is not before",
			},
		},
		"no hours": {map[string]string{"a.yaml": calendar}, []string{"no working hours"}},
		"teams of the default": {
			map[string]string{"a.yaml": strings.Replace(calendar, "name: east", "name: default", 1) + "week: {monday: [\"09:00-18:00\"]}\n"},
			[]string{"calendar default: lists teams"},
		},
		"everything wrong with holidays": {
			map[string]string{"a.yaml": "kind: holidays\nname: moon\ndays_off: [{from: 2026-01-02, to: 2026-01-01}, {from: x, to: y}, " +
				"{from: 2026-05-01, to: 2026-05-02}]\nworking_days: [{day: 2026-13-01}, {day: 2026-05-02}]\n"},
			[]string{"no source", `"2026-01-02" to "2026-01-01"`, `"x" to "y"`, `"2026-13-01"`, "2026-05-02 is a day off too"},
		},
		"what two files claim": {
			map[string]string{
				"a.yaml": strings.Replace(clocks, "call", "touch", 1) + "[{rule: x, hours: 2, runs: working, reason: x}]}\n",
				"b.yaml": strings.Replace(cadence, "fishing", "SAAS", 1) + "  - {step: a, day: 1, grades: [A], reason: x}\n",
				"c.yaml": calendar + "week: {monday: [\"09:00-18:00\"]}\n",
				"d.yaml": strings.Replace(calendar, "name: east", "name: west", 1) + "week: {monday: [\"09:00-18:00\"]}\n",
			},
			[]string{"clock touch is in guides and in ours", `industry "saas" is in ours and in saas`, "team east is in east and in west"},
		},
		"one name twice": {
			map[string]string{
				"a.yaml": calendar + "week: {monday: [\"09:00-18:00\"]}\n", "b.yaml": calendar + "week: {friday: [\"09:00-18:00\"]}\n",
			},
			[]string{"b.yaml", "calendar east@0 is in a.yaml too"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{}
			for file, text := range c.files {
				files[file] = &fstest.MapFile{Data: []byte(text)}
			}
			_, err := sla.Load(files, "Asia/Shanghai")
			if err == nil {
				t.Fatal("the files were accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
			if lines := strings.Count(err.Error(), "\n") + 1; len(c.want) > 3 && lines > len(c.want)+3 {
				t.Errorf("%d lines for %d faults:\n%v", lines, len(c.want), err)
			}
		})
	}
	if _, err := sla.Load(nil, "Shanghai"); err == nil || !strings.Contains(err.Error(), "Asia/Shanghai") {
		t.Errorf("a wrong zone gives %v", err)
	}
}
