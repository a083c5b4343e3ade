package scoring_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"clew/scoring"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// insertLeads fills the table leads with leads named L000, L001 and so on.
func insertLeads(t testing.TB, db *warehouse.DB, leads []scoring.Lead) {
	t.Helper()
	columns := []string{
		"campaign", "channel", "industry", "medium", "owner", "product", "region", "source", "team",
	}
	batch, err := db.Insert(t.Context(), "leads", slices.Concat(columns, []string{"workspace", "lead_id", "attributes"}))
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Abort()
	for i, lead := range leads {
		var values []any
		attributes := map[string]string{}
		for _, column := range columns {
			values = append(values, lead[column])
		}
		for field, value := range lead {
			if key, ok := strings.CutPrefix(field, "attr."); ok {
				attributes[key] = value
			}
		}
		if err := batch.Append(append(values, "default", fmt.Sprintf("L%03d", i), attributes)...); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

// stored is a row of scores.
type stored struct {
	Workspace string    `ch:"workspace"`
	LeadID    string    `ch:"lead_id"`
	Model     string    `ch:"model"`
	Hash      string    `ch:"model_hash"`
	AsOf      time.Time `ch:"as_of"`
	Total     float64   `ch:"total"`
	Grade     string    `ch:"grade"`
	Rules     []string  `ch:"rules"`
	Points    []float64 `ch:"points"`
}

// scores reads the whole table, in order.
func scores(t *testing.T, db *warehouse.DB) []stored {
	t.Helper()
	var rows []stored
	if err := db.Select(t.Context(), &rows, `SELECT workspace, lead_id, model, model_hash, as_of, total, grade,
		arrayMap(r -> CAST(r.rule AS String), reasons) AS rules, reasons.points AS points
		FROM scores ORDER BY model, workspace, lead_id`, nil); err != nil {
		t.Fatal(err)
	}
	return rows
}

// disagreement compares a stored row with what plain Go says; empty means that they agree.
func disagreement(got stored, m *scoring.Model, want scoring.Score) string {
	switch {
	case got.Workspace != "default" || got.Model != m.ID() || got.Hash != m.Hash() || !got.AsOf.Equal(asOf):
		return fmt.Sprintf("is a row of %s %s %s %s", got.Workspace, got.Model, got.Hash, got.AsOf)
	case math.Abs(got.Total-want.Total) > 1e-9:
		return fmt.Sprintf("total %v, want %v", got.Total, want.Total)
	case got.Grade != want.Grade:
		return fmt.Sprintf("grade %q of %v, want %q", got.Grade, got.Total, want.Grade)
	case len(got.Rules) != len(want.Reasons) || len(got.Points) != len(want.Reasons):
		return fmt.Sprintf("reasons %v %v, want %v", got.Rules, got.Points, want.Reasons)
	}
	for i, r := range want.Reasons {
		if got.Rules[i] != r.Rule || math.Abs(got.Points[i]-r.Points) > 1e-9 {
			return fmt.Sprintf("reason %s %v, want %v", got.Rules[i], got.Points[i], r)
		}
	}
	return ""
}

// checkScores runs the model over the leads and holds every row against Evaluate. It returns the grades seen.
func checkScores(t *testing.T, db *warehouse.DB, m *scoring.Model, leads []scoring.Lead) map[string]int {
	t.Helper()
	n, err := scoring.Run(t.Context(), db, m, asOf)
	if err != nil {
		t.Fatal(err)
	}
	rows := slices.DeleteFunc(scores(t, db), func(s stored) bool { return s.Model != m.ID() })
	if len(rows) != len(leads) || int(n) < len(leads) {
		t.Fatalf("%d rows of the model in %d, want %d", len(rows), n, len(leads))
	}
	grades := map[string]int{}
	for i, lead := range leads {
		diff := disagreement(rows[i], m, m.Evaluate(lead))
		if diff != "" || rows[i].LeadID != fmt.Sprintf("L%03d", i) {
			t.Errorf("%s with %q: %s", rows[i].LeadID, lead, diff)
		}
		grades[rows[i].Grade]++
	}
	return grades
}

// texts are values that would do harm if any of them ever became SQL.
var texts = []string{
	"", "a", "A", " a", "0-3m", "线索", "O'Hara", `"quoted"`, `back\slash`, `\`, `\'`, `'); DROP TABLE leads --`, "{x:String}",
	"a\tb", "a\nb", "a\r", "null", "NULL", `\N`, "%s", "1e3", "[]", "`", "a\x00b", "🙂",
}

// TestEngineAgreesWithPlainGo scores random leads by random models.
func TestEngineAgreesWithPlainGo(t *testing.T) {
	graded := map[string]int{}
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 11))
		m := randomModel(t, r)
		leads := make([]scoring.Lead, 150)
		for i := range leads {
			leads[i] = randomLead(r, m)
		}
		db := warehousetest.Open(t)
		insertLeads(t, db, leads)
		for grade, n := range checkScores(t, db, m, leads) {
			graded[grade] += n
		}
	}
	if len(graded) < 3 {
		t.Errorf("the leads had too few grades to prove much: %v", graded)
	}
}

