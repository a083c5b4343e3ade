package warehouse

import (
	"cmp"
	"context"
	"maps"
	"math"
	"sync"

	"clew/ingest"
)

// frontier is how far a raw table is filled: beyond it, a row is new without asking. That spares a scan for each batch,
// which grows with the table.
//
// It can be known only where nobody else writes, which is in process: the directory belongs to this process, and every
// Sink of a DB goes by the same frontier. Toward a server it stays unknown, and each batch is asked for.
type frontier struct {
	sync.Mutex
	// tops are the highest positions stored; nil while that is not known.
	tops map[log]ingest.Position
}

// frontier is the one of a raw table.
func (db *DB) frontier(table string) *frontier {
	f, _ := db.frontiers.LoadOrStore(table, &frontier{})
	return f.(*frontier)
}

// forget makes the tops unknown.
func (f *frontier) forget() {
	f.Lock()
	defer f.Unlock()
	f.tops = nil
}

// learn reads the tops from the tables where they are not known and can be. Of the message at the top some rows may be
// missing, so none of them counts as beyond.
func (f *frontier) learn(ctx context.Context, db *DB, tables []string) error {
	if f.tops != nil || db.engine == nil {
		return nil
	}
	var found []struct {
		Source    uint64 `ch:"_src"`
		Partition uint32 `ch:"_partition"`
		Top       uint64 `ch:"top"`
	}
	sql := "SELECT _src, _partition, max(_offset) AS top FROM (" + allPositions(tables) + ") GROUP BY _src, _partition"
	if err := db.Select(ctx, &found, sql, nil); err != nil {
		return err
	}
	f.tops = map[log]ingest.Position{}
	for _, l := range found {
		f.tops[log{l.Source, l.Partition}] = ingest.Position{Offset: l.Top, Row: math.MaxUint16}
	}
	return nil
}

// beyond says whether each row lies beyond the tops and beyond the row of its log before it, and how far the rows reach.
// Where the tops are not known, no row does, and that stays so.
func (t *table[R]) beyond(rows []R, tops map[log]ingest.Position) (reached map[log]ingest.Position, fresh bool) {
	reached, fresh = maps.Clone(tops), tops != nil
	for _, row := range rows {
		if tops == nil {
			break
		}
		p := t.at(row)
		key := log{p.Source, p.Partition}
		top, known := reached[key]
		if known && cmp.Or(cmp.Compare(p.Offset, top.Offset), cmp.Compare(p.Row, top.Row)) <= 0 {
			fresh = false
			continue
		}
		reached[key] = p
	}
	return reached, fresh
}
