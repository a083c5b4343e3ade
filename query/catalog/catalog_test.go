package catalog

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestTheShippedCatalogIsValid(t *testing.T) {
	if _, err := Load(); err != nil {
		t.Fatal(err)
	}
}

// TestTheMembersArePromised: names are what others build on; dropping or renaming one must be noticed.
func TestTheMembersArePromised(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range c.Measures {
		got = append(got, m.Name+": "+strings.Join(slices.Sorted(maps.Keys(m.In)), " "))
	}
	for _, d := range c.Dimensions {
		got = append(got, d.Name+": "+strings.Join(slices.Sorted(maps.Keys(d.In)), " "))
	}
	for _, d := range c.TimeDimensions {
		got = append(got, d.Name+": "+strings.Join(slices.Sorted(maps.Keys(d.In)), " "))
	}
	want := []string{
		"leads: leads spend", "invalid_leads: leads spend", "mqls: leads spend", "sqls: leads spend",
		"opportunities: leads spend", "won: leads spend", "lost: leads", "new_to_mql_rate: leads spend",
		"mql_to_sql_rate: leads spend", "sql_to_opportunity_rate: leads spend", "opportunity_to_won_rate: leads spend",
		"lead_to_won_rate: leads spend", "won_amount: leads spend", "cost: spend", "impressions: spend", "clicks: spend",
		"cpl: spend", "cost_per_mql: spend", "cost_per_sql: spend", "cost_per_won: spend", "romi: spend",
		"cost_base: spend", "won_amount_base: spend", "cpl_base: spend", "romi_base: spend",
		"first_response_hours: leads", "first_response_from_creation_hours: leads", "timeliness_24h: leads",
		"valid_lead_rate: leads", "days_to_won_median: leads", "days_to_won_mean: leads", "days_to_won_p25: leads",
		"days_to_won_p75: leads", "days_to_won_p90: leads", "days_to_won_max: leads", "days_to_won_min: leads",
		"won_within_7d: leads", "won_within_30d: leads", "won_within_90d: leads", "won_before_created: leads",
		"avg_score: leads",
		"channel: leads spend", "source: leads", "medium: leads", "campaign: leads spend", "region: leads",
		"industry: leads", "product: leads", "owner: leads", "team: leads", "stage: leads", "grade: leads",
		"currency: leads spend", "flag: leads", "attr: leads",
		"created_at: leads spend", "mql_at: leads", "sql_at: leads", "opportunity_at: leads", "won_at: leads",
		"lost_at: leads", "date: leads spend",
	}
	if !slices.Equal(got, want) {
		t.Errorf("members:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNamedDimensions(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, name, ok := c.Dimension("attr.公司 规模.x"); !ok || name != "公司 规模.x" {
		t.Errorf("attr.公司 规模.x: name %q, found %v", name, ok)
	}
	for _, member := range []string{"attr", "channel.x", "nothing"} {
		if _, _, ok := c.Dimension(member); ok {
			t.Errorf("%s is taken for a dimension", member)
		}
	}
}

func TestAliases(t *testing.T) {
	got := Aliases("countIf(f.a > 0.5 AND l.b != 'x.y') / sum(f.c)")
	if !slices.Equal(got, []string{"f", "l"}) {
		t.Errorf("aliases %v", got)
	}
}

const small = `
cubes: [{name: leads, from: lead_facts AS f}]
stages: [{name: new, title: {zh: 新, en: New}, at: f.created_at}]
measures:
  - {name: n, title: {zh: 数, en: N}, description: {zh: 数, en: N}, unit: count, in: {leads: {sql: count()}}}
dimensions: [{name: stage, title: {zh: 阶, en: S}, description: {zh: 阶, en: S}, in: {leads: f.stage}}]
time_dimensions: [{name: at, title: {zh: 时, en: T}, description: {zh: 时, en: T}, in: {leads: {instant: f.at}}}]
`

func TestParseNamesEveryFault(t *testing.T) {
	if _, err := Parse([]byte(small)); err != nil {
		t.Fatalf("the small catalog must be valid: %v", err)
	}
	for _, test := range []struct{ old, new, want string }{
		{"unit: count", "unit: count, colour: red", "field colour not found"},
		{"unit: count", "unit: apples", `measure n: unknown unit "apples"`},
		{"unit: count", "unit: money", "measure n in leads: money without currencies"},
		{"{sql: count()}", "{sql: count(), currencies: x}", `measure n in leads: unknown currencies "x"`},
		{"{sql: count()}", "{sql: ''}", "measure n in leads: no sql"},
		{"{leads: {sql: count()}}", "{sales: {sql: count()}}", `n: unknown cube "sales"`},
		{"{leads: {sql: count()}}", "{}", "measure n: in no cube"},
		{"name: n,", "name: stage,", "member stage is there twice"},
		{"name: n,", "name: N,", `measure "N": a name is lower-case letters`},
		{"name: n,", "name: attr_1,", "names with attr_ are the compiler's"},
		{"en: N}, unit", "en: ''}, unit", "measure n: title and description are needed in zh and en"},
		{"f.stage", "x.stage", "unknown alias x in x.stage"},
		{"leads: f.stage", "leads: 'f.a[{name:String}]'", "named and {name:String} go together"},
		{"{instant: f.at}", "{instant: f.at, day: f.at}", "either instant or day"},
		{"lead_facts AS f", "lead_facts", "an alias of one letter"},
		{"AS f}", "AS f, joins: [{alias: l, sql: JOIN leads AS l}]}", "must be a LEFT JOIN"},
		{"AS f}", "AS f, currencies: {won: {sql: x()}}}", "currencies won needs sql and warning"},
	} {
		broken := strings.Replace(small, test.old, test.new, 1)
		if broken == small {
			t.Fatalf("%q is not in the small catalog", test.old)
		}
		if _, err := Parse([]byte(broken)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q → %q: got %v, want %s", test.old, test.new, err, test.want)
		}
	}
}
