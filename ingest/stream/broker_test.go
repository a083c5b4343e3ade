package stream

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clew/ingest/stream/kafkatest"
)

var brokerDir = flag.String("broker-dir", "", "run a broker in this directory until killed, in place of the tests")

// TestMain lets the test binary stand in for a broker process that can be killed.
func TestMain(m *testing.M) {
	flag.Parse()
	if *brokerDir != "" {
		runBroker(*brokerDir)
	}
	os.Exit(kafkatest.Main(m))
}

func runBroker(dir string) {
	b, err := StartBroker(BrokerConfig{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, "start broker:", err)
		os.Exit(1)
	}
	_, _ = io.WriteString(os.Stdout, b.Addr()+"\n")
	select {}
}

func startBroker(t *testing.T, dir string) Config {
	t.Helper()
	b, err := StartBroker(BrokerConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, b) })
	return Config{Brokers: []string{b.Addr()}}
}

// anyBroker returns a broker without topics: Apache Kafka where the test run is to use it, else an embedded one.
func anyBroker(t *testing.T) Config {
	t.Helper()
	if addr := kafkatest.Shared(t); addr != "" {
		return Config{Brokers: []string{addr}}
	}
	return startBroker(t, t.TempDir())
}

// killableBroker starts a broker in a process of its own.
func killableBroker(t *testing.T, dir string) (Config, *os.Process) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-broker-dir", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the broker process gave no address: %v", err)
	}
	return Config{Brokers: []string{strings.TrimSpace(addr)}}, cmd.Process
}

func createTopic(t *testing.T, cfg Config, partitions int) string {
	t.Helper()
	const topic = "t"
	if err := EnsureTopics(t.Context(), cfg, []string{topic}, partitions); err != nil {
		t.Fatal(err)
	}
	return topic
}

func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// readAll returns what a partition holds, in order.
func readAll(t *testing.T, c *Client, p Partition) []Message {
	t.Helper()
	ranges, err := c.Offsets(t.Context(), []Partition{p})
	if err != nil {
		t.Fatal(err)
	}
	r := newReader(t, c, p, ranges[p].First)
	defer r.Close()
	var all []Message
	for r.Next() < ranges[p].End {
		if all, err = r.Fetch(t.Context(), all, 1000, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Every message that was acknowledged is there after the broker's process was killed while it was being written to.
func TestBrokerKeepsWhatItAcknowledged(t *testing.T) {
	dir := t.TempDir()
	cfg, process := killableBroker(t, dir)
	topic := createTopic(t, cfg, 2)
	w := NewWriter(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	acked := make(chan string, 1_000_000)
	writerEnded := make(chan error, 1)
	go func() {
		writerEnded <- writeUntilError(ctx, w, topic, acked)
	}()
	want := make(map[string]int)
	for len(want) < 20_000 {
		want[<-acked]++
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := process.Wait(); err != nil {
		t.Fatal(err)
	}
	cancel() // else the writer would try again for some seconds
	if err := <-writerEnded; err == nil {
		t.Fatal("the writer was to fail under way")
	}
	close(acked)
	for v := range acked {
		want[v]++
	}

	c := newClient(t, startBroker(t, dir))
	got := make(map[string]int)
	for p := range 2 {
		for _, m := range readAll(t, c, Partition{topic, p}) {
			got[string(m.Value)]++
		}
	}
	for v := range want {
		if got[v] == 0 {
			t.Errorf("acknowledged message %s is gone", v)
		}
	}
	if len(got) < len(want) || len(want) < 20_000 {
		t.Errorf("got %d messages, %d were acknowledged", len(got), len(want))
	}
}

func writeUntilError(ctx context.Context, w *Writer, topic string, acked chan<- string) error {
	for n := 0; ; n += 500 {
		batch := make([]Message, 500)
		for i := range batch {
			v := fmt.Sprint("m", n+i)
			batch[i] = Message{Topic: topic, Key: []byte(v), Value: []byte(v)}
		}
		if err := w.Write(ctx, batch...); err != nil {
			return err
		}
		for _, m := range batch {
			acked <- string(m.Value)
		}
	}
}

func TestBrokerRestartKeepsIdentityAndOffsets(t *testing.T) {
	dir := t.TempDir()
	first, err := StartBroker(BrokerConfig{Dir: dir, Addr: "localhost:0"})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Brokers: []string{first.Addr()}}
	topic := createTopic(t, cfg, 1)
	c := newClient(t, cfg)
	id, err := c.ClusterID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	write(t, cfg, topic, "a", "b", "c")
	p := Partition{topic, 0}
	withGeneration(t, c, "g", topic, func(_ context.Context, g *Generation) {
		if err := g.Commit(map[Partition]int64{p: 2}); err != nil {
			t.Error(err)
		}
	})
	c.Close()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	again := newClient(t, startBroker(t, dir))
	if got, err := again.ClusterID(t.Context()); err != nil || got != id || len(id) != 22 {
		t.Errorf("cluster id %q, %v; was %q", got, err, id)
	}
	got, err := again.Committed(t.Context(), "g", []Partition{p})
	if want := map[Partition]int64{p: 2}; err != nil || !maps.Equal(got, want) {
		t.Errorf("committed %v, %v; want %v", got, err, want)
	}
	if got := values(readAll(t, again, p)); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("messages %q", got)
	}
}

func TestBrokersHaveDifferentIdentities(t *testing.T) {
	ids := make(map[string]bool)
	for range 2 {
		id, err := newClient(t, startBroker(t, t.TempDir())).ClusterID(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids[id] = true
	}
	if len(ids) != 2 {
		t.Errorf("two brokers share the id %v", ids)
	}
}

func TestBrokerDirIsForOneProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	_, process := killableBroker(t, dir)
	if _, err := StartBroker(BrokerConfig{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Fatalf("second broker on the directory: %v", err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := process.Wait(); err != nil {
		t.Fatal(err)
	}
	startBroker(t, dir)
}

func TestBrokerListensOnLoopbackOnly(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":9092", "192.168.1.1:9092", "example.com:9092", "9092"} {
		if b, err := StartBroker(BrokerConfig{Dir: t.TempDir(), Addr: addr}); err == nil {
			t.Errorf("a broker listens on %s", b.Addr())
		}
	}
}

func TestBrokerAddrTaken(t *testing.T) {
	cfg := startBroker(t, t.TempDir())
	if _, err := StartBroker(BrokerConfig{Dir: t.TempDir(), Addr: cfg.Brokers[0]}); err == nil {
		t.Error("two brokers listen on one address")
	}
}

func closed(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func write(t *testing.T, cfg Config, topic string, texts ...string) {
	t.Helper()
	w := NewWriter(cfg)
	defer closed(t, w)
	batch := make([]Message, len(texts))
	for i, v := range texts {
		batch[i] = Message{Topic: topic, Key: []byte("k"), Value: []byte(v)}
	}
	if err := w.Write(t.Context(), batch...); err != nil {
		t.Fatal(err)
	}
}

func values(messages []Message) []string {
	var out []string
	for _, m := range messages {
		out = append(out, string(m.Value))
	}
	return out
}

// withGeneration joins a group, runs fn in its first generation and leaves.
func withGeneration(t *testing.T, c *Client, group, topic string, fn func(context.Context, *Generation)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	g, err := c.Join(ctx, group, []string{topic}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	gen, err := g.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	gen.Run(ctx, func(ctx context.Context) { fn(ctx, gen) })
}
