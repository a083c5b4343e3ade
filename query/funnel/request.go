// Package funnel counts how many leads pass through a sequence of lifecycle stages.
//
// The engine is first_reached: it reads, for every lead, when each stage was first reached, so it answers from one row
// a lead. It is a different question from a funnel over repeated events: a second attempt is not seen.
package funnel

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"clew/query/catalog"
	"clew/query/clause"
)

// Engine is the name of the engine, and Why it answers.
const (
	Engine = "first_reached"
	why    = "all steps are lifecycle stages, so the time each lead first reached them decides; " +
		"a stage reached again is not a new attempt"
)

// The stable codes of problems with a funnel, beside those of package clause.
const (
	CodeTooFewSteps           = "too_few_steps"
	CodeTooManySteps          = "too_many_steps"
	CodeBadStep               = "bad_step"
	CodeRepeatedStage         = "repeated_stage"
	CodeUnknownStage          = "unknown_stage"
	CodeEventStepsUnsupported = "event_steps_unsupported"
	CodeBadWindow             = "bad_window"
	CodeUnknownOrder          = "unknown_order"
	CodeOrderUnsupported      = "order_unsupported"
	CodeBadBreakdown          = "bad_breakdown"
)

// Request is a funnel over lifecycle stages.
type Request struct {
	// Steps are 2 to 32 different stages.
	Steps []Step `json:"steps"`
	// Window is counted from the first step, both ends included. Zero: 14 days.
	Window Window `json:"window"`
	// Order is "ordered" (each step at or after the one before; the default) or "unordered".
	Order     string     `json:"order,omitempty"`
	Breakdown *Breakdown `json:"breakdown,omitempty"`
	// DateRange keeps to leads that reached the first step in these days of the business time zone.
	DateRange *clause.DateRange `json:"dateRange,omitempty"`
	Filters   []clause.Filter   `json:"filters,omitempty"`
}

// Step is one step: a stage.
type Step struct {
	Stage string `json:"stage,omitempty"`
	// Event and Filters belong to steps over events; they are read so that the refusal can name them.
	Event   string          `json:"event,omitempty"`
	Filters json.RawMessage `json:"filters,omitempty"`
}

// Breakdown splits the answer by a dimension. The groups sum to the whole.
type Breakdown struct {
	Dimension string `json:"dimension"`
	// Limit is how many values get a group of their own, the largest first; the rest are one group. 0 means 20.
	Limit int `json:"limit,omitempty"`
}

// Window is how long after the first step a step still counts.
type Window struct{ time.Duration }

// The orders of steps.
const (
	OrderOrdered   = "ordered"
	OrderUnordered = "unordered"
)

const (
	minSteps, maxSteps = 2, 32
	defaultWindow      = 14 * 24 * time.Hour
	// maxWindow is a hundred years: a longer one is a slip of the unit.
	maxWindow       = 36_600 * 24 * time.Hour
	defaultGroups   = 20
	maxGroups       = 1000
	windowHint      = `give "90d", "12h", "30m", "2w" or a whole number of milliseconds above 0`
	eventStepsHint  = "use lifecycle stages as steps: the " + Engine + " engine knows no events"
	breakdownHint   = "name one dimension, and limit the groups to 1 to 1000"
	orderHint       = `use "ordered" or "unordered"`
	unusableStepFix = "use the measure invalid_leads in a query"
)

// titles of the codes of this package.
var titles = map[string]string{
	CodeTooFewSteps:           "The funnel has too few steps",
	CodeTooManySteps:          "The funnel has too many steps",
	CodeBadStep:               "The step cannot be read",
	CodeRepeatedStage:         "A stage is a step twice",
	CodeUnknownStage:          "There is no such stage",
	CodeEventStepsUnsupported: "Steps over events are not supported",
	CodeBadWindow:             "The window cannot be read",
	CodeUnknownOrder:          "There is no such order",
	CodeOrderUnsupported:      "The order is not supported",
	CodeBadBreakdown:          "The breakdown cannot be read",
}

func invalid(code, hint, format string, args ...any) error {
	p := clause.Invalid(code, hint, format, args...)
	if title, ok := titles[code]; ok {
		p.Title = title
	}
	return p
}

// Decode reads a request from JSON. Unknown keys and wrong types are problems that name the place.
func Decode(raw []byte) (Request, error) {
	var r Request
	if err := clause.Decode(raw, &r); err != nil {
		return Request{}, err
	}
	return r, nil
}

var windowText = regexp.MustCompile(`^([0-9]{1,12})(ms|s|m|h|d|w)$`)

