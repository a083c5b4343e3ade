package faulttest

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A link stands for the network between two processes: a TCP relay that can hold what is under way, delay it, and break
// connections. It is used in place of network namespaces, for not every kernel can lose and delay packets (netem), and
// making namespaces needs rights. What is held is kept and delivered later, also when the sender has closed meanwhile, as
// a kernel does with what it has buffered.
type link struct {
	listener net.Listener
	to       string
	// kafka has the target's address replaced by the link's in what the target says of itself.
	kafka bool

	mu    sync.Mutex
	open  *sync.Cond
	held  bool
	delay time.Duration
	// breaks is the chance that the connection breaks at a piece of an answer, and at pieceSize bytes of a request: the
	// kernel cuts a long request into more pieces the busier the machine is, and each attempt must keep its chance.
	breaks float64
	dice   *rand.Rand
	broken int
}

const pieceSize = 1 << 16

// piece is what was read at once, and when it may arrive.
type piece struct {
	data []byte
	due  time.Time
}

func startLink(t *testing.T, to string, kafka bool) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{listener: listener, to: to, kafka: kafka, dice: dice(8)}
	l.open = sync.NewCond(&l.mu)
	t.Cleanup(func() { _ = listener.Close(); l.hold(false) })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go l.relay(from)
		}
	}()
	return l
}

func (l *link) addr() string { return l.listener.Addr().String() }

// hold cuts the network, or joins it again.
func (l *link) hold(held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = held
	l.open.Broadcast()
}

// worsen sets the delay of each direction and the share of pieces that break their connection.
func (l *link) worsen(delay time.Duration, breaks float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay, l.breaks = delay, breaks
}

// breakages counts the connections that were broken.
func (l *link) breakages() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

func (l *link) relay(from net.Conn) {
	l.pass(0) // a network that is cut lets nobody connect
	to, err := net.Dial("tcp", l.to)
	if err != nil {
		_ = from.Close()
		return
	}
	answers := io.Reader(to)
	if l.kafka {
		answers = &renaming{from: to, old: address(l.to), new: address(l.addr())}
	}
	var both sync.WaitGroup
	both.Go(func() { l.carry(to.(*net.TCPConn), from, from, true) })
	both.Go(func() { l.carry(from.(*net.TCPConn), answers, to, false) })
	both.Wait()
	_, _ = from.Close(), to.Close()
}

// carry brings one direction's pieces to their end, later and in order.
func (l *link) carry(to *net.TCPConn, from io.Reader, source net.Conn, request bool) {
	pieces := make(chan piece, 256)
	go func() {
		defer close(pieces)
		for {
			buffer := make([]byte, pieceSize)
			n, err := from.Read(buffer)
			if n > 0 {
				pieces <- piece{buffer[:n], time.Now().Add(l.lag())}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.due)) // what the network takes
		share := 1.0
		if request {
			share = float64(len(p.data)) / pieceSize
		}
		if l.pass(share) {
			_, _ = to.Close(), source.Close()
			break
		}
		if _, err := to.Write(p.data); err != nil {
			_ = source.Close()
			break
		}
	}
	l.pass(0)
	_ = to.CloseWrite()
	for range pieces {
	}
}

func (l *link) lag() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.delay
}

// pass waits while the network is cut, and says whether the connection breaks here, at a share of a piece.
func (l *link) pass(share float64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.held {
		l.open.Wait()
	}
	breaks := l.dice.Float64() < share*l.breaks
	if breaks {
		l.broken++
	}
	return breaks
}

// renaming reads Kafka's answers and replaces an address in them.
type renaming struct {
	from     io.Reader
	old, new []byte
	rest     []byte
}

func (r *renaming) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		size := make([]byte, 4)
		if _, err := io.ReadFull(r.from, size); err != nil {
			return 0, err
		}
		answer := make([]byte, binary.BigEndian.Uint32(size))
		if _, err := io.ReadFull(r.from, answer); err != nil {
			return 0, err
		}
		r.rest = append(size, bytes.ReplaceAll(answer, r.old, r.new)...)
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// address is a host and port as Kafka's answers have them: of one length for all of 127.0.0.1.
func address(addr string) []byte {
	host, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	return binary.BigEndian.AppendUint32([]byte(host), uint32(n))
}
