// Package query answers requests for metrics: it turns a request into one statement, asks the warehouse, and gives back
// the rows with what they mean, the moment they are true for, and what to be careful about.
package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"clew/query/catalog"
	"clew/query/clause"
)

// Problem is a fault the caller may see and act on.
type Problem = clause.Problem

// Request is a metrics query in Cube's shape. At least one measure or dimension is needed.
type Request struct {
	Measures       []string        `json:"measures"`
	Dimensions     []string        `json:"dimensions"`
	TimeDimensions []TimeDimension `json:"timeDimensions"`
	// Filters must all hold.
	Filters []clause.Filter `json:"filters"`
	// Order defaults to the times, else the first measure from the largest down; ties follow the dimensions.
	Order Order `json:"order"`
	// Limit is the most rows to answer; 0 means DefaultLimit, more than MaxLimit is refused.
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
	// Timezone is an IANA name; empty: the business time zone.
	Timezone string `json:"timezone"`
}

// TimeDimension groups by a time (Granularity) or keeps to a range of it (DateRange), or both.
type TimeDimension struct {
	Dimension   string            `json:"dimension"`
	Granularity string            `json:"granularity,omitempty"`
	DateRange   *clause.DateRange `json:"dateRange,omitempty"`
}

// Key is the name of the time dimension's column in an answer, as created_at.month.
func (t TimeDimension) Key() string { return t.Dimension + "." + t.Granularity }

// Order is a list of members to sort by.
type Order []OrderBy

// OrderBy sorts by a member that the query asks for. Nulls come last either way.
type OrderBy struct {
	Member string
	Desc   bool
}

// The bounds of a request.
const (
	DefaultLimit = 10_000
	MaxLimit     = 50_000
	maxMembers   = 64
)

// Decode reads a request from JSON. Unknown keys and wrong types are problems that name the place.
func Decode(raw []byte) (Request, error) {
	var r Request
	if err := clause.Decode(raw, &r); err != nil {
		return Request{}, err
	}
	return r, nil
}

// UnmarshalJSON takes {"leads":"desc"}, in which the order of keys counts, and [["leads","desc"]].
func (o *Order) UnmarshalJSON(data []byte) error {
	bad := clause.Invalid(clause.CodeBadOrder, `write {"leads":"desc"} or [["leads","desc"]]`, "order is %s",
		clause.Excerpt(data))
	var pairs [][]string
	switch data[0] {
	case '{':
		var err error
		if pairs, err = objectPairs(data); err != nil {
			return bad
		}
	case '[':
		if err := json.Unmarshal(data, &pairs); err != nil {
			return bad
		}
	case 'n':
		return nil
	default:
		return bad
	}
	*o = Order{}
	for _, p := range pairs {
		if len(p) != 2 || (p[1] != "asc" && p[1] != "desc") {
			return bad
		}
		*o = append(*o, OrderBy{Member: p[0], Desc: p[1] == "desc"})
	}
	return nil
}

// objectPairs reads an object of texts in the order in which it is written.
func objectPairs(data []byte) ([][]string, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var pairs [][]string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value string
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		pairs = append(pairs, []string{key.(string), value})
	}
	return pairs, nil
}

// MarshalJSON writes the list of pairs.
func (o Order) MarshalJSON() ([]byte, error) {
	pairs := make([][2]string, len(o))
	for i, by := range o {
		pairs[i] = [2]string{by.Member, by.direction()}
	}
	return json.Marshal(pairs)
}

func (by OrderBy) direction() string {
	if by.Desc {
		return "desc"
	}
	return "asc"
}

var granularities = []string{"hour", "day", "week", "month", "quarter", "year"}

// check finds what is wrong with a request before a cube is chosen, and lists the members it uses.
func (r *Request) check(c *catalog.Catalog) ([]clause.Use, error) {
	if len(r.Measures)+len(r.Dimensions) == 0 {
		return nil, clause.Invalid(clause.CodeEmptyQuery, `name at least one, as "measures":["leads"]`,
			"no measures and no dimensions")
	}
	if n := len(r.Measures) + len(r.Dimensions) + len(r.TimeDimensions); n > maxMembers {
		return nil, clause.Invalid(clause.CodeTooManyMembers, "ask in several queries", "%d members, at most %d",
			n, maxMembers)
	}
	if r.Limit < 0 || r.Limit > MaxLimit || r.Offset < 0 {
		return nil, clause.Invalid(clause.CodeBadLimit, "page with offset, or narrow the query",
			"limit %d, offset %d: limit goes from 1 to %d, offset from 0", r.Limit, r.Offset, MaxLimit)
	}
	uses, err := r.uses(c)
	if err != nil {
		return nil, err
	}
	filtered, err := clause.Members(c, r.Filters)
	if err != nil {
		return nil, err
	}
	return append(uses, filtered...), r.checkOrder()
}

