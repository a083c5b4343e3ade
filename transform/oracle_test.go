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
	"clew/transform/warehouse/warehousetest"
)

// TestModelsAgreeWithPlainGo lets the models and plain Go code tell the same random histories. The histories are
// small and drawn from few values, so that ties, repetitions, regressions and gaps are the rule.
func TestModelsAgreeWithPlainGo(t *testing.T) {
	db := warehousetest.Open(t)
	asOf := at("2026-02-25T00:00:00.000Z")
	for round := range uint64(3) {
		t.Run(fmt.Sprint("seed ", round), func(t *testing.T) {
			s := randomHistories(rand.New(rand.NewPCG(round, 7)), 250)
			clearAll(t, db)
			s.insertBadly(t, db)
			cfg := transform.Config{Timezone: "Asia/Shanghai"}.Only("channel_daily")
			if _, err := transform.Rebuild(t.Context(), db, asOf, cfg); err != nil {
				t.Fatal(err)
			}
			wantLeads, wantFacts := tell(s, asOf)
			columns := []string{
				"workspace", "lead_id", "created_at", "channel", "source", "medium", "campaign", "company", "contact_name",
				"phone", "email", "region", "owner", "team", "attributes", "merged_ids",
			}
			if diff := differences(content(t, db, "leads", columns), wantLeads); diff != "" {
				t.Errorf("leads:\n%.3000s", diff)
			}
			all := modelOf(t, "lead_facts").Columns
			if diff := differences(content(t, db, "lead_facts", all), wantFacts); diff != "" {
				t.Errorf("lead_facts %v:\n%.3000s", all, diff)
			}
			checkSums(t, db, s, asOf, wantFacts)
		})
	}
}

// draw draws rows into a seed.
type draw struct {
	*rand.Rand
	into seed
	ids  int
}

func (d *draw) pick(values ...string) string { return values[d.IntN(len(values))] }

// moment is a multiple of half a day, so that records share moments and fall on the ends of windows; some lie after
// as_of.
func (d *draw) moment() time.Time {
	return at("2026-01-01T00:00:00Z").Add(time.Duration(d.IntN(130)) * 12 * time.Hour)
}

func (d *draw) add(table string, lead row, fields row) {
	d.ids++
	all := row{"event_id": fmt.Sprintf("%c%d", 'a'+rune(d.IntN(26)), d.ids), "occurred_at": d.moment()}
	if table != "grade_changes" {
		all["clamped"] = d.IntN(40) == 0
	}
	maps.Copy(all, lead)
	maps.Copy(all, fields)
	d.into[table] = append(d.into[table], all)
}

// randomHistories draws histories of n leads in two workspaces, and some costs.
func randomHistories(r *rand.Rand, n int) seed {
	d := &draw{Rand: r, into: seed{}}
	for i := range n {
		lead := row{"workspace": d.pick("default", "other"), "lead_id": fmt.Sprint("L", i%(n*2/3))}
		d.updates(lead)
		d.work(lead)
		for range d.IntN(4) {
			d.add("events", lead, row{
				"type": d.pick("touchpoint", "behavior"), "channel": d.pick("", "social", "search"),
				"source": d.pick("", "baidu"), "medium": d.pick("", "cpc"), "campaign": d.pick("", "c1"),
				"name": d.pick("page_view", "Quote-Request", "demo_request", "转介绍"),
			})
		}
		if d.IntN(2) == 0 {
			d.add("grade_changes", lead, row{"grade": d.pick("A", "B"), "model": "m@1"})
		}
		d.add("costs", row{}, row{
			"date": at("2026-01-01T00:00:00Z").AddDate(0, 0, d.IntN(70)), "channel": d.pick("", "social", "search"),
			"campaign": d.pick("", "c1"), "amount": float64(d.IntN(100)) / 100, "currency": d.pick("CNY", "USD"),
		})
	}
	d.add("lead_updates", row{"lead_id": ""}, row{"workspace": "default", "company": "Nobody", "attributes": row{}})
	d.add("stage_changes", row{"lead_id": "", "anonymous_id": "a1"}, row{"workspace": "default", "stage": "new"})
	return d.into
}

