package warehouse

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// mutationSettings let a statement return when all replicas have done it. Its conditions ask other tables, which
// replicas would otherwise refuse.
var mutationSettings = map[string]any{"mutations_sync": 2, "allow_nondeterministic_mutations": 1}

// Delete removes the rows of a table for which a condition holds. It takes no parameters: ClickHouse keeps the text of the
// statement beside the table, and what is to go must not stand there. The rows' files stay on disk until Purge.
func (db *DB) Delete(ctx context.Context, table, condition string) error {
	if err := checkName(table); err != nil {
		return err
	}
	err := db.ddl(WithSettings(ctx, mutationSettings), "ALTER TABLE "+table+" /*on_cluster*/ DELETE WHERE "+condition)
	if err != nil {
		return fmt.Errorf("delete from %s: %w", table, advise(err))
	}
	return nil
}

// TablesWith lists the tables that keep rows on disk and have a column of that name, in the order of their names.
func (db *DB) TablesWith(ctx context.Context, column string) ([]string, error) {
	return db.names(ctx, `SELECT columns.table AS name
FROM system.columns
WHERE database = {database:String} AND columns.name = {column:String}
    AND columns.table IN (SELECT tables.name FROM system.tables WHERE database = {database:String} AND engine LIKE '%MergeTree')
ORDER BY name`, Params{"database": db.cfg.Database, "column": column})
}

// purgeSettings let files go at once that no statement uses any more.
const purgeSettings = "old_parts_lifetime = 0, cleanup_delay_period = 1, max_cleanup_delay_period = 1, " +
	"cleanup_delay_period_random_add = 0"

// Purge returns when the files of rows that were deleted from the tables have left the disk, and those of dropped tables.
// In process it closes tables and opens them again, so nobody else may use them; on a server it waits for the cleaning in
// the background, which may take minutes. It may be repeated.
func (db *DB) Purge(ctx context.Context, tables []string) error {
	hastened := map[string]bool{}
	for {
		old, err := db.withOldParts(ctx, tables)
		if err != nil {
			return err
		}
		if len(old) == 0 {
			break
		}
		for _, t := range old { // a merge meanwhile leaves old files in another table
			if hastened[t] {
				continue
			}
			if err := db.hasten(ctx, t); err != nil {
				return fmt.Errorf("remove old files of %s: %w", t, err)
			}
			hastened[t] = true
		}
		if err := wait(ctx, purgeLook); err != nil {
			return fmt.Errorf("old files of %v are still on the disk: %w", old, err)
		}
	}
	if err := db.dropped(ctx); err != nil {
		return err
	}
	return db.keepParts(ctx)
}

// withOldParts lists those of the tables that have files of rows which are no more.
func (db *DB) withOldParts(ctx context.Context, tables []string) ([]string, error) {
	return db.names(ctx, "SELECT DISTINCT table AS name FROM "+db.Everywhere("system.parts")+
		"\nWHERE NOT active AND rows > 0 AND database = {database:String} AND has({tables:Array(String)}, table) ORDER BY name",
		Params{"database": db.cfg.Database, "tables": tables})
}

func (db *DB) names(ctx context.Context, sql string, p Params) ([]string, error) {
	var rows []struct {
		Name string `ch:"name"`
	}
	err := db.Select(ctx, &rows, sql, p)
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Name
	}
	return names, err
}

// hasten lets a table's old files go soon. The cleaning that sleeps already learns of it when it wakes; in process it is
// begun anew.
func (db *DB) hasten(ctx context.Context, table string) error {
	if err := db.ddl(ctx, "ALTER TABLE "+table+" /*on_cluster*/ MODIFY SETTING "+purgeSettings); err != nil {
		return err
	}
	if db.engine == nil {
		return nil
	}
	if err := db.Exec(ctx, "DETACH TABLE "+table+" SYNC", nil); err != nil {
		return err
	}
	return db.Exec(context.WithoutCancel(ctx), "ATTACH TABLE "+table, nil)
}

// dropped waits until the files of dropped tables are gone.
func (db *DB) dropped(ctx context.Context) error {
	for {
		names, err := db.names(ctx, "SELECT DISTINCT table AS name FROM "+db.Everywhere("system.dropped_tables")+
			" WHERE database = {database:String} ORDER BY name", Params{"database": db.cfg.Database})
		if err != nil || len(names) == 0 {
			return err
		}
		if err := wait(ctx, purgeLook); err != nil {
			return fmt.Errorf("files of the dropped tables %v are still on the disk: %w", names, err)
		}
	}
}

// keepParts takes purgeSettings back, from whatever table has them.
func (db *DB) keepParts(ctx context.Context) error {
	tables, err := db.names(ctx, "SELECT name FROM system.tables\n"+
		"WHERE database = {database:String} AND engine_full LIKE '%max_cleanup_delay_period = 1,%' ORDER BY name",
		Params{"database": db.cfg.Database})
	if err != nil {
		return err
	}
	var settings []string
	for set := range strings.SplitSeq(purgeSettings, ", ") {
		name, _, _ := strings.Cut(set, " ")
		settings = append(settings, name)
	}
	for _, t := range tables {
		if err := db.ddl(ctx, "ALTER TABLE "+t+" /*on_cluster*/ RESET SETTING "+strings.Join(settings, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// purgeLook is how often Purge looks.
const purgeLook = 200 * time.Millisecond

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
