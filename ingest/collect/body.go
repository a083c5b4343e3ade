package collect

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"clew/ingest/event"
)

// budget bounds the memory of all requests under way.
type budget struct {
	limit    int64
	used     atomic.Int64
	requests atomic.Int64
}

// hold is what one request has of the budget, from its first byte until Kafka has answered.
type hold struct {
	*budget
	bytes int64
}

// requestCost is what a request takes beside its body, roughly.
const requestCost = 16 << 10

func (b *budget) open() (*hold, *Fault) {
	h := &hold{budget: b}
	b.requests.Add(1)
	if fault := h.take(requestCost); fault != nil {
		h.release()
		return nil, fault
	}
	return h, nil
}

// take asks for memory, and answers a fault when there is none left.
func (h *hold) take(n int64) *Fault {
	if h.used.Add(n) > h.limit {
		h.used.Add(-n)
		return &Fault{Code: CodeBusy, Detail: "too much is under way: send it again later"}
	}
	h.bytes += n
	return nil
}

func (h *hold) release() {
	h.used.Add(-h.bytes)
	h.bytes = 0
	h.requests.Add(-1)
}

// source reads a body and keeps what the network said, apart from what is wrong with the content.
type source struct {
	io.Reader
	err error
}

// Read reads from the network.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

var (
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	unzips  = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// pooled is the largest buffer that is kept for the next request.
const pooled = 1 << 20

// read returns the body, unpacked and checked to be JSON. Not more than limit bytes are ever read or unpacked, however
// much is sent: a fault says that there is more.
func read(w http.ResponseWriter, r *http.Request, h *hold, limit int64) (value, *Fault) {
	// The connection is given up with a body that is too large, instead of reading on. What gzip cannot pack it makes a
	// little larger.
	from := &source{Reader: http.MaxBytesReader(w, r.Body, limit+limit/1000+1<<10)}
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer func() {
		if buf.Cap() <= pooled {
			buffers.Put(buf)
		}
	}()
	content, fault := unpacked(r.Header.Get("Content-Encoding"), from)
	if fault == nil {
		fault = fill(buf, content, h, limit)
	}
	if z, ok := content.(*gzip.Reader); ok {
		unzips.Put(z)
	}
	if fault != nil {
		return "", because(from.err, fault, limit)
	}
	v, err := parse(buf.Bytes())
	if err != nil {
		return "", asFault(err)
	}
	return v, nil
}

// unpacked looks at the content as well as at the header: gzip is gzip whatever the header says.
func unpacked(encoding string, from io.Reader) (io.Reader, *Fault) {
	var magic [2]byte
	n, err := io.ReadFull(from, magic[:])
	whole := io.MultiReader(bytes.NewReader(magic[:n]), from)
	zipped := err == nil && magic == [2]byte{0x1f, 0x8b}
	switch encoding = strings.ToLower(strings.TrimSpace(encoding)); {
	case zipped:
		z := unzips.Get().(*gzip.Reader)
		if err := z.Reset(whole); err != nil {
			return nil, &Fault{Code: CodeEncoding, Detail: fmt.Sprintf("the body is not whole gzip: %v", err)}
		}
		return z, nil
	case encoding == "" || encoding == "identity":
		return whole, nil
	case encoding == "gzip":
		return nil, &Fault{Code: CodeEncoding, Detail: "content-encoding says gzip and the body is not: send it as it says"}
	}
	return nil, &Fault{Code: CodeEncoding, Detail: fmt.Sprintf(
		"content-encoding %.40q is not taken: send plain JSON or gzip", encoding)}
}

// fill reads all there is, asking for memory first: for the bytes, and for the text that is made of them.
func fill(buf *bytes.Buffer, from io.Reader, h *hold, limit int64) *Fault {
	const step = 32 << 10
	for {
		if fault := h.take(2 * step); fault != nil {
			return fault
		}
		n, err := io.CopyN(buf, from, step)
		switch {
		case int64(buf.Len()) > limit:
			return tooLarge(limit)
		case errors.Is(err, io.EOF):
			h.give(2 * (step - n))
			return nil
		case err != nil:
			return &Fault{Code: CodeEncoding, Detail: fmt.Sprintf("the body is not whole gzip: %v", err)}
		}
	}
}

func (h *hold) give(n int64) {
	h.used.Add(-n)
	h.bytes -= n
}

func tooLarge(limit int64) *Fault {
	return &Fault{Code: event.ReasonTooLarge, Detail: fmt.Sprintf(
		"the body has more than %d bytes, unpacked: send fewer events at once", limit)}
}

// because prefers what the network said: a body that is cut off is not broken, it is late.
func because(network error, fault *Fault, limit int64) *Fault {
	if network == nil {
		return fault
	}
	if _, over := errors.AsType[*http.MaxBytesError](network); over {
		return tooLarge(limit)
	}
	return &Fault{Code: CodeSlow, Detail: fmt.Sprintf("the body did not arrive whole: %v: send it again", network)}
}
