package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// appendSize is how many bytes of an INSERT's rows go to the engine in one call.
const appendSize = 1 << 20

// insert streams the rows in body into the statement. They are in the table when it returns nil.
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

// appendAll hands over the body. When the engine refuses more, the reason comes at the stream's end, so that is no
// error here.
func (s *session) appendAll(ctx context.Context, stream handle, body io.Reader) error {
	buffer := make([]byte, appendSize)
	for {
		n, readErr := fill(body, buffer)
		refused := false
		if n > 0 {
			if err := s.guard(ctx, func() { refused = s.engine.api.push(stream, buffer[:n]) }); err != nil {
				return err
			}
		}
		switch {
		case refused:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(readErr, io.EOF):
			return nil
		case readErr != nil:
			return fmt.Errorf("read the rows to insert: %w", readErr)
		}
	}
}

// fill reads until the buffer is full. Its error is the body's own: one that breaks off must not look like one that ends.
func fill(body io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var more int
		more, err = body.Read(buffer[n:])
		n += more
	}
	return n, err
}
