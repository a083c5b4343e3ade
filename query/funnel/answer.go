package funnel

import (
	"fmt"
	"math"

	"clew/query/catalog"
	"clew/query/clause"
)

// Answer is how many leads passed each step.
type Answer struct {
	Steps []StepCount `json:"steps"`
	// Groups are those of the breakdown, the largest first, then the leads without a value, then the rest. Their counts
	// sum to Steps.
	Groups []Group `json:"groups"`
	// AsOf is the moment the counts are true for; nil while no job has run.
	AsOf *clause.Instant `json:"as_of"`
	// WindowComplete says that the window of every entrant was over at AsOf: nothing will change any more.
	WindowComplete bool `json:"window_complete"`
	// EntrantsStillOpen have not passed every step and are still inside their window.
	EntrantsStillOpen uint64 `json:"entrants_still_open"`
	// OutOfOrder are the entrants that reached a later step before an earlier one, whatever the window.
	OutOfOrder uint64   `json:"out_of_order"`
	Meta       Meta     `json:"meta"`
	Warnings   []string `json:"warnings"`
}

// Meta says how the answer was found.
type Meta struct {
	Engine string `json:"engine"`
	Why    string `json:"why"`
	// WindowMS is in milliseconds.
	WindowMS int64  `json:"window_ms"`
	Order    string `json:"order"`
}

// Group is one value of the breakdown. Kind tells the group of leads without a value (none) and that of the smaller
// values (other) from a value that happens to read the same (value).
type Group struct {
	Value string      `json:"value"`
	Kind  string      `json:"kind"`
	Steps []StepCount `json:"steps"`
}

// StepCount is what happened at one step. Rates over nobody and times of nobody are null.
type StepCount struct {
	Step  Step         `json:"step"`
	Title catalog.Text `json:"title"`
	// Entered passed the step before; of the first step, all entrants.
	Entered uint64 `json:"entered"`
	// Converted passed this step.
	Converted        uint64   `json:"converted"`
	RateFromPrevious *float64 `json:"rate_from_previous"`
	RateFromStart    *float64 `json:"rate_from_start"`
	// MedianSeconds and MeanSeconds are from passing the step before to passing this one.
	MedianSeconds *float64 `json:"median_seconds"`
	MeanSeconds   *float64 `json:"mean_seconds"`
}

// Other is the label of the group of the smaller values.
const Other = "Other"

// The columns every row begins with, before three a step from the second on: converted, median, mean.
const (
	columnTotal = iota
	columnKind
	columnLabel
	columnEntered
	columnUnfinished
	columnStillOpen
	columnOutOfOrder
	columnSteps
)

// Answer reads the rows of the statement. No row at all is a funnel nobody entered.
func (st *Statement) Answer(rows [][]any) (*Answer, error) {
	a := &Answer{
		Groups: []Group{}, WindowComplete: true, Warnings: []string{},
		Meta: Meta{Engine: Engine, Why: why, WindowMS: st.Query.Window.Milliseconds(), Order: st.Query.Order},
	}
	if want := columnSteps + 3*(len(st.Steps)-1); len(rows) > 0 && len(rows[0]) != want {
		return nil, fmt.Errorf("funnel answer has %d columns, want %d", len(rows[0]), want)
	}
	a.Steps = st.steps(nil)
	for _, row := range rows {
		if number(row[columnTotal]) == 1 {
			a.Steps = st.steps(row)
			a.WindowComplete = number(row[columnUnfinished]) == 0
			a.EntrantsStillOpen = number(row[columnStillOpen])
			a.OutOfOrder = number(row[columnOutOfOrder])
			continue
		}
		kind, label := fmt.Sprint(row[columnKind]), fmt.Sprint(row[columnLabel])
		switch kind {
		case groupNone:
			label = clause.None
		case groupOther:
			label = Other
		}
		a.Groups = append(a.Groups, Group{Value: label, Kind: kind, Steps: st.steps(row)})
	}
	return a, nil
}

// steps reads one row; nil is a row of zeroes.
func (st *Statement) steps(row []any) []StepCount {
	out := make([]StepCount, len(st.Steps))
	var entrants uint64
	if row != nil {
		entrants = number(row[columnEntered])
	}
	before := entrants
	for i, stage := range st.Steps {
		s := StepCount{Step: Step{Stage: stage.Name}, Title: stage.Title, Entered: before, Converted: before}
		if i > 0 && row != nil {
			at := columnSteps + 3*(i-1)
			s.Converted = number(row[at])
			s.MedianSeconds, s.MeanSeconds = seconds(row[at+1]), seconds(row[at+2])
		}
		s.RateFromPrevious, s.RateFromStart = ratio(s.Converted, s.Entered), ratio(s.Converted, entrants)
		out[i], before = s, s.Converted
	}
	return out
}

func ratio(part, whole uint64) *float64 {
	if whole == 0 {
		return nil
	}
	r := float64(part) / float64(whole)
	return &r
}

// number reads a count, whatever width the engine gave it.
func number(v any) uint64 {
	switch n := v.(type) {
	case uint64:
		return n
	case uint8:
		return uint64(n)
	default:
		return 0
	}
}

func seconds(v any) *float64 {
	f, ok := v.(float64)
	if !ok || math.IsNaN(f) {
		return nil
	}
	return &f
}
