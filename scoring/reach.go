package scoring

// Reach is the range of totals that leads can have. Where two rules look at one field it may be wider than what any
// lead gets, never narrower. A model with faults has a range too, as far as it can be told.
func (m *Model) Reach() (low, high float64) { return m.reach(Rule.reach) }

// ReachKnown is Reach for leads whose every field has a value that the model lists.
func (m *Model) ReachKnown() (low, high float64) { return m.reach(Rule.reachKnown) }

// reach adds up ranges as Evaluate adds up points: every step from points to total keeps order, so the ends of a range
// are those of the ranges it comes from.
func (m *Model) reach(of func(Rule) (low, high float64)) (low, high float64) {
	lows, highs := map[string]float64{}, map[string]float64{}
	for _, g := range m.Groups {
		var low, high float64
		for _, rule := range g.Rules {
			l, h := of(rule)
			low, high = low+l, high+h
		}
		lows[g.Axis] += g.Cap.limit(low)
		highs[g.Axis] += g.Cap.limit(high)
	}
	return m.total(lows), m.total(highs)
}

func (rule Rule) reachKnown() (low, high float64) {
	first := true
	for _, points := range rule.Points {
		if first {
			low, high = points, points
		}
		low, high, first = min(low, points), max(high, points), false
	}
	return rule.Cap.limit(low), rule.Cap.limit(high)
}

func (rule Rule) reach() (low, high float64) {
	low, high = rule.reachKnown()
	for _, points := range []*float64{rule.Missing, rule.Other} {
		if points != nil {
			low, high = min(low, rule.Cap.limit(*points)), max(high, rule.Cap.limit(*points))
		}
	}
	return low, high
}

// limit brings x between the limits; nil limits nothing.
func (l *Limits) limit(x float64) float64 {
	if l == nil {
		return x
	}
	return min(max(x, l[0]), l[1])
}

// limits makes Limits of two ends; with an end missing there are none.
func limits(low, high *float64) *Limits {
	if low == nil || high == nil {
		return nil
	}
	return &Limits{*low, *high}
}

// total combines what each axis gathered.
func (m *Model) total(axes map[string]float64) float64 {
	var sum float64
	for _, name := range m.axisNames() {
		axis := m.Axes[name]
		// The conversion keeps the compiler from fusing product and sum, which would round otherwise than SQL does.
		sum += float64(m.weight(name) * limits(axis.Min, axis.Max).limit(axes[name]))
	}
	return limits(m.Total.Min, m.Total.Max).limit(sum)
}

// weight is by how much an axis counts in the total.
func (m *Model) weight(axis string) float64 {
	if w := m.Axes[axis].Weight; m.Total.Combine == combineWeightedSum && w != nil {
		return *w
	}
	return 1
}