var windowUnits = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	"w": 7 * 24 * time.Hour,
}

// ParseWindow reads "90d", "12h", "30m", "45s", "2w", "500ms".
func ParseWindow(s string) (Window, error) {
	m := windowText.FindStringSubmatch(s)
	if m == nil {
		return Window{}, invalid(CodeBadWindow, windowHint, "window %.40q is not a length of time", s)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	unit := windowUnits[m[2]]
	if err != nil || n == 0 || n > int64(maxWindow/unit) {
		return Window{}, invalid(CodeBadWindow, windowHint, "window %s is not between 1 ms and 36600 days", s)
	}
	return Window{time.Duration(n) * unit}, nil
}

// UnmarshalJSON takes a text as ParseWindow does, or a whole number of milliseconds. Null is refused: a window that is
// to be the default is left out.
func (w *Window) UnmarshalJSON(data []byte) (err error) {
	text := string(data) + "ms"
	if data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	} else if windowText.FindString(text) == "" {
		return invalid(CodeBadWindow, windowHint, "window %s is not a whole number above 0", clause.Excerpt(data))
	}
	*w, err = ParseWindow(text)
	return err
}

// MarshalJSON writes milliseconds.
func (w Window) MarshalJSON() ([]byte, error) { return json.Marshal(w.Milliseconds()) }

// check finds what is wrong with a request, and lists the members it uses.
func (r *Request) check(c *catalog.Catalog) ([]clause.Use, error) {
	if err := r.checkSteps(c); err != nil {
		return nil, err
	}
	if w := r.Window.Duration; w != 0 && (w < time.Millisecond || w > maxWindow) {
		return nil, invalid(CodeBadWindow, windowHint, "window %s is not between 1 ms and 36600 days", w)
	}
	switch r.Order {
	case "", OrderOrdered, OrderUnordered:
	case "strict":
		return nil, invalid(CodeOrderUnsupported, orderHint, "order strict asks for events between the steps, and the "+
			Engine+" engine sees stages alone")
	default:
		return nil, invalid(CodeUnknownOrder, orderHint, "unknown order %.40q", r.Order)
	}
	uses, err := clause.Members(c, r.Filters)
	if err != nil {
		return nil, err
	}
	if b := r.Breakdown; b != nil {
		if b.Limit < 0 || b.Limit > maxGroups {
			return nil, invalid(CodeBadBreakdown, breakdownHint, "breakdown limit %d is out of range", b.Limit)
		}
		if err := clause.CheckDimension(c, b.Dimension); err != nil {
			return nil, err
		}
		uses = append(uses, clause.Use{Member: b.Dimension})
	}
	return uses, nil
}

func (r *Request) checkSteps(c *catalog.Catalog) error {
	if n := len(r.Steps); n < minSteps {
		return invalid(CodeTooFewSteps, `as "steps":[{"stage":"new"},{"stage":"won"}]`, "%d steps, at least %d",
			n, minSteps)
	} else if n > maxSteps {
		return invalid(CodeTooManySteps, "", "%d steps, at most %d", n, maxSteps)
	}
	seen := map[string]bool{}
	for i, s := range r.Steps {
		if err := s.check(c, i+1); err != nil {
			return err
		}
		if seen[s.Stage] {
			return invalid(CodeRepeatedStage, "name each stage once", "step %d: stage %s is a step already", i+1, s.Stage)
		}
		seen[s.Stage] = true
	}
	return nil
}

func (s Step) check(c *catalog.Catalog, number int) error {
	if s.Event != "" {
		return invalid(CodeEventStepsUnsupported, eventStepsHint, "step %d is the event %.80q", number, s.Event)
	}
	if s.Stage == "" || s.Filters != nil {
		return invalid(CodeBadStep, `write {"stage":"mql"}; filters stand beside steps and hold for the lead`,
			"step %d is not a stage alone", number)
	}
	stage, ok := c.Stage(s.Stage)
	if !ok {
		return invalid(CodeUnknownStage, "use one of "+strings.Join(stages(c), ", "), "step %d: unknown stage %.80q",
			number, s.Stage)
	}
	if stage.At == "" {
		return invalid(CodeBadStep, unusableStepFix, "step %d: %s leads are left out of every funnel", number, s.Stage)
	}
	return nil
}

// stages are those that can be steps.
func stages(c *catalog.Catalog) []string {
	var names []string
	for _, s := range c.Stages {
		if s.At != "" {
			names = append(names, s.Name)
		}
	}
	return names
}
