package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The benchmark of ingest: the same backlog of events is drained by us, and by ClickHouse's own Kafka engine into the
// same tables of the same embedded ClickHouse. Broker and consumers are processes of their own, so that the processor
// time of one is not taken for that of the other. `make bench-ingest` runs it in full; without its flags it is a small
// test that both store exactly what was sent.
var (
	benchEvents = flag.Int("ingest.events", 20_000, "how many events the backlog has")
	benchRuns   = flag.Int("ingest.runs", 1, "how often each side drains the backlog")
	benchTrials = flag.Bool("ingest.trials", false, "find the Kafka engine's best settings first")
	benchRate   = flag.Int("ingest.rate", 2_000, "events a second while freshness is measured")
	benchFor    = flag.Int("ingest.seconds", 2, "how many seconds freshness is measured for")
)

// benchPartitions is how many partitions each topic has, and how many consumers the Kafka engine may get for it.
const benchPartitions = 2

// TestIngestBesideKafkaEngine drains one backlog by both sides in turn.
func TestIngestBesideKafkaEngine(t *testing.T) {
	needEngine(t)
	broker := startRole(t, role{Role: roleBroker, Dir: t.TempDir(), Events: *benchEvents, Partitions: benchPartitions})
	backlog := broker.report(t)
	fmt.Printf("backlog: %d events, %d bytes each, in %d topics of %d partitions; load average %s\n",
		*benchEvents, backlog.Bytes/int64(*benchEvents), len(topicTables()), benchPartitions, loadAverage())
	settings := queueCandidates()[0]
	if *benchTrials {
		settings = bestQueue(t, backlog.Addr)
	}
	sides := []role{{Role: roleClew}, {Role: roleKafkaEngine, Queue: settings}}
	runs := map[string][]report{}
	for run := range *benchRuns {
		for _, r := range sides {
			r.Broker, r.Group, r.Events = backlog.Addr, fmt.Sprintf("%s-%d", r.Role, run), *benchEvents
			got := drain(t, r)
			runs[r.Role] = append(runs[r.Role], got)
			if !maps.Equal(got.Tables, backlog.Tables) {
				t.Errorf("%s stored %v, want %v", r.Role, got.Tables, backlog.Tables)
			}
		}
	}
	rate := func(r report) float64 { return float64(r.Events) / r.Seconds }
	ours, theirs := runs[roleClew], runs[roleKafkaEngine]
	fmt.Printf("ratio ingest_vs_kafka_engine %.2f\n", median(ours, rate)/median(theirs, rate))
	fmt.Printf("ratio ingest_vs_kafka_engine_per_cpu_second %.2f\n",
		median(theirs, report.cpuPerMillion)/median(ours, report.cpuPerMillion))
}

// TestIngestFreshness sends events at a steady rate and reports how long after its arrival in Kafka a row is stored.
func TestIngestFreshness(t *testing.T) {
	needEngine(t)
	broker := startRole(t, role{Role: roleBroker, Dir: t.TempDir(), Partitions: benchPartitions})
	addr := broker.report(t).Addr
	events := *benchRate * *benchFor
	consumer := startRole(t, role{
		Role: roleClew, Dir: t.TempDir(), Broker: addr, Group: "freshness", Events: events, Ready: true,
	})
	consumer.report(t) // it is ready
	producer := startRole(t, role{Role: roleProducer, Broker: addr, Events: events, Rate: *benchRate})
	sent, got := producer.report(t), consumer.report(t)
	if !maps.Equal(got.Tables, sent.Tables) {
		t.Errorf("stored %v, want %v", got.Tables, sent.Tables)
	}
	fmt.Printf("freshness at %.0f events/s for %.0f s: p50 %d ms, p99 %d ms, max %d ms; %.2f CPU-s per million; "+
		"load average %s\n", float64(sent.Events)/sent.Seconds, sent.Seconds,
		got.Fresh[0], got.Fresh[1], got.Fresh[2], got.cpuPerMillion(), loadAverage())
}

// bestQueue tries settings of the Kafka engine on the whole backlog, and takes the fastest.
func bestQueue(t *testing.T, broker string) queueSettings {
	t.Helper()
	var best queueSettings
	fastest := 0.0
	for i, c := range queueCandidates() {
		got := drain(t, role{
			Role: roleKafkaEngine, Queue: c, Broker: broker, Group: fmt.Sprintf("trial-%d", i), Events: *benchEvents,
		})
		if rate := float64(got.Events) / got.Seconds; rate > fastest {
			best, fastest = c, rate
		}
	}
	fmt.Printf("best of the trials: %+v\n", best)
	return best
}

// drain runs one consumer in a process of its own and prints its figures. Its tables stay until the test ends: a file
// system that has just deleted many files takes processor time from whoever makes new ones.
func drain(t *testing.T, r role) report {
	t.Helper()
	r.Dir = t.TempDir()
	got := startRole(t, r).report(t)
	what := ""
	if r.Role == roleKafkaEngine {
		what = fmt.Sprintf(" %+v", r.Queue)
	}
	fmt.Printf("%-12s %9.0f events/s  %6.2f CPU-s per million  %6d MiB peak  %6.1f s  load %s%s\n", r.Role,
		float64(got.Events)/got.Seconds, got.cpuPerMillion(), got.PeakMiB, got.Seconds, loadAverage(), what)
	return got
}

func median(runs []report, of func(report) float64) float64 {
	sorted := slices.SortedFunc(slices.Values(runs), func(a, b report) int { return cmp.Compare(of(a), of(b)) })
	return of(sorted[len(sorted)/2])
}

// loadAverage says how busy the machine was in the last minute; it is empty where the system does not tell.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

// roleVar holds, in the environment of a child process, the role it plays as JSON.
const roleVar = "CLEW_TEST_INGEST_ROLE"

// child is a process with a role. It reports one line, and ends when its standard input does.
type child struct {
	stdin  io.Closer
	stdout *bufio.Reader
}

func startRole(t *testing.T, r role) *child {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	// Not the test's context: it ends before cleanup, and would kill what is to end by itself.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), roleVar+"="+string(text)), os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", r.Role, err)
		}
	})
	return &child{stdin: stdin, stdout: bufio.NewReader(stdout)}
}

// report waits for the child's line.
func (c *child) report(t *testing.T) report {
	t.Helper()
	line, err := c.stdout.ReadString('\n')
	if err != nil {
		t.Fatalf("the child ended without a report: %v", err)
	}
	return decode[report](t, line)
}
