// Package embedded runs ClickHouse inside the process, by way of libchdb, and speaks clickhouse-go's HTTP protocol with
// it: an Engine is an http.RoundTripper, so the code above it cannot tell the engine from a server.
//
// A request becomes one statement on one of a few connections to one directory. SELECTs and INSERTs are streamed. What
// the protocol carries beside the statement is honoured: the database, settings, parameters, and the end of the
// request's context, which ends the statement. The engine gives statements identifiers of its own; the identifier a
// caller gives stands in log_comment.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"unsafe"
)

// DefaultConnections is how many statements run side by side when Config does not say.
const DefaultConnections = 8

// dropDelay is after how many seconds the files of a dropped table go. The engine's own 480 would keep eight minutes of
// every table that is replaced again and again.
const dropDelay = 10

// ErrClosed says that the engine was closed before or during the request.
var ErrClosed = errors.New("the embedded engine is closed")

// Config says what to open.
type Config struct {
	// Path is the data directory. It is created where it does not exist.
	Path string
	// Library is the path of libchdb; empty: see Find.
	Library string
	// Connections is how many statements may run side by side; 0 means DefaultConnections.
	Connections int
}

// Engine is ClickHouse on one directory. It is safe for concurrent use.
type Engine struct {
	api     *api
	cfg     Config
	lock    *os.File
	pool    chan *session
	control *session
	// kill guards control: it runs one statement at a time.
	kill sync.Mutex
	// live ends when Close begins, and with it every request.
	live  context.Context
	end   context.CancelFunc
	close func() error
	hello []byte
}

// process is what libchdb is once in a process: the library itself, and the one directory it serves.
var process struct {
	sync.Mutex
	api  *api
	path string
}

// Open starts the engine on cfg.Path. A process can have one open at a time, and a directory one process:
// ErrInUse otherwise. ErrNoLibrary where libchdb is not installed.
func Open(cfg Config) (*Engine, error) {
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("data directory %q: %w", cfg.Path, err)
	}
	cfg.Path = path
	if cfg.Connections == 0 {
		cfg.Connections = DefaultConnections
	}
	process.Lock()
	defer process.Unlock()
	if process.path != "" && process.path != path {
		return nil, fmt.Errorf("%w: libchdb serves one at a time, and this process (%d) has %s open; close it first",
			ErrInUse, os.Getpid(), process.path)
	}
	if err := loadOnce(cfg.Library); err != nil {
		return nil, err
	}
	return open(process.api, cfg)
}

// loadOnce brings the library into the process with process locked. The first call decides which.
func loadOnce(library string) error {
	if process.api != nil {
		return nil
	}
	signals := saveSignals()
	defer signals.restore()
	handle, err := load(library)
	if err != nil {
		return err
	}
	a, err := bind(handle)
	if err != nil {
		return err
	}
	a.setSignalHandlers(0)
	process.api = a
	return nil
}

func open(a *api, cfg Config) (*Engine, error) {
	lock, err := lockDir(cfg.Path)
	if err != nil {
		return nil, err
	}
	e := &Engine{api: a, cfg: cfg, lock: lock, pool: make(chan *session, cfg.Connections)}
	e.live, e.end = context.WithCancel(context.Background())
	e.close = sync.OnceValue(e.closeAll)
	if err := e.fill(); err != nil {
		e.end()
		return nil, errors.Join(err, e.release())
	}
	process.path = cfg.Path
	return e, nil
}

// fill opens the connections and asks for what the protocol's greeting needs.
func (e *Engine) fill() (err error) {
	if e.control, err = e.newSession(0); err != nil {
		return err
	}
	if e.hello, err = e.greeting(); err != nil {
		return err
	}
	for i := range e.cfg.Connections {
		s, err := e.newSession(i + 1)
		if err != nil {
			return err
		}
		e.pool <- s
	}
	return nil
}

// connect opens one connection. Each opening takes over signals, so each puts them back.
func (e *Engine) connect() (unsafe.Pointer, error) {
	signals := saveSignals()
	defer signals.restore()
	args := []string{
		"clickhouse", "--path=" + e.cfg.Path,
		fmt.Sprintf("--database_atomic_delay_before_drop_table_sec=%d", dropDelay),
	}
	var p cStrings
	defer p.pins.Unpin()
	conn := e.api.connect(int32(len(args)), p.argv(args))
	if conn == nil {
		return nil, fmt.Errorf("the engine did not open %s: it has written the reason to standard error", e.cfg.Path)
	}
	return conn, nil
}

// acquire waits for a free connection.
func (e *Engine) acquire(ctx context.Context) (*session, error) {
	select {
	case s := <-e.pool:
		return s, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Close ends the statements that run, waits until they have ended, and closes the connections. Further calls return
// what the first did. It must come before the end of the process: with the race detector on, the library's
// destructors otherwise hang.
func (e *Engine) Close() error { return e.close() }

func (e *Engine) closeAll() error {
	e.end()
	for range e.cfg.Connections {
		s := <-e.pool
		s.close()
	}
	process.Lock()
	defer process.Unlock()
	process.path = ""
	return e.release()
}

// release gives up what open took beside the pool's connections in use.
func (e *Engine) release() error {
	for {
		select {
		case s := <-e.pool:
			s.close()
			continue
		default:
		}
		break
	}
	if e.control != nil {
		e.control.close()
	}
	return e.lock.Close()
}
