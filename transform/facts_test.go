package transform_test

import (
	"slices"
	"strings"
	"time"
)

// way is how far a stage is on the way to a deal; the stages beside the way have no place on it.
var way = map[string]int{"new": 1, "mql": 2, "sql": 3, "opportunity": 4, "won": 5}

// ended are the stages after which nobody works a lead.
var ended = []string{"won", "lost", "recycled", "invalid"}

// tellMore gives the columns of lead_facts from last_channel on.
func tellMore(h seed, created, asOf time.Time) []any {
	var values []any
	for _, part := range [][]any{
		tellLastTouch(h), tellStages(h["stage_changes"]), tellOwners(h), tellWork(h, created, asOf), tellConditions(h),
		tellExclusions(h), tellRecycling(h), tellGrade(h, created),
	} {
		values = append(values, part...)
	}
	return append(values, changesAt(h, created, asOf))
}

func tellLastTouch(h seed) []any {
	values := []any{"", "", "", "", last(having(h["events"], "type", "behavior"))}
	for _, touch := range having(h["events"], "type", "touchpoint") {
		for i, column := range []string{"channel", "source", "medium", "campaign"} {
			values[i] = word(touch, column)
		}
	}
	return values
}

// tellStages walks through the changes, from stages to regressed_at.
func tellStages(changes []row) []any {
	var stages []string
	var times []time.Time
	entries, lastAt := map[string]uint32{}, map[string]any{}
	reopens, regressions, over := 0, 0, false
	var reopenedAt, regressedAt any
	before := ""
	for _, change := range changes {
		stage := word(change, "stage")
		if stage == before {
			continue
		}
		stages, times = append(stages, stage), append(times, when(change))
		entries[stage]++
		lastAt[stage] = when(change)
		if 0 < way[stage] && way[stage] < way[before] {
			regressions, regressedAt = regressions+1, when(change)
		}
		if stage != "new" {
			if over && way[stage] > 0 {
				reopens, reopenedAt = reopens+1, when(change)
			}
			over = slices.Contains(ended, stage)
		}
		before = stage
	}
	values := []any{stages, times, entries}
	for _, stage := range []string{"new", "mql", "sql", "opportunity", "won", "lost", "recycled", "invalid"} {
		values = append(values, lastAt[stage])
	}
	return append(values, reopens, reopenedAt, regressions, regressedAt)
}

// holding is a time during which a lead was somebody's.
type holding struct {
	owner, team string
	from        time.Time
	until       *time.Time
}

// holdings plays the assignments.
func holdings(assignments []row) []holding {
	var all []holding
	var owner, team string
	for _, a := range assignments {
		newOwner, newTeam := owner, team
		switch a["action"] {
		case "assigned":
			newOwner, newTeam = word(a, "owner"), word(a, "team")
		case "accepted":
			if word(a, "owner") != "" {
				newOwner = word(a, "owner")
			}
			if word(a, "team") != "" {
				newTeam = word(a, "team")
			}
		case "returned", "recycled":
			newOwner, newTeam = "", ""
		}
		if newOwner == owner && newTeam == team {
			continue
		}
		now := when(a)
		if owner != "" || team != "" {
			all[len(all)-1].until = &now
		}
		if newOwner != "" || newTeam != "" {
			all = append(all, holding{newOwner, newTeam, now, nil})
		}
		owner, team = newOwner, newTeam
	}
	return all
}

// tellOwners gives owner to returns.
func tellOwners(h seed) []any {
	var owner, team, marketing, sales, before string
	var owners, teams []string
	var from []time.Time
	var until []*time.Time
	changes := 0
	for _, held := range holdings(h["assignments"]) {
		owners, teams = append(owners, held.owner), append(teams, held.team)
		from, until = append(from, held.from), append(until, held.until)
		if owner, team = "", ""; held.until == nil {
			owner, team = held.owner, held.team
		}
		if held.owner == "" {
			continue
		}
		if before != "" && before != held.owner {
			changes++
		}
		before = held.owner
		switch held.team {
		case "Marketing 1", "市场部":
			marketing = held.owner
		case "inside SALES":
			sales = held.owner
		}
	}
	known := attributes(h)
	if known["owner_mkt"] != "" {
		marketing = known["owner_mkt"]
	}
	if known["owner_sales"] != "" {
		sales = known["owner_sales"]
	}
	returned := len(having(h["assignments"], "action", "returned"))
	return []any{owner, team, owners, teams, from, until, changes, marketing, sales, returned}
}

// tellWork gives methods to next_overdue.
func tellWork(h seed, created, asOf time.Time) []any {
	methods := map[string]uint32{}
	complete, inTime, nextAction, overdue := 0, 0, "", false
	var nextAt, share any
	for _, a := range h["activities"] {
		methods[word(a, "method")]++
		spoken := a["method"] == "call" || a["method"] == "visit"
		longEnough := a["duration_s"].(float64) > 0 || a["effective"] == false || !spoken
		if word(a, "outcome") != "" && word(a, "owner") != "" && longEnough &&
			(word(a, "next_action") != "" || a["next_at"] != nil) {
			complete++
		}
		if a["effective"] == true && !when(a).Before(created) && when(a).Before(created.AddDate(0, 0, 30)) {
			inTime++
		}
		nextAction, nextAt = word(a, "next_action"), a["next_at"]
	}
	if due, ok := nextAt.(time.Time); ok && isOpen(h) {
		overdue = !due.After(asOf)
	}
	if n := len(h["activities"]); n > 0 {
		share = float64(complete) / float64(n)
	}
	return []any{
		methods, last(h["activities"]), last(having(h["activities"], "effective", true)), inTime > 2, complete, share,
		float64(countKnown(h)) / 5, nextAction, nextAt, overdue,
	}
}

