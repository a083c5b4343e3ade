package warehouse

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// ledger is the table of what was applied. Its rows are only ever added; the same row twice says the same.
const ledger = `CREATE TABLE IF NOT EXISTS schema_migrations /*on_cluster*/
(
    version UInt32,
    name String,
    hash String COMMENT 'SHA-256 of the file',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = /*replicated*/MergeTree
ORDER BY version`

// migration is one file of migrations/: 0001_raw.sql has version 1. It may be run again at any point, because each of
// its statements changes nothing where it was run before.
type migration struct {
	version uint32
	name    string
	text    string
}

func (m migration) hash() string {
	sum := sha256.Sum256([]byte(m.text))
	return hex.EncodeToString(sum[:])
}

// Migrate creates the database and every table that is missing. It can be repeated, and cut off anywhere: a statement
// that was run but not noted down is run again and changes nothing. It refuses to go on when a file that was applied
// has been changed since, or is not known to this program.
func (db *DB) Migrate(ctx context.Context) error {
	migrations, err := load(migrationFiles)
	if err != nil {
		return err
	}
	if err := db.createDatabase(ctx); err != nil {
		return err
	}
	return db.apply(ctx, migrations)
}

// createDatabase names the engine because only Atomic swaps tables in one step.
func (db *DB) createDatabase(ctx context.Context) error {
	sql := onCluster("CREATE DATABASE IF NOT EXISTS "+db.cfg.Database+" /*on_cluster*/ ENGINE = Atomic", db.cfg.Cluster)
	if err := plain(db.admin.Exec(ctx, sql)); err != nil {
		return fmt.Errorf("create the database %s: %w", db.cfg.Database, err)
	}
	return nil
}

func (db *DB) apply(ctx context.Context, migrations []migration) error {
	if err := db.Exec(ctx, onCluster(ledger, db.cfg.Cluster), nil); err != nil {
		return fmt.Errorf("create the ledger of migrations: %w", err)
	}
	applied, err := db.applied(ctx)
	if err != nil {
		return err
	}
	if err := check(migrations, applied); err != nil {
		return fmt.Errorf("database %s: %w", db.cfg.Database, err)
	}
	for _, m := range migrations {
		if _, ok := applied[m.version]; ok {
			continue
		}
		if err := db.run(ctx, m); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return nil
}

// appliedMigration is a row of the ledger.
type appliedMigration struct {
	Version uint32 `ch:"version"`
	Name    string `ch:"name"`
	Hash    string `ch:"hash"`
}

func (db *DB) applied(ctx context.Context) (map[uint32]appliedMigration, error) {
	var rows []appliedMigration
	const sql = "SELECT version, name, hash FROM schema_migrations ORDER BY version, hash"
	if err := db.Select(ctx, &rows, sql, nil); err != nil {
		return nil, fmt.Errorf("read the ledger of migrations: %w", err)
	}
	applied := map[uint32]appliedMigration{}
	for _, row := range rows {
		applied[row.Version] = row
	}
	return applied, nil
}

// check compares what was applied with what this program knows.
func check(migrations []migration, applied map[uint32]appliedMigration) error {
	known := map[uint32]migration{}
	for _, m := range migrations {
		known[m.version] = m
	}
	for version, was := range applied {
		m, ok := known[version]
		if !ok {
			return fmt.Errorf("migration %s was applied and is not known here: "+
				"this program is older than its tables, run the newer one", was.Name)
		}
		if m.hash() != was.Hash {
			return fmt.Errorf("migration %s was changed after it was applied: "+
				"put the file back and write a new migration", m.name)
		}
	}
	return nil
}

func (db *DB) run(ctx context.Context, m migration) error {
	for i, sql := range split(m.text) {
		if err := db.Exec(ctx, onCluster(sql, db.cfg.Cluster), nil); err != nil {
			return fmt.Errorf("statement %d: %w", i+1, err)
		}
	}
	batch, err := db.Insert(ctx, "schema_migrations", []string{"version", "name", "hash"})
	if err != nil {
		return err
	}
	if err := batch.Append(m.version, m.name, m.hash()); err != nil {
		return err
	}
	return batch.Send()
}

// load reads the migrations in the order of their versions.
func load(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var migrations []migration
	for _, file := range names {
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, err
		}
		m := migration{name: strings.TrimSuffix(path.Base(file), ".sql"), text: string(text)}
		if _, err := fmt.Sscanf(m.name, "%04d_", &m.version); err != nil || m.version != uint32(len(migrations)+1) {
			return nil, fmt.Errorf("migration %s: want the number %04d in front", file, len(migrations)+1)
		}
		migrations = append(migrations, m)
	}
	return migrations, nil
}

// onCluster makes the markers in a statement text for a cluster; without one they stay comments.
func onCluster(sql, cluster string) string {
	if cluster == "" {
		return sql
	}
	return strings.NewReplacer("/*on_cluster*/", "ON CLUSTER '"+cluster+"'", "/*replicated*/", "Replicated").Replace(sql)
}
