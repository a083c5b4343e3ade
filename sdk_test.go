package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The SDKs of Segment and RudderStack, as their makers publish them, send to a collector in a process of its own,
// through a proxy that makes faults. `make test-sdk` installs them and runs this.
const (
	sdkVar = "CLEW_TEST_SDK"
	sdkDir = "ingest/collect/sdktest"
	sdkKey = "sdk-test-key"
)

// sdks are what client.mjs knows, each with how many tracks it sends.
var sdks = map[string]int{"analytics-node": 60, "rudder-sdk-node": 60, "analytics-next": 15, "analytics-next-batch": 30}

// acknowledged is what client.mjs prints: the ids of the messages that the SDK was told are taken.
type acknowledged struct {
	Behaviors []string `json:"behaviors"`
	Leads     []string `json:"leads"`
}

// TestSDKs counts, for each SDK and each fault, what was sent, what is stored, and what the metrics count.
func TestSDKs(t *testing.T) {
	if os.Getenv(sdkVar) == "" {
		t.Skip("run by make test-sdk, which installs the SDKs")
	}
	s, _ := openTestSystem(t, configIn(t.TempDir()))
	page := httptest.NewServer(sdkPage())
	t.Cleanup(page.Close)
	sent := map[string]acknowledged{}
	for _, f := range faults() {
		collector := startCollector(t, s.kafka.Brokers[0], page.URL)
		proxy := newFaultProxy(t, collector, f)
		maps.Copy(sent, runSDKs(t, proxy.URL, page.URL, f.name))
		proxy.Close()
		proxy.judge(t)
		collector.stop(t)
	}
	if err := s.ingestAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.computeAll(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	judgeSDKs(t, s, sent)
}

// sdkPage is a page that has loaded the browser's SDK from its own site.
func sdkPage() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /umd/", http.StripPrefix("/umd/",
		http.FileServer(http.Dir(filepath.Join(sdkDir, "node_modules/@segment/analytics-next/dist/umd")))))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><title>Prices</title><script src="/umd/index.js"></script>`))
	})
	return mux
}

// runSDKs runs all SDKs side by side and returns by user what each was told is taken.
func runSDKs(t *testing.T, url, page, fault string) map[string]acknowledged {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	sent := map[string]acknowledged{}
	for sdk, n := range sdks {
		all.Go(func() {
			user := sdk + "/" + fault
			cmd := exec.CommandContext(t.Context(), "node", "client.mjs", sdk, url, sdkKey, user, strconv.Itoa(n), page+"/")
			cmd.Dir = sdkDir
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			var got acknowledged
			err := cmd.Run()
			if err == nil {
				err = json.Unmarshal(stdout.Bytes(), &got)
			}
			if err != nil {
				t.Errorf("%s: %v\n%s%s", user, err, stdout.Bytes(), stderr.Bytes())
			}
			mu.Lock()
			defer mu.Unlock()
			sent[user] = got
		})
	}
	all.Wait()
	return sent
}

// judgeSDKs prints the table, and compares what is stored with what was sent, id by id.
func judgeSDKs(t *testing.T, s *system, sent map[string]acknowledged) {
	t.Helper()
	behaviors := storedIDs(t, s, "SELECT lead_id, event_id FROM events WHERE type = 'behavior'")
	leads := storedIDs(t, s, "SELECT lead_id, event_id FROM lead_updates")
	counted := countedBehaviors(t, s)
	fmt.Printf("%-22s %-8s %6s %8s %8s %8s\n", "client", "fault", "sent", "stored", "doubled", "counted")
	for _, f := range faults() {
		for _, sdk := range []string{"analytics-node", "rudder-sdk-node", "analytics-next", "analytics-next-batch"} {
			user := sdk + "/" + f.name
			rows, got := behaviors[user], sent[user]
			distinct := unique(rows)
			fmt.Printf("%-22s %-8s %6d %8d %8d %8d\n", sdk, f.name, len(got.Behaviors), len(distinct),
				len(rows)-len(distinct), counted[user])
			if len(got.Behaviors) < sdks[sdk] || counted[user] != len(got.Behaviors) {
				t.Errorf("%s: %d of at least %d were acknowledged, and %d are counted", user, len(got.Behaviors), sdks[sdk],
					counted[user])
			}
			if diff := cmp.Diff(unique(got.Behaviors), distinct); diff != "" {
				t.Errorf("%s: acknowledged (-), stored (+):\n%s", user, diff)
			}
			if diff := cmp.Diff(unique(got.Leads), unique(leads[user])); diff != "" || len(got.Leads) != 1 {
				t.Errorf("%s: identified (-), stored (+):\n%s", user, diff)
			}
		}
	}
	if letters := storedIDs(t, s, "SELECT reason AS lead_id, detail AS event_id FROM dead_letters"); len(letters) > 0 {
		t.Errorf("dead letters: %v", letters)
	}
}

// unique sorts and takes each once.
func unique(ids []string) []string { return slices.Compact(slices.Sorted(slices.Values(ids))) }

func storedIDs(t *testing.T, s *system, query string) map[string][]string {
	t.Helper()
	var rows []struct {
		Lead  string `ch:"lead_id"`
		Event string `ch:"event_id"`
	}
	if err := s.db.Select(t.Context(), &rows, query, nil); err != nil {
		t.Fatal(err)
	}
	ids := map[string][]string{}
	for _, r := range rows {
		ids[r.Lead] = append(ids[r.Lead], r.Event)
	}
	return ids
}

// countedBehaviors is what the models make of the rows.
func countedBehaviors(t *testing.T, s *system) map[string]int {
	t.Helper()
	var rows []struct {
		Lead      string `ch:"lead_id"`
		Behaviors uint32 `ch:"behaviors"`
	}
	err := s.db.Select(t.Context(), &rows, "SELECT lead_id, behaviors FROM lead_facts", nil)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Lead] += int(r.Behaviors)
	}
	return counts
}
