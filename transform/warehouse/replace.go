package warehouse

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// Replace fills a fresh copy of table with the rows of selectSQL, in the order of columns, and swaps it in atomically:
// a reader sees the old rows or the new ones. The same call twice gives the same table. It returns the number of rows.
//
// The process may die at any line. Before the swap the table is untouched and TABLE_next holds leftovers, which the
// next call's CREATE OR REPLACE clears away. After the swap the table is complete and TABLE_next holds the old rows,
// which likewise go with the next call. Calls for one table wait for each other; those of other processes do not, and
// must be kept apart by whoever runs the jobs.
//
// On a cluster the statements go to every node, and the rows come from the shard that runs the SELECT.
func (db *DB) Replace(ctx context.Context, table string, columns []string, selectSQL string, p Params) (uint64, error) {
	for _, n := range append([]string{table}, columns...) {
		if err := checkName(n); err != nil {
			return 0, err
		}
	}
	var rows uint64
	err := db.replaceBy(ctx, table, func(next string) (err error) {
		if err := db.InsertSelect(ctx, next, columns, selectSQL, p); err != nil {
			return err
		}
		rows, err = db.Count(ctx, next)
		return err
	})
	if err != nil {
		return 0, err
	}
	return rows, nil
}

// ReplaceRows is Replace by rows, whose values stand in the order of columns.
func (db *DB) ReplaceRows(ctx context.Context, table string, columns []string, rows [][]any) error {
	return db.replaceBy(ctx, table, func(next string) error {
		if len(rows) == 0 {
			return nil
		}
		batch, err := db.Insert(ctx, next, columns)
		if err != nil {
			return err
		}
		defer batch.Abort()
		for _, row := range rows {
			if err := batch.Append(row...); err != nil {
				return err
			}
		}
		return batch.Send()
	})
}

// replaceBy swaps in what fill writes to the empty table next.
func (db *DB) replaceBy(ctx context.Context, table string, fill func(next string) error) error {
	if err := checkName(table); err != nil {
		return err
	}
	lock, _ := db.replacing.LoadOrStore(table, &sync.Mutex{})
	lock.(*sync.Mutex).Lock()
	defer lock.(*sync.Mutex).Unlock()
	next, err := db.Next(ctx, table)
	if err == nil {
		err = fill(next)
	}
	if err == nil {
		err = db.Swap(ctx, table)
	}
	if err != nil {
		return fmt.Errorf("replace %s: %w", table, err)
	}
	return nil
}

// Next makes an empty copy of a table, TABLE_next, for what Swap puts in its place, and returns its name. What an
// earlier call left there is gone.
func (db *DB) Next(ctx context.Context, table string) (string, error) {
	if err := checkName(table); err != nil {
		return "", err
	}
	next := table + "_next"
	return next, db.ddl(ctx, "CREATE OR REPLACE TABLE "+next+" /*on_cluster*/ AS "+table)
}

// Swap puts TABLE_next in the place of table at once, and drops the old rows.
func (db *DB) Swap(ctx context.Context, table string) error {
	if err := checkName(table); err != nil {
		return err
	}
	if err := db.ddl(ctx, "EXCHANGE TABLES "+table+" AND "+table+"_next /*on_cluster*/"); err != nil {
		return err
	}
	return db.ddl(ctx, "DROP TABLE IF EXISTS "+table+"_next /*on_cluster*/")
}

// InsertSelect adds the rows of a SELECT, in the order of columns, and returns when they are written.
func (db *DB) InsertSelect(ctx context.Context, table string, columns []string, selectSQL string, p Params) error {
	return db.Exec(WithSettings(ctx, insertSettings),
		"INSERT INTO "+table+" ("+strings.Join(columns, ", ")+")\n"+selectSQL, p)
}

// Count is the number of rows of a table.
func (db *DB) Count(ctx context.Context, table string) (uint64, error) {
	var answer []struct {
		Rows uint64 `ch:"rows"`
	}
	if err := db.Select(ctx, &answer, "SELECT count() AS rows FROM "+table, nil); err != nil {
		return 0, err
	}
	return answer[0].Rows, nil
}

func (db *DB) ddl(ctx context.Context, sql string) error {
	return db.Exec(ctx, onCluster(sql, db.cfg.Cluster), nil)
}
