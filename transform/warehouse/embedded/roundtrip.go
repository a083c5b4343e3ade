package embedded

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// RoundTrip runs the request's statement, as a ClickHouse server would. The answer's body streams; closing it, or the
// end of the request's context, ends the statement. A connection is held until then.
func (e *Engine) RoundTrip(req *http.Request) (*http.Response, error) {
	r, err := parse(req)
	if err != nil {
		return nil, err
	}
	defer r.body.Close()
	if r.sql == helloQuery {
		return r.answer(e.hello, nil)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	unhook := context.AfterFunc(e.live, func() { cancel(ErrClosed) })
	done := func() { unhook(); cancel(nil) }
	s, err := e.acquire(ctx)
	if err != nil {
		done()
		return nil, err
	}
	res, err := s.serve(ctx, r, func() { s.free(); done() })
	if failed, ok := errors.AsType[engineError](err); ok {
		return r.failure(failed)
	}
	return res, err
}

// serve runs the statement in the session. It calls free once, when the session is needed no longer: before it returns,
// unless the answer streams.
func (s *session) serve(ctx context.Context, r *request, free func()) (*http.Response, error) {
	if err := s.prepare(ctx, r); err != nil {
		free()
		return nil, err
	}
	if sql, format, ok := r.insertOfBody(); ok {
		defer free()
		if parts := insertFromInput.FindStringSubmatch(sql); parts != nil {
			return r.answer(nil, s.insertSelected(ctx, parts[1:], format, r))
		}
		return r.answer(nil, s.insert(ctx, sql, format, r.body))
	}
	what := s.engine.api.analyse(s.handle(), r.sql)
	if what.statements == 1 && what.class == classReadOnly {
		body, err := s.stream(ctx, r, free)
		if err == nil {
			return r.streamed(body), nil
		}
		defer free()
		if errors.Is(err, io.EOF) {
			return r.answer(s.describe(ctx, r))
		}
		if !errors.Is(err, errNotStreamed) {
			return nil, err
		}
	} else {
		defer free()
	}
	return r.answer(s.runWhole(ctx, r, what))
}

// runWhole runs a statement of whatever kind and holds its whole answer.
func (s *session) runWhole(ctx context.Context, r *request, what analysis) ([]byte, error) {
	if what.statements > 1 {
		return nil, engineError("Code: 62. DB::Exception: Syntax error: a request holds one statement. (SYNTAX_ERROR)")
	}
	answer, err := s.run(ctx, r.sql, r.format, r.params)
	if what.statements == 0 && err == nil {
		err = engineError("Code: 62. DB::Exception: Syntax error: the request holds no statement. (SYNTAX_ERROR)")
	}
	if what.class == classControl {
		// SET and USE last for one request, as on a server.
		s.close()
	}
	return answer, err
}

// response is a response with its whole body at hand.
func (r *request) response(status int, body []byte) *http.Response {
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r.http, Header: http.Header{},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// answer is the response of a statement that succeeded, and none where it failed.
func (r *request) answer(body []byte, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	return r.response(http.StatusOK, body), nil
}

// streamed is the response of a statement that is still running.
func (r *request) streamed(body io.ReadCloser) *http.Response {
	res := r.response(http.StatusOK, nil)
	res.Body, res.ContentLength = body, -1
	return res
}

// failure is the response of a server whose statement failed before its first row.
func (r *request) failure(failed engineError) (*http.Response, error) {
	res := r.response(http.StatusInternalServerError, []byte(failed))
	if code := failed.exception().Code; code != 0 {
		res.Header.Set("X-ClickHouse-Exception-Code", strconv.Itoa(int(code)))
	}
	return res, nil
}
