package warehouse

import (
	"context"
	"errors"
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
