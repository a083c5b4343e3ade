package identity_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/transform/identity"
	"clew/transform/warehouse/warehousetest"
)

// parseRow reads "update 3 L1 a1 email=x phone=y": a row three days after start of the lead L1 in the browser a1; - stands
// for none.
func parseRow(t *testing.T, i int, text string) raw {
	t.Helper()
	r := raw{workspace: "default", event: fmt.Sprint("e", i), identifiers: map[string]string{}}
	var table string
	var day int
	words := strings.Fields(text)
	if _, err := fmt.Sscan(text, &table, &day, &r.lead, &r.anonymous); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	r.table = map[string]string{"update": "lead_updates", "event": "events", "stage": "stage_changes"}[table]
	r.at = start.AddDate(0, 0, day)
	r.lead, r.anonymous = strings.TrimPrefix(r.lead, "-"), strings.TrimPrefix(r.anonymous, "-")
	for _, pair := range words[4:] {
		kind, value, _ := strings.Cut(pair, "=")
		r.identifiers[kind] = value
	}
	return r
}

// TestCases holds who is whom after some rows: each node with its person, those that are their own left out.
func TestCases(t *testing.T) {
	crowd := func(n int, row string) []string {
		var rows []string
		for i := range n {
			rows = append(rows, fmt.Sprintf(row, i))
		}
		return rows
	}
	cases := map[string]struct {
		rows []string
		want []string
	}{
		"a browser is the lead's from before it was known": {
			[]string{"event 1 - a1", "event 2 L1 a1"},
			[]string{"anonymous:a1 is L1"},
		},
		"two leads of one e-mail address are the one seen first": {
			[]string{"update 2 L1 - email=x", "update 1 L2 - email=x"},
			[]string{"email:x is L2", "lead:L1 is L2"},
		},
		"merges chain": {
			[]string{"update 1 L1 - email=x", "update 2 L2 - email=x phone=1", "update 3 L3 a3 phone=1", "event 4 L4 a3"},
			[]string{"anonymous:a3 is L1", "email:x is L1", "lead:L2 is L1", "lead:L3 is L1", "lead:L4 is L1", "phone:1 is L1"},
		},
		"a corrected e-mail address un-merges, and what is as old as the error does not count": {
			[]string{"update 1 L1 - email=x", "update 2 L2 - email=x", "event 2 L2 a2 email=x", "update 3 L2 - email=y"},
			[]string{"anonymous:a2 is L2", "email:x is L1", "email:y is L2"},
		},
		"what is seen after an update counts beside it": {
			[]string{"update 1 L1 - email=x", "event 2 L1 - email=y", "event 3 - - email=y"},
			[]string{"email:x is L1", "email:y is L1"},
		},
		"of another kind an update says nothing": {
			[]string{"update 1 L1 - email=x", "update 2 L1 - phone=1"},
			[]string{"email:x is L1", "phone:1 is L1"},
		},
		"a late correction counts no more than an early one": {
			[]string{"update 3 L1 - email=y", "update 1 L1 - email=x", "update 2 L2 - email=x"},
			[]string{"email:x is L2", "email:y is L1"},
		},
		"an update may give two values of one kind": {
			[]string{"update 1 L1 - phone=1 contact_phone=2", "stage 2 - - phone=2"},
			[]string{"phone:1 is L1", "phone:2 is L1"},
		},
		"merged by hand: who is left names the person": {
			[]string{"update 1 L1 - email=x", "update 2 L2 - email=y", "update 3 L1 - merged_into=L2"},
			[]string{"email:x is L2", "email:y is L2", "lead:L1 is L2"},
		},
		"merged into another one: the last counts": {
			[]string{"update 3 L1 - merged_into=L2", "update 4 L1 - merged_into=L3"},
			[]string{"lead:L1 is L3"},
		},
		"a lead that was merged twice, and by what it shares too, is one lead": {
			[]string{"update 1 L1 - email=x", "update 2 L2 - email=x", "update 3 L2 - merged_into=L1", "update 4 L2 - merged_into=L1"},
			[]string{"email:x is L1", "lead:L2 is L1"},
		},
		"merged into each other": {
			[]string{"update 1 L2 - merged_into=L1", "update 2 L1 - merged_into=L2"},
			[]string{"lead:L2 is L1"},
		},
		"merged into itself: an earlier merge is taken back": {
			[]string{"update 1 L1 - merged_into=L2", "update 2 L1 - merged_into=L1"},
			nil,
		},
		"merged into itself: a shared number merges no more, and is the other's": {
			[]string{"update 1 L1 - phone=1 email=x", "update 2 L2 - phone=1", "update 3 L1 - merged_into=L1"},
			[]string{"email:x is L1", "phone:1 is L2"},
		},
		"a contact's activities and an opportunity's stages are the converted lead's": {
			[]string{
				"update 1 L1 - email=x salesforce_contact=c salesforce_opportunity=o", "stage 2 - - salesforce_opportunity=o",
				"stage 2 - - salesforce_opportunity=p salesforce_contact=c",
			},
			[]string{"email:x is L1", "salesforce_contact:c is L1", "salesforce_opportunity:o is L1", "salesforce_opportunity:p is L1"},
		},
		"two contacts of a deal stay two, the deal is the first one's": {
			[]string{"stage 2 L2 - hubspot_deal=d", "stage 1 L1 - hubspot_deal=d", "stage 3 - - hubspot_deal=d"},
			[]string{"hubspot_deal:d is L1"},
		},
		"a passed on address with a click id merges nobody": {
			[]string{"event 1 - a1 gclid=g", "event 2 L2 a2 gclid=g", "event 3 L1 a1"},
			[]string{"anonymous:a1 is L1", "anonymous:a2 is L2", "gclid:g is L1"},
		},
		"an alias of a former user id merges two leads": {
			[]string{"event 1 U1 - email=x", "update 2 U2 U1"},
			[]string{"anonymous:U1 is U1", "email:x is U1", "lead:U2 is U1"},
		},
		"an alias of a visitor's id is a browser": {
			[]string{"event 1 - v1", "update 2 U2 v1"},
			[]string{"anonymous:v1 is U2"},
		},
		"somebody without a lead id": {
			[]string{"event 1 - a1 email=x", "event 2 - a2 email=x", "event 3 - a3 gclid=g"},
			[]string{"anonymous:a1 is email:x", "anonymous:a2 is email:x", "gclid:g is anonymous:a3"},
		},
		"what programs write for nothing links nothing": {
			[]string{"event 1 null a1", "event 2 L1 a1", "event 3 L2 undefined", "event 4 L3 undefined", "update 5 L4 - email=N/A"},
			[]string{"anonymous:a1 is L1"},
		},
		"a hotline links nobody": {
			crowd(21, "update 1 L%d - phone=1"),
			nil,
		},
		"a browser of five leads is one person's": {
			crowd(5, "event 1 L%d a"),
			[]string{"anonymous:a is L0", "lead:L1 is L0", "lead:L2 is L0", "lead:L3 is L0", "lead:L4 is L0"},
		},
		"a browser of six leads is nobody's": {
			crowd(6, "event 1 L%d a"),
			nil,
		},
		"a browser of six e-mail addresses is nobody's": {
			crowd(6, "event 1 - a email=x%d"),
			nil,
		},
	}
	// Each case is a workspace of its own, so that one update is enough.
	var rows []raw
	for name, c := range cases {
		for i, text := range c.rows {
			r := parseRow(t, i, text)
			r.workspace = strings.ReplaceAll(name, " ", "_")
			rows = append(rows, r)
		}
	}
	db := warehousetest.Open(t)
	arrive(t, db, start, rows)
	update(t, db, start, identity.Config{})
	check(t, db, rows, identity.Config{SharedLeads: 20, BrowserLeads: 5})
	updated := all(t, db)
	if _, err := identity.Rebuild(t.Context(), db, identity.Config{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(updated, all(t, db)); diff != "" {
		t.Errorf("the rebuild gave another table (-update +rebuild):\n%s", diff)
	}
	got := map[string][]string{}
	identities, _ := content(t, db)
	for node, person := range personOf(identities) {
		parts := strings.Split(strings.Trim(node, "{}"), " ")
		name := strings.ReplaceAll(parts[0], "_", " ")
		got[name] = append(got[name], parts[1]+":"+parts[2]+" is "+person)
	}
	for name, c := range cases {
		slices.Sort(got[name])
		if !slices.Equal(got[name], c.want) {
			t.Errorf("%s\ngot  %q\nwant %q", name, got[name], c.want)
		}
	}
}

// TestCrash ends an update after each of its steps, and lets the next one, of the same rows, put the tables right.
func TestCrash(t *testing.T) {
	before := []string{"update 1 L1 - email=x", "update 2 L2 - email=x", "event 3 L3 a3"}
	news := []string{"update 4 L2 - email=y", "event 4 L1 a3", "update 5 L4 - phone=1", "update 5 L5 - phone=1"}
	var rows []raw
	for i, text := range append(slices.Clone(before), news...) {
		rows = append(rows, parseRow(t, i, text))
	}
	cfg := identity.Config{SharedLeads: 20, BrowserLeads: 5}
	now := start.Add(time.Hour)
	for steps := range identity.Steps {
		db := warehousetest.Open(t)
		arrive(t, db, start, rows[:len(before)])
		update(t, db, start, cfg)
		if err := db.Exec(t.Context(), "TRUNCATE TABLE touched", nil); err != nil {
			t.Fatal(err)
		}
		was, _ := content(t, db)
		arrive(t, db, now, rows[len(before):])
		if err := identity.UpdateTo(t.Context(), db, now, cfg, steps); err != nil {
			t.Fatal(err)
		}
		update(t, db, now, cfg)
		check(t, db, rows, cfg)
		checkTouched(t, db, was)
	}
}
