package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"clew/ingest"
	"clew/ingest/collect"
	"clew/ingest/webhook"
	"clew/jobs"
	"clew/query/api"
	"clew/transform/warehouse"
)

// metrics is what a server shows at /metrics: what ingest counts, and what it counts of jobs and requests itself.
type metrics struct {
	ingest  *ingest.Stats
	collect *collect.Collector // nil where nothing is collected
	// webhooks is nil where no source posts.
	webhooks *webhook.Handler
	started  time.Time

	mu       sync.Mutex
	jobs     map[string]jobRuns
	requests map[requestKind]uint64
	took     map[string]*histogram // by route
	repeats  []warehouse.Repeats
}

var _ api.Metrics = (*metrics)(nil)

// jobRuns is how the runs of one job ended.
type jobRuns struct {
	ok, failed uint64
	// took is how long the last run took; lastOK is when the last one that went well ended, zero when none did.
	took   time.Duration
	lastOK time.Time
}

// requestKind is what requests are counted by.
type requestKind struct {
	route, method string
	status        int
}

// buckets are the upper bounds of the histogram of requests, in seconds.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// histogram counts durations by bucket, the last count being those above all bounds.
type histogram struct {
	counts []uint64
	sum    float64
}

func newMetrics(stats *ingest.Stats) *metrics {
	return &metrics{
		ingest: stats, started: time.Now(), jobs: map[string]jobRuns{}, requests: map[requestKind]uint64{},
		took: map[string]*histogram{},
	}
}

