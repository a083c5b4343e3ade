package faulttest

import (
	"net/url"
	"testing"

	"clew/transform/warehouse"
)

// limit is a refusal of the engine that somebody must end.
type limit struct {
	name string
	// says is what the sink logs of it.
	says string
	// settings are those of the INSERTs meanwhile; begin and end are statements.
	settings   url.Values
	begin, end []string
}

var limits = []limit{
	{
		name: "too many parts", says: "merges are behind",
		begin: []string{"SYSTEM STOP MERGES events", "ALTER TABLE events MODIFY SETTING parts_to_throw_insert = 1"},
		end:   []string{"ALTER TABLE events RESET SETTING parts_to_throw_insert", "SYSTEM START MERGES events"},
	},
	{
		name: "memory limit", says: "memory is short",
		settings: url.Values{"max_memory_usage": {"100000"}},
	},
	{
		name: "user may only read", says: "the user may only read",
		settings: url.Values{"readonly": {"1"}},
	},
	{
		name: "table is read-only", says: "the table was made read-only",
		begin: []string{"ALTER TABLE events MODIFY SETTING table_readonly = 1"},
		end:   []string{"ALTER TABLE events RESET SETTING table_readonly"},
	},
}

// TestLimits has the engine refuse every INSERT for a cause that is not in the rows: nothing may be set aside as a dead
// letter, and the flow goes on when the cause is gone.
func TestLimits(t *testing.T) {
	n, rounds := size(t, 100_000, 10)
	brokers := []string{startBroker(t).addr}
	engine := start(t, child{Role: "engine", Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	g := startGate(t, engine.addr)
	sink := start(t, servedSink(brokers, g.addr()).withTopics(t))
	db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: "http://" + engine.addr})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	part := n / (rounds*len(limits) + 1)
	produce(t, brokers, 0, part) // a partition of the table that has no part yet cannot have too many
	caughtUp(t, brokers)
	for i := range rounds * len(limits) {
		l := limits[i%len(limits)]
		before := sink.said(l.says)
		do(t, db, l.begin...)
		g.settings.Store(&l.settings)
		produce(t, brokers, (i+1)*part, (i+2)*part)
		sink.logs(t, l.says, before, func() {})
		do(t, db, l.end...)
		g.settings.Store(nil)
		caughtUp(t, brokers)
	}
	sink.stop(t)
	judgeAt(t, "parts, memory, read-only user and table", rounds*len(limits), "http://"+engine.addr, brokers,
		sent{events: part * (rounds*len(limits) + 1)})
}
