package faulttest

import (
	"testing"
	"time"
)

// pair is two sinks, one of which reaches broker and engine by links.
type pair struct {
	broker, engine *link
	brokers        []string
	dsn            string
	sinks          [2]*process
}

func startPair(t *testing.T) *pair {
	t.Helper()
	brokers := []string{startBroker(t).addr}
	engine := start(t, child{Role: "engine", Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	c := servedSink(brokers, engine.addr).withTopics(t)
	p := &pair{startLink(t, brokers[0], true), startLink(t, engine.addr, false), brokers, c.DSN, [2]*process{}}
	far := servedSink([]string{p.broker.addr()}, p.engine.addr())
	far.MaxRows = 5_000 // few round trips, and each likely to come through where connections break
	p.sinks = [2]*process{start(t, far), start(t, c)}
	return p
}

func (p *pair) judge(t *testing.T, fault string, runs, n int) {
	t.Helper()
	caughtUp(t, p.brokers)
	for _, s := range p.sinks {
		s.stop(t)
	}
	judgeAt(t, fault, runs, p.dsn, p.brokers, sent{events: n})
}

// TestNetworkCut cuts one of two sinks off for longer than a session of its group lasts: from the broker, from the
// engine, and from both. What is under way arrives when the network is whole again.
func TestNetworkCut(t *testing.T) {
	t.Parallel()
	n, seconds := size(t, 100_000, 60)
	seconds = max(seconds, 12)
	for name, cut := range map[string]func(p *pair, held bool){
		"broker": func(p *pair, held bool) { p.broker.hold(held) },
		"engine": func(p *pair, held bool) { p.engine.hold(held) },
		"both":   func(p *pair, held bool) { p.broker.hold(held); p.engine.hold(held) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startPair(t)
			const rounds = 2
			for i := range rounds {
				produce(t, p.brokers, i*(n/rounds), i*(n/rounds)+n/rounds/2)
				p.sinks[0].expect(t, "flush")
				cut(p, true)
				produce(t, p.brokers, i*(n/rounds)+n/rounds/2, (i+1)*(n/rounds))
				time.Sleep(time.Duration(seconds) * time.Second / rounds) // how long the fault lasts
				cut(p, false)
				caughtUp(t, p.brokers)
			}
			p.judge(t, "network cut toward "+name, rounds, n/rounds*rounds)
		})
	}
}

// TestSlowNetwork lets each answer take half a second.
func TestSlowNetwork(t *testing.T) {
	t.Parallel()
	n, rounds := size(t, 60_000, 3)
	p := startPair(t)
	p.broker.worsen(250*time.Millisecond, 0)
	p.engine.worsen(250*time.Millisecond, 0)
	for i := range rounds {
		produce(t, p.brokers, i*(n/rounds), (i+1)*(n/rounds))
		p.sinks[0].expect(t, "flush")
		caughtUp(t, p.brokers)
	}
	p.judge(t, "network slower by 500 ms", rounds, n/rounds*rounds)
}

// TestBreakingNetwork breaks connections at one piece in fifty toward the broker and one in twenty toward the engine.
func TestBreakingNetwork(t *testing.T) {
	t.Parallel()
	n, rounds := size(t, 60_000, 3)
	p := startPair(t)
	p.broker.worsen(0, 0.02)
	p.engine.worsen(0, 0.05)
	for i := range rounds {
		produce(t, p.brokers, i*(n/rounds), (i+1)*(n/rounds))
		caughtUp(t, p.brokers)
	}
	p.broker.worsen(0, 0)
	p.engine.worsen(0, 0)
	breaks := p.broker.breakages() + p.engine.breakages()
	if breaks < rounds {
		t.Errorf("only %d connections were broken", breaks)
	}
	p.judge(t, "connections break at 2 % and 5 % of what passes", breaks, n/rounds*rounds)
}
