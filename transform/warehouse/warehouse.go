// Package warehouse is the door to ClickHouse. It opens the engine in process or a server by DSN, makes the tables,
// runs statements and writes rows; above it nothing tells the two apart.
//
// The tables are made by a migrator of our own, in migrate.go. The known ones (goose among them) keep their ledger in
// one node's table, know no ON CLUSTER and cannot make the same file say MergeTree on one machine and
// ReplicatedMergeTree on a cluster; what is left of them after that is less than this package needs anyway.
package warehouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"clew/transform/warehouse/embedded"
)

// DefaultDatabase is the database of a Config that names none.
const DefaultDatabase = "clew"

// embeddedScheme begins a DSN that names a directory instead of a server.
const embeddedScheme = "embedded:"

// maxOpen is how many statements clickhouse-go lets run at once. It is large in process, where the engine has its own
// queue that honours the context; clickhouse-go's gives up after its dial timeout.
const (
	maxOpenEmbedded = 1024
	maxOpenServer   = 32
)

// dialTimeout is for reaching a server, and for waiting for a free connection to it.
const dialTimeout = 30 * time.Second

// readTimeout is how long a server may stay silent: an INSERT … SELECT over all raw rows says nothing until its end.
const readTimeout = 30 * time.Minute

// Config says where the warehouse is.
type Config struct {
	// DSN is embedded:PATH for the engine in process, or http://, https:// or clickhouse:// for a server.
	DSN string
	// Database is where the tables are; empty means the one in the DSN, and that missing too, DefaultDatabase.
	Database string
	// Cluster is the name for ON CLUSTER; empty means a single node.
	Cluster string
	// MemoryLimit is in bytes for one statement; 0 leaves it to the engine.
	MemoryLimit int64
	// Library is the path of libchdb for the engine in process; empty: see embedded.Find.
	Library string
}

// DB is an open warehouse. It is safe for concurrent use.
type DB struct {
	cfg   Config
	conn  driver.Conn
	admin driver.Conn
	// engine is nil where the warehouse is a server. It is closed by the DB that opened it.
	engine *embedded.Engine
	borrow bool
	// execSettings go with every statement that has no rows.
	execSettings map[string]any
	close        func() error
	// frontiers holds a *frontier for each raw table.
	frontiers sync.Map
	// erased are the messages that are stored blank when they come again.
	erased erasedMessages
	// replacing holds a *sync.Mutex for each table that Replace was called for.
	replacing sync.Map
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkName lets only names through that need no quotes, so that no other text can become part of a statement.
func checkName(name string) error {
	if !plainName.MatchString(name) {
		return fmt.Errorf("%q cannot be the name of a database, cluster, table or column: use letters, digits and _", name)
	}
	return nil
}

// Open connects to the warehouse and makes sure that it answers. It does not need the database to exist yet: see
// Migrate. A directory that is open already gives embedded.ErrInUse, a missing library embedded.ErrNoLibrary.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if err := checkName(cfg.Cluster); cfg.Cluster != "" && err != nil {
		return nil, err
	}
	db := newDB(cfg)
	options, err := db.options()
	if err == nil {
		err = db.dial(ctx, options)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the warehouse: %w", plain(err)), db.Close())
	}
	return db, nil
}

func newDB(cfg Config) *DB {
	db := &DB{cfg: cfg}
	db.close = sync.OnceValue(db.closeAll)
	return db
}

// In opens another database of the same warehouse. In process it shares the engine of db, so db is closed last.
func (db *DB) In(ctx context.Context, database string) (*DB, error) {
	if err := checkName(database); err != nil {
		return nil, err
	}
	other := newDB(db.cfg)
	other.cfg.Database, other.engine, other.borrow = database, db.engine, true
	options, err := other.options()
	if err == nil {
		err = other.dial(ctx, options)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", database, plain(err)), other.Close())
	}
	return other, nil
}

// dial opens two pools: the tables' and, for what must work before the database exists, one without a database.
func (db *DB) dial(ctx context.Context, options *clickhouse.Options) (err error) {
	if db.conn, err = clickhouse.Open(options); err != nil {
		return err
	}
	admin := *options
	admin.Auth.Database = ""
	if db.admin, err = clickhouse.Open(&admin); err != nil {
		return err
	}
	return db.admin.Ping(ctx)
}

