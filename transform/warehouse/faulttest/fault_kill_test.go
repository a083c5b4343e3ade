package faulttest

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"clew/ingest/stream/kafkatest"
)

// full says that the long suite runs: make test-faults.
var full = os.Getenv("CLEW_TEST_FAULTS") != ""

// pauses is how often TestZombie pauses an owner in the long suite, and soak how long TestSoak lasts there.
var (
	pauses = flag.Int("faults.pauses", 60, "pauses of an owner")
	soak   = flag.Duration("faults.soak", 2*time.Minute, "length of the soak of mixed faults")
)

// size is the number of events and of rounds of a test: few in the normal suite.
func size(t *testing.T, events, rounds int) (int, int) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the engine")
	}
	if full {
		return events, rounds
	}
	return events / 10, max(2, rounds/10)
}

// lacking ends a test that this machine cannot run: by a skip, and by a failure where CI is set.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// dice are the same in every run of a test.
func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2026)) }

func startBroker(t *testing.T) *process {
	t.Helper()
	return start(t, child{Role: "broker", Dir: t.TempDir(), Addr: "127.0.0.1:0"})
}

// embeddedSink is an ingest process with the engine in it, with batches small enough to be cut often.
func embeddedSink(brokers []string, dir string) child {
	return child{Role: "ingest", Brokers: brokers, DSN: "embedded:" + dir, MaxRows: 2000, Every: 50 * time.Millisecond}
}

// servedSink is an ingest process that writes to an engine elsewhere.
func servedSink(brokers []string, addr string) child {
	return child{Role: "ingest", Brokers: brokers, DSN: "http://" + addr, MaxRows: 2000, Every: 50 * time.Millisecond}
}

func evict(t *testing.T, brokers []string) {
	t.Helper()
	if err := kafkatest.Evict(t.Context(), brokers[0], group); err != nil {
		t.Fatal(err)
	}
}

// finish lets a last process carry what is left.
func finish(t *testing.T, c child) {
	t.Helper()
	last := start(t, c)
	caughtUp(t, c.Brokers)
	last.stop(t)
}

// TestKillSinkAndEngine kills the process that holds both, at random times.
func TestKillSinkAndEngine(t *testing.T) {
	n, rounds := size(t, 200_000, 50)
	brokers := []string{startBroker(t).addr}
	produce(t, brokers, 0, n/2)
	c, random := embeddedSink(brokers, t.TempDir()), dice(1)
	for i := range rounds {
		produce(t, brokers, n/2+i*(n/2/rounds), n/2+(i+1)*(n/2/rounds))
		p := start(t, c)
		p.expect(t, "flush")
		time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond) // when the fault strikes
		p.kill()
		evict(t, brokers)
	}
	finish(t, c)
	judge(t, "kill -9 of sink and engine", rounds, c.DSN[len("embedded:"):], brokers, sent{events: n})
}

// TestKillSink kills the sink while the engine goes on with what it has received.
func TestKillSink(t *testing.T) {
	n, rounds := size(t, 200_000, 20)
	brokers := []string{startBroker(t).addr}
	engine := start(t, child{Role: "engine", Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	c, random := servedSink(brokers, engine.addr), dice(2)
	produce(t, brokers, 0, n/2)
	for i := range rounds {
		produce(t, brokers, n/2+i*(n/2/rounds), n/2+(i+1)*(n/2/rounds))
		p := start(t, c)
		p.expect(t, "flush")
		time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond) // when the fault strikes
		p.kill()
		evict(t, brokers)
	}
	finish(t, c)
	judgeAt(t, "kill -9 of the sink alone", rounds, c.DSN, brokers, sent{events: n})
}

// TestKillEngine kills the engine under a sink that lives on.
func TestKillEngine(t *testing.T) {
	n, rounds := size(t, 150_000, 20)
	brokers := []string{startBroker(t).addr}
	engine := child{Role: "engine", Dir: t.TempDir(), Addr: "127.0.0.1:0"}
	served := start(t, engine)
	engine.Addr = served.addr
	sink, random := start(t, servedSink(brokers, engine.Addr).withTopics(t)), dice(3)
	for i := range rounds {
		produce(t, brokers, i*(n/rounds), (i+1)*(n/rounds))
		sink.expect(t, "flush")
		time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond) // when the fault strikes
		served.kill()
		served = start(t, engine)
	}
	caughtUp(t, brokers)
	sink.stop(t)
	judgeAt(t, "kill -9 of the engine alone", rounds, "http://"+engine.Addr, brokers, sent{events: n / rounds * rounds})
}

// TestKillAtRenames kills the process at the nth rename of a file or directory: a part becomes visible by one.
func TestKillAtRenames(t *testing.T) {
	if out, err := exec.Command("strace", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		lacking(t, fmt.Sprintf("needs strace (apt-get install strace) and the right to trace: %v %s", err, out))
	}
	n, rounds := size(t, 60_000, 24)
	brokers := []string{startBroker(t).addr}
	c := embeddedSink(brokers, t.TempDir())
	finish(t, c.withTopics(t)) // the tables are made without faults
	killed, atParts, i := 0, 0, 0
	for ; i < rounds || atParts < rounds/4 && i < 4*rounds; i++ { // a slow machine renames other things first
		produce(t, brokers, i*(n/rounds), (i+1)*(n/rounds))
		trace := filepath.Join(t.TempDir(), "trace")
		p := launch(t, c, "strace", "-f", "-o", trace, "-e", "trace=rename,renameat,renameat2",
			"-e", fmt.Sprintf("inject=rename,renameat,renameat2:signal=SIGKILL:when=%d", 1+i%8))
		if !p.endsBefore(func() bool { return isCaughtUp(t, brokers) }) {
			p.stop(t)
			continue
		}
		text, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		if diedAtPart(text) {
			atParts++
		}
		killed++
		evict(t, brokers)
	}
	if killed < rounds/2 || atParts < rounds/4 {
		t.Errorf("only %d of %d were killed, %d at a part of an INSERT", killed, i, atParts)
	}
	t.Logf("%d of %d were killed, %d at a part of an INSERT", killed, i, atParts)
	finish(t, c)
	judge(t, "SIGKILL at the nth rename of a part", killed, c.DSN[len("embedded:"):], brokers,
		sent{events: i * (n / rounds)})
}

// diedAtPart says whether a trace ends in the rename of a part of an INSERT: a call that did not return has the result "?".
func diedAtPart(trace []byte) bool {
	for line := range bytes.Lines(trace) {
		if bytes.Contains(line, []byte("tmp_insert")) && bytes.HasSuffix(bytes.TrimSpace(line), []byte("= ?")) {
			return true
		}
	}
	return false
}

// withTopics makes the topics first.
func (c child) withTopics(t *testing.T) child {
	t.Helper()
	produce(t, c.Brokers, 0, 0)
	return c
}

// endsBefore asks until done, and says whether the child ended first.
func (p *process) endsBefore(done func() bool) bool {
	finished := make(chan struct{})
	go func() { defer close(finished); p.gone() }()
	for {
		select {
		case <-finished:
			return true
		default:
		}
		if done() {
			select {
			case <-finished:
				return true
			default:
				return false
			}
		}
	}
}
