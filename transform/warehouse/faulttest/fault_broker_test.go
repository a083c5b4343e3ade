package faulttest

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream/kafkatest"
)

// TestKillBroker kills the embedded broker under a sink that lives on.
func TestKillBroker(t *testing.T) {
	n, rounds := size(t, 150_000, 20)
	broker := child{Role: "broker", Dir: t.TempDir(), Addr: "127.0.0.1:0"}
	p := start(t, broker)
	broker.Addr = p.addr
	brokers, random := []string{p.addr}, dice(5)
	c := embeddedSink(brokers, t.TempDir()).withTopics(t)
	sink := start(t, c)
	for i := range rounds {
		produce(t, brokers, i*(n/rounds), (i+1)*(n/rounds))
		time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond) // when the fault strikes
		p.kill()
		p = start(t, broker)
	}
	caughtUp(t, brokers)
	sink.stop(t)
	judge(t, "kill -9 of the embedded broker", rounds, c.DSN[len("embedded:"):], brokers, sent{events: n / rounds * rounds})
}

// TestKillApacheKafka does the same with the real one, and stops it for a while too.
func TestKillApacheKafka(t *testing.T) {
	n, rounds := size(t, 100_000, 4)
	kafka, err := kafkatest.Start(kafkatest.Config{Dir: t.TempDir()})
	if errors.Is(err, kafkatest.ErrMissing) {
		lacking(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kafka.Kill() })
	brokers, random := []string{kafka.Addr}, dice(55)
	c := embeddedSink(brokers, t.TempDir()).withTopics(t)
	sink := start(t, c)
	for i := range rounds {
		produce(t, brokers, i*(n/rounds), (i+1)*(n/rounds))
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond) // when the fault strikes
		kafka.Kill()
		if err := kafka.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	caughtUp(t, brokers)
	sink.stop(t)
	judge(t, "kill -9 of Apache Kafka", rounds, c.DSN[len("embedded:"):], brokers, sent{events: n / rounds * rounds})
}

// TestLeadersMove gives partitions other leaders, and the group other coordinators, all the time.
func TestLeadersMove(t *testing.T) {
	n, moves := size(t, 100_000, 60)
	cluster, err := kafkatest.StartCluster()
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	c := embeddedSink(cluster.Addrs(), t.TempDir())
	produce(t, c.Brokers, 0, n)
	sink := start(t, c)
	for range moves {
		if err := cluster.Move(event.Topics(), partitions); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond) // how often the fault strikes
	}
	caughtUp(t, c.Brokers)
	sink.stop(t)
	judge(t, "leaders and coordinators move", moves, c.DSN[len("embedded:"):], c.Brokers, sent{events: n})
}

// TestSilentPeers stops the broker and the engine in turn for some seconds: connections stay open and nobody answers.
func TestSilentPeers(t *testing.T) {
	n, rounds := size(t, 60_000, 2)
	broker := startBroker(t)
	engine := start(t, child{Role: "engine", Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	brokers := []string{broker.addr}
	c := servedSink(brokers, engine.addr).withTopics(t)
	sink := start(t, c)
	for i := range rounds {
		produce(t, brokers, i*(n/rounds), (i+1)*(n/rounds))
		pause(t, []*process{broker, engine}[i%2], 12*time.Second)
	}
	caughtUp(t, brokers)
	sink.stop(t)
	judgeAt(t, "broker or engine silent for 12 s", rounds, c.DSN, brokers, sent{events: n / rounds * rounds})
}

func pause(t *testing.T, p *process, d time.Duration) {
	t.Helper()
	if err := syscall.Kill(p.pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(d) // how long the fault lasts
	if err := syscall.Kill(p.pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}
