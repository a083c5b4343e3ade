package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// appendSize is how much of an INSERT's body goes to the engine in one call.
const appendSize = 1 << 20

// notSettings are the request's parameters that are not settings of the statement.
var notSettings = map[string]bool{
	"query": true, "query_id": true, "quota_key": true, "database": true, "default_format": true,
	"client_protocol_version": true, "user": true, "password": true, "role": true, "compress": true,
	"decompress": true, "buffer_size": true, "wait_end_of_query": true, "session_id": true,
	"session_timeout": true, "session_check": true, "stacktrace": true,
}

// RoundTrip runs the request's statement, as a ClickHouse server would. The answer's body streams; closing it, or the
// end of the request's context, ends the statement. A connection is held until then.
func (e *Engine) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	if body == nil {
		body = http.NoBody
	}
	defer func() { _ = body.Close() }()
	r, err := parse(req.URL.Query(), req.Header, body)
	if err != nil {
		return nil, err
	}
	if r.sql == helloQuery {
		return e.answer(req, http.StatusOK, e.hello, nil)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	unhook := context.AfterFunc(e.live, func() { cancel(ErrClosed) })
	done := func() { unhook(); cancel(nil) }
	s, err := e.acquire(ctx)
	if err != nil {
		done()
		return nil, err
	}
	res, err := s.serve(ctx, req, r, body, func() { s.free(); done() })
	if failed, ok := errors.AsType[engineError](err); ok {
		return e.failure(req, failed)
	}
	return res, err
}

// parse takes a request apart as ClickHouse's HTTP interface does.
func parse(query url.Values, header http.Header, body io.Reader) (*request, error) {
	if enc := header.Get("Content-Encoding"); enc != "" {
		return nil, fmt.Errorf("the embedded engine takes bodies as they are, not in Content-Encoding %s: open without compression", enc)
	}
	if strings.HasPrefix(header.Get("Content-Type"), "multipart/") {
		return nil, errors.New("the embedded engine takes no external tables: write them to a table first")
	}
	r := &request{
		id: query.Get("query_id"), database: query.Get("database"), format: query.Get("default_format"),
		sql: query.Get("query"), settings: map[string]string{}, params: map[string]string{},
	}
	for name := range query {
		if param, ok := strings.CutPrefix(name, "param_"); ok {
			r.params[param] = query.Get(name)
		} else if !notSettings[name] {
			r.settings[name] = query.Get(name)
		}
	}
	if r.sql == "" {
		text, err := io.ReadAll(body)
		if err != nil {
			return nil, fmt.Errorf("read the statement: %w", err)
		}
		r.sql = string(text)
	}
	return r, nil
}

// insertFormat finds the format at the end of an INSERT whose rows are in the body.
var insertFormat = regexp.MustCompile(`(?is)^(\s*INSERT\s.*?)\s+FORMAT\s+(\w+)\s*;?\s*$`)

// serve runs the statement in the session. free is called once, when the session is needed no longer: before serve
// returns, unless the answer streams.
func (s *session) serve(ctx context.Context, req *http.Request, r *request, body io.ReadCloser, free func()) (*http.Response, error) {
	streams := false
	defer func() {
		if !streams {
			free()
		}
	}()
	if err := s.prepare(ctx, r); err != nil {
		return nil, err
	}
	if m := insertFormat.FindStringSubmatch(r.sql); m != nil {
		return s.engine.answer(req, http.StatusOK, nil, s.insert(ctx, m[1], m[2], body))
	}
	what := s.engine.api.analyse(s.handle(), r.sql)
	if what.statements > 1 {
		return nil, engineError("Code: 62. DB::Exception: Syntax error: a request holds one statement. (SYNTAX_ERROR)")
	}
	if what.statements == 1 && what.class == classReadOnly {
		res, err := s.serveRows(ctx, req, r, free)
		if streams = err == nil && res.ContentLength < 0; err == nil || !errors.Is(err, errNotStreamed) {
			return res, err
		}
	}
	answer, err := s.run(ctx, r.sql, r.format, r.params)
	return s.engine.answer(req, http.StatusOK, answer, err)
}

// serveRows streams a SELECT. An answer without rows is at hand at once, and is the names of the columns.
func (s *session) serveRows(ctx context.Context, req *http.Request, r *request, free func()) (*http.Response, error) {
	rows, err := s.stream(ctx, r, free)
	if errors.Is(err, io.EOF) {
		header, err := s.describe(ctx, r)
		return s.engine.answer(req, http.StatusOK, header, err)
	}
	res, err := s.engine.answer(req, http.StatusOK, nil, err)
	if err != nil {
		return nil, err
	}
	res.Body, res.ContentLength = rows, -1
	return res, nil
}

// insert streams the rows in body into the statement.
func (s *session) insert(ctx context.Context, sql, format string, body io.ReadCloser) (err error) {
	a := s.engine.api
	unblock := context.AfterFunc(ctx, func() { _ = body.Close() })
	defer unblock()
	var stream handle
	err = s.guard(ctx, func() { stream = a.startInsert(s.handle(), sql, format) })
	if stream != 0 {
		defer a.destroyInsertStream(stream)
	}
	if err != nil {
		return err
	}
	if text := a.insertError(stream); text != "" {
		return engineError(text)
	}
	if err := s.appendAll(ctx, stream, body); err != nil {
		a.insertCancel(stream)
		return err
	}
	var result handle
	err = s.guard(ctx, func() { result = a.insertDone(stream) })
	if err == nil {
		err = a.failed(result)
	}
	a.drop(&result)
	return err
}

// appendAll hands over the body. When the engine refuses more, the reason is in the stream's end, so that is no error.
func (s *session) appendAll(ctx context.Context, stream handle, body io.Reader) error {
	buffer := make([]byte, appendSize)
	for {
		n, readErr := io.ReadAtLeast(body, buffer, len(buffer))
		refused := false
		if n > 0 {
			if err := s.guard(ctx, func() { refused = s.engine.api.push(stream, buffer[:n]) }); err != nil {
				return err
			}
		}
		switch {
		case refused, errors.Is(readErr, io.EOF), errors.Is(readErr, io.ErrUnexpectedEOF):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case readErr != nil:
			return fmt.Errorf("read the rows to insert: %w", readErr)
		}
	}
}

// answer makes a response with the whole body at hand. With an error there is none.
func (e *Engine) answer(req *http.Request, status int, body []byte, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req, Header: http.Header{},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

// failure makes the response of a server whose statement failed before its first row.
func (e *Engine) failure(req *http.Request, failed engineError) (*http.Response, error) {
	res, err := e.answer(req, http.StatusInternalServerError, []byte(failed), nil)
	if code := failed.exception().Code; code != 0 {
		res.Header.Set("X-ClickHouse-Exception-Code", strconv.Itoa(int(code)))
	}
	return res, err
}
