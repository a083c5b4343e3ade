package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"clew/ingest/source"
	"clew/ingest/webhook"
)

// SourcesConfig says where mappings of one's own are, and which systems post what changes to /v1/sources/NAME, at the
// collector's address.
type SourcesConfig struct {
	// Dir holds NAME.yaml for the mapping NAME, which stands before a shipped one of that name. Empty: none.
	Dir      string                   `yaml:"dir"`
	Webhooks map[string]WebhookConfig `yaml:",inline"`
}

// WebhookConfig is one of them.
type WebhookConfig struct {
	// Mapping names the mapping of its payloads.
	Mapping string `yaml:"mapping"`
	// Workspace is given to events that name none. Empty: the default one.
	Workspace string `yaml:"workspace"`
	// Proof says how it proves itself. Its scheme may be left out where the mapping has the scheme's name. Its secrets
	// may stand in the environment instead: CLEW_SOURCE_NAME_SECRET and CLEW_SOURCE_NAME_AES_KEY.
	webhook.Proof `yaml:",inline"`
}

// secrets takes those of the sources from the environment.
func (c SourcesConfig) secrets(getenv func(string) string) {
	for name, s := range c.Webhooks {
		prefix := "CLEW_SOURCE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if v := getenv(prefix + "_SECRET"); v != "" {
			s.Secret = v
		}
		if v := getenv(prefix + "_AES_KEY"); v != "" {
			s.AESKey = v
		}
		c.Webhooks[name] = s
	}
}

// senders are the sources with their mappings. The error lists all that is wrong with them.
func (c SourcesConfig) senders() (map[string]webhook.Source, error) {
	senders := map[string]webhook.Source{}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(c.Webhooks)) {
		s := c.Webhooks[name]
		mapping, err := source.Load(s.Mapping, c.Dir)
		if err == nil && !mapping.TakesPayload() {
			err = fmt.Errorf("mapping %q is for files: name one with an input for webhooks", s.Mapping)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("sources.%s.mapping: %w", name, err))
			continue
		}
		if s.Scheme == "" && slices.Contains(webhook.Schemes(), s.Mapping) {
			s.Scheme = s.Mapping
		}
		senders[name] = webhook.Source{Proof: s.Proof, Workspace: s.Workspace, Events: mapping.Payload}
	}
	_, err := webhook.New(webhook.Config{Sources: senders})
	return senders, errors.Join(append(faults, err)...)
}

func (c SourcesConfig) validate() error {
	if info, err := os.Stat(c.Dir); c.Dir != "" && (err != nil || !info.IsDir()) {
		return fmt.Errorf("sources.dir: %q is no directory; name the one that holds the mappings", c.Dir)
	}
	_, err := c.senders()
	return err
}

// newWebhooks serves the sources; nil where there are none.
func newWebhooks(cfg SourcesConfig, w webhook.Writer, log *slog.Logger) (*webhook.Handler, error) {
	if len(cfg.Webhooks) == 0 {
		return nil, nil
	}
	senders, err := cfg.senders()
	if err != nil {
		return nil, err
	}
	return webhook.New(webhook.Config{Sources: senders, Writer: w, Now: time.Now, Log: log})
}

func (e *exposition) webhooks(h *webhook.Handler) {
	if h == nil {
		return
	}
	stats := h.Stats()
	each := func(name, help string, value func(webhook.Stat) uint64) {
		e.family(counter, name, help)
		for _, s := range stats {
			e.sample(name, float64(value(s)), "source", s.Source)
		}
	}
	each("clew_webhook_requests_total", "Webhook requests that proved themselves, by source.",
		func(s webhook.Stat) uint64 { return s.Requests })
	each("clew_webhook_refused_total", "Webhook requests that did not prove themselves.",
		func(s webhook.Stat) uint64 { return s.Refused })
	each("clew_webhook_events_total", "Events of webhooks that Kafka acknowledged.",
		func(s webhook.Stat) uint64 { return s.Events })
	each("clew_webhook_unmapped_total", "Payloads of which a part became a dead letter.",
		func(s webhook.Stat) uint64 { return s.Unmapped })
	each("clew_webhook_ignored_total", "Payloads that the mapping makes nothing of.",
		func(s webhook.Stat) uint64 { return s.Ignored })
	each("clew_webhook_kafka_failures_total", "Webhook requests that Kafka did not acknowledge in time.",
		func(s webhook.Stat) uint64 { return s.Failed })
}
