package query

import (
	"bytes"
	"encoding/json"
	"math"
	"time"

	"clew/query/catalog"
	"clew/query/clause"
)

// Answer is the rows of a query and what they mean.
type Answer struct {
	// Query is the request with everything filled in.
	Query      Request    `json:"query"`
	Data       Table      `json:"data"`
	Annotation Annotation `json:"annotation"`
	// AsOf is the moment the answer is true for; nil while no job has run.
	AsOf     *clause.Instant `json:"as_of"`
	Timezone string          `json:"timezone"`
	// Warnings say what could be misread. They are in English, for the person who asks.
	Warnings []string `json:"warnings"`
}

// Table is rows of values by key. In JSON it is a list of objects with the keys in the order of Keys.
type Table struct {
	Keys []string
	Rows [][]any
}

// Annotation says what each key of the rows is.
type Annotation struct {
	Measures       map[string]MemberNote `json:"measures"`
	Dimensions     map[string]MemberNote `json:"dimensions"`
	TimeDimensions map[string]MemberNote `json:"timeDimensions"`
}

// MemberNote is the title and type of a member: number, string or time; measures have a unit.
type MemberNote struct {
	Title catalog.Text `json:"title"`
	Type  string       `json:"type"`
	Unit  catalog.Unit `json:"unit,omitempty"`
}

// MarshalJSON writes the objects without sorting their keys.
func (t Table) MarshalJSON() ([]byte, error) {
	keys := make([][]byte, len(t.Keys))
	for i, k := range t.Keys {
		key, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		keys[i] = append(key, ':')
	}
	var b bytes.Buffer
	b.WriteByte('[')
	for i, row := range t.Rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('{')
		for j, v := range row {
			if j > 0 {
				b.WriteByte(',')
			}
			value, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			b.Write(keys[j])
			b.Write(value)
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, keys in their order; numbers become json.Number. Without a row the keys
// are not known.
func (t *Table) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	*t = Table{}
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		if _, err := d.Token(); err != nil {
			return err
		}
		var keys []string
		var row []any
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return err
			}
			var value any
			if err := d.Decode(&value); err != nil {
				return err
			}
			keys, row = append(keys, key.(string)), append(row, value)
		}
		if _, err := d.Token(); err != nil {
			return err
		}
		t.Keys, t.Rows = keys, append(t.Rows, row)
	}
	return nil
}

// answerTime is how the start of a day, week … is answered: by the clock of the answer's time zone.
const answerTime = "2006-01-02T15:04:05.000"

// plain turns a value of the engine into one of the answer.
func plain(kind ColumnKind, v any) any {
	switch x := v.(type) {
	case string:
		if kind == ColumnDimension && x == "" {
			return clause.None
		}
	case time.Time:
		return x.Format(answerTime)
	case float64:
		// The engine's not-a-number and infinity have no value, and no form in JSON.
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil
		}
	}
	return v
}

// annotate describes the columns of a statement.
func annotate(c *catalog.Catalog, columns []Column) Annotation {
	a := Annotation{
		Measures: map[string]MemberNote{}, Dimensions: map[string]MemberNote{}, TimeDimensions: map[string]MemberNote{},
	}
	for _, column := range columns {
		switch column.Kind {
		case ColumnMeasure:
			m, _ := c.Measure(column.Key)
			a.Measures[column.Key] = MemberNote{Title: m.Title, Type: "number", Unit: m.Unit}
		case ColumnDimension:
			d, name, _ := c.Dimension(column.Key)
			a.Dimensions[column.Key] = MemberNote{Title: named(d.Title, name), Type: "string"}
		case ColumnTime:
			t, _ := c.TimeDimension(column.member())
			a.TimeDimensions[column.Key] = MemberNote{Title: t.Title, Type: "time"}
		case ColumnMixed:
		}
	}
	return a
}

// named adds the name of an attribute to its title.
func named(title catalog.Text, name string) catalog.Text {
	if name == "" {
		return title
	}
	return catalog.Text{ZH: title.ZH + " " + name, EN: title.EN + " " + name}
}
