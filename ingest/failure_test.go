package ingest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/ingest/stream/kafkatest"
)

// consumeAndDie writes one batch to a file and is then killed, as by kill -9, before it could commit.
func consumeAndDie(broker, file string) {
	err := Run(context.Background(), Config{
		Stream:     stream.Config{Brokers: []string{broker}},
		FlushEvery: time.Hour,
		MaxRows:    1000,
		Now:        now,
		Sink: writerFunc(func(_ context.Context, b Batch) error {
			var text strings.Builder
			for _, r := range b.Records {
				fmt.Fprintln(&text, r.Position)
			}
			if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
				return err
			}
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}),
	})
	fmt.Fprintln(os.Stderr, "the process was to be killed:", err)
	os.Exit(1)
}

func TestKillBetweenWriteAndCommitDeliversAgain(t *testing.T) {
	kcfg, _ := kafka(t, 2)
	send(t, kcfg, numbered(t, 0, 1000)...)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "written")
	out, err := exec.Command(self, "-die-broker", kcfg.Brokers[0], "-die-file", file).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process ended with %v\n%s", err, out)
	}

	var r recorder
	drain(t, Config{Stream: kcfg, Sink: &r, FlushEvery: 10 * time.Millisecond})
	wantOnce(t, r.records(), 1000)
	var again []string
	for _, p := range positions(r.records()) {
		again = append(again, fmt.Sprint(p))
	}
	before := lines(t, file)
	slices.Sort(again)
	slices.Sort(before)
	if len(before) != 1000 || !slices.Equal(before, again) {
		t.Errorf("%d rows were written before the kill and %d after, not the same", len(before), len(again))
	}
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, f)
	var out []string
	for s := bufio.NewScanner(f); s.Scan(); {
		out = append(out, s.Text())
	}
	return out
}

// Two members share the partitions; when one leaves, the other goes on where it stopped.
func TestMembersShareAndHandOver(t *testing.T) {
	kcfg, _ := kafka(t, 4)
	var first, second recorder
	assigned := make(chan int64, 100)
	cfg := Config{Stream: kcfg, Sink: &first, FlushEvery: 10 * time.Millisecond}
	stopFirst := start(t, cfg)
	defer stopFirst()
	send(t, kcfg, numbered(t, 0, 400)...)
	caughtUp(t, cfg)

	other := cfg
	other.Sink = &second
	other.OnFlush = func(p Progress) { assigned <- p.End }
	stopSecond := start(t, other)
	defer stopSecond()
	for end := range assigned { // until the group has formed with both
		if end > 0 {
			break
		}
	}
	send(t, kcfg, numbered(t, 400, 2000)...)
	caughtUp(t, cfg)
	if len(first.records()) <= 400 || len(second.records()) == 0 {
		t.Errorf("the members wrote %d and %d rows", len(first.records()), len(second.records()))
	}

	stopFirst()
	send(t, kcfg, numbered(t, 2000, 3000)...)
	caughtUp(t, cfg)
	stopSecond()

	all := slices.Concat(first.records(), second.records())
	seen := make(map[Position]string)
	for _, r := range all {
		id := r.Event.Head().EventID
		if was, ok := seen[r.Position]; ok && was != id {
			t.Fatalf("position %+v holds %s and %s", r.Position, was, id)
		}
		seen[r.Position] = id
	}
	if ids := counts(all); len(ids) != 3000 || len(seen) != 3000 {
		t.Errorf("%d events at %d positions", len(ids), len(seen))
	}
}

// A write that is under way when Run is to end is finished and committed.
func TestStopLetsAWriteFinish(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	send(t, kcfg, numbered(t, 0, 10)...)
	writing, finish := make(chan struct{}), make(chan struct{})
	var r recorder
	stop := start(t, Config{
		Stream: kcfg, FlushEvery: 10 * time.Millisecond, MaxRows: 10,
		Sink: writerFunc(func(ctx context.Context, b Batch) error {
			close(writing)
			<-finish
			return r.Write(ctx, b)
		}),
	})
	<-writing
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	close(finish)
	<-stopped
	wantOnce(t, r.records(), 10)
	caughtUp(t, Config{Stream: kcfg})
}

// A sink that hangs does not keep Run from ending, and what it had is offered to the next Run.
func TestStopBreaksAWriteThatHangs(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	send(t, kcfg, numbered(t, 0, 10)...)
	writing := make(chan struct{})
	stop := start(t, Config{
		Stream: kcfg, FlushEvery: 10 * time.Millisecond, MaxRows: 10,
		Sink: writerFunc(func(ctx context.Context, _ Batch) error {
			close(writing) // a second attempt would panic
			<-ctx.Done()
			return ctx.Err()
		}),
	})
	<-writing
	began := time.Now()
	stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the end took %v", took)
	}
	var r recorder
	drain(t, Config{Stream: kcfg, Sink: &r, FlushEvery: 10 * time.Millisecond})
	wantOnce(t, r.records(), 10)
}

