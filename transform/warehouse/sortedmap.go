package warehouse

import (
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// sortedMap writes a map in the order of its keys: ClickHouse keeps the order, and two maps with the same entries in
// another order are unequal to it.
type sortedMap struct{ keys, values []string }

func sorted[V ~string](m map[string]V) sortedMap {
	if len(m) == 0 {
		return sortedMap{}
	}
	s := sortedMap{keys: make([]string, 0, len(m)), values: make([]string, len(m))}
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
func (sortedMap) Put(any, any) {}

// Iterator goes over the entries.
func (s sortedMap) Iterator() column.MapIterator { return &sortedMapIterator{sortedMap: s, at: -1} }

type sortedMapIterator struct {
	sortedMap
	at int
}

// Next goes to the next entry.
func (i *sortedMapIterator) Next() bool { i.at++; return i.at < len(i.keys) }

// Key is the entry's key.
func (i *sortedMapIterator) Key() any { return i.keys[i.at] }

// Value is the entry's value.
func (i *sortedMapIterator) Value() any { return i.values[i.at] }
