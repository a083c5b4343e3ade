// Package warehousetest gives tests a real warehouse: the engine in process, with every table and no rows.
package warehousetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"clew/transform/warehouse"
	"clew/transform/warehouse/embedded"
)

// engine is the process's one engine. It is open while a test uses it, or until Main ends: an engine left open at the
// end of the process hangs it when the race detector is on.
var engine struct {
	sync.Mutex
	db        *warehouse.DB
	dir       string
	users     int
	databases int
}

// Open returns a fresh, migrated database, closed with the test. Tests of a process share one engine and may run in
// parallel. With -short the test is skipped; without libchdb it is too, or fails where the environment variable CI is
// set.
func Open(t testing.TB) *warehouse.DB {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the engine")
	}
	name, err := acquire()
	if errors.Is(err, embedded.ErrNoLibrary) && environment("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := release(); err != nil {
			t.Error(err)
		}
	})
	db, err := engine.db.In(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeDatabase(t, db, name) })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// Main runs the tests of a package with one engine throughout, which saves opening it for each test. Call it as the
// whole of TestMain and pass what it returns to os.Exit.
func Main(m *testing.M) int {
	if flag.Parse(); testing.Short() {
		return m.Run()
	}
	_, err := acquire()
	if err != nil && !errors.Is(err, embedded.ErrNoLibrary) {
		panic(err)
	}
	code := m.Run()
	if err == nil {
		err = release()
	}
	if err != nil && !errors.Is(err, embedded.ErrNoLibrary) {
		panic(err)
	}
	return code
}

// acquire opens the engine where no one uses it yet, and names a database that no one had.
func acquire() (string, error) {
	engine.Lock()
	defer engine.Unlock()
	if engine.users == 0 {
		dir, err := os.MkdirTemp("", "warehousetest")
		if err != nil {
			return "", err
		}
		cfg := warehouse.Config{DSN: "embedded:" + dir, Library: environment("CLEW_LIBCHDB")}
		db, err := warehouse.Open(context.Background(), cfg)
		if err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
		engine.db, engine.dir = db, dir
	}
	engine.users++
	engine.databases++
	return fmt.Sprintf("test_%d", engine.databases), nil
}

func release() error {
	engine.Lock()
	defer engine.Unlock()
	engine.users--
	if engine.users > 0 {
		return nil
	}
	return errors.Join(engine.db.Close(), os.RemoveAll(engine.dir))
}

// closeDatabase drops the database too, so that a long run does not pile up tables.
func closeDatabase(t testing.TB, db *warehouse.DB, name string) {
	for _, database := range []string{name + "_work", name} {
		if err := db.Exec(context.Background(), "DROP DATABASE IF EXISTS "+database, nil); err != nil {
			t.Error(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// environment reads what a test run is told from outside; this package is part of no program.
func environment(name string) string {
	return os.Getenv(name)
}