var plainFields = []string{"campaign", "channel", "industry", "medium", "owner", "product", "region", "source", "team"}

// randomModel draws a model, sends it through YAML and strict parsing, and returns what came out.
func randomModel(t *testing.T, r *rand.Rand) *scoring.Model {
	t.Helper()
	points := func() float64 { return float64(r.IntN(12000)-4000) / 100 }
	limit := func() *scoring.Limits {
		if r.IntN(2) == 0 {
			return nil
		}
		low := points()
		return &scoring.Limits{low, low + float64(r.IntN(6000))/100}
	}
	m := &scoring.Model{
		APIVersion: "leadscore/v1", Name: "random", Version: 1, Kind: "rules", Title: scoring.Text{ZH: "随机", EN: "Random"},
		Axes: map[string]scoring.Axis{}, Total: scoring.Total{Combine: "sum", Min: new(-20.0), Max: new(100.0)},
	}
	weighted := r.IntN(2) == 0
	if weighted {
		m.Total.Combine = "weighted_sum"
	}
	axes := []string{"fit", "engagement", "other"}[:1+r.IntN(3)]
	for i := range len(axes) + r.IntN(3) {
		group := scoring.Group{ID: fmt.Sprint("g", i), Axis: axes[i%len(axes)], Cap: limit()}
		for j := range 1 + r.IntN(4) {
			rule := scoring.Rule{
				ID: fmt.Sprintf("r%d_%d", i, j), Type: "table", Field: randomField(r), Points: map[string]float64{},
				Missing: new(points()), Cap: limit(), ZH: "规则", EN: "Rule",
			}
			for len(rule.Points) < 1+r.IntN(6) {
				rule.Points[texts[1+r.IntN(len(texts)-1)]] = points()
			}
			if r.IntN(2) == 0 {
				rule.Other = new(points())
			}
			group.Rules = append(group.Rules, rule)
		}
		m.Groups = append(m.Groups, group)
	}
	for _, name := range axes {
		axis := scoring.Axis{Min: new(points() - 50), Max: new(points() + 50)}
		if *axis.Min >= *axis.Max {
			axis.Min = new(*axis.Max - 1)
		}
		if weighted {
			axis.Weight = new(float64(1+r.IntN(150)) / 100)
		}
		m.Axes[name] = axis
	}
	low, high := m.Reach()
	m.Thresholds.Grade = map[string]float64{"lowest": low}
	if high > low {
		m.Thresholds.Grade = map[string]float64{"A'": low + 0.7*(high-low), "乙": low + 0.4*(high-low), "lowest": low}
	}
	return throughYAML(t, m)
}

