package transform

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"clew/transform/warehouse"
)

// scratch are the work tables beside histories and models, with their columns. A model may read scope.
var scratch = map[string]string{
	"scope":   "workspace LowCardinality(String), lead_id String",
	"nodes":   "workspace LowCardinality(String), kind LowCardinality(String), value String",
	"aliases": "workspace LowCardinality(String), kind LowCardinality(String), value String, lead_id String",
	"repeats": "history String, key UInt64",
}

// prepare makes what the work database lacks: empty tables in memory, and a view of each table of the main database that
// a model reads. A rebuild makes all of it anew, for models may have changed.
func (r *run) prepare(ctx context.Context) error {
	if r.result.Rebuilt {
		if err := r.work.Recreate(ctx); err != nil {
			return err
		}
	}
	main, err := shapes(ctx, r.db)
	if err != nil {
		return err
	}
	work, err := shapes(ctx, r.work)
	if err != nil {
		return err
	}
	for name, columns := range scratch {
		if err := r.makeTable(ctx, name, columns, work); err != nil {
			return err
		}
	}
	for _, h := range histories {
		columns := "lead_id String, source_lead_id String, " + main.of(h.table, strings.Split(h.columns, ", "))
		if err := r.makeTable(ctx, h.table, columns, work); err != nil {
			return err
		}
	}
	for _, m := range r.byLead() {
		if err := r.makeTable(ctx, m.Table, main.of(m.Table, m.Columns), work); err != nil {
			return err
		}
	}
	for _, table := range r.references() {
		if err := r.makeView(ctx, table, main, work); err != nil {
			return err
		}
	}
	return r.empty(ctx)
}

// shape is the columns of each table as CREATE TABLE lists them.
type shape map[string][]warehouse.Column

func shapes(ctx context.Context, db *warehouse.DB) (shape, error) {
	var rows []struct {
		Table string `ch:"table"`
		Name  string `ch:"name"`
		Type  string `ch:"type"`
	}
	err := db.Select(ctx, &rows, "SELECT table, name, type FROM system.columns WHERE database = {database:String} "+
		"ORDER BY table, position", warehouse.Params{"database": db.Name()})
	if err != nil {
		return nil, fmt.Errorf("list the columns of %s: %w", db.Name(), err)
	}
	found := shape{}
	for _, row := range rows {
		found[row.Table] = append(found[row.Table], warehouse.Column{Name: row.Name, Type: row.Type})
	}
	return found, nil
}

// of lists some columns of a table, all of them where none are named.
func (s shape) of(table string, names []string) string {
	var texts []string
	for _, c := range s[table] {
		if names == nil {
			texts = append(texts, c.Name+" "+c.Type)
		}
	}
	for _, name := range names {
		if i := slices.IndexFunc(s[table], func(c warehouse.Column) bool { return c.Name == name }); i >= 0 {
			texts = append(texts, name+" "+s[table][i].Type)
		}
	}
	return strings.Join(texts, ", ")
}

func (r *run) makeTable(ctx context.Context, name, columns string, have shape) error {
	if have.of(name, nil) == columns {
		return nil
	}
	if err := r.work.Exec(ctx, "CREATE OR REPLACE TABLE "+name+" ("+columns+") ENGINE = Memory", nil); err != nil {
		return fmt.Errorf("make the work table %s: %w", name, err)
	}
	return nil
}

func (r *run) makeView(ctx context.Context, table string, main, have shape) error {
	if have.of(table, nil) == main.of(table, nil) {
		return nil
	}
	var names []string
	for _, c := range main[table] {
		names = append(names, c.Name)
	}
	sql := fmt.Sprintf("CREATE OR REPLACE VIEW %s AS SELECT %s FROM %s.%[1]s", table, strings.Join(names, ", "), r.db.Name())
	if err := r.work.Exec(ctx, sql, nil); err != nil {
		return fmt.Errorf("make the work view %s: %w", table, err)
	}
	return nil
}

// references are the tables of the main database that models by lead read as they stand there.
func (r *run) references() []string {
	own := map[string]bool{}
	for _, h := range histories {
		own[h.table] = true
	}
	for name := range scratch {
		own[name] = true
	}
	read := map[string]bool{}
	for _, m := range r.byLead() {
		own[m.Table] = true
		for _, table := range m.Reads {
			read[table] = true
		}
	}
	maps.DeleteFunc(read, func(table string, _ bool) bool { return own[table] })
	return slices.Sorted(maps.Keys(read))
}

// empty drops the rows of all work tables.
func (r *run) empty(ctx context.Context) error {
	return r.work.Exec(ctx, "TRUNCATE ALL TABLES FROM "+r.work.Name(), nil)
}

// count is how many rows each work table has that has any.
func (r *run) count(ctx context.Context) (map[string]uint64, error) {
	var rows []struct {
		Name string  `ch:"name"`
		Rows *uint64 `ch:"total_rows"`
	}
	err := r.work.Select(ctx, &rows, "SELECT name, total_rows FROM system.tables WHERE database = {database:String} "+
		"AND total_rows > 0", warehouse.Params{"database": r.work.Name()})
	if err != nil {
		return nil, fmt.Errorf("count what was computed: %w", err)
	}
	counts := map[string]uint64{}
	for _, row := range rows {
		counts[row.Name] = *row.Rows
	}
	return counts, nil
}
