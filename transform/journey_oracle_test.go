package transform_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"clew/transform"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// TestStoriesAgreeWithPlainGo lets the models of journeys, signals and decayed sums and plain Go code tell the same random
// histories, drawn from few moments and names, so that ties and repetitions are the rule.
func TestStoriesAgreeWithPlainGo(t *testing.T) {
	db := warehousetest.Open(t)
	asOf := at("2026-02-25T00:00:00.000Z")
	cfg := transform.Config{Timezone: "Asia/Shanghai", Decays: oracleDecays}.Only(
		"lead_journeys", "lead_decays")
	for round := range uint64(2) {
		t.Run(fmt.Sprint("seed ", round), func(t *testing.T) {
			s := randomStories(rand.New(rand.NewPCG(round, 11)), 150)
			clearAll(t, db)
			s.insertBadly(t, db)
			if _, err := transform.Rebuild(t.Context(), db, asOf, cfg); err != nil {
				t.Fatal(err)
			}
			stories := gatherStories(s, asOf)
			for table, want := range map[string][][]string{
				"lead_journeys": tellJourneys(stories, hashes(t, db)),
				"lead_signals":  tellSignals(t, stories, cfg.Timezone),
			} {
				if diff := differences(content(t, db, table, modelOf(t, table).Columns), want); diff != "" {
					t.Errorf("%s:\n%.3000s", table, diff)
				}
			}
			checkDecays(t, db, tellSignals(t, stories, cfg.Timezone), asOf)
		})
	}
}

// randomStories draws histories of n persons in two workspaces, and three of as many visits as are kept, one more and many
// more.
func randomStories(r *rand.Rand, n int) seed {
	s, ids := seed{}, 0
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	// Moments 5 h apart: some are shared, some are the last of a day in Shanghai, some lie after as_of.
	moment := func() time.Time {
		return at("2026-01-01T00:59:59.999Z").Add(time.Duration(r.IntN(270)) * 5 * time.Hour)
	}
	add := func(table string, lead, fields row) {
		ids++
		all := row{"event_id": fmt.Sprintf("%c%d", 'a'+rune(r.IntN(26)), ids), "occurred_at": moment()}
		if rows := s[table]; r.IntN(12) == 0 && len(rows) > 0 && rows[len(rows)-1]["lead_id"] == lead["lead_id"] &&
			rows[len(rows)-1]["workspace"] == lead["workspace"] {
			// A correction: the same event once more, at another time and with other contents.
			all["event_id"] = rows[len(rows)-1]["event_id"]
			all["occurred_at"] = rows[len(rows)-1]["occurred_at"].(time.Time).Add(time.Millisecond)
		}
		maps.Copy(all, lead)
		maps.Copy(all, fields)
		s[table] = append(s[table], all)
	}
	visit := func(lead row) {
		add("events", lead, row{
			"type": "behavior", "name": pick("page_view", "page_view", "demo_request"), "session_id": pick("", "s1", "s2"),
			"page_group": pick("", "home", "价格"), "value": float64(r.IntN(5)) / 4,
			"properties": row{"device": pick("", "mobile"), pick("x", "'y"): pick("", "1")},
		})
	}
	follow := func(lead row) {
		add("stage_changes", lead, row{
			"stage": pick("mql", "won"), "amount": float64(r.IntN(3)), "currency": pick("", "CNY"), "reason": pick("", "price"),
		})
		add("assignments", lead, row{
			"action": pick("assigned", "returned"), "owner": pick("", "li"), "team": pick("", "north"),
		})
		add("lead_updates", lead, row{
			"company": pick("", "A"), "contact_name": pick("", "Li"), "phone": pick("", "138****0000"), "email": pick("", "l***@a.example"),
			"wechat": pick("", "w***"), "source": pick("", "web"),
			"attributes": row{"region": pick("", "east"), pick("x", "company"): pick("", "1")},
		})
		next := row{"next_at": nil}
		if r.IntN(2) == 0 {
			next["next_at"] = moment()
		}
		maps.Copy(next, row{
			"method": pick("call", "visit"), "owner": "wang", "duration_s": float64(r.IntN(9)) / 2, "effective": r.IntN(2) == 0,
			"outcome": pick("", "busy"), "next_action": pick("", "call"), "emotion": pick("", "angry"),
		})
		add("activities", lead, next)
	}
	for i := range n {
		lead := row{"workspace": pick("default", "other"), "lead_id": fmt.Sprint("L", i)}
		for range r.IntN(6) {
			visit(lead)
		}
		for range r.IntN(4) {
			add("events", lead, row{
				"type": "touchpoint", "name": pick("click", "form"), "channel": pick("social", "search"), "source": pick("", "baidu"),
				"medium": pick("", "cpc"), "campaign": pick("", "c1"), "url": pick("", "https://a.example/?q='"),
				"referrer": pick("", "r"), "content": pick("", "c"), "term": pick("", "词"),
			})
		}
		for range r.IntN(3) {
			follow(lead)
		}
	}
	for _, visits := range []int{2000, 2001, 3600} {
		lead := row{"workspace": "default", "lead_id": fmt.Sprint("machine ", visits)}
		for i := range visits {
			// Ids of their own and moments before as_of: none is a correction, all are seen.
			one := row{"event_id": fmt.Sprintf("%c %d %d", 'a'+rune(r.IntN(26)), visits, i)}
			one["occurred_at"] = at("2026-01-01T00:59:59.999Z").Add(time.Duration(r.IntN(250)) * 5 * time.Hour)
			maps.Copy(one, lead)
			visit(one)
			if i%400 == 0 {
				follow(lead)
			}
		}
	}
	return s
}

