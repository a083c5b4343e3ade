package transform

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"clew/transform/warehouse"
)

// rebuild computes all persons into fresh tables, one range after the other, and swaps the tables in. What it leaves when
// it dies goes with the next one.
func (r *run) rebuild(ctx context.Context) error {
	scopes, err := r.allPersons(ctx)
	if err != nil {
		return err
	}
	for _, m := range r.byLead() {
		if _, err := r.db.Next(ctx, m.Table); err != nil {
			return err
		}
	}
	for _, in := range scopes {
		if err := r.compute(ctx, in); err != nil {
			return err
		}
		if err := r.publish(ctx, "_next"); err != nil {
			return err
		}
		if err := r.empty(ctx); err != nil {
			return err
		}
	}
	for _, m := range r.byLead() {
		if err := r.db.Swap(ctx, m.Table); err != nil {
			return err
		}
		r.told("swap " + m.Table)
	}
	return nil
}

// increment computes the persons that something happened to. The rows of a higher version replace theirs.
func (r *run) increment(ctx context.Context) error {
	in, persons, err := r.touched(ctx)
	if err != nil || persons == 0 {
		return err
	}
	r.result.Leads = persons
	if err := r.compute(ctx, in); err != nil {
		return err
	}
	if err := r.publish(ctx, ""); err != nil {
		return err
	}
	if err := r.bury(ctx); err != nil {
		return err
	}
	return r.empty(ctx)
}

// compute gathers the histories of a scope and runs the models over them.
func (r *run) compute(ctx context.Context, in scope) error {
	if err := r.gather(ctx, in); err != nil {
		return err
	}
	for _, m := range r.byLead() {
		if err := r.work.InsertSelect(ctx, m.Table, m.Columns, m.SQL, r.params); err != nil {
			return fmt.Errorf("model %s: %w", m.Name, err)
		}
		r.told("model " + m.Name)
	}
	return nil
}

// publishing lets several threads sort and write the rows of a table.
var publishing = map[string]any{"max_insert_threads": 4}

// publish writes what the models computed to tables of the main database.
func (r *run) publish(ctx context.Context, suffix string) error {
	counts, err := r.count(ctx)
	if err != nil {
		return err
	}
	for _, m := range r.byLead() {
		if counts[m.Table] == 0 {
			continue
		}
		sql := fmt.Sprintf("SELECT %s, {version:UInt64} FROM %s.%s", strings.Join(m.Columns, ", "), r.work.Name(), m.Table)
		err := r.db.InsertSelect(warehouse.WithSettings(ctx, publishing), m.Table+suffix, append(slices.Clone(m.Columns), "_ver"), sql,
			warehouse.Params{"version": r.mark.Version})
		if err != nil {
			return fmt.Errorf("publish %s: %w", m.Table, err)
		}
		r.result.Rows[m.Table] += counts[m.Table]
		r.told("publish " + m.Table)
	}
	return nil
}

// bury deletes the rows of the scope's persons that are no more.
func (r *run) bury(ctx context.Context) error {
	keys, err := r.sortingKeys(ctx)
	if err != nil {
		return err
	}
	for _, m := range r.byLead() {
		persons := "SELECT workspace, lead_id FROM " + r.work.Name() + ".scope"
		if keys[m.Table] == "workspace, lead_id" {
			persons += " WHERE (workspace, lead_id) NOT IN (SELECT workspace, lead_id FROM " + r.work.Name() + "." + m.Table + ")"
		}
		// Read without FINAL, which would merge the whole table for a few persons of it.
		sql := fmt.Sprintf("SELECT %[1]s, {version:UInt64}, 1 FROM %[2]s\nWHERE (workspace, lead_id) IN (%[4]s)"+
			" AND (%[1]s) NOT IN (SELECT %[1]s FROM %[3]s.%[2]s)\nGROUP BY %[1]s HAVING argMax(_deleted, _ver) = 0",
			keys[m.Table], m.Table, r.work.Name(), persons)
		err := r.db.InsertSelect(warehouse.WithSettings(ctx, map[string]any{"final": 0}), m.Table,
			append(strings.Split(keys[m.Table], ", "), "_ver", "_deleted"), sql, warehouse.Params{"version": r.mark.Version})
		if err != nil {
			return fmt.Errorf("delete from %s what is no more: %w", m.Table, err)
		}
		r.told("bury " + m.Table)
	}
	return nil
}

// sortingKeys are the columns that tell the rows of a table apart, by table.
func (r *run) sortingKeys(ctx context.Context) (map[string]string, error) {
	var rows []struct {
		Name string `ch:"name"`
		Key  string `ch:"sorting_key"`
	}
	err := r.db.Select(ctx, &rows, "SELECT name, sorting_key FROM system.tables WHERE database = {database:String} AND sorting_key != ''",
		warehouse.Params{"database": r.db.Name()})
	if err != nil {
		return nil, fmt.Errorf("list the keys of the derived tables: %w", err)
	}
	keys := map[string]string{}
	for _, row := range rows {
		keys[row.Name] = row.Key
	}
	return keys, nil
}
