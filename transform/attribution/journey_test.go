package attribution_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"clew/transform"
	"clew/transform/attribution"
	"clew/transform/warehouse"
)

// event is one event of a journey: a touch where it has a channel or no stage, else a stage.
type event struct {
	at                         time.Duration // since day
	id, channel, stage, detail string
	value                      float64
	currency                   string
}

// day is where the journeys of the tests begin.
var day = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const hours24 = 24 * time.Hour

// touch is a touch on the nth day, with its channel as its id.
func touch(n float64, channel string) event { return event{at: days(n), id: channel, channel: channel} }

// reached is a stage on the nth day, with an id behind those of touches.
func reached(n float64, stage string, value float64) event {
	return event{at: days(n), id: "~" + stage, stage: stage, value: value, currency: "CNY"}
}

func days(n float64) time.Duration { return time.Duration(n * float64(hours24)) }

// person is a lead and what it did.
type person struct {
	id      string
	created time.Duration // since day
	visitor bool          // no lead yet
	events  []event
}

// sorted are the events in the order of a journey.
func (p person) sorted() []event {
	return slices.SortedFunc(slices.Values(p.events), func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id))
	})
}

// invalid says whether the person's last stage is that.
func (p person) invalid() bool {
	last := ""
	for _, e := range p.sorted() {
		if e.stage != "" {
			last = e.stage
		}
	}
	return last == "invalid"
}

func ms(since time.Duration) int64 { return day.Add(since).UnixMilli() }

// compute fills the tables of journeys and facts with the persons and runs the models and Compute.
func compute(t *testing.T, db *warehouse.DB, cfg attribution.Config, persons ...person) {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"lead_journeys", "lead_facts", "attribution_paths", "attribution_credits"} {
		if err := db.Exec(t.Context(), "TRUNCATE TABLE "+table, nil); err != nil {
			t.Fatal(err)
		}
	}
	insertJourneys(t, db, persons)
	insertFacts(t, db, persons)
	models, err := transform.Models()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"attribution_paths", "attribution_credits"} {
		i := slices.IndexFunc(models, func(m transform.Model) bool { return m.Table == table })
		if err := db.InsertSelect(t.Context(), table, models[i].Columns, models[i].SQL, cfg.Params()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := attribution.Compute(t.Context(), db); err != nil {
		t.Fatal(err)
	}
}

func insertJourneys(t *testing.T, db *warehouse.DB, persons []person) {
	t.Helper()
	batch, err := db.Insert(t.Context(), "lead_journeys", []string{
		"workspace", "lead_id", "is_lead", "at", "type", "name", "channel", "source", "medium", "campaign",
		"value", "properties",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Abort()
	for _, p := range persons {
		var at []int64
		var types, names, channels, details []string
		var values []float64
		var properties []map[string]string
		for _, e := range p.sorted() {
			kind := "touchpoint"
			if e.stage != "" {
				kind = "stage"
			} else if e.channel == "behavior" {
				kind = "behavior"
			}
			at, types, names = append(at, ms(e.at)), append(types, kind), append(names, e.stage)
			channels, details = append(channels, e.channel), append(details, e.detail)
			values = append(values, e.value)
			properties = append(properties, map[string]string{"currency": e.currency})
		}
		err := batch.Append("w", p.id, !p.visitor, at, types, names, channels, details, details, details,
			values, properties)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

func insertFacts(t *testing.T, db *warehouse.DB, persons []person) {
	t.Helper()
	batch, err := db.Insert(t.Context(), "lead_facts", []string{"workspace", "lead_id", "created_at", "is_invalid"})
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Abort()
	for _, p := range persons {
		if p.visitor {
			continue
		}
		if err := batch.Append("w", p.id, day.Add(p.created), p.invalid()); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

// credit is a row of attribution_credits.
type credit struct {
	LeadID        string     `ch:"lead_id"`
	Conversion    string     `ch:"conversion"`
	No            uint32     `ch:"conversion_no"`
	TouchNo       uint32     `ch:"touch_no"`
	Touches       uint32     `ch:"touches"`
	ConvertedAt   time.Time  `ch:"converted_at"`
	TouchAt       *time.Time `ch:"touch_at"`
	Channel       string     `ch:"channel"`
	Campaign      string     `ch:"campaign"`
	Unattributed  bool       `ch:"unattributed"`
	Invalid       bool       `ch:"is_invalid"`
	Value         float64    `ch:"value"`
	Currency      string     `ch:"currency"`
	First         float64    `ch:"first"`
	Last          float64    `ch:"last"`
	LastNonDirect float64    `ch:"last_non_direct"`
	Linear        float64    `ch:"linear"`
	TimeDecay     float64    `ch:"time_decay"`
	Position      float64    `ch:"position"`
	WShaped       float64    `ch:"w_shaped"`
}

// shares are the seven shares by the names of their rules.
func (c credit) shares() map[string]float64 {
	return map[string]float64{
		"first": c.First, "last": c.Last, "last_non_direct": c.LastNonDirect, "linear": c.Linear,
		"time_decay": c.TimeDecay, "position": c.Position, "w_shaped": c.WShaped,
	}
}

// credits reads attribution_credits in order.
func credits(t *testing.T, db *warehouse.DB) []credit {
	t.Helper()
	var rows []credit
	err := db.Select(t.Context(), &rows, `SELECT lead_id, conversion, conversion_no, touch_no, touches, converted_at,
    touch_at, channel, campaign, unattributed, is_invalid, value, currency, first, last, last_non_direct, linear, time_decay,
    position, w_shaped
FROM attribution_credits
ORDER BY lead_id, conversion, conversion_no, touch_no`, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// wons are the credits of deals alone.
func wons(t *testing.T, db *warehouse.DB) []credit {
	t.Helper()
	return slices.DeleteFunc(credits(t, db), func(c credit) bool { return c.Conversion != "won" })
}
