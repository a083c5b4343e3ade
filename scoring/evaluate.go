package scoring

// Lead is what a model sees of a lead: values by field, as region or attr.urgency. An absent field is an empty one.
type Lead map[string]string

// Score is what a model says of a lead.
type Score struct {
	Total float64
	// Grade is by the unrounded total: 79.99 is below 80.
	Grade string
	// Reasons are one entry a rule, in the order of the model. Their points sum to the total before the limits of
	// groups, axes and total.
	Reasons []Reason
}

// Reason is what one rule adds to the total.
type Reason struct {
	Rule   string
	Points float64
}

// Evaluate scores one lead. It is the plain statement of what the compiled SQL computes, step by step in the same
// order, and the tests hold the two against each other.
func (m *Model) Evaluate(lead Lead) Score {
	axes := map[string]float64{}
	var score Score
	for _, g := range m.Groups {
		var sum float64
		for _, rule := range g.Rules {
			points := rule.points(lead[rule.Field])
			sum += points
			score.Reasons = append(score.Reasons, Reason{Rule: rule.ID, Points: m.weight(g.Axis) * points})
		}
		axes[g.Axis] += g.Cap.limit(sum)
	}
	score.Total = m.total(axes)
	score.Grade = m.grade(score.Total)
	return score
}

// points are those of one value, within the rule's own limits.
func (rule Rule) points(value string) float64 {
	points, listed := rule.Points[value]
	switch {
	case value == "":
		points = *rule.Missing
	case !listed:
		points = *rule.other()
	}
	return rule.Cap.limit(points)
}

// other is what a value gets that is not listed.
func (rule Rule) other() *float64 {
	if rule.Other != nil {
		return rule.Other
	}
	return rule.Missing
}

func (m *Model) grade(total float64) string {
	grades := m.grades()
	for _, g := range grades[:len(grades)-1] {
		if total >= g.from {
			return g.name
		}
	}
	return grades[len(grades)-1].name
}