// gatherStories is what each person has in each raw table: seen at asOf, each event once by its latest variant, in order.
func gatherStories(s seed, asOf time.Time) map[leadKey]seed {
	stories := map[leadKey]seed{}
	for table, rows := range s {
		latest := map[[2]string]row{}
		for _, r := range rows {
			key := [2]string{r["workspace"].(string), r["event_id"].(string)}
			if old := latest[key]; !when(r).After(asOf) && (old == nil || when(r).After(when(old))) {
				latest[key] = r
			}
		}
		for _, r := range inOrder(slices.Collect(maps.Values(latest))) {
			key := leadKey{r["workspace"].(string), r["lead_id"].(string)}
			if stories[key] == nil {
				stories[key] = seed{}
			}
			stories[key][table] = append(stories[key][table], r)
		}
	}
	return stories
}

func sortedKeys(stories map[leadKey]seed) []leadKey {
	return slices.SortedFunc(maps.Keys(stories), func(a, b leadKey) int { return slices.Compare(a[:], b[:]) })
}

// hashes asks the engine for its hash of each id of an event and a session.
func hashes(t *testing.T, db *warehouse.DB) map[string]uint64 {
	t.Helper()
	var rows []struct {
		ID   string `ch:"id"`
		Hash uint64 `ch:"hash"`
	}
	err := db.Select(t.Context(), &rows, `SELECT DISTINCT id, cityHash64(id) AS hash FROM (
		SELECT event_id AS id FROM events UNION ALL SELECT session_id FROM events UNION ALL SELECT event_id FROM stage_changes
		UNION ALL SELECT event_id FROM assignments UNION ALL SELECT event_id FROM activities)`, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]uint64{}
	for _, r := range rows {
		found[r.ID] = r.Hash
	}
	return found
}

// told is one event of a journey by the names of its columns.
type told struct {
	at             int64
	event, session string
	columns        map[string]string
	value          float64
	effective      bool
	properties     map[string]string
}

