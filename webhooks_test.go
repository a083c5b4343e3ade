package main

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/ingest/webhook"
	"clew/query/api"
	"clew/transform/warehouse"
)

// TestWebhooksReachTheWarehouse posts as three systems do, over real HTTP, broker and engine: what they post counts
// once however often it is sent, and what does not map is a dead letter that says why.
func TestWebhooksReachTheWarehouse(t *testing.T) {
	needEngine(t)
	cfg := defaultConfig()
	cfg.DataDir, cfg.Collect.Addr = t.TempDir(), "127.0.0.1:0"
	cfg.Sources.Webhooks = map[string]WebhookConfig{
		"forms": {Mapping: "jiandaoyun", Workspace: "east", Proof: webhook.Proof{Secret: "secret-of-the-form"}},
		"crm": {Mapping: "salesforce", Proof: webhook.Proof{
			Secret: "secret-of-the-crm", Receiver: "00D5g000000AbcDEAS", Query: "key",
		}},
		"app": {Mapping: "fxiaoke", Proof: webhook.Proof{Scheme: "token", Secret: "secret-of-the-app"}},
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s, _ := openTestSystem(t, cfg)
	c, err := s.newCollection()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.run(ctx) }()
	base := "http://" + c.listener.Addr().String()

	form := `{"op":"data_create","data":{"_id":"65a0000000000000000000a1","createTime":"2026-01-05T08:00:00.000Z",` +
		`"updateTime":"2026-01-05T08:00:00.000Z","contact_name":"示例","stage":"%"}}`
	for _, stage := range []string{"新线索", "新线索", "外星人"} {
		body := strings.ReplaceAll(form, "%", stage)
		sum := sha1.Sum([]byte("n1:" + body + ":secret-of-the-form:1767600000"))
		wantPost(t, base+"/v1/sources/forms?nonce=n1&timestamp=1767600000", body, http.Header{
			"X-Jdy-Signature": {hex.EncodeToString(sum[:])},
		}, 200, "success")
	}
	outbound, err := os.ReadFile("ingest/webhook/testdata/salesforce_outbound.xml")
	if err != nil {
		t.Fatal(err)
	}
	wantPost(t, base+"/v1/sources/crm?key=secret-of-the-crm", string(outbound), nil, 200, "<Ack>true</Ack>")
	lead := `{"_id":"5ea6cdd489225f0001fbc39f","name":"示例","create_time":1767657600000,` +
		`"last_modified_time":1767700800000,"biz_status":"transformed"}`
	wantPost(t, base+"/v1/sources/app", lead, http.Header{"Authorization": {"Bearer secret-of-the-app"}}, 200, "")
	wantPost(t, base+"/v1/sources/app", lead, http.Header{"Authorization": {"Bearer secret-of-the-crm"}}, 401, "prove")
	wantPost(t, base+"/v1/sources/none", lead, nil, 404, "no source")
	wantPost(t, base+"/v1/track", `{}`, nil, 404, "")
	res, err := http.Get(base + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusNoContent {
		t.Errorf("a probe is answered %d, %v", res.StatusCode, err)
	}

	var shown strings.Builder
	var e exposition
	e.webhooks(c.webhooks)
	if _, err := e.WriteTo(&shown); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`clew_webhook_requests_total{source="forms"} 3`, `clew_webhook_refused_total{source="app"} 1`,
		`clew_webhook_events_total{source="forms"} 4`, `clew_webhook_unmapped_total{source="crm"} 1`,
	} {
		if !strings.Contains(shown.String(), line+"\n") {
			t.Errorf("metrics lack %s:\n%s", line, shown.String())
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := s.ingestAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkWebhookRows(t, s)
	checkWebhookReplay(t, s)
}

// checkWebhookReplay sends the payloads that did not map again: refused as they are, taken once they map.
func checkWebhookReplay(t *testing.T, s *system) {
	t.Helper()
	letters, _, err := s.letters().Letters(t.Context(), warehouse.LetterFilter{Reason: "unknown_field"}, 10)
	if err != nil || len(letters) != 2 {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	at := letters[0].Place
	for _, l := range letters {
		if strings.Contains(string(l.Key.Raw()), "forms") {
			at = l.Place
		}
		_, err := s.letters().Replay(t.Context(), l.Place, api.Replay{})
		if err == nil || !strings.Contains(err.Error(), "still does not map") {
			t.Errorf("replay of %s as it is: %v", l.Place, err)
		}
	}
	whole, err := s.letters().Letter(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	corrected := strings.ReplaceAll(string(whole.Raw.Raw()), "外星人", "已成交")
	corrected = strings.ReplaceAll(corrected, `2026-01-05T08:00:00.000Z\"`, `2026-01-09T08:00:00.000Z\"`)
	done, err := s.letters().Replay(t.Context(), at, api.Replay{With: []byte(corrected)})
	if err != nil {
		t.Fatal(err)
	}
	if done.EventID != "jdy:65a0000000000000000000a1:2026-01-09T08:00:00.000Z" || done.Warning != "" {
		t.Errorf("replayed %+v", done)
	}
	if err := s.ingestAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	var won []struct {
		Leads uint64 `ch:"leads"`
	}
	err = s.db.Select(t.Context(), &won, "SELECT count() AS leads FROM stage_changes WHERE stage = 'won'", nil)
	if err != nil || won[0].Leads != 1 {
		t.Errorf("%v won, %v", won, err)
	}
}

func checkWebhookRows(t *testing.T, s *system) {
	t.Helper()
	var stages []struct {
		Workspace string `ch:"workspace"`
		Lead      string `ch:"lead_id"`
		Stage     string `ch:"stage"`
		Events    uint64 `ch:"events"`
	}
	err := s.db.Select(t.Context(), &stages, "SELECT workspace, lead_id, stage, uniqExact(event_id) AS events "+
		"FROM stage_changes GROUP BY workspace, lead_id, stage ORDER BY lead_id, stage", nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range stages {
		if r.Events != 1 {
			t.Errorf("%s of %s counts %d times", r.Stage, r.Lead, r.Events)
		}
		got = append(got, r.Workspace+" "+r.Lead+" "+r.Stage)
	}
	want := []string{
		"default fxiaoke:5ea6cdd489225f0001fbc39f opportunity",
		"east jiandaoyun:65a0000000000000000000a1 new",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stages, want (-), got (+):\n%s", diff)
	}
	var letters []struct {
		Reason string `ch:"reason"`
		Key    string `ch:"key"`
		Raw    string `ch:"raw"`
	}
	err = s.db.Select(t.Context(), &letters, "SELECT reason, key, raw FROM dead_letters ORDER BY key", nil)
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, l := range letters {
		var kept struct {
			Webhook string   `json:"webhook"`
			Reasons []string `json:"reasons"`
			Payload string   `json:"payload"`
		}
		if err := json.Unmarshal([]byte(l.Raw), &kept); err != nil {
			t.Fatal(err)
		}
		got = append(got, l.Key+" "+l.Reason+" "+kept.Reasons[0])
		if !json.Valid([]byte(kept.Payload)) {
			t.Errorf("the payload of %s is not as it came: %s", l.Key, kept.Payload)
		}
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], "webhook:crm unknown_field ") ||
		!strings.Contains(got[1], `"外星人" is not in table "stage" of mapping "jiandaoyun"`) {
		t.Errorf("dead letters %q", got)
	}
}

// wantPost sends a body and wants a status and a part of the answer.
func wantPost(t *testing.T, address, body string, header http.Header, code int, part string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil || res.StatusCode != code || !strings.Contains(string(text), part) {
		t.Errorf("%s answered %d %q, %v; want %d with %q", address, res.StatusCode, text, err, code, part)
	}
}

func TestSourcesInTheSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clew.yaml")
	write(t, file, `
sources:
  hub: {mapping: hubspot, secret: from-the-file, url: "https://clew.example/v1/sources/hub"}
  wx-1: {mapping: wecom, receiver: ww1, workspace: north}
`)
	env := map[string]string{
		"CLEW_SOURCE_WX_1_SECRET": "token-of-wecom", "CLEW_SOURCE_WX_1_AES_KEY": strings.Repeat("A", 43),
	}
	cfg, err := loadConfig(file, func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	want := map[string]WebhookConfig{
		"hub": {Mapping: "hubspot", Proof: webhook.Proof{
			Secret: "from-the-file", URL: "https://clew.example/v1/sources/hub",
		}},
		"wx-1": {Mapping: "wecom", Workspace: "north", Proof: webhook.Proof{
			Secret: "token-of-wecom", AESKey: strings.Repeat("A", 43), Receiver: "ww1",
		}},
	}
	if diff := cmp.Diff(want, cfg.Sources.Webhooks); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// TestSourcesOfOnesOwn uses a mapping that is not shipped.
func TestSourcesOfOnesOwn(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "shop.yaml"), `
zone: UTC
inputs:
  - payload: true
    events: [{type: lead, fields: {event_id: "{id}", occurred_at: "{at}", lead_id: "{id}"}}]
`)
	file := filepath.Join(t.TempDir(), "clew.yaml")
	write(t, file, "sources:\n  dir: "+dir+"\n  shop: {mapping: shop, scheme: hmac, secret: from-the-file}\n")
	cfg, err := loadConfig(file, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	senders, err := cfg.Sources.senders()
	if err != nil {
		t.Fatal(err)
	}
	messages, reasons := senders["shop"].Messages([]byte(`{"id":"L1","at":"2026-01-05"}`))
	if len(messages) != 1 || len(reasons) != 0 || string(messages[0].Key) != "L1" {
		t.Errorf("%d messages, reasons %q", len(messages), reasons)
	}
}

func TestSourcesFaults(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"hub: {mapping: hubspot}", "sources.hub: secret: has 0 characters"},
		{"hub: {mapping: hupspot, secret: from-the-file}", `sources.hub.mapping: no mapping "hupspot"`},
		{"ads: {mapping: googleads, secret: from-the-file}", `sources.ads.mapping: mapping "googleads" is for files`},
		{"fx: {mapping: fxiaoke, secret: from-the-file}", `sources.fx: scheme: "" is not known: use one of hmac`},
		{"hub: {mapping: hubspot, secrets: x}", "secrets"},
	} {
		file := filepath.Join(t.TempDir(), "clew.yaml")
		write(t, file, "sources:\n  "+c.text+"\n")
		cfg, err := loadConfig(file, func(string) string { return "" })
		if err == nil {
			err = cfg.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.text, err, c.want)
		}
	}
}
