package warehouse

import (
	"context"

	"clew/ingest"
	"clew/transform/warehouse/embedded"
)

// RawColumns lists, by table, the columns that the sink writes.
func RawColumns() map[string][]string {
	columns := map[string][]string{deadLetters.name: deadLetters.columns()}
	for _, t := range rawTables {
		columns[t.name] = t.columns()
	}
	return columns
}

// Split and OnCluster are what Migrate does with a file's text; ParamText is what it does with a parameter.
var (
	Split     = split
	OnCluster = onCluster
	ParamText = paramText
)

// EngineOf is the engine of a warehouse in process.
func EngineOf(db *DB) *embedded.Engine { return db.engine }

// The places that Look is told of.
const (
	BeforeCheck = beforeCheck
	BeforeSend  = beforeSend
)

// Look calls at on the way of each INSERT of a claim.
func Look(c ingest.Claim, at func(ctx context.Context, where string)) { c.(*writer).at = at }

// KillSoon lets claims kill the INSERTs of earlier owners after so many looks, and puts that back when called.
func KillSoon(looks int) (undo func()) {
	was := killAfter
	killAfter = looks
	return func() { killAfter = was }
}

// ByBatch makes a sink send its rows as it does to a server reached by clickhouse://.
func ByBatch(s ingest.Sink) ingest.Sink {
	s.(*sink).byBatch = true
	return s
}
