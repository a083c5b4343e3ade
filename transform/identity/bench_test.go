package identity_test

import (
	"flag"
	"runtime"
	"testing"
	"time"

	"clew/transform/identity"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

var benchLeads = flag.Uint64("leads", 50_000, "leads of the benchmarks; ten events, two updates and 1.5 anonymous ids each")

// seed adds leads first to last-1 with their histories: a tenth of the events comes before the visitor is known, and one
// lead in twenty has the e-mail address of another.
func seed(b *testing.B, db *warehouse.DB, first, last uint64, at time.Time) {
	b.Helper()
	p := warehouse.Params{"first": first, "n": last - first, "leads": *benchLeads, "at": at}
	for _, sql := range []string{
		`INSERT INTO events (workspace, event_id, type, lead_id, anonymous_id, occurred_at, _ingested_at)
		SELECT 'default', concat('e', toString(n)), 'behavior', if(n % 10 = 0, '', concat('L', toString(lead))),
			toString(reinterpretAsUUID(sipHash128(if(n % 20 < 15, 2 * lead, 2 * lead + lead % 2)))),
			toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalMinute(n % 500000), {at:DateTime64(3, 'UTC')}
		FROM (SELECT number + 10 * {first:UInt64} AS n, intDiv(n, 10) AS lead FROM numbers(10 * {n:UInt64}))`,
		`INSERT INTO lead_updates (workspace, event_id, lead_id, identifiers, occurred_at, _ingested_at)
		SELECT 'default', concat('u', toString(n)), concat('L', toString(lead)),
			map('email', concat('#', lower(hex(sipHash128(if(lead % 20 = 0, cityHash64(lead) % {leads:UInt64}, lead))))),
				'phone', concat('#', lower(hex(sipHash128(lead, 1))))),
			toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalMinute(n % 500000), {at:DateTime64(3, 'UTC')}
		FROM (SELECT number + 2 * {first:UInt64} AS n, intDiv(n, 2) AS lead FROM numbers(2 * {n:UInt64}))`,
	} {
		if err := db.Exec(b.Context(), sql, p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRebuild and the update of the last hundredth of the leads.
func BenchmarkIdentities(b *testing.B) {
	db := warehousetest.Open(b)
	news := start.Add(time.Hour)
	seed(b, db, 0, *benchLeads*99/100, start)
	if _, err := identity.Rebuild(b.Context(), db, identity.Config{}); err != nil {
		b.Fatal(err)
	}
	seed(b, db, *benchLeads*99/100, *benchLeads, news)
	b.Run("update of 1 %", func(b *testing.B) {
		for b.Loop() {
			if _, err := identity.Update(b.Context(), db, news, identity.Config{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("rebuild", func(b *testing.B) {
		for b.Loop() {
			result, err := identity.Rebuild(b.Context(), db, identity.Config{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(result.Nodes), "nodes")
		}
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		b.ReportMetric(float64(memory.Sys)/(1<<20), "MiB-of-Go")
	})
}
