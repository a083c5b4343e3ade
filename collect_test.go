package main

import (
	"context"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"clew/ingest/collect"
)

// TestCollectedEventsAreStored posts to the collector of a server, ends it, and reads the tables.
func TestCollectedEventsAreStored(t *testing.T) {
	needEngine(t)
	cfg := defaultConfig()
	cfg.DataDir, cfg.Collect.Addr = t.TempDir(), "127.0.0.1:0"
	s, _ := openTestSystem(t, cfg)
	if c, err := s.newCollection(); c != nil || err != nil {
		t.Errorf("without keys: %v, %v", c, err)
	}
	s.cfg.Collect.Keys = map[string]string{"write-key": "acme"}
	c, err := s.newCollection()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return c.run(ctx) })
	body := `{"batch":[` +
		`{"type":"page","messageId":"p1","userId":"u1","context":{"page":{"url":"https://a.example/?utm_source=x"}}},` +
		`{"type":"identify","messageId":"i1","userId":"u1","traits":{"company":"Acme"}},` +
		`{"type":"track","messageId":"bad","userId":"u1"}]}`
	for range 2 {
		status, text := postTo(t, "http://"+c.listener.Addr().String()+"/v1/batch", "write-key", body)
		if status != 200 || !strings.Contains(text, `"rejected":[{"code":"missing_field","at":"batch[2].event"`) {
			t.Errorf("%d %s", status, text)
		}
	}
	stop()
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	var shown exposition
	shown.collect(c.Collector)
	for _, line := range []string{
		`clew_collect_requests_total{status="200"} 2`, `clew_collect_events_total{type="touchpoint"} 2`,
		`clew_collect_rejected_total{reason="missing_field"} 2`, `clew_collect_pending_bytes 0`,
	} {
		if !strings.Contains(shown.String(), line+"\n") {
			t.Errorf("no %s in:\n%s", line, shown.String())
		}
	}

	if err := s.ingestAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := storedIDs(t, s, `SELECT workspace AS lead_id, concat(type, ' ', name) AS event_id FROM events
UNION ALL SELECT workspace, company FROM lead_updates
UNION ALL SELECT reason, topic FROM dead_letters`)
	distinct := map[string][]string{}
	for workspace, rows := range got {
		distinct[workspace] = unique(rows)
	}
	want := map[string][]string{
		"acme":          {"Acme", "behavior page_view", "touchpoint visit"},
		"missing_field": {"clew.behaviors"},
	}
	if diff := cmp.Diff(want, distinct); diff != "" {
		t.Errorf("stored, want (-), got (+):\n%s", diff)
	}
}

// TestProgramCollectWithoutKafka starts the collector while Kafka is away: it answers, and says what is wrong.
func TestProgramCollectWithoutKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the program is not built")
	}
	c := startCollector(t, "127.0.0.1:1", "https://www.example.com")
	status, text := postTo(t, c.url+"/v1/track", sdkKey, `{"messageId":"m","userId":"u","event":"e"}`)
	if status != http.StatusServiceUnavailable || !strings.Contains(text, `"code":"kafka_unavailable"`) {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := postTo(t, c.url+"/v1/track", "wrong-key", `{}`); status != http.StatusUnauthorized {
		t.Errorf("a wrong key: %d", status)
	}
	res, err := http.Get(c.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	shown, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(shown), `clew_collect_requests_total{status="503"} 1`+"\n") {
		t.Errorf("%v\n%s", err, shown)
	}
	c.stop(t)
	if !strings.Contains(c.errs.String(), "check the brokers") {
		t.Errorf("the operator is told:\n%s", c.errs.String())
	}
}

func TestProgramCollectRefuses(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the program is not built")
	}
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "clew.yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for text, want := range map[string]string{
		"collect: {keys: {write-key: default}}": "kafka.brokers: is empty",
		"kafka: {brokers: ['127.0.0.1:1']}":     "collect.keys: is empty",
		"collect: {keys: {short: default}}":     "collect.keys: key 1 of 1 is not 8 to 256",
		"collect: {origins: [example.com]}":     `collect.origins: "example.com" is no origin`,
		"collect: {addr: here}":                 `collect.addr: "here" is not host:port`,
		"collect: {keyz: {write-key: default}}": "keyz",
		"{kafka: {brokers: ['127.0.0.1:1']}, collect: {addr: '1.2.3.4:1', keys: {write-key: default}}}": "CLEW_COLLECT_ADDR",
	} {
		_, stderr, code := clew(t, "collect", "--config", file(text))
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, %s; want %s", text, code, stderr, want)
		}
	}
}

func TestCollectKeysOfTheEnvironment(t *testing.T) {
	cfg, err := loadConfig("", func(name string) string {
		return map[string]string{"CLEW_COLLECT_KEYS": "first-key=default,second-key=acme"}[name]
	})
	want := map[string]string{"first-key": "default", "second-key": "acme"}
	if err != nil || !maps.Equal(cfg.Collect.Keys, want) {
		t.Errorf("%v, %v", cfg.Collect.Keys, err)
	}
	cfg.Collect.Keys = collectKeys("first-key")
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "the workspace of key 1 of 1 is empty") {
		t.Errorf("a key without workspace: %v", err)
	}
	if err := collect.CheckKeys(want); err != nil {
		t.Error(err)
	}
}

func postTo(t *testing.T, url, key, body string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(key, "")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}
