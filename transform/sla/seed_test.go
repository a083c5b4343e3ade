package sla_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"clew/transform/warehouse"
)

// modelDir is where the models are.
const modelDir = "../models"

// insert adds rows of some columns to a table.
func insert(t *testing.T, db *warehouse.DB, table, columns string, rows [][]any) {
	t.Helper()
	if len(rows) == 0 {
		return
	}
	batch, err := db.Insert(t.Context(), table, strings.Split(columns, ", "))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = batch.Abort() }()
	for _, row := range rows {
		if err := batch.Append(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

// insertLeads fills leads and the raw tables. The models read columns that a history has too.
func insertLeads(t *testing.T, db *warehouse.DB, leads []lead) {
	t.Helper()
	tables := map[string][][]any{}
	add := func(table string, row ...any) {
		tables[table] = append(tables[table], append([]any{"default"}, row...))
	}
	for _, l := range leads {
		add("leads", l.id, l.created, l.industry)
		for _, m := range l.marks {
			switch m.kind {
			case "stage":
				add("stage_changes", m.id, l.id, m.at, m.value)
			case "action":
				add("assignments", m.id, l.id, m.at, m.value, m.owner, m.team)
			case "grade":
				add("grade_changes", m.id, l.id, m.at, m.value)
			case "priority":
				add("lead_updates", m.id, l.id, m.at, map[string]string{"priority": m.value})
			}
		}
		for i, a := range l.activities {
			add("activities", l.id+"-"+time.Duration(i).String(), l.id, a.at, a.effective, a.method)
		}
	}
	for table, columns := range map[string]string{
		"leads":         "workspace, lead_id, created_at, industry",
		"stage_changes": "workspace, event_id, lead_id, occurred_at, stage",
		"assignments":   "workspace, event_id, lead_id, occurred_at, action, owner, team",
		"grade_changes": "workspace, event_id, lead_id, occurred_at, grade",
		"lead_updates":  "workspace, event_id, lead_id, occurred_at, attributes",
		"activities":    "workspace, event_id, lead_id, occurred_at, effective, method",
	} {
		insert(t, db, table, columns, tables[table])
	}
}

var writes = regexp.MustCompile(`(?s)-- writes: (\w+) \((.*?)\)`)

// compute runs models over the main database.
func compute(t *testing.T, db *warehouse.DB, asOf time.Time, names ...string) {
	t.Helper()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(modelDir, name+".sql"))
		if err != nil {
			t.Fatal(err)
		}
		header := writes.FindStringSubmatch(string(text))
		columns := strings.Fields(strings.NewReplacer(",", " ", "--", " ").Replace(header[2]))
		sql := regexp.MustCompile(`(?m)^--.*\n`).ReplaceAllString(string(text), "")
		p := warehouse.Params{"as_of": asOf, "tz": "Asia/Shanghai"}
		if _, err := db.Replace(t.Context(), header[1], columns, sql, p); err != nil {
			t.Fatal(err)
		}
	}
}
