package scoring_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"clew/scoring"
)

var asOf = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)

func shipped(t *testing.T, name string) *scoring.Model {
	t.Helper()
	m, err := scoring.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// abc is a lead with the five answers of s3-abc-v1; an empty one is unknown.
func abc(urgency, budget, size, chain, intent string) scoring.Lead {
	return scoring.Lead{
		"attr.urgency": urgency, "attr.budget_match": budget, "attr.company_size": size,
		"attr.decision_chain": chain, "attr.cooperation_intent": intent,
	}
}

func TestShippedABC(t *testing.T) {
	m := shipped(t, "s3-abc-v1")
	for _, c := range []struct {
		lead  scoring.Lead
		total float64
		grade string
	}{
		{abc("0-3m", "match", "large", "confirmed", "quote"), 100, "A"},
		{abc("6m+", "insufficient", "small", "vague", "nurture"), 30, "C"},
		{abc("0-3m", "match", "medium", "", "quote"), 80, "A"},
		{abc("0-3m", "match", "small", "partial", "interested"), 79, "B"},
		{abc("0-3m", "low", "medium", "", ""), 60, "B"},
		{abc("0-3m", "low", "small", "vague", ""), 58, "C"},
		{abc("tomorrow", "match ", "Large", "x", "'; DROP TABLE leads --"), 0, "C"},
		{scoring.Lead{}, 0, "C"},
	} {
		score := m.Evaluate(c.lead)
		if score.Total != c.total || score.Grade != c.grade {
			t.Errorf("%v has %v %s, want %v %s", c.lead, score.Total, score.Grade, c.total, c.grade)
		}
	}
	reasons := m.Evaluate(abc("0-3m", "", "small", "vague", "quote")).Reasons
	want := []scoring.Reason{
		{"urgency", 30},
		{"budget_match", 0},
		{"cooperation_intent", 10},
		{"company_size", 10},
		{"decision_chain", 3},
	}
	if !slices.Equal(reasons, want) {
		t.Errorf("reasons are %v, want %v", reasons, want)
	}
}

func TestReach(t *testing.T) {
	all := models(t)
	for _, c := range []struct {
		model                          string
		low, high, knownLow, knownHigh float64
	}{
		{"s3-abc-v1", 0, 100, 30, 100},
		{"one_grade", 0, 1, 1, 1},
		// fit: need −5 … 55, penalty −30 … 0, so −10 … 55; engagement 0 … 50.5; 0.6 and 1.4 of them pass both limits.
		{"everything", 0, 100, 8, 100},
	} {
		low, high := all[c.model].Reach()
		knownLow, knownHigh := all[c.model].ReachKnown()
		if low != c.low || high != c.high || knownLow != c.knownLow || knownHigh != c.knownHigh {
			t.Errorf("%s reaches %v … %v, known %v … %v; want %+v", c.model, low, high, knownLow, knownHigh, c)
		}
	}
}

// TestGradesOfUnroundedTotals holds both thresholds from both sides.
func TestGradesOfUnroundedTotals(t *testing.T) {
	m := models(t)["boundaries"]
	for value, grade := range boundaryGrades {
		if got := m.Evaluate(scoring.Lead{"attr.value": value}).Grade; got != grade {
			t.Errorf("%s gets %s, want %s", value, got, grade)
		}
	}
}

var boundaryGrades = map[string]string{
	"below_b": "C", "b": "B", "below_a": "B", "half": "B", "a": "A", "top": "A", "": "C", "unlisted": "C",
}

func TestHashIsOfTheContent(t *testing.T) {
	const tail = "axes: {fit: {min: 0, max: 10}}\ntotal: {combine: sum, min: 0, max: 10}\n" +
		"groups:\n- id: g\n  axis: fit\n  rules:\n" +
		"  - {id: r, type: table, field: team, points: {a: 1, b: 2}, missing: 0, zh: x, en: y}\n" +
		"thresholds: {grade: {all: 0}}\n"
	hash := func(text string) string {
		m, err := scoring.Parse("m.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return m.Hash()
	}
	one := hash("apiVersion: leadscore/v1\nname: m\nversion: 1\nkind: rules\ntitle: {zh: x, en: y}\n" + tail)
	same := hash("# a comment\nkind: rules\ntitle: {en: y, zh: x}\nversion:    1\nname: 'm'\napiVersion: leadscore/v1\n" +
		strings.ReplaceAll(tail, "{a: 1, b: 2}", "{b: 2.0, a: 1}"))
	if one != same || len(one) != 64 {
		t.Errorf("hashes %s and %s of one content", one, same)
	}
	other := hash("apiVersion: leadscore/v1\nname: m\nversion: 1\nkind: rules\ntitle: {zh: x, en: y}\n" +
		strings.ReplaceAll(tail, "{a: 1, b: 2}", "{a: 2, b: 1}"))
	if other == one {
		t.Error("other points have the same hash")
	}
}

func TestLoadUnknown(t *testing.T) {
	if _, err := scoring.Load("s9"); err == nil || !strings.Contains(err.Error(), "there are s3-abc-v1") {
		t.Errorf("the error does not list the models: %v", err)
	}
	for _, name := range scoring.Shipped() {
		if m := shipped(t, name); m.Name != name {
			t.Errorf("model %s calls itself %s", name, m.Name)
		}
	}
}
