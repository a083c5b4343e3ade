package transform_test

import (
	"fmt"
	"testing"

	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// BenchmarkModels computes each derived table for 100 k leads with 2 M touches and behaviours.
func BenchmarkModels(b *testing.B) {
	const leads = 100_000
	db := warehousetest.Open(b)
	for _, table := range []struct {
		name, columns, values string
		perLead               uint64
	}{
		{
			"lead_updates", "company, source, attributes", `'company', 'web', map('region', toString(n % 30), 'urgency', '0-3m',
				'budget_match', 'match', 'company_size', 'large', 'industry', toString(n % 20))`, 2,
		},
		{
			"events", "type, name, channel, source, campaign", `if(n % 5 = 0, 'touchpoint', 'behavior'), 'page_view',
				toString(n % 10), 'baidu', toString(n % 100)`, 20,
		},
		{"stage_changes", "stage, amount", "['new', 'mql', 'sql', 'won', 'invalid'][1 + cityHash64(n) % 5], 100", 3},
		{"assignments", "owner, team, action", "toString(n % 200), toString(n % 20), 'assigned'", 2},
		{"activities", "owner, method, effective", "toString(n % 200), 'call', n % 3 = 0", 3},
	} {
		err := db.Exec(b.Context(), fmt.Sprintf(`INSERT INTO %s (workspace, event_id, lead_id, occurred_at, %s)
			SELECT 'default', toString(n), concat('L', toString(cityHash64(n) %% {leads:UInt64})),
				toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalMinute(cityHash64(n, 1) %% 500000), %s
			FROM (SELECT number AS n FROM numbers({rows:UInt64}))`, table.name, table.columns, table.values),
			warehouse.Params{"leads": leads, "rows": leads * table.perLead})
		if err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := transform.Rebuild(b.Context(), db, at("2027-01-01T00:00:00Z"), transform.Config{Timezone: "Asia/Shanghai"}); err != nil {
			b.Fatal(err)
		}
	}
}