func isOpen(h seed) bool {
	stages := h["stage_changes"]
	return len(stages) == 0 || !slices.Contains(ended, word(stages[len(stages)-1], "stage"))
}

// countKnown counts what is known of company, contact, phone, e-mail and region.
func countKnown(h seed) int {
	known := map[string]bool{}
	for _, u := range h["lead_updates"] {
		for _, column := range []string{"company", "contact_name", "phone", "email"} {
			if word(u, column) != "" {
				known[column] = true
			}
		}
	}
	if attributes(h)["region"] != "" {
		known["region"] = true
	}
	return len(known)
}

// attributes are the latest values.
func attributes(h seed) map[string]string {
	known := map[string]string{}
	for _, u := range h["lead_updates"] {
		for name, v := range u["attributes"].(row) {
			if v != "" {
				known[name] = v.(string)
			}
		}
	}
	return known
}

// signs are the words of the random histories that show a condition of conversion, and which.
var signs = map[string]int{
	"Quote-Request": 0, "明确意向": 0, "cooperation_intent=quote": 0, "cooperation_intent=interested": 0,
	"budget": 1, "预算": 1, "demo_request": 2, "Demo Done": 2, "asks_contract": 3, "询问合同": 3, "refers_others": 4, "转介绍": 4,
}

// tellConditions gives purchase_intent_at to conversion_ready_at.
func tellConditions(h seed) []any {
	var firsts [5]any
	show := func(r row, sign string) {
		n, ok := signs[sign]
		if ok && (firsts[n] == nil || when(r).Before(firsts[n].(time.Time))) {
			firsts[n] = when(r)
		}
	}
	for _, e := range having(h["events"], "type", "behavior") {
		show(e, word(e, "name"))
	}
	for _, a := range h["activities"] {
		show(a, word(a, "outcome"))
	}
	for _, u := range h["lead_updates"] {
		for name, v := range u["attributes"].(row) {
			if v != "" && v != "no" && v != "无" {
				show(u, name)
				show(u, name+"="+v.(string))
			}
		}
	}
	var times []time.Time
	for _, at := range firsts {
		if at != nil {
			times = append(times, at.(time.Time))
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	values := append(firsts[:], len(times), len(times) >= 3)
	if len(times) < 3 {
		return append(values, nil)
	}
	return append(values, times[2])
}

// tellExclusions gives invalid_reason and exclusion_reasons.
func tellExclusions(h seed) []any {
	found, reason := map[string]bool{}, ""
	if n := len(h["stage_changes"]); n > 0 && h["stage_changes"][n-1]["stage"] == "invalid" {
		reason = word(h["stage_changes"][n-1], "reason")
		found["invalid_stage"] = true
		found[map[string]string{"dead_phone": "phone_invalid", "需求不符": "need_mismatch"}[reason]] = true
	}
	var phone, email string
	for _, u := range h["lead_updates"] {
		if word(u, "phone") != "" {
			phone = word(u, "phone")
		}
		if word(u, "email") != "" {
			email = word(u, "email")
		}
	}
	known := attributes(h)
	for name, holds := range map[string]bool{
		"phone_invalid":        strings.HasPrefix(phone, "?") || known["phone_valid"] == "no" || known["phone_valid"] == "无",
		"email_invalid":        strings.HasPrefix(email, "?"),
		"budget_far_below_min": known["budget_match"] == "far_below",
		"false_data":           known["虚假嫌疑"] == "yes",
	} {
		found[name] = found[name] || holds
	}
	reasons := []string{}
	for _, name := range []string{
		"budget_far_below_min", "email_invalid", "false_data", "invalid_stage", "need_mismatch", "phone_invalid",
	} {
		if found[name] {
			reasons = append(reasons, name)
		}
	}
	return []any{reason, reasons}
}

// tellRecycling gives recycles to reactivated_at.
func tellRecycling(h seed) []any {
	recycles, reactivations, pooled := 0, 0, false
	var recycledAt, reactivatedAt any
	for _, r := range inOrder(slices.Concat(h["stage_changes"], h["assignments"])) {
		switch {
		case r["stage"] == "recycled" || r["action"] == "recycled":
			if !pooled {
				recycles, recycledAt = recycles+1, when(r)
			}
			pooled = true
		case way[word(r, "stage")] > 1, r["action"] == "assigned", r["action"] == "accepted" && word(r, "owner") != "":
			if pooled {
				reactivations, reactivatedAt = reactivations+1, when(r)
			}
			pooled = false
		}
	}
	return []any{recycles, recycledAt, reactivations, reactivatedAt}
}

func tellGrade(h seed, created time.Time) []any {
	best := first(having(h["grade_changes"], "grade", "A"))
	return []any{best, span(created, best, 24*time.Hour)}
}

// changesAt is the next moment at which the row changes though nothing happens.
func changesAt(h seed, created, asOf time.Time) any {
	var times []time.Time
	if followedUp(h["activities"], created, asOf) == nil {
		times = append(times, created.Add(24*time.Hour))
	}
	if n := len(h["activities"]); n > 0 && isOpen(h) {
		if due, ok := h["activities"][n-1]["next_at"].(time.Time); ok && due.After(asOf) {
			times = append(times, due)
		}
	}
	if len(times) == 0 {
		return nil
	}
	return slices.MinFunc(times, time.Time.Compare)
}

// word is a text column of a row, empty where the row lacks it.
func word(r row, column string) string {
	text, _ := r[column].(string)
	return text
}
