package embedded

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unsafe"
)

// killInterval is how often a statement whose request has ended is told to stop. Once is not enough: a statement that
// is still being planned is not in the list of those that can be stopped.
const killInterval = 20 * time.Millisecond

// commentSetting is the setting by which a statement is found in system.processes.
const commentSetting = "log_comment"

// session is one connection and what was set on it. It runs one statement at a time.
type session struct {
	engine   *Engine
	number   int
	conn     unsafe.Pointer
	database string
	settings map[string]string
}

func (e *Engine) newSession(number int) (*session, error) {
	s := &session{engine: e, number: number}
	return s, s.reconnect()
}

// reconnect gives the session a new connection, on which nothing is set.
func (s *session) reconnect() (err error) {
	s.close()
	s.conn, err = s.engine.connect()
	s.database, s.settings = "default", map[string]string{}
	return err
}

func (s *session) close() {
	if s.conn != nil {
		s.engine.api.closeConn(s.conn)
		s.conn = nil
	}
}

// handle is the connection as the query functions take it.
func (s *session) handle() handle { return *(*handle)(s.conn) }

// free gives the session back to the pool.
func (s *session) free() { s.engine.pool <- s }

// tag begins the log_comment of this session's statements, and of no other's.
func (s *session) tag() string { return fmt.Sprintf("clew-%d", s.number) }

// prepare makes the session's database and settings those of the request. After a failure nothing is known of the
// connection, so a new one takes its place.
func (s *session) prepare(ctx context.Context, r *request) error {
	if s.conn == nil {
		if err := s.reconnect(); err != nil {
			return err
		}
	}
	err := s.use(ctx, r.database)
	if err == nil {
		err = s.set(ctx, s.wanted(r))
	}
	if err != nil {
		s.close()
	}
	return err
}

func (s *session) use(ctx context.Context, database string) error {
	if database == "" {
		database = "default"
	}
	if database == s.database {
		return nil
	}
	if _, err := s.run(ctx, "USE "+quoteName(database), "", nil); err != nil {
		return err
	}
	s.database = database
	return nil
}

// wanted is what should be set for r. implicit_select, on in libchdb alone, would take any word for a statement.
func (s *session) wanted(r *request) map[string]string {
	wanted := map[string]string{"implicit_select": "0"}
	maps.Copy(wanted, r.settings)
	comment := []string{s.tag(), r.id, wanted[commentSetting]}
	wanted[commentSetting] = strings.Join(slices.DeleteFunc(comment, func(s string) bool { return s == "" }), " ")
	return wanted
}

// set changes what differs. What an earlier request set and this one does not goes back to its default.
func (s *session) set(ctx context.Context, wanted map[string]string) error {
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if value, ok := s.settings[name]; !ok || value != wanted[name] {
			changes = append(changes, quoteName(name)+" = "+quoteText(wanted[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.settings)) {
		if _, ok := wanted[name]; !ok {
			changes = append(changes, quoteName(name)+" = DEFAULT")
		}
	}
	if len(changes) == 0 {
		return nil
	}
	if _, err := s.run(ctx, "SET "+strings.Join(changes, ", "), "", nil); err != nil {
		return err
	}
	s.settings = wanted
	return nil
}

// run executes a statement to its end and returns its whole answer.
func (s *session) run(ctx context.Context, sql, format string, params map[string]string) ([]byte, error) {
	a := s.engine.api
	var result handle
	err := s.guard(ctx, func() { result = start(a.query, s.handle(), sql, format, params) })
	if err != nil {
		a.drop(&result)
		return nil, err
	}
	defer a.drop(&result)
	return slices.Clone(a.bytes(result)), a.failed(result)
}

// guard runs call, which may block in C, and stops the session's statement when ctx ends. It returns when call has
// returned and nothing can stop the session's next statement by mistake.
func (s *session) guard(ctx context.Context, call func()) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	returned, stopped := make(chan struct{}), make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(stopped)
		s.stopUntil(returned)
	})
	call()
	close(returned)
	if unhook() {
		return nil
	}
	<-stopped
	return context.Cause(ctx)
}

// stopUntil tells the session's statement to stop until returned is closed.
func (s *session) stopUntil(returned <-chan struct{}) {
	ticker := time.NewTicker(killInterval)
	defer ticker.Stop()
	for {
		s.engine.stop(s.tag())
		select {
		case <-returned:
			return
		case <-ticker.C:
		}
	}
}

// stop kills the statement of the session with this tag, and says whether it ran. A failure shows in that the statement
// runs on, and is followed by another try.
func (e *Engine) stop(tag string) (ran bool) {
	e.kill.Lock()
	defer e.kill.Unlock()
	const sql = "KILL QUERY WHERE splitByChar(' ', Settings['log_comment'])[1] = {tag:String} ASYNC FORMAT TSV"
	result := start(e.api.query, e.control.handle(), sql, "", map[string]string{"tag": tag})
	defer e.api.destroyResult(result)
	return e.api.resultLength(result) > 0
}

// quoteName writes an identifier.
func quoteName(name string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(name) + "`"
}

// quoteText writes a string literal.
func quoteText(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}
