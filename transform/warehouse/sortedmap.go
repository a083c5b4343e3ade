package warehouse

import (
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// sortedMap writes a map in the order of its keys: ClickHouse keeps the order, and two maps with the same entries in
// another order are unequal to it. It is its own iterator, for one goroutine, and so costs clickhouse-go no memory.
type sortedMap struct {
	keys, values []string
	at           int
}

// noEntries stands for all empty maps. Nothing changes it.
var noEntries sortedMap

func sorted[V ~string](m map[string]V) *sortedMap {
	if len(m) == 0 {
		return &noEntries
	}
	texts := make([]string, 2*len(m))
	s := &sortedMap{keys: texts[:0:len(m)], values: texts[len(m):]}
	for key := range m {
		s.keys = append(s.keys, key)
	}
	slices.Sort(s.keys)
	for i, key := range s.keys {
		s.values[i] = string(m[key])
	}
	return s
}

// Put is for reading, which this type does not do; clickhouse-go wants it of a map with an order.
func (*sortedMap) Put(any, any) {}

// Iterator goes over the entries.
func (s *sortedMap) Iterator() column.MapIterator {
	if len(s.keys) > 0 {
		s.at = -1
	}
	return s
}

// Next goes to the next entry.
func (s *sortedMap) Next() bool {
	if len(s.keys) == 0 {
		return false
	}
	s.at++
	return s.at < len(s.keys)
}

// Key is the entry's key.
func (s *sortedMap) Key() any { return s.keys[s.at] }

// Value points to the entry's value, which takes no memory.
func (s *sortedMap) Value() any { return &s.values[s.at] }