func throughYAML(t *testing.T, m *scoring.Model) *scoring.Model {
	t.Helper()
	text, err := yaml.Dump(m)
	if err != nil {
		t.Fatal(err)
	}
	read, err := scoring.Parse("random.yaml", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if read.Hash() != m.Hash() {
		t.Fatalf("the model changed on its way through YAML:\n%s", text)
	}
	return read
}

func randomField(r *rand.Rand) string {
	if r.IntN(3) == 0 {
		return plainFields[r.IntN(len(plainFields))]
	}
	return "attr." + []string{"urgency", "预算'", `a\b`, "'); DROP TABLE leads --", "{k:String}", "a b"}[r.IntN(6)]
}

// randomLead gives each field of the model a value, mostly one that the model lists.
func randomLead(r *rand.Rand, m *scoring.Model) scoring.Lead {
	lead := scoring.Lead{}
	for _, g := range m.Groups {
		for _, rule := range g.Rules {
			lead[rule.Field] = texts[r.IntN(len(texts))]
			for _, value := range slices.Sorted(maps.Keys(rule.Points)) {
				if r.IntN(2) == 0 {
					lead[rule.Field] = value
				}
			}
		}
	}
	return lead
}

// TestGradesOnTheEngine holds both thresholds from both sides, where the comparison really happens.
func TestGradesOnTheEngine(t *testing.T) {
	var leads []scoring.Lead
	for value := range boundaryGrades {
		leads = append(leads, scoring.Lead{"attr.value": value})
	}
	db := warehousetest.Open(t)
	insertLeads(t, db, leads)
	m := models(t)["boundaries"]
	checkScores(t, db, m, leads)
	for i, row := range scores(t, db) {
		if want := boundaryGrades[leads[i]["attr.value"]]; row.Grade != want {
			t.Errorf("%q with %v gets %s, want %s", leads[i]["attr.value"], row.Total, row.Grade, want)
		}
	}
}

// TestModelsStandSideBySide scores by two models, then by one of them again: the other's rows stay as they are.
func TestModelsStandSideBySide(t *testing.T) {
	all := models(t)
	leads := []scoring.Lead{
		abc("0-3m", "match", "large", "confirmed", "quote"), abc("", "", "", "", ""), {"attr.value": "a", "team": "east"},
	}
	db := warehousetest.Open(t)
	insertLeads(t, db, leads)
	for _, name := range []string{"s3-abc-v1", "boundaries", "everything"} {
		checkScores(t, db, all[name], leads)
	}
	before := scores(t, db)
	if len(before) != 9 {
		t.Fatalf("%d rows of three models and three leads", len(before))
	}
	checkScores(t, db, all["s3-abc-v1"], leads)
	if after := scores(t, db); !slices.EqualFunc(before, after, sameRow) {
		t.Errorf("scoring again changed\n%v\nto\n%v", before, after)
	}
	if err := db.Exec(t.Context(), "TRUNCATE TABLE leads", nil); err != nil {
		t.Fatal(err)
	}
	if n, err := scoring.Run(t.Context(), db, all["s3-abc-v1"], asOf); err != nil || n != 6 {
		t.Errorf("without leads %d rows stay, %v; want the 6 of the other models", n, err)
	}
}

func sameRow(a, b stored) bool {
	return a.Workspace == b.Workspace && a.LeadID == b.LeadID && a.Model == b.Model && a.Hash == b.Hash &&
		a.AsOf.Equal(b.AsOf) && a.Total == b.Total && a.Grade == b.Grade && slices.Equal(a.Rules, b.Rules) &&
		slices.Equal(a.Points, b.Points)
}

// TestReasonsSumToTheTotal holds for a model whose limits do not bite.
func TestReasonsSumToTheTotal(t *testing.T) {
	for value := range boundaryGrades {
		score := models(t)["boundaries"].Evaluate(scoring.Lead{"attr.value": value})
		var sum float64
		for _, r := range score.Reasons {
			sum += r.Points
		}
		if sum != score.Total {
			t.Errorf("%q: reasons sum to %v, the total is %v", value, sum, score.Total)
		}
	}
}

// BenchmarkRescore scores 1 M leads with reasons by the shipped model. The bar is 5 s.
func BenchmarkRescore(b *testing.B) {
	const leads = 1_000_000
	db := warehousetest.Open(b)
	if err := db.Exec(b.Context(), `INSERT INTO leads (workspace, lead_id, attributes)
		SELECT 'default', toString(number), map(
			'urgency', ['', '0-3m', '3-6m', '6m+'][1 + cityHash64(number, 1) % 4],
			'budget_match', ['', 'match', 'low', 'insufficient'][1 + cityHash64(number, 2) % 4],
			'company_size', ['', 'large', 'medium', 'small'][1 + cityHash64(number, 3) % 4],
			'decision_chain', ['', 'confirmed', 'partial', 'vague'][1 + cityHash64(number, 4) % 4],
			'cooperation_intent', ['', 'quote', 'interested', 'nurture'][1 + cityHash64(number, 5) % 4],
			'industry', toString(number % 30), 'employees', toString(number % 5000), 'title', toString(number % 40))
		FROM numbers({leads:UInt64})`, warehouse.Params{"leads": leads}); err != nil {
		b.Fatal(err)
	}
	m, err := scoring.Load("s3-abc-v1")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		rows, err := scoring.Run(b.Context(), db, m, asOf)
		if err != nil || rows != leads {
			b.Fatalf("%d rows, %v", rows, err)
		}
	}
	b.ReportMetric(float64(leads)*float64(b.N)/b.Elapsed().Seconds(), "leads/s")
}
