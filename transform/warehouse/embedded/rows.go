package embedded

import (
	"context"
	"errors"
	"io"
	"sync"
)

// rows is the body of a SELECT's answer: it fetches from the engine as it is read.
type rows struct {
	session *session
	ctx     context.Context
	stream  handle
	free    func()
	unhook  func() bool

	mu sync.Mutex
	// chunk is the engine's, and rest what of its bytes was not read yet.
	chunk handle
	rest  []byte
	// err is what Read returns when rest is empty; with it the session is free.
	err error
}

// stream starts a SELECT and fetches its first rows, so that a failure up to there is the request's: errNotStreamed
// where the statement is another, io.EOF where there are no rows.
func (s *session) stream(ctx context.Context, r *request, free func()) (*rows, error) {
	a := s.engine.api
	b := &rows{session: s, ctx: ctx, free: free}
	err := s.guard(ctx, func() { b.stream = start(a.streamQuery, s.handle(), r.sql, r.format, r.params) })
	if err == nil {
		err = a.failed(b.stream)
	}
	if err == nil {
		err = b.fetch()
	}
	if err != nil {
		b.drop()
		return nil, err
	}
	// abandon waits for the lock, and so finds unhook.
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unhook = context.AfterFunc(ctx, b.abandon)
	return b, nil
}

// Read returns bytes in the statement's format. Where the statement fails midway, it returns a *clickhouse.Exception: a
// server can only write the failure into the body, where a client has to guess it apart from rows.
func (b *rows) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		if err := b.fetch(); err != nil {
			b.end(err)
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close ends the statement.
func (b *rows) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.end(io.ErrClosedPipe)
	}
	b.rest = nil
	return nil
}

// abandon frees the session of a reader that went away without closing.
func (b *rows) abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.end(context.Cause(b.ctx))
		b.rest = nil
	}
}

// fetch gets the next chunk; io.EOF after the last.
func (b *rows) fetch() error {
	s, a := b.session, b.session.engine.api
	a.drop(&b.chunk)
	if err := s.guard(b.ctx, func() { b.chunk = a.streamFetch(s.handle(), b.stream) }); err != nil {
		return err
	}
	if err := a.failed(b.chunk); err != nil {
		return err
	}
	if b.rest = a.bytes(b.chunk); len(b.rest) == 0 {
		return io.EOF
	}
	return nil
}

// end stops the statement and frees the session. Read returns err from now on.
func (b *rows) end(err error) {
	b.err = err
	if failed, ok := errors.AsType[engineError](err); ok {
		b.err = failed.exception()
	}
	b.drop()
	b.unhook()
	b.free()
}

// drop gives the engine back what the statement holds, which ends it.
func (b *rows) drop() {
	a := b.session.engine.api
	a.drop(&b.chunk)
	if b.stream != 0 {
		a.streamCancel(b.session.handle(), b.stream)
	}
	a.drop(&b.stream)
}
