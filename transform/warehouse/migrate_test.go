package warehouse_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

func TestMigrateTwice(t *testing.T) {
	db := warehousetest.Open(t)
	const ledger = "SELECT version, name, hash, applied_at > '2020-01-01' FROM schema_migrations ORDER BY version"
	once := query(t, db, ledger, nil)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(once, query(t, db, ledger, nil)); diff != "" {
		t.Error(diff)
	}
	files, err := os.ReadDir("migrations")
	if err != nil || len(files) != len(once) {
		t.Errorf("%d files, %d rows in the ledger, %v", len(files), len(once), err)
	}
}

// TestMigrateAfterACut runs again what was done but not noted down. Raw rows stay; derived tables are made anew, and so
// nothing may say that they hold something.
func TestMigrateAfterACut(t *testing.T) {
	db := warehousetest.Open(t)
	exec(t, db, "INSERT INTO lead_updates (workspace, lead_id) VALUES ('w', 'L')")
	exec(t, db, "INSERT INTO watermarks (name) VALUES ('transform')")
	exec(t, db, "TRUNCATE TABLE schema_migrations")
	exec(t, db, "DROP TABLE scores SYNC")
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := query(t, db, "SELECT (SELECT count() FROM lead_updates), (SELECT count() FROM scores), "+
		"(SELECT count() FROM leads), (SELECT count() FROM watermarks)", nil)
	if diff := cmp.Diff([][]any{{uint64(1), uint64(0), uint64(0), uint64(0)}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMigrateRefuses(t *testing.T) {
	for name, c := range map[string]struct{ spoil, want string }{
		"a changed file": {
			"ALTER TABLE schema_migrations UPDATE hash = 'x' WHERE version = 1 SETTINGS mutations_sync = 2",
			"migration 0001_raw was changed after it was applied",
		},
		"an unknown file": {
			"INSERT INTO schema_migrations (version, name, hash) VALUES (9999, '9999_future', 'x')",
			"migration 9999_future was applied and is not known here",
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := warehousetest.Open(t)
			exec(t, db, c.spoil)
			err := db.Migrate(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "database test_") {
				t.Errorf("want %q and the database's name, got %v", c.want, err)
			}
		})
	}
}

func TestClusterText(t *testing.T) {
	text, err := os.ReadFile("testdata/cluster.in.sql")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/cluster.golden.sql")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(golden), warehouse.OnCluster(string(text), "main")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(string(text), warehouse.OnCluster(string(text), "")); diff != "" {
		t.Errorf("without a cluster the text changed:\n%s", diff)
	}
}

func TestSplit(t *testing.T) {
	got := warehouse.Split(`-- a comment; with a semicolon
CREATE TABLE a (b String DEFAULT ';' COMMENT 'it''s; \';') -- ; here
;
/* none; here */ ;
INSERT INTO a VALUES ("x;y", ` + "`z;`" + `, 1 - 2 / 3);

SELECT 1`)
	want := []string{
		"-- a comment; with a semicolon\nCREATE TABLE a (b String DEFAULT ';' COMMENT 'it''s; \\';') -- ; here",
		"INSERT INTO a VALUES (\"x;y\", `z;`, 1 - 2 / 3)",
		"SELECT 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
