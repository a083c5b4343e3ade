package faulttest

import (
	"maps"
	"slices"
	"syscall"
	"testing"
	"time"

	"clew/ingest/stream"
	"clew/ingest/stream/kafkatest"
)

// TestRebalanceStorm lets members come, go and die while others read.
func TestRebalanceStorm(t *testing.T) {
	n, rounds := size(t, 200_000, 40)
	brokers := []string{startBroker(t).addr}
	engine := start(t, child{Role: "engine", Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	c, random := servedSink(brokers, engine.addr).withTopics(t), dice(6)
	members := []*process{start(t, c)}
	for i := range rounds {
		produce(t, brokers, i*(n/rounds), (i+1)*(n/rounds))
		k := random.IntN(len(members))
		switch {
		case len(members) == 1 || len(members) < 3 && random.IntN(2) == 0:
			members = append(members, start(t, c))
			continue
		case random.IntN(2) == 0:
			members[k].stop(t)
		default:
			members[k].kill()
			evict(t, brokers)
		}
		members = slices.Delete(members, k, k+1)
		time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond) // when the fault strikes
	}
	caughtUp(t, brokers)
	for _, m := range members {
		m.stop(t)
	}
	judgeAt(t, "rebalance storm, 1 to 3 members", rounds, c.DSN, brokers, sent{events: n / rounds * rounds})
}

// TestRewoundHint sets the group's offsets back, as a member that was late may do.
func TestRewoundHint(t *testing.T) {
	n, rounds := size(t, 100_000, 8)
	brokers := []string{startBroker(t).addr}
	c, random := embeddedSink(brokers, t.TempDir()), dice(66)
	for i := range rounds {
		produce(t, brokers, i*(n/rounds), (i+1)*(n/rounds))
		finish(t, c)
		logs := ranges(t, brokers)
		for _, p := range slices.SortedFunc(maps.Keys(logs), stream.ComparePartitions) {
			back := random.Int64N(logs[p].End + 1)
			if err := kafkatest.Commit(t.Context(), brokers[0], group, p.Topic, p.ID, back); err != nil {
				t.Fatal(err)
			}
		}
	}
	finish(t, c)
	judge(t, "group offsets rewound", rounds, c.DSN[len("embedded:"):], brokers, sent{events: n / rounds * rounds})
}

// TestZombie stops the process that owns partitions at each place that an INSERT passes, and at random times, lets another
// own them and go on, and wakes it.
func TestZombie(t *testing.T) {
	n, rounds := size(t, 150_000, *pauses)
	rounds = max(rounds, 5)
	brokers := []string{startBroker(t).addr}
	engine := start(t, child{Role: "engine", Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	random, dsn := dice(7), "http://"+engine.addr
	var gates [2]*gate
	var sinks [2]*process
	for i := range sinks {
		gates[i] = startGate(t, engine.addr)
		sinks[i] = start(t, servedSink(brokers, gates[i].addr()).withTopics(t))
	}
	for i := range rounds {
		g, owner, where := gates[i%2], sinks[i%2], stage(i/2%5)
		g.armed.Store(int32(where))
		produce(t, brokers, i*(n/rounds), (i+1)*(n/rounds))
		if where == nowhere {
			time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond) // when the fault strikes
		} else {
			fact(t, g.reached, "the sink came to its INSERT")
		}
		replaced(t, owner, brokers)
		if where != nowhere {
			g.resume <- struct{}{}
		}
	}
	caughtUp(t, brokers)
	for _, s := range sinks {
		s.stop(t)
	}
	judgeAt(t, "zombie: owner paused, replaced, woken", rounds, dsn, brokers, sent{events: n / rounds * rounds})
}

// replaced pauses a process until another has done its work.
func replaced(t *testing.T, owner *process, brokers []string) {
	t.Helper()
	if err := syscall.Kill(owner.pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	evict(t, brokers) // as the coordinator does after 10 s
	caughtUp(t, brokers)
	if err := syscall.Kill(owner.pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// fact waits until something is so.
func fact(t *testing.T, is <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-is:
	case <-time.After(patience):
		t.Fatalf("not in %v: %s", patience, what)
	}
}