// options turns the Config into clickhouse-go's. With embedded:PATH it starts the engine.
func (db *DB) options() (*clickhouse.Options, error) {
	options, err := db.endpoint()
	if err != nil {
		return nil, err
	}
	db.cfg.Database = cmp.Or(db.cfg.Database, options.Auth.Database, DefaultDatabase)
	if err := checkName(db.cfg.Database); err != nil {
		return nil, err
	}
	options.Auth.Database = db.cfg.Database
	options.ClientInfo = clickhouse.ClientInfo{Products: []struct{ Name, Version string }{{Name: "clew"}}}
	if options.Settings == nil {
		options.Settings = clickhouse.Settings{}
	}
	// A time without a zone, as in a parameter, is UTC whatever the machine's zone is.
	options.Settings["session_timezone"] = "UTC"
	// Of a Replacing table only the last row of each key is seen.
	options.Settings["final"] = 1
	if db.cfg.MemoryLimit > 0 {
		options.Settings["max_memory_usage"] = db.cfg.MemoryLimit
	}
	return options, nil
}

func (db *DB) endpoint() (*clickhouse.Options, error) {
	path, ok := strings.CutPrefix(db.cfg.DSN, embeddedScheme)
	if !ok {
		return db.server()
	}
	if path == "" {
		return nil, fmt.Errorf("DSN %q names no directory: want %sPATH", db.cfg.DSN, embeddedScheme)
	}
	if db.engine == nil {
		engine, err := embedded.Open(embedded.Config{Path: path, Library: db.cfg.Library})
		if err != nil {
			return nil, err
		}
		db.engine = engine
	}
	return &clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{"embedded"},
		MaxOpenConns: maxOpenEmbedded, MaxIdleConns: maxOpenEmbedded,
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) { return db.engine, nil },
	}, nil
}

// server parses the DSN of a server. Its errors never show the password.
func (db *DB) server() (*clickhouse.Options, error) {
	const want = "want embedded:PATH, http://HOST:8123, https://HOST:8443 or clickhouse://HOST:9000"
	u, err := url.Parse(db.cfg.DSN)
	if err != nil {
		return nil, fmt.Errorf("the warehouse's DSN is no URL: %s", want)
	}
	switch u.Scheme {
	case "http", "https", "clickhouse", "tcp":
	default:
		return nil, fmt.Errorf("the warehouse's DSN has the scheme %q: %s", u.Scheme, want)
	}
	if u.Scheme == "https" && !u.Query().Has("secure") {
		q := u.Query()
		q.Set("secure", "true")
		u.RawQuery = q.Encode()
	}
	options, err := clickhouse.ParseDSN(u.String())
	if err != nil {
		return nil, fmt.Errorf("the warehouse's DSN %s: %w", u.Redacted(), err)
	}
	options.DialTimeout, options.MaxOpenConns, options.MaxIdleConns = dialTimeout, maxOpenServer, maxOpenServer
	if options.ReadTimeout == 0 {
		options.ReadTimeout = readTimeout
	}
	if options.Protocol == clickhouse.HTTP {
		// A reader that goes away ends its SELECT, and a failure after a long run is the answer's status, not in its body.
		options.Settings["cancel_http_readonly_queries_on_client_close"] = 1
		db.execSettings = map[string]any{"wait_end_of_query": 1}
		options.TransportFunc = func(t *http.Transport) (http.RoundTripper, error) { return fencing{t}, nil }
	}
	return options, nil
}

// Close closes every connection; running statements end with an error. Further calls return what the first did. With
// the engine in process it must come before the end of the process.
func (db *DB) Close() error { return db.close() }

func (db *DB) closeAll() error {
	var errs []error
	for _, conn := range []driver.Conn{db.conn, db.admin} {
		if conn != nil {
			errs = append(errs, conn.Close())
		}
	}
	if db.engine != nil && !db.borrow {
		errs = append(errs, db.engine.Close())
	}
	return errors.Join(errs...)
}

// ErrorCode is ClickHouse's number for what went wrong, 0 where err did not come from ClickHouse.
func ErrorCode(err error) int {
	if ex, ok := errors.AsType[*clickhouse.Exception](err); ok {
		return int(ex.Code)
	}
	return 0
}

// plain takes off what clickhouse-go puts around ClickHouse's own words, and the request's URL, which holds the values
// of parameters and says nothing of the cause.
func plain(err error) error {
	if ex, ok := errors.AsType[*clickhouse.Exception](err); ok {
		return ex
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}
