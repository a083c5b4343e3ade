package api

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// watchEvery is how soon a query stops after its client hung up.
const watchEvery = 100 * time.Millisecond

// watch calls gone when the client closes the connection, and returns then or when ctx ends. The server does not read
// while it works on a request, so it would not notice by itself. A connection that cannot be looked at is left alone.
func watch(ctx context.Context, conn net.Conn, gone func()) {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	socket, err := raw.SyscallConn()
	if err != nil {
		return
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if hungUp(socket) {
				gone()
				return
			}
		}
	}
}

// hungUp looks for the end of the stream without taking anything from it.
func hungUp(socket syscall.RawConn) bool {
	closed := false
	err := socket.Control(func(fd uintptr) {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		closed = (n == 0 && err == nil) || errors.Is(err, syscall.ECONNRESET)
	})
	return closed || err != nil
}
