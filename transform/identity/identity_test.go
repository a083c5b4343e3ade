package identity_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/transform/identity"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// arrive adds rows that arrive at once.
func arrive(t *testing.T, db *warehouse.DB, at time.Time, rows []raw) {
	t.Helper()
	tables := map[string][]raw{}
	for _, r := range rows {
		tables[r.table] = append(tables[r.table], r)
	}
	for table, rows := range tables {
		batch, err := db.Insert(t.Context(), table, []string{
			"workspace", "event_id", "lead_id", "anonymous_id", "identifiers", "occurred_at", "_ingested_at",
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if err := batch.Append(r.workspace, r.event, r.lead, r.anonymous, r.identifiers, r.at, at); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
	}
}

// content is the tables identities and identity_shared as tell writes them.
func content(t *testing.T, db *warehouse.DB) (identities, shared []string) {
	t.Helper()
	var rows []struct {
		Workspace string    `ch:"workspace"`
		Kind      string    `ch:"kind"`
		Value     string    `ch:"value"`
		Lead      string    `ch:"lead_id"`
		First     time.Time `ch:"first_at"`
	}
	if err := db.Select(t.Context(), &rows, "SELECT workspace, kind, value, lead_id, first_at FROM identities", nil); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		identities = append(identities, fmt.Sprintf("%v|%s|%s", id{r.Workspace, r.Kind, r.Value}, r.Lead, r.First.Format(time.RFC3339)))
	}
	var crowds []struct {
		Workspace string `ch:"workspace"`
		Kind      string `ch:"kind"`
		Value     string `ch:"value"`
		Leads     uint64 `ch:"leads"`
	}
	if err := db.Select(t.Context(), &crowds, "SELECT workspace, kind, value, leads FROM identity_shared", nil); err != nil {
		t.Fatal(err)
	}
	for _, r := range crowds {
		shared = append(shared, fmt.Sprintf("%v|%d", id{r.Workspace, r.Kind, r.Value}, r.Leads))
	}
	slices.Sort(identities)
	slices.Sort(shared)
	return identities, shared
}

// check holds the tables against what plain Go tells of the rows.
func check(t *testing.T, db *warehouse.DB, rows []raw, cfg identity.Config) {
	t.Helper()
	identities, shared := content(t, db)
	wantIdentities, wantShared := tell(rows, cfg)
	if diff := cmp.Diff(wantIdentities, identities); diff != "" {
		t.Fatalf("identities (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantShared, shared); diff != "" {
		t.Fatalf("identity_shared (-want +got):\n%s", diff)
	}
}

func update(t *testing.T, db *warehouse.DB, from time.Time, cfg identity.Config) identity.Result {
	t.Helper()
	result, err := identity.Update(t.Context(), db, from, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// randomRows draws rows from few ids, so that chains, corrections and crowds are the rule.
func randomRows(r *rand.Rand, n int) []raw {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	rows := make([]raw, n)
	for i := range rows {
		row := raw{
			table:     pick("events", "lead_updates", "lead_updates", "activities", "stage_changes", "assignments"),
			workspace: pick("default", "default", "other"), event: fmt.Sprintf("%c%d", 'a'+rune(r.IntN(26)), i),
			identifiers: map[string]string{}, at: start.Add(time.Duration(r.IntN(40)) * time.Hour),
		}
		if r.IntN(4) > 0 {
			row.lead = fmt.Sprint("L", r.IntN(14))
		}
		if r.IntN(30) == 0 {
			row.lead = "null"
		}
		if r.IntN(3) == 0 {
			row.anonymous = pick("a1", "a2", "a3", "a4", "a5", "a6", "a7", "L3", "U1")
		}
		for kind, values := range map[string]int{
			"email": 9, "phone": 9, "contact_phone": 9, "hubspot_deal": 5, "gclid": 3, "company": 2, "email_invalid": 2,
		} {
			if r.IntN(8) == 0 {
				row.identifiers[kind] = fmt.Sprint("v", r.IntN(values))
			}
		}
		if row.table == "lead_updates" && row.lead != "" && r.IntN(6) == 0 {
			row.identifiers["merged_into"] = fmt.Sprint("L", r.IntN(14))
			if r.IntN(3) == 0 {
				row.identifiers["merged_into"] = row.lead
			}
		}
		rows[i] = row
	}
	// U1 becomes a lead at last.
	rows[n-1].lead, rows[n-1].identifiers = "U1", map[string]string{}
	return rows
}

// TestIncrementsEqualRebuild lets random histories arrive in random pieces, out of order and some twice. After each piece
// the tables are those that plain Go tells of the rows so far, and those of a rebuild.
func TestIncrementsEqualRebuild(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 5))
			db := warehousetest.Open(t)
			cfg := identity.Config{SharedLeads: 3 + int(seed%2), BrowserLeads: 2}
			rows := randomRows(r, 60)
			slices.SortFunc(rows, func(raw, raw) int { return r.IntN(3) - 1 })
			var so []raw
			for i := 0; len(rows) > 0; i++ {
				n := min(1+r.IntN(20), len(rows))
				piece := slices.Clone(rows[:n])
				if len(so) > 0 && r.IntN(2) == 0 {
					piece = append(piece, so[r.IntN(len(so))])
				}
				rows, so = rows[n:], append(so, rows[:n]...)
				now := start.Add(time.Duration(i) * time.Minute)
				arrive(t, db, now, piece)
				before, _ := content(t, db)
				update(t, db, now, cfg)
				check(t, db, so, cfg)
				checkTouched(t, db, before)
			}
			if again := update(t, db, start, cfg); again.Changed != 0 {
				t.Errorf("a second run over all rows changed %d ids", again.Changed)
			}
			whole := all(t, db)
			if _, err := identity.Rebuild(t.Context(), db, cfg); err != nil {
				t.Fatal(err)
			}
			check(t, db, so, cfg)
			if diff := cmp.Diff(whole, all(t, db)); diff != "" {
				t.Errorf("the rebuild gave another table (-increments +rebuild):\n%s", diff)
			}
			if again := update(t, db, start, cfg); again.Changed != 0 {
				t.Errorf("an update after the rebuild changed %d ids", again.Changed)
			}
		})
	}
}