func TestStopWhileTheSinkFails(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	send(t, kcfg, numbered(t, 0, 10)...)
	failed := make(chan struct{}, 1000)
	stop := start(t, Config{
		Stream: kcfg, FlushEvery: 10 * time.Millisecond,
		Sink: writerFunc(func(context.Context, Batch) error {
			failed <- struct{}{}
			return errors.New("down")
		}),
	})
	<-failed
	<-failed
	began := time.Now()
	stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the end took %v", took)
	}
}

func TestRunGoesOnAfterABrokerRestart(t *testing.T) {
	dir := t.TempDir()
	b, err := stream.StartBroker(stream.BrokerConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	kcfg := stream.Config{Brokers: []string{b.Addr()}}
	if err := stream.EnsureTopics(t.Context(), kcfg, event.Topics(), 2); err != nil {
		t.Fatal(err)
	}
	var r recorder
	cfg := Config{Stream: kcfg, Sink: &r, FlushEvery: 10 * time.Millisecond}
	stop := start(t, cfg)
	defer stop()
	send(t, kcfg, numbered(t, 0, 100)...)
	caughtUp(t, cfg)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b, err = stream.StartBroker(stream.BrokerConfig{Dir: dir, Addr: b.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, b)
	send(t, kcfg, numbered(t, 100, 200)...)
	caughtUp(t, cfg)
	stop()
	ids := counts(r.records())
	for i := range 200 {
		if ids[fmt.Sprint(i)] == 0 {
			t.Errorf("event %d is lost", i)
		}
	}
}

// The log lost its beginning before it was read: Run halts, before it writes anything, and says what to do.
func TestRunHaltsWhenRetentionOvertakesIt(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	cfg := Config{Stream: kcfg, Sink: &recorder{}, FlushEvery: 10 * time.Millisecond}
	send(t, kcfg, numbered(t, 0, 10)...)
	drain(t, cfg)
	send(t, kcfg, numbered(t, 10, 30)...)
	p := stream.Partition{Topic: event.Topic(event.TypeBehavior)}
	if err := kafkatest.Trim(t.Context(), kcfg.Brokers[0], p.Topic, p.ID, 25); err != nil {
		t.Fatal(err)
	}
	var r recorder
	cfg.Sink, cfg.Now = &r, now
	err := Run(t.Context(), cfg)
	wantHalt(t, err, p.Topic, "offset 10 ", "begins at 25", "15 messages", "--reset-offsets")
	if len(r.batches) != 0 {
		t.Errorf("%d batches were written", len(r.batches))
	}
}

// The same, while Run runs: what a fetcher is to read next is deleted.
func TestRunHaltsWhenRetentionOvertakesItUnderWay(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	send(t, kcfg, numbered(t, 0, 10)...)
	p := stream.Partition{Topic: event.Topic(event.TypeBehavior)}
	s := &share{consumer: &consumer{Config: Config{Stream: kcfg, Now: now}.withDefaults()}}
	client, err := stream.NewClient(kcfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s.client = client
	if s.logs, err = s.identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := kafkatest.Trim(t.Context(), kcfg.Brokers[0], p.Topic, p.ID, 7); err != nil {
		t.Fatal(err)
	}
	wantHalt(t, s.fetch(t.Context(), p, chunk{next: 3, end: 10}), p.Topic, "offset 3 ", "begins at 7", "4 messages",
		"--reset-offsets")
}

// The topic was made anew and is shorter than what was committed.
func TestRunHaltsWhenTheLogEndsBeforeTheCommit(t *testing.T) {
	kcfg, _ := kafka(t, 1)
	send(t, kcfg, numbered(t, 0, 10)...)
	p := stream.Partition{Topic: event.Topic(event.TypeBehavior)}
	client, err := stream.NewClient(kcfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	group, err := client.Join(t.Context(), DefaultGroup, event.Topics(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	gen, err := group.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gen.Run(t.Context(), func(context.Context) {
		if err := gen.Commit(map[stream.Partition]int64{p: 11}); err != nil {
			t.Error(err)
		}
	})
	group.Close()
	err = Run(t.Context(), Config{Stream: kcfg, Sink: &recorder{}, Now: now})
	wantHalt(t, err, p.Topic, "offset 11 ", "ends at 10", "--reset-offsets")
}

func wantHalt(t *testing.T, err error, parts ...string) {
	t.Helper()
	if !errors.Is(err, ErrLogLost) {
		t.Fatalf("got %v", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
}
