package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSLADirectory has the files of a directory checked with the config, and counted with the shipped ones.
func TestSLADirectory(t *testing.T) {
	cfg := defaultConfig()
	cfg.SLA.Dir = t.TempDir()
	shipped, err := defaultConfig().slaPlan()
	if err != nil {
		t.Fatal(err)
	}
	own, err := cfg.slaPlan()
	if err != nil || own.Hash() != shipped.Hash() {
		t.Errorf("an empty directory gives %v", err)
	}
	file := filepath.Join(cfg.SLA.Dir, "east.yaml")
	const calendar = "kind: calendar\nname: east\nsource: ours\nteams: [east]\nweek: {monday: [\"09:00-18:00\"]}\n"
	if err := os.WriteFile(file, []byte(calendar), 0o600); err != nil {
		t.Fatal(err)
	}
	if own, err = cfg.slaPlan(); err != nil || own.Hash() == shipped.Hash() || cfg.Validate() != nil {
		t.Errorf("a calendar more gives %v, %v", err, cfg.Validate())
	}
	if err := os.WriteFile(file, []byte(calendar+"lunch: noon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "sla.dir: ") || !strings.Contains(err.Error(), "lunch") {
		t.Errorf("a key that nobody knows gives %v", err)
	}
	cfg.SLA.Dir = filepath.Join(cfg.SLA.Dir, "gone")
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "no directory") {
		t.Errorf("a directory that is not there gives %v", err)
	}
}