// all is every column of identities and identity_links but for versions.
func all(t *testing.T, db *warehouse.DB) []string {
	t.Helper()
	var lines []string
	for _, sql := range []string{
		"SELECT workspace, kind, value, lead_id, first_at, via FROM identities ORDER BY ALL",
		"SELECT node, other, link, workspace, kind, value, other_kind, first_at, seen_at, stated.at, stated.event_id " +
			"FROM identity_links ORDER BY ALL",
	} {
		rows, err := db.Query(t.Context(), sql, nil)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprint(values))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

// checkTouched wants the old and the new person of every node that has another one than before, and no other.
func checkTouched(t *testing.T, db *warehouse.DB, before []string) {
	t.Helper()
	after, _ := content(t, db)
	was, is := personOf(before), personOf(after)
	want := map[string]bool{}
	for node := range merged(was, is) {
		old, now := was[node], is[node]
		if old == "" {
			old = ownOf(node)
		}
		if now == "" {
			now = ownOf(node)
		}
		if old != now {
			workspace, _, _ := strings.Cut(node[1:], " ")
			want[workspace+" "+old], want[workspace+" "+now] = true, true
		}
	}
	var rows []struct {
		Workspace string `ch:"workspace"`
		Lead      string `ch:"lead_id"`
	}
	if err := db.Select(t.Context(), &rows, "SELECT workspace, lead_id FROM touched", nil); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, r := range rows {
		got[r.Workspace+" "+r.Lead] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("touched (-want +got):\n%s", diff)
	}
	if err := db.Exec(t.Context(), "TRUNCATE TABLE touched", nil); err != nil {
		t.Fatal(err)
	}
}

// personOf takes the lines of content apart.
func personOf(lines []string) map[string]string {
	persons := map[string]string{}
	for _, line := range lines {
		parts := strings.Split(line, "|")
		persons[parts[0]] = parts[1]
	}
	return persons
}

func ownOf(node string) string {
	parts := strings.Split(strings.Trim(node, "{}"), " ")
	return id{parts[0], parts[1], parts[2]}.own()
}

func merged(a, b map[string]string) map[string]bool {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return all
}

// TestMergesCommute lets the same rows arrive in many orders, one by one and all at once.
func TestMergesCommute(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	cfg := identity.Config{SharedLeads: 4, BrowserLeads: 3}
	rows := randomRows(r, 14)
	for range 3 {
		db := warehousetest.Open(t)
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for i, row := range rows {
			now := start.Add(time.Duration(i) * time.Minute)
			arrive(t, db, now, []raw{row})
			update(t, db, now, cfg)
		}
		check(t, db, rows, cfg)
	}
}