// updates draws what is stated of a lead.
func (d *draw) updates(lead row) {
	for range d.IntN(3) {
		update := row{
			"company": d.pick("", "A", "B"), "source": d.pick("", "web", "fair"), "contact_name": d.pick("", "王"),
			"phone": d.pick("", "+86 138****5678", "?1***"), "email": d.pick("", "j***@a.example", "?j***"),
			"attributes": row{
				"region": d.pick("", "east", "west"), d.pick("x", "y", "线'索"): d.pick("", "1", "2"),
				d.pick("budget", "预算", "asks_contract"):                d.pick("", "yes", "no", "无", "50万"),
				d.pick("cooperation_intent", "refers_others"):          d.pick("", "quote", "interested", "无"),
				d.pick("owner_mkt", "owner_sales", "phone_valid", "z"): d.pick("", "", "no", "无", "sun"),
				d.pick("budget_match", "phone_valid", "虚假嫌疑"):          d.pick("", "far_below", "no", "yes"),
			},
		}
		if d.IntN(3) == 0 {
			update["created_at"] = d.moment()
		}
		d.add("lead_updates", lead, update)
	}
}

// work draws what is done with a lead.
func (d *draw) work(lead row) {
	for range d.IntN(4) {
		d.add("stage_changes", lead, row{
			"stage":  d.pick("new", "mql", "sql", "opportunity", "won", "lost", "recycled", "invalid"),
			"amount": float64(d.IntN(5)) / 4, "currency": d.pick("", "CNY", "USD"),
			"reason": d.pick("", "price", "dead_phone", "需求不符"),
		})
	}
	for range d.IntN(4) {
		d.add("assignments", lead, row{
			"action": d.pick("assigned", "assigned", "accepted", "returned", "recycled", "locked"),
			"owner":  d.pick("", "wang", "li", "sun"), "team": d.pick("", "north", "Marketing 1", "市场部", "inside SALES"),
		})
	}
	for range d.IntN(4) {
		activity := row{
			"effective": d.IntN(2) == 0, "owner": d.pick("li", "li", ""), "method": d.pick("call", "wechat", "visit"),
			"duration_s": float64(d.IntN(2) * 60), "outcome": d.pick("", "需求明确", "Demo Done", "询问合同", "明确意向"),
			"next_action": d.pick("", "call"),
		}
		if d.IntN(2) == 0 {
			activity["next_at"] = d.moment()
		}
		d.add("activities", lead, activity)
	}
}

// leadKey is workspace and lead id.
type leadKey [2]string

// tell computes the rows of leads and lead_facts from the raw rows, record by record.
func tell(s seed, asOf time.Time) (leads, facts [][]string) {
	byLead := map[leadKey]seed{}
	for _, table := range slices.Sorted(maps.Keys(s)) {
		for _, r := range s[table] {
			person := personOf(r)
			if table == "costs" || person == "" || when(r).After(asOf) {
				continue
			}
			key := leadKey{r["workspace"].(string), person}
			if byLead[key] == nil {
				byLead[key] = seed{}
			}
			byLead[key][table] = append(byLead[key][table], r)
		}
	}
	keys := slices.SortedFunc(maps.Keys(byLead), func(a, b leadKey) int { return slices.Compare(a[:], b[:]) })
	for _, key := range keys {
		h := byLead[key]
		for table, rows := range h {
			h[table] = inOrder(rows)
		}
		if len(h["lead_updates"])+len(h["stage_changes"])+len(h["assignments"])+len(h["activities"]) == 0 {
			continue
		}
		created := createdAt(h)
		leads = append(leads, append([]string{key[0], key[1], text(created)}, tellLead(h)...))
		facts = append(facts, append([]string{key[0], key[1], text(created)}, tellFacts(h, created, asOf)...))
	}
	return leads, facts
}

// personOf names who a row is about; here nobody has two ids.
func personOf(r row) string {
	if id := word(r, "lead_id"); id != "" {
		return id
	}
	if id := word(r, "anonymous_id"); id != "" {
		return "anonymous:" + id
	}
	return ""
}

// inOrder sorts by time, then id.
func inOrder(rows []row) []row {
	return slices.SortedFunc(slices.Values(rows), func(a, b row) int {
		return cmp.Or(when(a).Compare(when(b)), strings.Compare(a["event_id"].(string), b["event_id"].(string)))
	})
}

func when(r row) time.Time { return r["occurred_at"].(time.Time) }

func createdAt(h seed) time.Time {
	var created time.Time
	for _, u := range h["lead_updates"] {
		stated, ok := u["created_at"].(time.Time)
		if ok && (created.IsZero() || stated.Before(created)) {
			created = stated
		}
	}
	if created.IsZero() && len(h["lead_updates"]) > 0 {
		return when(h["lead_updates"][0])
	}
	for _, table := range []string{"stage_changes", "assignments", "activities"} {
		if len(h["lead_updates"]) == 0 && len(h[table]) > 0 && (created.IsZero() || when(h[table][0]).Before(created)) {
			created = when(h[table][0])
		}
	}
	return created
}

