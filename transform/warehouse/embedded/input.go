package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"
)

// insertFromInput is an INSERT whose SELECT reads the request's body, in three parts: what is before input(…), the
// structure as a literal, and what is after.
var insertFromInput = regexp.MustCompile(`(?is)^(\s*INSERT\s.*\sFROM\s+)input\(\s*('(?:[^'\\]|\\.)*')\s*\)(.*)$`)

// insertSelected runs an INSERT … SELECT … FROM input(…). The library's stream of rows takes none with a SELECT, so the
// body comes to the statement by a pipe that it reads as a file. As on a server, the statement runs while its rows
// arrive, and a body that breaks off ends it.
func (s *session) insertSelected(ctx context.Context, parts []string, format string, r *request) error {
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("a pipe for the rows to insert: %w", err)
	}
	ctx, broken := context.WithCancelCause(ctx)
	defer broken(nil)
	unblock := context.AfterFunc(ctx, func() { _ = r.body.Close() })
	defer unblock()
	ended, copied := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(copied)
		defer write.Close()
		s.feed(ctx, write, r.body, ended, broken)
	}()
	sql := fmt.Sprintf("%sfile('/dev/fd/%d', '%s', %s)%s", parts[0], read.Fd(), format, parts[1], parts[2])
	_, err = s.run(ctx, sql, "", r.params)
	close(ended)
	err = errors.Join(err, read.Close())
	// A statement that failed leaves the rest of the body: closing it ends the copying.
	_ = r.body.Close()
	<-copied
	return err
}

// feed copies the body into the pipe. Where the body breaks off or ctx ends, the pipe must not end before the statement
// was told to stop, or it would take what came for all.
func (s *session) feed(
	ctx context.Context, write io.Writer, body io.Reader, ended <-chan struct{}, broken context.CancelCauseFunc,
) {
	buffer := make([]byte, 1<<16)
	for {
		n, readErr := body.Read(buffer)
		if _, err := write.Write(buffer[:n]); err != nil {
			return // the statement has ended
		}
		if errors.Is(readErr, io.EOF) && ctx.Err() == nil {
			return
		}
		if readErr != nil {
			broken(fmt.Errorf("read the rows to insert: %w", readErr))
			break
		}
	}
	ticker := time.NewTicker(killInterval)
	defer ticker.Stop()
	for !s.engine.stop(s.tag()) {
		select {
		case <-ended:
			return
		case <-ticker.C:
		}
	}
}
