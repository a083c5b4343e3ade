package collect

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"clew/ingest/event"
	"clew/ingest/stream"
)

// batch100 is a body as SDKs send it: 100 tracks of about 500 bytes.
func batch100(n int) string {
	var messages []string
	for i := range 100 {
		messages = append(messages, fmt.Sprintf(`{"messageId":"node-next-1772445599000-%08d-%04d","type":"track",`+
			`"event":"page_scrolled","userId":"u-%d","properties":{"n":%d,"page":"/prices/enterprise","depth":0.75,`+
			`"device":"mobile","seconds":93,"experiment":{"name":"prices-2026","variant":"b"}},`+
			`"timestamp":"2026-03-02T09:59:58.500Z","context":{"library":{"name":"@segment/analytics-node",`+
			`"version":"3.1.0"},"locale":"zh-CN","ip":"192.0.2.7"},"integrations":{},`+
			`"_metadata":{"nodeVersion":"v20.20.2","jsRuntime":"node"}}`, n, i, i, i))
	}
	return `{"batch":[` + strings.Join(messages, ",") + `],"writeKey":"test-key-1","sentAt":"2026-03-02T10:00:00.000Z"}`
}

// clients are as many as keep their connections.
var clients = &http.Transport{MaxIdleConnsPerHost: 32}

// BenchmarkMap reads and maps a batch of 100, without network and Kafka. One operation is one event.
func BenchmarkMap(b *testing.B) {
	c := newCollector(b, &kafka{})
	body, err := parse([]byte(batch100(0)))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(body) / 100))
	for i := 0; i < b.N; i += 100 {
		h, _ := c.budget.open()
		d := &delivery{Collector: c, envelope: envelope{workspace: "default", received: received}, body: body, hold: h}
		if fault := d.batch(); fault != nil || len(d.messages) != 100 {
			b.Fatal(fault, len(d.messages))
		}
		h.release()
	}
}

// BenchmarkBatch posts batches of 100 from 32 clients over loopback to a collector that writes to the embedded broker,
// all in this process. One operation is one event.
func BenchmarkBatch(b *testing.B) {
	broker, err := stream.StartBroker(stream.BrokerConfig{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer broker.Close()
	cfg := stream.Config{Brokers: []string{broker.Addr()}}
	if err := stream.EnsureTopics(b.Context(), cfg, event.Topics(), 4); err != nil {
		b.Fatal(err)
	}
	w := stream.NewWriter(cfg)
	defer w.Close()
	c := newCollector(b, w)
	addr, _ := serve(b, c)
	bodies := make(chan string, 64)
	go func() {
		defer close(bodies)
		for i := 0; i < b.N; i += 100 {
			bodies <- batch100(i)
		}
	}()
	used := cpu(b)
	b.ResetTimer()
	done := make(chan error)
	for range clients.MaxIdleConnsPerHost {
		go func() { done <- postAll(b, addr, bodies) }()
	}
	for range clients.MaxIdleConnsPerHost {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64((cpu(b)-used).Nanoseconds())/float64(b.N), "cpu-ns/op")
	c.Close()
	if got := c.Snapshot().Events[event.TypeBehavior]; got < uint64(b.N) {
		b.Errorf("%d events of %d", got, b.N)
	}
}

func postAll(b *testing.B, addr string, bodies <-chan string) error {
	for body := range bodies {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+addr+"/v1/batch",
			strings.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", basic(testKey))
		res, err := clients.RoundTrip(r)
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %d", res.StatusCode)
		}
	}
	return nil
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