func (r *Request) uses(c *catalog.Catalog) ([]clause.Use, error) {
	var uses []clause.Use
	seen := map[string]bool{}
	add := func(key string, u clause.Use, err error) error {
		if err != nil {
			return err
		}
		if seen[key] {
			return clause.Invalid(clause.CodeDuplicateMember, "name it once", "%s is asked for twice", key)
		}
		seen[key] = true
		uses = append(uses, u)
		return nil
	}
	for _, m := range r.Measures {
		if err := add(m, clause.Use{Member: m}, clause.CheckMeasure(c, m)); err != nil {
			return nil, err
		}
	}
	for _, d := range r.Dimensions {
		if err := add(d, clause.Use{Member: d}, clause.CheckDimension(c, d)); err != nil {
			return nil, err
		}
	}
	for _, t := range r.TimeDimensions {
		use := clause.Use{Member: t.Dimension, Granularity: t.Granularity}
		if err := add(t.Key(), use, t.check(c)); err != nil {
			return nil, err
		}
	}
	return uses, nil
}

func (t TimeDimension) check(c *catalog.Catalog) error {
	if err := clause.CheckTime(c, t.Dimension); err != nil {
		return err
	}
	if t.Granularity == "" && t.DateRange == nil {
		return clause.Invalid(clause.CodeBadTimeDimension, "give a granularity, a dateRange or both",
			"%s has neither granularity nor dateRange", t.Dimension)
	}
	if t.Granularity != "" && !slices.Contains(granularities, t.Granularity) {
		return clause.Invalid(clause.CodeBadGranularity, "use one of "+strings.Join(granularities, ", "),
			"%s: unknown granularity %.40q", t.Dimension, t.Granularity)
	}
	return nil
}

func (r *Request) checkOrder() error {
	for i, by := range r.Order {
		key := r.column(by.Member)
		if key == "" {
			return clause.Invalid(clause.CodeBadOrder, "order by a member the query asks for",
				"order: %.80q is not among the columns", by.Member)
		}
		if slices.ContainsFunc(r.Order[:i], func(o OrderBy) bool { return r.column(o.Member) == key }) {
			return clause.Invalid(clause.CodeBadOrder, "name it once", "order: %s is there twice", key)
		}
	}
	return nil
}

// column is the key of the answer's column that a member of the order means: a time dimension may leave out its
// granularity. Empty: there is none.
func (r *Request) column(member string) string {
	if slices.Contains(r.Measures, member) || slices.Contains(r.Dimensions, member) {
		return member
	}
	for _, t := range r.TimeDimensions {
		if t.Granularity != "" && (member == t.Key() || member == t.Dimension) {
			return t.Key()
		}
	}
	return ""
}

// defaultOrder is by the times, else by the first measure from the largest down.
func (r *Request) defaultOrder() Order {
	order := Order{}
	for _, t := range r.TimeDimensions {
		if t.Granularity != "" {
			order = append(order, OrderBy{Member: t.Key()})
		}
	}
	if len(order) == 0 && len(r.Measures) > 0 && len(r.Dimensions) > 0 {
		order = append(order, OrderBy{Member: r.Measures[0], Desc: true})
	}
	return order
}

// normalize fills in what the request left open. The ranges stay as they are until they are compiled.
func (r *Request) normalize(timezone string) {
	r.Measures = append([]string{}, r.Measures...)
	r.Dimensions = append([]string{}, r.Dimensions...)
	r.TimeDimensions = append([]TimeDimension{}, r.TimeDimensions...)
	r.Filters = append([]clause.Filter{}, r.Filters...)
	if len(r.Order) == 0 {
		r.Order = r.defaultOrder()
	}
	if r.Limit == 0 {
		r.Limit = DefaultLimit
	}
	if r.Timezone == "" {
		r.Timezone = timezone
	}
}

// String is the request as JSON, for logs.
func (r Request) String() string {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Sprintf("unprintable request: %v", err)
	}
	return string(b)
}
