package main

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"

	"clew/ingest/identifier"
)

// TestPrivacyKey opens one data directory with a key of its own, without it, and with another.
func TestPrivacyKey(t *testing.T) {
	dir := t.TempDir()
	cfg := configIn(dir)
	s, end := openTestSystem(t, cfg)
	hash := s.protector.Hash("email", "li@example.com")
	end()
	info, err := os.Stat(cfg.keyFile())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key's file is %v, %v: want it for its owner alone", info, err)
	}
	s, end = openTestSystem(t, cfg)
	if s.protector.Hash("email", "li@example.com") != hash {
		t.Error("the key changed with the second opening")
	}
	end()
	refused := func(cfg Config, want string) error {
		t.Helper()
		s, err := openSystem(t.Context(), cfg, slog.New(slog.DiscardHandler), anyPort)
		if err == nil {
			_ = s.Close()
			t.Fatalf("opened, want an error with %q", want)
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
		return err
	}
	other := cfg
	other.Privacy.Key = "another key of some length"
	if err := refused(other, "CLEW_PRIVACY_KEY"); !errors.Is(err, identifier.ErrKeyChanged) {
		t.Errorf("error %v, want ErrKeyChanged", err)
	}
	key, err := os.ReadFile(cfg.keyFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(cfg.keyFile()); err != nil {
		t.Fatal(err)
	}
	_ = refused(cfg, "is gone: restore it") // which says what it found
	if _, err := os.Stat(cfg.keyFile()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a new key was made for data that has another: %v", err)
	}
	cfg.Privacy.Key = strings.TrimSpace(string(key))
	s, _ = openTestSystem(t, cfg)
	if s.protector.Hash("email", "li@example.com") != hash {
		t.Error("the key of the environment gives another hash than the same key in the file")
	}
}

// TestPrivacyKeyOfServer has a warehouse elsewhere, whose key cannot be made here.
func TestPrivacyKeyOfServer(t *testing.T) {
	cfg := configIn(t.TempDir())
	cfg.Warehouse.DSN = "https://clickhouse.example:8443"
	if _, err := cfg.privacyKey(true); err == nil || !strings.Contains(err.Error(), "CLEW_PRIVACY_KEY is not set") {
		t.Errorf("error %v, want one that says what to set", err)
	}
	cfg.Privacy.Key = "short"
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "CLEW_PRIVACY_KEY has 5 characters") {
		t.Errorf("error %v, want one that says how long it must be", err)
	}
}
