package source

import (
	"fmt"
	"iter"
	"slices"

	"clew/ingest/event"
)

// Payload makes the events of the body of one webhook call, JSON, by those inputs of the mapping that say payload. An
// input whose rows are not in the body adds nothing: a system sends bodies of several shapes to one address. {#row}
// counts the rows of the body.
//
// A *RowError stands in the place of a row's events, with Line the number of the row, and the sequence goes on; any
// other error ends it. A body that no input found rows in gives neither. The body is parsed as a whole: who takes it from
// the network bounds it.
func (m *Mapping) Payload(body []byte) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		if !m.TakesPayload() {
			yield(nil, fmt.Errorf("mapping %q is for files: add an input with payload: true", m.Name))
			return
		}
		v, err := parseJSON(body)
		if err != nil {
			yield(nil, fmt.Errorf("mapping %q: the payload is not JSON: %w: send it as application/json", m.Name, err))
			return
		}
		for i := range m.inputs {
			if in := &m.inputs[i]; in.payload && !m.payloadRows(in, v, yield) {
				return
			}
		}
	}
}

// TakesPayload says whether the mapping is for webhooks, among others.
func (m *Mapping) TakesPayload() bool {
	return slices.ContainsFunc(m.inputs, func(in input) bool { return in.payload })
}

func (m *Mapping) payloadRows(in *input, v any, yield func(event.Event, error) bool) bool {
	p := &payloadRows{in: in}
	r := newRow(m, in, "", p)
	for _, t := range (tree{row: v}).rows(in.rows) {
		p.row = t
		p.number++
		r.number = p.number
		if !r.events(yield) {
			return false
		}
	}
	return true
}

// payloadRows is the rows of a body, which is in memory.
type payloadRows struct {
	in     *input
	row    tree
	number int64
}

func (p *payloadRows) next() error { return nil }

func (p *payloadRows) values(into []string) error { return p.row.values(p.in, into) }

func (p *payloadRows) position(int) (int64, int) { return p.number, 0 }
