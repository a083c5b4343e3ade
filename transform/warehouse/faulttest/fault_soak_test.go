package faulttest

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// world is all that runs in a soak, and what may break in it.
type world struct {
	brokerChild, engineChild child
	broker, engine           *process
	links                    [2]*link // to the broker and to the engine
	sinkChild                child
	sinks                    [2]*process
	dice                     *rand.Rand
}

func startWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		brokerChild: child{Role: "broker", Dir: t.TempDir(), Addr: "127.0.0.1:0"},
		engineChild: child{Role: "engine", Dir: t.TempDir(), Addr: "127.0.0.1:0"}, dice: dice(14),
	}
	w.broker, w.engine = start(t, w.brokerChild), start(t, w.engineChild)
	w.brokerChild.Addr, w.engineChild.Addr = w.broker.addr, w.engine.addr
	w.links = [2]*link{startLink(t, w.broker.addr, true), startLink(t, w.engine.addr, false)}
	produce(t, w.brokers(), 0, 0)
	w.sinkChild = servedSink([]string{w.links[0].addr()}, w.links[1].addr())
	for i := range w.sinks {
		w.sinks[i] = start(t, w.sinkChild)
	}
	return w
}

func (w *world) brokers() []string { return []string{w.brokerChild.Addr} }

// faults are what the soak does to the world, each for as long as it says.
var faults = []struct {
	name string
	do   func(t *testing.T, w *world)
}{
	{"sink killed", func(t *testing.T, w *world) {
		i := w.dice.IntN(2)
		w.sinks[i].kill()
		w.sinks[i] = start(t, w.sinkChild)
	}},
	{"sink stopped and started", func(t *testing.T, w *world) {
		i := w.dice.IntN(2)
		w.sinks[i].stop(t)
		w.sinks[i] = start(t, w.sinkChild)
	}},
	{"engine killed", func(t *testing.T, w *world) {
		w.engine.kill()
		w.engine = start(t, w.engineChild)
	}},
	{"broker killed", func(t *testing.T, w *world) {
		w.broker.kill()
		w.broker = start(t, w.brokerChild)
	}},
	{"all killed", func(t *testing.T, w *world) {
		for _, p := range []*process{w.sinks[0], w.sinks[1], w.engine, w.broker} {
			p.kill()
		}
		w.broker, w.engine = start(t, w.brokerChild), start(t, w.engineChild)
		for i := range w.sinks {
			w.sinks[i] = start(t, w.sinkChild)
		}
	}},
	{"sink paused", func(t *testing.T, w *world) { pause(t, w.sinks[w.dice.IntN(2)], w.seconds(15)) }},
	{"sink paused and replaced", func(t *testing.T, w *world) {
		p := w.sinks[w.dice.IntN(2)]
		if err := syscall.Kill(p.pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		evict(t, w.brokers())
		time.Sleep(w.seconds(5)) // how long the fault lasts
		if err := syscall.Kill(p.pid, syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}},
	{"engine paused", func(t *testing.T, w *world) { pause(t, w.engine, w.seconds(5)) }},
	{"broker paused", func(t *testing.T, w *world) { pause(t, w.broker, w.seconds(15)) }},
	{"members evicted", func(t *testing.T, w *world) { evict(t, w.brokers()) }},
	{"broker cut off", func(_ *testing.T, w *world) { w.cut(w.links[0]) }},
	{"engine cut off", func(_ *testing.T, w *world) { w.cut(w.links[1]) }},
	{"slow network", func(_ *testing.T, w *world) { w.worsen(100*time.Millisecond, 0) }},
	{"breaking network", func(_ *testing.T, w *world) { w.worsen(0, 0.05) }},
}

// seconds is a length up to so many seconds.
func (w *world) seconds(n int) time.Duration {
	return time.Duration(w.dice.IntN(n*1000)) * time.Millisecond
}

func (w *world) cut(l *link) {
	l.hold(true)
	time.Sleep(w.seconds(15)) // how long the fault lasts
	l.hold(false)
}

func (w *world) worsen(delay time.Duration, breaks float64) {
	for _, l := range w.links {
		l.worsen(delay, breaks)
	}
	time.Sleep(w.seconds(5)) // how long the fault lasts
	for _, l := range w.links {
		l.worsen(0, 0)
	}
}

// TestSoak lets one fault follow another while events come in, in an order that the seed decides. After each the lag must
// come to its end; the log says how long that took at most.
func TestSoak(t *testing.T) {
	const part = 4000
	length := 10 * time.Second
	if size(t, 0, 0); full {
		length = *soak
	}
	w := startWorld(t)
	n, runs, longest, of := 0, 0, time.Duration(0), ""
	for begun := time.Now(); time.Since(begun) < length; runs++ {
		produce(t, w.brokers(), n, n+part)
		f := faults[w.dice.IntN(len(faults))]
		f.do(t, w)
		ended := time.Now()
		produce(t, w.brokers(), n+part, n+2*part)
		n += 2 * part
		caughtUp(t, w.brokers())
		if took := time.Since(ended); took > longest {
			longest, of = took, f.name
		}
	}
	t.Logf("%d faults; the longest way back to no lag took %v, after %q", runs, longest.Round(time.Millisecond), of)
	caughtUp(t, w.brokers())
	for _, s := range w.sinks {
		s.stop(t)
	}
	judgeAt(t, "soak of mixed faults", runs, "http://"+w.engineChild.Addr, w.brokers(), sent{events: n})
}
