package transform

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"clew/transform/warehouse"
)

// buckets is the number of partitions of a derived table, as its DDL says. A rebuild goes through them one by one.
const buckets = 16

// history is a raw table whose rows belong to persons.
type history struct {
	table string
	// columns are those that a model may read beside lead_id.
	columns string
	// anonymous says that a row may come without a lead id, and then has anonymous_id and identifiers.
	anonymous bool
}

var histories = []history{
	{"events", "workspace, event_id, anonymous_id, type, occurred_at, received_at, clamped, name, channel, source, medium, " +
		"campaign, content, term, url, referrer, page_group, value, session_id, properties", true},
	{"lead_updates", "workspace, event_id, anonymous_id, identifiers, occurred_at, received_at, clamped, created_at, " +
		"contact_name, phone, email, wechat, company, source, attributes", true},
	{"activities", "workspace, event_id, anonymous_id, occurred_at, received_at, clamped, owner, method, duration_s, " +
		"effective, outcome, next_action, next_at, emotion", true},
	{"stage_changes", "workspace, event_id, anonymous_id, occurred_at, received_at, clamped, stage, amount, currency, reason",
		true},
	{"assignments", "workspace, event_id, anonymous_id, occurred_at, received_at, clamped, owner, team, action", true},
	{"grade_changes", "workspace, event_id, occurred_at, model, grade, total", false},
}

// prepare makes the tables of the work database.
func (r *run) prepare(ctx context.Context) error {
	for _, h := range histories {
		if err := r.scratch(ctx, h.table, "lead_id, lead_id AS source_lead_id, "+h.columns); err != nil {
			return err
		}
	}
	if err := r.scratch(ctx, "touched AS scope", "workspace, lead_id"); err != nil {
		return err
	}
	made := map[string]bool{}
	for _, m := range r.byLead() {
		if err := r.scratch(ctx, m.Table, strings.Join(m.Columns, ", ")); err != nil {
			return err
		}
		made[m.Table] = true
	}
	for _, m := range r.byLead() {
		for _, table := range m.Reads {
			if made[table] || slices.ContainsFunc(histories, func(h history) bool { return h.table == table }) {
				continue
			}
			sql := fmt.Sprintf("CREATE OR REPLACE VIEW %s AS SELECT * FROM %s.%[1]s", table, r.db.Name())
			if err := r.work.Exec(ctx, sql, nil); err != nil {
				return err
			}
			made[table] = true
		}
	}
	return nil
}

// scratch makes an empty table in memory with some columns of a table of the main database.
func (r *run) scratch(ctx context.Context, table, columns string) error {
	name := table
	if source, alias, ok := strings.Cut(table, " AS "); ok {
		table, name = source, alias
	}
	err := r.work.Exec(ctx, fmt.Sprintf("CREATE OR REPLACE TABLE %s ENGINE = Memory EMPTY AS SELECT %s FROM %s.%s",
		name, columns, r.db.Name(), table), nil)
	if err != nil {
		return fmt.Errorf("make the work table %s: %w", name, err)
	}
	return nil
}

func (r *run) byLead() []Model {
	return slices.DeleteFunc(slices.Clone(r.models), func(m Model) bool { return !m.ByLead })
}

// rebuild computes all leads into fresh tables, one sixteenth after the other, and swaps the tables in.
func (r *run) rebuild(ctx context.Context) error {
	for _, m := range r.byLead() {
		if _, err := r.db.Next(ctx, m.Table); err != nil {
			return err
		}
	}
	for bucket := range buckets {
		if err := r.compute(ctx, fmt.Sprintf("modulo(cityHash64(workspace, %%s), %d) = %d", buckets, bucket)); err != nil {
			return err
		}
		for _, m := range r.byLead() {
			if err := r.publish(ctx, m, m.Table+"_next"); err != nil {
				return err
			}
		}
	}
	for _, m := range r.byLead() {
		if err := r.db.Swap(ctx, m.Table); err != nil {
			return err
		}
	}
	return nil
}

