package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/ingest"
	"clew/ingest/collect"
	"clew/ingest/stream"
	"clew/ingest/webhook"
	"clew/jobs"
	"clew/query/api"
	"clew/transform/warehouse"
)

// scraped are the samples of a scrape by their name and labels, and the kinds of their families.
type scraped struct {
	samples  map[string]float64
	families map[string]string
}

var sampleLine = regexp.MustCompile(`^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\S+)$`)

// parseMetrics reads the text as strictly as Prometheus does: each family is announced once, before its samples, and no
// sample comes twice.
func parseMetrics(r io.Reader) (scraped, error) {
	s := scraped{samples: map[string]float64{}, families: map[string]string{}}
	lines := bufio.NewScanner(r)
	family := ""
	for lines.Scan() {
		line := lines.Text()
		if f := strings.Fields(line); strings.HasPrefix(line, "# TYPE ") {
			if _, twice := s.families[f[2]]; twice || len(f) != 4 {
				return s, fmt.Errorf("announced twice: %s", line)
			}
			family, s.families[f[2]] = f[2], f[3]
			continue
		} else if strings.HasPrefix(line, "# HELP ") && len(f) > 3 {
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			return s, fmt.Errorf("no sample: %s", line)
		}
		base := m[1]
		if s.families[family] == "histogram" {
			base = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(base, "")
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if _, twice := s.samples[m[1]+m[2]]; twice || base != family || err != nil {
			return s, fmt.Errorf("in the family %s: %s", family, line)
		}
		s.samples[m[1]+m[2]] = value
	}
	return s, lines.Err()
}

func scrape(t *testing.T, url string) scraped {
	t.Helper()
	response, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	s, err := parseMetrics(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response.Status, err)
	}
	return s
}

// TestProgramMetrics watches a server as Prometheus does, while events come in.
func TestProgramMetrics(t *testing.T) {
	needEngine(t)
	url, kafka := serving(t, filepath.Join(t.TempDir(), "data"))
	before := scrape(t, url)
	if n := before.samples["clew_ingest_rows_total"]; n != 0 {
		t.Errorf("%g rows before any was sent", n)
	}

	w := stream.NewWriter(kafka)
	var messages []stream.Message
	for i := range 10 {
		messages = append(messages, stream.Message{
			Topic: "clew.stages", Key: []byte("L"), Value: []byte(strings.ReplaceAll(goodStage, "%", strconv.Itoa(i))),
		})
	}
	messages = append(messages, stream.Message{Topic: "clew.stages", Key: []byte("L"), Value: []byte(noStage)})
	if err := errors.Join(w.Write(t.Context(), messages...), w.Close()); err != nil {
		t.Fatal(err)
	}
	const letters = `clew_ingest_dead_letters_total{reason="missing_field"}`
	// The jobs run at the start, and once more every few minutes.
	const run = `clew_job_runs_total{job="transform",result="ok"}`
	after := before
	for after.samples["clew_ingest_batch_rows_total"] < 11 || after.samples[run] < 1 {
		select {
		case <-t.Context().Done():
			t.Fatalf("at the end: %v", after.samples)
		case <-time.After(20 * time.Millisecond):
			after = scrape(t, url)
		}
	}
	for name, want := range map[string]float64{
		"clew_ingest_rows_total": 10, letters: 1, "clew_ingest_batch_rows_total": 11,
		"clew_ingest_sink_retries_total": 0, "clew_ingest_ambiguous_inserts_total": 0, "clew_ingest_fence_aborts_total": 0,
		`clew_ingest_lag_records{topic="clew.stages",partition="0"}`: 0,
		`clew_job_runs_total{job="transform",result="failed"}`:       0,
	} {
		if got, ok := after.samples[name]; !ok || got != want {
			t.Errorf("%s is %g (%t), want %g", name, got, ok, want)
		}
	}
	for _, name := range []string{
		"clew_ingest_batches_total", "clew_ingest_batch_bytes_total", `clew_ingest_freshness_seconds{quantile="0.99"}`,
		`clew_job_duration_seconds{job="transform"}`, "clew_go_goroutines", "clew_go_heap_bytes", "clew_process_cpu_seconds_total",
		"clew_process_resident_memory_bytes", `clew_http_requests_total{route="/metrics",method="GET",status="200"}`,
	} {
		if after.samples[name] <= 0 {
			t.Errorf("%s is %g, want more than 0", name, after.samples[name])
		}
	}
	if age, ok := after.samples[`clew_job_last_success_age_seconds{job="transform"}`]; !ok || age < 0 || age > 300 {
		t.Errorf("the job went well %g s ago", age)
	}
	counted := before.samples[`clew_http_requests_total{route="/metrics",method="GET",status="200"}`]
	if again := scrape(t, url).samples[`clew_http_requests_total{route="/metrics",method="GET",status="200"}`]; again <= counted {
		t.Errorf("requests went from %g to %g", counted, again)
	}
}