// tellEvent says what a journey says of a row of a raw table.
func tellEvent(table string, r row) told {
	e := told{at: when(r).UnixMilli(), event: r["event_id"].(string), columns: map[string]string{}, properties: map[string]string{}}
	take := func(column, from string) { e.columns[column] = r[from].(string) }
	note := func(names ...string) {
		for _, name := range names {
			if text, ok := r[name].(string); ok && text != "" {
				e.properties[name] = text
			}
		}
	}
	switch table {
	case "events":
		take("type", "type")
		take("name", "name")
		if r["type"] == "touchpoint" {
			for _, column := range []string{"channel", "source", "medium", "campaign"} {
				take(column, column)
			}
			note("url", "referrer", "content", "term")
			break
		}
		take("page_group", "page_group")
		e.session, e.value = r["session_id"].(string), r["value"].(float64)
		for name, text := range r["properties"].(row) {
			if text != "" {
				e.properties[name] = text.(string)
			}
		}
	case "stage_changes":
		e.columns["type"], e.value = "stage", r["amount"].(float64)
		take("name", "stage")
		take("detail", "reason")
		note("currency")
	case "assignments":
		e.columns["type"] = "assignment"
		take("name", "action")
		take("owner", "owner")
		take("detail", "team")
	case "activities":
		e.columns["type"], e.value, e.effective = "activity", r["duration_s"].(float64), r["effective"].(bool)
		take("name", "method")
		take("owner", "owner")
		take("detail", "outcome")
		note("emotion", "next_action")
		if next, ok := r["next_at"].(time.Time); ok {
			e.properties["next_at"] = next.Format(timeLayout)
		}
	}
	return e
}

// tellJourneys gives the rows of lead_journeys.
func tellJourneys(stories map[leadKey]seed, hash map[string]uint64) [][]string {
	var rows [][]string
	hash[""] = 0
	for _, key := range sortedKeys(stories) {
		h, events, kept, visits := stories[key], []told{}, []told{}, 0
		for _, table := range []string{"events", "stage_changes", "assignments", "activities"} {
			for _, r := range h[table] {
				events = append(events, tellEvent(table, r))
			}
		}
		slices.SortFunc(events, func(a, b told) int { return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.event, b.event)) })
		for _, e := range events {
			if e.columns["type"] == "touchpoint" || e.columns["type"] == "behavior" {
				if visits++; visits > 1000 && visits <= len(h["events"])-1000 {
					continue
				}
			}
			kept = append(kept, e)
		}
		isLead := len(h) > 1 || h["events"] == nil
		rows = append(rows, append([]string{key[0], key[1], text(isLead)},
			tellArrays(kept, h["lead_updates"], hash, len(events)-len(kept))...))
	}
	return rows
}

func tellArrays(events []told, updates []row, hash map[string]uint64, cut int) []string {
	column := func(name string) string { return list(events, func(e told) any { return e.columns[name] }) }
	return []string{
		list(events, func(e told) any { return e.at }), list(events, func(e told) any { return hash[e.event] }),
		column("type"), column("name"), column("channel"), column("source"), column("medium"), column("campaign"),
		column("page_group"), list(events, func(e told) any { return hash[e.session] }),
		list(events, func(e told) any { return e.value }), column("owner"), list(events, func(e told) any { return e.effective }),
		column("detail"), list(events, func(e told) any { return text(e.properties) }),
		list(updates, func(u row) any { return when(u).UnixMilli() }), list(updates, func(u row) any { return text(stated(u)) }),
		fmt.Sprint(cut),
	}
}

// list writes a value of each element as an array of them is written.
func list[T any](elements []T, of func(T) any) string {
	texts := make([]string, len(elements))
	for i, e := range elements {
		texts[i] = fmt.Sprint(of(e))
	}
	return "[" + strings.Join(texts, " ") + "]"
}

func stated(update row) map[string]string {
	known := map[string]string{}
	for name, text := range update["attributes"].(row) {
		if text != "" {
			known[name] = text.(string)
		}
	}
	for _, name := range []string{"company", "contact_name", "phone", "email", "wechat", "source"} {
		if text := update[name].(string); text != "" {
			known[name] = text
		}
	}
	return known
}