// increment computes the leads that something happened to.
func (r *run) increment(ctx context.Context) error {
	if err := r.fillScope(ctx); err != nil {
		return err
	}
	if err := r.compute(ctx, "(workspace, %s) IN (SELECT workspace, lead_id FROM "+r.work.Name()+".scope)"); err != nil {
		return err
	}
	for _, m := range r.byLead() {
		if err := r.publish(ctx, m, m.Table); err != nil {
			return err
		}
		if err := r.bury(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// fillScope notes the persons that an increment computes.
func (r *run) fillScope(ctx context.Context) error {
	const news = "(_ingested_at >= {from:DateTime64(3, 'UTC')} OR occurred_at > {was:DateTime64(3, 'UTC')})" +
		" AND occurred_at <= {as_of:DateTime64(3, 'UTC')}"
	var parts []string
	for _, h := range histories {
		parts = append(parts, "SELECT workspace, lead_id FROM "+r.db.Name()+"."+h.table+" WHERE "+news)
	}
	parts = append(parts, "SELECT workspace, lead_id FROM "+r.db.Name()+
		".touched WHERE _ingested_at >= {from:DateTime64(3, 'UTC')}")
	for _, m := range r.byLead() {
		if slices.Contains(m.Columns, "changes_at") {
			parts = append(parts, "SELECT workspace, lead_id FROM "+r.db.Name()+"."+m.Table+
				" WHERE changes_at > {was:DateTime64(3, 'UTC')} AND changes_at <= {as_of:DateTime64(3, 'UTC')}")
		}
	}
	sql := "SELECT DISTINCT workspace, lead_id FROM (" + strings.Join(parts, "\nUNION ALL\n") + ") WHERE lead_id != ''"
	return r.work.InsertSelect(ctx, "scope", []string{"workspace", "lead_id"}, sql, r.withMarks())
}

func (r *run) withMarks() warehouse.Params {
	p := maps.Clone(r.params)
	p["from"], p["was"] = r.last.ArrivedUntil, r.last.AsOf
	return p
}

// compute fills the histories of the persons of a condition, in which %s stands for a person's id, and runs the models.
func (r *run) compute(ctx context.Context, in string) error {
	for _, h := range histories {
		if err := r.gather(ctx, h, in); err != nil {
			return fmt.Errorf("gather the histories in %s: %w", h.table, err)
		}
	}
	for _, m := range r.byLead() {
		if err := r.empty(ctx, m.Table); err != nil {
			return err
		}
		if err := r.work.InsertSelect(ctx, m.Table, m.Columns, m.SQL, r.params); err != nil {
			return fmt.Errorf("model %s: %w", m.Name, err)
		}
	}
	return nil
}

func (r *run) empty(ctx context.Context, table string) error {
	return r.work.Exec(ctx, "TRUNCATE TABLE "+table, nil)
}

// gather fills one history.
func (r *run) gather(ctx context.Context, h history, in string) error {
	if err := r.empty(ctx, h.table); err != nil {
		return err
	}
	columns := "lead_id, source_lead_id, " + h.columns
	sql := fmt.Sprintf("SELECT lead_id, lead_id, %s FROM %s.%s WHERE lead_id != '' AND %s"+
		" AND occurred_at <= {as_of:DateTime64(3, 'UTC')}"+
		"\nORDER BY occurred_at DESC, received_at DESC LIMIT 1 BY workspace, event_id",
		h.columns, r.db.Name(), h.table, fmt.Sprintf(in, "lead_id"))
	if h.table == "grade_changes" {
		sql = strings.Replace(sql, "received_at DESC", "grade", 1)
	}
	return r.work.InsertSelect(ctx, h.table, strings.Split(columns, ", "), sql, r.params)
}

// publish writes what a model computed to a table of the main database.
func (r *run) publish(ctx context.Context, m Model, table string) error {
	columns := strings.Join(m.Columns, ", ")
	p := warehouse.Params{"version": r.mark.Version}
	err := r.db.InsertSelect(ctx, table, append(slices.Clone(m.Columns), "_ver"),
		fmt.Sprintf("SELECT %s, {version:UInt64} FROM %s.%s", columns, r.work.Name(), m.Table), p)
	if err != nil {
		return fmt.Errorf("publish %s: %w", m.Table, err)
	}
	rows, err := r.work.Count(ctx, m.Table)
	r.result.Rows[m.Table] += rows
	return err
}

// bury deletes the rows of the scope's leads that are no more.
func (r *run) bury(ctx context.Context, m Model) error {
	key, err := r.sortingKey(ctx, m.Table)
	if err != nil {
		return err
	}
	sql := fmt.Sprintf("SELECT %[1]s, {version:UInt64}, 1 FROM %[2]s\n"+
		"WHERE (workspace, lead_id) IN (SELECT workspace, lead_id FROM %[3]s.scope) AND (%[1]s) NOT IN (SELECT %[1]s FROM %[3]s.%[2]s)",
		key, m.Table, r.work.Name())
	err = r.db.InsertSelect(ctx, m.Table, append(strings.Split(key, ", "), "_ver", "_deleted"), sql,
		warehouse.Params{"version": r.mark.Version})
	if err != nil {
		return fmt.Errorf("delete from %s what is no more: %w", m.Table, err)
	}
	return nil
}

func (r *run) sortingKey(ctx context.Context, table string) (string, error) {
	var rows []struct {
		Key string `ch:"sorting_key"`
	}
	err := r.db.Select(ctx, &rows, "SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
		warehouse.Params{"name": table})
	if err != nil || len(rows) == 0 {
		return "", fmt.Errorf("which key %s has: %w", table, err)
	}
	return rows[0].Key, nil
}