// written is what the page of metrics says.
func written(t *testing.T, m *metrics) scraped {
	t.Helper()
	var text strings.Builder
	if err := m.WriteMetrics(t.Context(), &text); err != nil {
		t.Fatal(err)
	}
	s, err := parseMetrics(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every metric has its row in docs/operate.md, every row its metric, and every counter and unit its suffix.
func TestMetricsAreDocumented(t *testing.T) {
	m := newMetrics(&ingest.Stats{})
	var err error
	m.collect, err = collect.New(collect.Config{Keys: map[string]string{"write-key": "default"}})
	if err != nil {
		t.Fatal(err)
	}
	if m.webhooks, err = webhook.New(webhook.Config{}); err != nil {
		t.Fatal(err)
	}
	s := written(t, m)
	for _, name := range []string{"docs/operate.md", "docs/operate.zh-CN.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		documented := regexp.MustCompile("`(clew_[a-z_]+)`").FindAllStringSubmatch(string(text), -1)
		var names []string
		for _, d := range documented {
			names = append(names, d[1])
		}
		slices.Sort(names)
		var shown []string
		for family, kind := range s.families {
			shown = append(shown, family)
			if kind == counter && !strings.HasSuffix(family, "_total") {
				t.Errorf("the counter %s does not end in _total", family)
			}
		}
		slices.Sort(shown)
		if diff := cmp.Diff(shown, names); diff != "" {
			t.Errorf("%s: shown (-), documented (+):\n%s", name, diff)
		}
	}
}

// A restart does not hide when the jobs last went well.
func TestMetricsKnowEarlierRuns(t *testing.T) {
	s, _ := openTestSystem(t, configIn(t.TempDir()))
	steps, err := s.computeAll(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	m := newMetrics(&s.stats)
	if err := m.loadJobs(t.Context(), s.db); err != nil {
		t.Fatal(err)
	}
	got := written(t, m)
	for _, step := range steps {
		labels := `{job="` + step.Job + `"`
		if age, ok := got.samples["clew_job_last_success_age_seconds"+labels+"}"]; !ok || age > 300 {
			t.Errorf("%s went well %g s ago (%t)", step.Job, age, ok)
		}
		if n, ok := got.samples["clew_job_runs_total"+labels+`,result="ok"}`]; !ok || n != 0 {
			t.Errorf("%s ran %g times in this process (%t)", step.Job, n, ok)
		}
	}
}

// Events that came twice are counted every now and then, not for each scrape, and a count that fails leaves the last.
func TestMetricsCountRepeatedEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, asked := newMetrics(&ingest.Stats{}), 0
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- m.countRepeats(ctx, slog.New(slog.DiscardHandler),
				func(_ context.Context, since time.Time) ([]warehouse.Repeats, error) {
					if ago := time.Since(since); ago != 24*time.Hour {
						t.Errorf("asked for the last %v", ago)
					}
					if asked++; asked == 2 {
						return nil, errors.New("down")
					}
					return []warehouse.Repeats{{Table: "costs"}, {Table: "events", Rows: 9, Repeated: uint64(asked)}}, nil
				})
		}()
		const of = "clew_ingest_repeated_events"
		for _, want := range []map[string]float64{
			{of + `{table="costs"}`: 0, of + `{table="events"}`: 1},
			{of + `{table="costs"}`: 0, of + `{table="events"}`: 1},
			{of + `{table="costs"}`: 0, of + `{table="events"}`: 3},
		} {
			synctest.Wait()
			for range 3 {
				var text strings.Builder
				if err := m.WriteMetrics(t.Context(), &text); err != nil {
					t.Fatal(err)
				}
				s, err := parseMetrics(strings.NewReader(text.String()))
				if err != nil {
					t.Fatal(err)
				}
				maps.DeleteFunc(s.samples, func(name string, _ float64) bool { return !strings.HasPrefix(name, of) })
				if diff := cmp.Diff(want, s.samples); diff != "" {
					t.Error(diff)
				}
			}
			time.Sleep(repeatsEvery)
		}
		cancel()
		if err := <-ended; err != nil || asked > 4 {
			t.Errorf("asked %d times, %v", asked, err)
		}
	})
}

func TestMetricsOfJobsAndRequests(t *testing.T) {
	m := newMetrics(&ingest.Stats{})
	m.jobEnded(jobs.Step{Job: "scores", Took: 1500 * time.Millisecond})
	m.jobEnded(jobs.Step{Job: "scores", Took: 2 * time.Second, Error: "no"})
	for _, took := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 6 * time.Millisecond, time.Minute} {
		m.Answered(api.Answered{Route: `/odd"\path`, Method: "GET", Status: 200, Took: took})
	}
	m.Answered(api.Answered{Route: `/odd"\path`, Method: "GET", Status: 404, Took: time.Second})
	s := written(t, m)
	const route = `{route="/odd\"\\path"`
	for name, want := range map[string]float64{
		`clew_job_runs_total{job="scores",result="ok"}`:                      1,
		`clew_job_runs_total{job="scores",result="failed"}`:                  1,
		`clew_job_duration_seconds{job="scores"}`:                            2,
		"clew_http_requests_total" + route + `,method="GET",status="200"}`:   4,
		"clew_http_requests_total" + route + `,method="GET",status="404"}`:   1,
		"clew_http_request_duration_seconds_bucket" + route + `,le="0.005"}`: 2,
		"clew_http_request_duration_seconds_bucket" + route + `,le="0.01"}`:  3,
		"clew_http_request_duration_seconds_bucket" + route + `,le="1"}`:     4,
		"clew_http_request_duration_seconds_bucket" + route + `,le="30"}`:    4,
		"clew_http_request_duration_seconds_bucket" + route + `,le="+Inf"}`:  5,
		"clew_http_request_duration_seconds_count" + route + `}`:             5,
		"clew_http_request_duration_seconds_sum" + route + `}`:               61.012,
	} {
		if got, ok := s.samples[name]; !ok || got != want {
			t.Errorf("%s is %v (%t), want %v", name, got, ok, want)
		}
	}
}