// loadJobs reads from the ledger when each job last went well, so that a restart does not hide a job that fails.
func (m *metrics) loadJobs(ctx context.Context, db *warehouse.DB) error {
	var rows []struct {
		Job    string    `ch:"job"`
		LastOK time.Time `ch:"last_ok"`
	}
	err := db.Select(ctx, &rows, `SELECT job, assumeNotNull(max(finished_at)) AS last_ok
FROM job_runs
WHERE status = 'ok' AND finished_at IS NOT NULL
GROUP BY job`, nil)
	if err != nil {
		return fmt.Errorf("read when the jobs last ran: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range rows {
		m.jobs[r.Job] = jobRuns{lastOK: r.LastOK}
	}
	return nil
}

const (
	// repeatsWithin is how far back events that came twice are counted. That an event_id counts once has no such limit.
	repeatsWithin = 24 * time.Hour
	// repeatsEvery is how often: the count reads the ids of all rows of that time, so it is not for each scrape.
	repeatsEvery = 15 * time.Minute
)

// countRepeats keeps the count of events that came twice up to date until ctx ends. A count that fails is logged and
// leaves the one before: it is no reason to stop a server.
func (m *metrics) countRepeats(
	ctx context.Context, log *slog.Logger, count func(ctx context.Context, since time.Time) ([]warehouse.Repeats, error),
) error {
	tick := time.NewTicker(repeatsEvery)
	defer tick.Stop()
	for {
		found, err := count(ctx, time.Now().Add(-repeatsWithin))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			log.Warn("clew_ingest_repeated_events at /metrics is not up to date", "error", err)
		default:
			m.mu.Lock()
			m.repeats = found
			m.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// jobEnded counts a job.
func (m *metrics) jobEnded(step jobs.Step) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.jobs[step.Job]
	j.took = step.Took
	if step.Error == "" {
		j.ok++
		j.lastOK = time.Now()
	} else {
		j.failed++
	}
	m.jobs[step.Job] = j
}

// Answered counts a request.
func (m *metrics) Answered(r api.Answered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[requestKind{r.Route, r.Method, r.Status}]++
	h := m.took[r.Route]
	if h == nil {
		h = &histogram{counts: make([]uint64, len(buckets)+1)}
		m.took[r.Route] = h
	}
	i, _ := slices.BinarySearch(buckets, r.Took.Seconds())
	h.counts[i]++
	h.sum += r.Took.Seconds()
}

// WriteMetrics writes all of them.
func (m *metrics) WriteMetrics(_ context.Context, w io.Writer) error {
	var e exposition
	now := time.Now()
	e.ingest(m.ingest.Snapshot(), now)
	e.collect(m.collect)
	e.webhooks(m.webhooks)
	m.mu.Lock()
	e.repeats(m.repeats)
	e.jobRuns(m.jobs, now)
	e.http(m.requests, m.took)
	m.mu.Unlock()
	e.process(m.started)
	_, err := e.WriteTo(w)
	return err
}

// exposition is text in Prometheus's format.
type exposition struct{ bytes.Buffer }

// The kinds of metrics.
const (
	counter = "counter"
	gauge   = "gauge"
)

// family begins the samples of one name.
func (e *exposition) family(kind, name, help string) {
	fmt.Fprintf(e, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

var escapeLabel = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// sample writes one value; labels are names and values in turn.
func (e *exposition) sample(name string, value float64, labels ...string) {
	e.WriteString(name)
	before := "{"
	for i := 0; i < len(labels); i += 2 {
		fmt.Fprintf(e, `%s%s="%s"`, before, labels[i], escapeLabel.Replace(labels[i+1]))
		before = ","
	}
	if len(labels) > 0 {
		e.WriteByte('}')
	}
	e.WriteByte(' ')
	e.WriteString(strconv.FormatFloat(value, 'g', -1, 64))
	e.WriteByte('\n')
}

// single is a family of one sample.
func (e *exposition) single(kind, name, help string, value float64) {
	e.family(kind, name, help)
	e.sample(name, value)
}

func (e *exposition) ingest(s ingest.Snapshot, now time.Time) {
	for _, c := range []struct {
		name, help string
		value      uint64
	}{
		{"clew_ingest_rows_total", "Events that the sink took.", s.Rows},
		{"clew_ingest_repeated_rows_total", "Of these, rows that the tables held already, so not written again.", s.Repeated},
		{"clew_ingest_poison_rows_total", "Valid events that the tables refused and that became dead letters.", s.PoisonRows},
		{"clew_ingest_batches_total", "Batches that the sink took.", s.Batches},
		{"clew_ingest_batch_rows_total", "Rows in these batches, dead letters included.", s.BatchRows},
		{"clew_ingest_batch_bytes_total", "Memory that these batches took, roughly.", s.BatchBytes},
		{"clew_ingest_sink_retries_total", "Attempts to write a batch that failed.", s.SinkRetries},
		{
			"clew_ingest_ambiguous_inserts_total", "Inserts that left open whether rows were stored: the tables were asked.",
			s.AmbiguousInserts,
		},
		{"clew_ingest_fence_aborts_total", "Writes given up because another process owns the partitions now.", s.FenceAborts},
		{"clew_ingest_rebalances_total", "Times partitions were assigned to this process.", s.Rebalances},
		{"clew_ingest_stalls_total", "Times the group was left because nothing went on.", s.Stalls},
		{
			"clew_ingest_rewinds_total", "Partitions read again because the tables held less than the group had committed.",
			s.Rewinds,
		},
	} {
		e.single(counter, c.name, c.help, float64(c.value))
	}
	e.family(counter, "clew_ingest_dead_letters_total", "Dead letters that the sink took.")
	for _, reason := range slices.Sorted(maps.Keys(s.DeadLetters)) {
		e.sample("clew_ingest_dead_letters_total", float64(s.DeadLetters[reason]), "reason", reason)
	}
	e.lag(s, now)
}

func (e *exposition) lag(s ingest.Snapshot, now time.Time) {
	labels := func(p ingest.PartitionStats) []string {
		return []string{"topic", p.Topic, "partition", strconv.Itoa(p.ID)}
	}
	e.family(gauge, "clew_ingest_lag_records", "Messages in Kafka that the group has not committed.")
	for _, p := range s.Partitions {
		e.sample("clew_ingest_lag_records", float64(max(0, p.End-p.Committed)), labels(p)...)
	}
	e.family(gauge, "clew_ingest_lag_seconds", "Age of the oldest message that was read and is not stored.")
	for _, p := range s.Partitions {
		age := time.Duration(0)
		if !p.OldestUnflushed.IsZero() {
			age = max(0, now.Sub(p.OldestUnflushed))
		}
		e.sample("clew_ingest_lag_seconds", age.Seconds(), labels(p)...)
	}
	e.family(gauge, "clew_ingest_freshness_seconds", "Age of the oldest row of a batch when stored, over the last batches.")
	e.sample("clew_ingest_freshness_seconds", s.FreshnessP50.Seconds(), "quantile", "0.5")
	e.sample("clew_ingest_freshness_seconds", s.FreshnessP99.Seconds(), "quantile", "0.99")
}

func (e *exposition) repeats(all []warehouse.Repeats) {
	const name = "clew_ingest_repeated_events"
	e.family(gauge, name, "Rows of the last 24 hours that count nowhere, for their event_id came before within these hours.")
	for _, r := range all {
		e.sample(name, float64(r.Repeated), "table", r.Table)
	}
}

func (e *exposition) jobRuns(all map[string]jobRuns, now time.Time) {
	names := slices.Sorted(maps.Keys(all))
	e.family(counter, "clew_job_runs_total", "Runs of a job that ended in this process, by result.")
	for _, name := range names {
		e.sample("clew_job_runs_total", float64(all[name].ok), "job", name, "result", "ok")
		e.sample("clew_job_runs_total", float64(all[name].failed), "job", name, "result", "failed")
	}
	e.family(gauge, "clew_job_duration_seconds", "How long the last run of a job took.")
	for _, name := range names {
		if j := all[name]; j.ok+j.failed > 0 {
			e.sample("clew_job_duration_seconds", j.took.Seconds(), "job", name)
		}
	}
	e.family(gauge, "clew_job_last_success_age_seconds", "Time since a job last went well, also in an earlier process.")
	for _, name := range names {
		if j := all[name]; !j.lastOK.IsZero() {
			e.sample("clew_job_last_success_age_seconds", max(0, now.Sub(j.lastOK).Seconds()), "job", name)
		}
	}
}

func (e *exposition) http(requests map[requestKind]uint64, took map[string]*histogram) {
	e.family(counter, "clew_http_requests_total", "Requests by route, method and status.")
	for _, k := range slices.SortedFunc(maps.Keys(requests), compareKinds) {
		e.sample("clew_http_requests_total", float64(requests[k]),
			"route", k.route, "method", k.method, "status", strconv.Itoa(k.status))
	}
	const name = "clew_http_request_duration_seconds"
	e.family("histogram", name, "How long requests took, by route.")
	for _, route := range slices.Sorted(maps.Keys(took)) {
		h, n := took[route], uint64(0)
		for i, count := range h.counts {
			n += count
			bound := "+Inf"
			if i < len(buckets) {
				bound = strconv.FormatFloat(buckets[i], 'g', -1, 64)
			}
			e.sample(name+"_bucket", float64(n), "route", route, "le", bound)
		}
		e.sample(name+"_sum", h.sum, "route", route)
		e.sample(name+"_count", float64(n), "route", route)
	}
}

func compareKinds(a, b requestKind) int {
	return cmp.Or(cmp.Compare(a.route, b.route), cmp.Compare(a.method, b.method), cmp.Compare(a.status, b.status))
}
