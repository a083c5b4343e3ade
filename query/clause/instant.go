package clause

import "time"

// Instant is a moment that is written with milliseconds in UTC, as 2026-11-21T00:00:00.000Z.
type Instant struct{ time.Time }

// MarshalJSON keeps three digits of the second, so that equal moments have equal texts.
func (i Instant) MarshalJSON() ([]byte, error) {
	return []byte(i.UTC().Format(`"2006-01-02T15:04:05.000Z07:00"`)), nil
}
