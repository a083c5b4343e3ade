package warehouse

import (
	"context"
	"errors"
	"fmt"
)

// Name is the name of the database.
func (db *DB) Name() string { return db.cfg.Database }

// Work opens the database beside db in which things are computed on the way, NAME_work. Nothing in it must last. Close
// it before db.
func (db *DB) Work(ctx context.Context) (*DB, error) {
	work, err := db.In(ctx, db.cfg.Database+"_work")
	if err != nil {
		return nil, err
	}
	if err := work.createDatabase(ctx); err != nil {
		return nil, errors.Join(err, work.Close())
	}
	return work, nil
}

// Recreate drops the database with all its tables and makes it empty.
func (db *DB) Recreate(ctx context.Context) error {
	sql := onCluster("DROP DATABASE IF EXISTS "+db.cfg.Database+" /*on_cluster*/ SYNC", db.cfg.Cluster)
	if err := plain(db.admin.Exec(ctx, sql)); err != nil {
		return fmt.Errorf("drop the database %s: %w", db.cfg.Database, err)
	}
	return db.createDatabase(ctx)
}

// Everywhere is a system table as all replicas of the cluster have it; on a single node it is the table.
func (db *DB) Everywhere(table string) string {
	if db.cfg.Cluster == "" {
		return table
	}
	return "clusterAllReplicas('" + db.cfg.Cluster + "', " + table + ")"
}
