package identity

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

func TestZZ(t *testing.T) {
	db := warehousetest.Open(t)
	n := 400000
	p := warehouse.Params{"first": 0, "n": n, "leads": n, "at": time.UnixMilli(0), "from": time.UnixMilli(0)}
	var cpu time.Duration
	run := func(name, sql string) {
		s := time.Now()
		if err := db.Exec(t.Context(), sql, p); err != nil {
			t.Fatal(err)
		}
		var r syscall.Rusage
		_ = syscall.Getrusage(0, &r)
		now := time.Duration(r.Utime.Nano() + r.Stime.Nano())
		fmt.Println(name, time.Since(s).Milliseconds(), "cpu", (now - cpu).Milliseconds())
		cpu = now
	}
	run("seed", `INSERT INTO events (workspace, event_id, type, lead_id, anonymous_id, occurred_at, _ingested_at)
		SELECT 'default', concat('e', toString(n)), 'behavior', if(n % 10 = 0, '', concat('L', toString(lead))),
			toString(reinterpretAsUUID(sipHash128(if(n % 20 < 15, 2 * lead, 2 * lead + lead % 2)))),
			toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalMinute(n % 500000), {at:DateTime64(3, 'UTC')}
		FROM (SELECT number + 10 * {first:UInt64} AS n, intDiv(n, 10) AS lead FROM numbers(10 * {n:UInt64}))`)
	run("seed", `INSERT INTO lead_updates (workspace, event_id, lead_id, identifiers, occurred_at, _ingested_at)
		SELECT 'default', concat('u', toString(n)), concat('L', toString(lead)),
			map('email', concat('#', lower(hex(sipHash128(if(lead % 20 = 0, cityHash64(lead) % {leads:UInt64}, lead))))),
				'phone', concat('#', lower(hex(sipHash128(lead, 1))))),
			toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalMinute(n % 500000), {at:DateTime64(3, 'UTC')}
		FROM (SELECT number + 2 * {first:UInt64} AS n, intDiv(n, 2) AS lead FROM numbers(2 * {n:UInt64}))`)
	for i, part := range []string{browserLinks(), identifierLinks(), mergeLinks(), aliasLinks()} {
		run(fmt.Sprint("part ", i), "SELECT count() FROM (SELECT * FROM ("+part+") GROUP BY ALL) SETTINGS max_threads=2 FORMAT Null")
		run(fmt.Sprint("part ", i), part+" FORMAT Null")
	}
	run("ids", "SELECT "+identifierNodes+" AS ids FROM lead_updates FORMAT Null")
	run("sorted only", "SELECT arraySort(mapKeys(identifiers)) AS ids FROM lead_updates FORMAT Null")
	run("all", linksSQL()+" FORMAT Null")
	run("insert", "INSERT INTO identity_links ("+columns(linkColumns)+") "+linksSQL())
	run("optimize", "OPTIMIZE TABLE identity_links FINAL")
}
