package ingest

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
)

// BenchmarkDrain reads a backlog of behaviours in four partitions, of about 250 bytes each, into a sink that does
// nothing. One operation is one message. The broker runs in the same process and takes its part of the time.
func BenchmarkDrain(b *testing.B) {
	kcfg, _ := kafka(b, 4)
	fill(b, kcfg, b.N)
	var rows atomic.Int64
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	sink := writerFunc(func(_ context.Context, batch Batch) error {
		if rows.Add(int64(len(batch.Records))) == int64(b.N) {
			cancel()
		}
		return nil
	})
	used := cpu(b)
	b.ResetTimer()
	err := Run(ctx, Config{Stream: kcfg, Sink: sink, Now: time.Now, FlushEvery: 100 * time.Millisecond})
	if err != nil || rows.Load() != int64(b.N) {
		b.Fatalf("%d rows, %v", rows.Load(), err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64((cpu(b)-used).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// cpu is the processor time of this process: on a machine that is shared it says more than the clock.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func fill(b *testing.B, cfg stream.Config, n int) {
	b.Helper()
	w := stream.NewWriter(cfg)
	defer closed(b, w)
	for from := 0; from < n; from += 10_000 {
		batch := make([]stream.Message, 0, 10_000)
		for i := from; i < min(n, from+10_000); i++ {
			batch = append(batch, message(b, &event.Behavior{
				Header: event.Header{
					EventID: fmt.Sprintf("0190f5fe-7c00-7a00-8000-%012d", i), OccurredAt: happened,
					LeadID: fmt.Sprintf("lead-%d", i%100_000), AnonymousID: fmt.Sprintf("a1b2c3d4-%d", i%200_000),
				},
				Name: "page_view", PageGroup: "pricing", SessionID: fmt.Sprintf("s-%d", i/10),
				Properties: map[string]event.Scalar{"device": "mobile", "seconds": "93"},
			}))
		}
		if err := w.Write(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
	}
}
