package query

import (
	"context"
	"fmt"
	"strings"

	"clew/query/catalog"
	"clew/query/clause"
)

// Meta is everything a request can name.
type Meta struct {
	Timezone  string          `json:"timezone"`
	WeekStart string          `json:"week_start"`
	AsOf      *clause.Instant `json:"as_of"`
	Stages    []string        `json:"stages"`
	Measures  []MetaMeasure   `json:"measures"`
	// Dimensions are those of the catalog, then attr.NAME for the attributes that most leads have.
	Dimensions     []MetaDimension `json:"dimensions"`
	TimeDimensions []MetaDimension `json:"time_dimensions"`
}

// MetaMeasure describes a measure.
type MetaMeasure struct {
	Name        string       `json:"name"`
	Title       catalog.Text `json:"title"`
	Description catalog.Text `json:"description"`
	Unit        catalog.Unit `json:"unit"`
	Additive    bool         `json:"additive"`
	Target      *float64     `json:"target"`
}

// MetaDimension describes a dimension (type string) or a time dimension (type time).
type MetaDimension struct {
	Name        string       `json:"name"`
	Title       catalog.Text `json:"title"`
	Description catalog.Text `json:"description"`
	Type        string       `json:"type"`
}

// Meta lists what can be asked for.
func (s *Service) Meta(ctx context.Context) (*Meta, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	asOf, err := s.asOf(ctx)
	if err != nil {
		return nil, err
	}
	attributes, err := s.attributes(ctx)
	if err != nil {
		return nil, err
	}
	m := &Meta{Timezone: s.config.Timezone, WeekStart: s.config.WeekStart, AsOf: asOf, Dimensions: []MetaDimension{}}
	for _, stage := range s.catalog.Stages {
		m.Stages = append(m.Stages, stage.Name)
	}
	for _, x := range s.catalog.Measures {
		m.Measures = append(m.Measures, MetaMeasure{x.Name, x.Title, x.Description, x.Unit, x.Additive, x.Target})
	}
	for _, d := range s.catalog.Dimensions {
		if !d.Named {
			m.Dimensions = append(m.Dimensions, MetaDimension{d.Name, d.Title, d.Description, "string"})
			continue
		}
		for _, name := range attributes {
			m.Dimensions = append(m.Dimensions,
				MetaDimension{d.Name + "." + name, named(d.Title, name), d.Description, "string"})
		}
	}
	for _, t := range s.catalog.TimeDimensions {
		m.TimeDimensions = append(m.TimeDimensions, MetaDimension{t.Name, t.Title, t.Description, "time"})
	}
	return m, nil
}

// attributes are the names of the lead attributes in use, the most frequent first, up to a number a menu can show.
func (s *Service) attributes(ctx context.Context) ([]string, error) {
	rows, err := s.rows(ctx, strings.Join([]string{
		"SELECT arrayJoin(l.attributes.keys) AS name",
		"FROM leads AS l",
		"GROUP BY name",
		"HAVING lengthUTF8(name) BETWEEN 1 AND {longest:UInt64}",
		"ORDER BY count() DESC, name ASC",
		"LIMIT 100",
	}, "\n"), map[string]any{"longest": catalog.MaxAttribute})
	if err != nil {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = fmt.Sprint(row[0])
	}
	return names, nil
}

// member is the time dimension of a ColumnTime.
func (c Column) member() string {
	name, _, _ := strings.Cut(c.Key, ".")
	return name
}
