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
	var rows []struct {
		Name string `ch:"table"`
	}
	err := db.Select(ctx, &rows, `SELECT table
FROM system.columns
WHERE database = {database:String} AND name = {column:String}
    AND table IN (SELECT name FROM system.tables WHERE database = {database:String} AND engine LIKE '%MergeTree')
ORDER BY table`, Params{"database": db.cfg.Database, "column": column})
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Name
	}
	return names, err
}

// purgeSettings let files go at once that no statement uses any more.
const purgeSettings = "old_parts_lifetime = 0, cleanup_delay_period = 1, max_cleanup_delay_period = 1, " +
	"cleanup_delay_period_random_add = 0"

// Purge returns when the files of rows that were deleted from the tables have left the disk. In process it closes the
// tables and opens them again, so nobody else may use them; on a server it waits for the cleaning in the background, a
// minute or so.
func (db *DB) Purge(ctx context.Context, tables []string) error {
	for _, t := range tables {
		if err := checkName(t); err != nil {
			return err
		}
		if err := db.purge(ctx, t); err != nil {
			return fmt.Errorf("remove old files of %s: %w", t, err)
		}
	}
	return db.purged(ctx, tables)
}

func (db *DB) purge(ctx context.Context, table string) error {
	if db.engine == nil {
		return db.ddl(ctx, "ALTER TABLE "+table+" /*on_cluster*/ MODIFY SETTING "+purgeSettings)
	}
	if err := db.Exec(ctx, "DETACH TABLE "+table+" SYNC", nil); err != nil {
		return err
	}
	return db.Exec(context.WithoutCancel(ctx), "ATTACH TABLE "+table, nil)
}

// purgeLook is how often purged looks.
const purgeLook = 200 * time.Millisecond

// purged waits until no file is left of an old part with rows, nor of a dropped table.
func (db *DB) purged(ctx context.Context, tables []string) error {
	for {
		var left []struct {
			N uint64 `ch:"n"`
		}
		err := db.Select(ctx, &left, "SELECT (SELECT count() FROM "+db.Everywhere("system.parts")+
			" WHERE NOT active AND rows > 0 AND database = {database:String} AND has({tables:Array(String)}, table))\n"+
			"+ (SELECT count() FROM "+db.Everywhere("system.dropped_tables")+" WHERE database = {database:String}) AS n",
			Params{"database": db.cfg.Database, "tables": tables})
		if err != nil {
			return err
		}
		if left[0].N == 0 {
			return db.keepParts(ctx, tables)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d old parts and dropped tables are still on disk: %w", left[0].N, ctx.Err())
		case <-time.After(purgeLook):
		}
	}
}

// keepParts takes purgeSettings back.
func (db *DB) keepParts(ctx context.Context, tables []string) error {
	if db.engine != nil {
		return nil
	}
	var names []string
	for set := range strings.SplitSeq(purgeSettings, ", ") {
		name, _, _ := strings.Cut(set, " ")
		names = append(names, name)
	}
	for _, t := range tables {
		if err := db.ddl(ctx, "ALTER TABLE "+t+" /*on_cluster*/ RESET SETTING "+strings.Join(names, ", ")); err != nil {
			return err
		}
	}
	return nil
}