// tellLead gives the columns of leads from channel to merged_ids that the histories fill.
func tellLead(h seed) []string {
	var channel, source, medium, campaign, company, contact, phone, email, owner, team string
	attributes := map[string]string{}
	for _, e := range h["events"] {
		if e["type"] == "touchpoint" {
			channel, source, medium, campaign = word(e, "channel"), word(e, "source"), word(e, "medium"), word(e, "campaign")
			break
		}
	}
	named := false
	for _, u := range h["lead_updates"] {
		if !named && u["source"] != "" {
			source, named = u["source"].(string), true
		}
		company, contact = cmp.Or(word(u, "company"), company), cmp.Or(word(u, "contact_name"), contact)
		phone, email = cmp.Or(word(u, "phone"), phone), cmp.Or(word(u, "email"), email)
		for name, v := range u["attributes"].(row) {
			if v != "" {
				attributes[name] = v.(string)
			}
		}
	}
	for _, a := range h["assignments"] {
		switch a["action"] {
		case "assigned":
			owner, team = a["owner"].(string), a["team"].(string)
		case "accepted":
			owner, team = cmp.Or(a["owner"].(string), owner), cmp.Or(a["team"].(string), team)
		case "returned", "recycled":
			owner, team = "", ""
		}
	}
	return []string{
		channel, source, medium, campaign, company, contact, phone, email, attributes["region"], owner, team,
		text(attributes), "[]",
	}
}

// tellFacts gives the columns of lead_facts from first_touch_at on.
func tellFacts(h seed, created, asOf time.Time) []string {
	touches := having(h["events"], "type", "touchpoint")
	stages, effective := h["stage_changes"], having(h["activities"], "effective", true)
	assigned := having(h["assignments"], "action", "assigned")
	stage, wonAmount, wonCurrency, lostReason := any("new"), any(0.0), any(""), any("")
	if len(stages) > 0 {
		stage = stages[len(stages)-1]["stage"]
	}
	won, lost := having(stages, "stage", "won"), having(stages, "stage", "lost")
	if len(won) > 0 {
		wonAmount, wonCurrency = won[0]["amount"], won[0]["currency"]
	}
	if len(lost) > 0 {
		lostReason = lost[0]["reason"]
	}
	within := func(a row) bool { return !when(a).Before(created) && when(a).Before(created.AddDate(0, 0, 30)) }
	values := []any{
		first(touches), last(touches), len(touches), len(having(h["events"], "type", "behavior")),
		stage, last(stages), first(having(stages, "stage", "mql")), first(having(stages, "stage", "sql")),
		first(having(stages, "stage", "opportunity")), first(won), first(lost),
		first(having(stages, "stage", "recycled")), first(having(stages, "stage", "invalid")),
		stage == "invalid", wonAmount, wonCurrency, lostReason,
		first(assigned), first(having(h["assignments"], "action", "accepted")), len(assigned),
		first(h["activities"]), first(effective), len(h["activities"]), len(effective), count(effective, within),
		response(assigned, effective), span(created, first(effective), time.Second),
		followedUp(h["activities"], created, asOf), span(created, first(won), 24*time.Hour), flags(h, created, won),
	}
	values = append(values, tellMore(h, created, asOf)...)
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = text(v)
	}
	return texts
}

func having(rows []row, column string, want any) []row {
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r[column] != want })
}

func count(rows []row, keep func(row) bool) int {
	return len(slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !keep(r) }))
}

// first and last are the time of that row, or nil.
func first(rows []row) any {
	if len(rows) == 0 {
		return nil
	}
	return when(rows[0])
}

func last(rows []row) any {
	if len(rows) == 0 {
		return nil
	}
	return when(rows[len(rows)-1])
}

// span is from to until in units, or nil where until has not come.
func span(from time.Time, until any, unit time.Duration) any {
	if until == nil {
		return nil
	}
	return float64(until.(time.Time).Sub(from).Milliseconds()) / float64(unit.Milliseconds())
}

func response(assigned, effective []row) any {
	if len(assigned) == 0 {
		return nil
	}
	start := when(assigned[0])
	after := slices.DeleteFunc(slices.Clone(effective), func(a row) bool { return when(a).Before(start) })
	return span(start, first(after), time.Second)
}

func followedUp(activities []row, created, asOf time.Time) any {
	limit := created.Add(24 * time.Hour)
	switch {
	case len(activities) > 0 && when(activities[0]).Before(limit):
		return true
	case asOf.Before(limit):
		return nil
	default:
		return false
	}
}

func flags(h seed, created time.Time, won []row) []string {
	found := []string{}
	for _, rows := range h {
		if len(found) == 0 && slices.ContainsFunc(rows, func(r row) bool { return r["clamped"] == true }) {
			found = append(found, "clamped_time")
		}
	}
	if len(won) > 0 && when(won[0]).Before(created) {
		found = append(found, "won_before_created")
	}
	return found
}
