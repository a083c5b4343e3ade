package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestProgramRefuses holds that each wrong input gets an answer that names the thing and the remedy, on one line or a
// few, and without a stack trace.
func TestProgramRefuses(t *testing.T) {
	needEngine(t)
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	file := filepath.Join(dir, "file")
	write(t, file, "not a directory")
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	unknownKey := filepath.Join(dir, "unknown.yaml")
	write(t, unknownKey, "kafka:\n  broker: [a:1]\n")
	wrongValues := filepath.Join(dir, "wrong.yaml")
	write(t, wrongValues, "kafka: {partitions: 0, retention: 5m}\nbusiness: {timezone: Mars/Olympus}\nwarehouse: {cluster: main}\n"+
		"attribution: {lookback: 0s}\n")

	mustClew(t, "check", "--data-dir", data)
	security := filepath.Join(dir, "security.yaml")
	write(t, security, "kafka:\n  brokers: [127.0.0.1:1]\n  sasl: {mechanism: scram}\n  tls: {enabled: true, ca: no.pem}\n")
	password := filepath.Join(dir, "password.yaml")
	write(t, password, "kafka: {sasl: {password: secret}}\n")
	unasked := filepath.Join(dir, "unasked.yaml")
	write(t, unasked, "kafka: {tls: {enabled: true}}\n")

	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"unknown command", []string{"serv"}, []string{`unknown command "serv"`}},
		{"unknown source", []string{"import", "--source", "olits", "--in", empty}, []string{"olits", "olist", "marketing"}},
		{"missing file", []string{"import", "--source", "olist", "--in", empty}, []string{"olist_marketing_qualified_leads_dataset.csv", empty}},
		{"missing flag", []string{"import", "--source", "olist"}, []string{"--in DIR"}},
		{"no source", []string{"import"}, []string{"--source NAME", "--archive DIR", "clew sources list"}},
		{"two sources", []string{"import", "--source", "olist", "--in", empty, "--archive", empty}, []string{"--archive DIR"}},
		{"unknown job", []string{"jobs", "run", "some"}, []string{`"some"`}},
		{"malformed query", []string{"query", "{"}, []string{"JSON"}},
		{"unknown key", []string{"query", `{"measure":["leads"]}`}, []string{"measure"}},
		{"unknown measure", []string{"query", `{"measures":["leeds"]}`}, []string{"leeds", "/api/v1/meta"}},
		{"unknown stage", []string{"funnel", `{"steps":[{"stage":"new"},{"stage":"wun"}]}`}, []string{"wun", "won"}},
		{"data directory is empty", []string{"query", `{"measures":["leads"]}`, "--data-dir", empty}, []string{empty, "clew import"}},
		{"nothing to verify", []string{"verify", "--data-dir", empty}, []string{empty, "clew import"}},
		{"nothing to send again", []string{"deadletters", "replay", "clew.stages/0/1", "--data-dir", empty}, []string{empty}},
		{"no place of a dead letter", []string{"deadletters", "show", "clew.stages"}, []string{`"clew.stages"`, "clew.stages/0/17"}},
		{"no such dead letter", []string{"deadletters", "show", "clew.stages/0/17"}, []string{"clew.stages/0/17", "list"}},
		{"empty correction", []string{"deadletters", "replay", "clew.stages/0/17", "--with", "/dev/null"}, []string{"/dev/null"}},
		{"data directory is a file", []string{"query", `{"measures":["leads"]}`, "--data-dir", file}, []string{file, "--data-dir"}},
		{"config is absent", []string{"check", "--config", filepath.Join(dir, "no.yaml")}, []string{"no.yaml", "--config"}},
		{"config has an unknown key", []string{"check", "--config", unknownKey}, []string{"broker", "unknown.yaml"}},
		{"config has wrong values", []string{"check", "--config", wrongValues}, []string{"kafka.partitions", "kafka.retention", "Mars/Olympus", "warehouse.cluster", "attribution lookback"}},
		{"kafka security is wrong", []string{"check", "--config", security}, []string{
			"kafka.sasl.mechanism", "kafka.sasl.username", "CLEW_KAFKA_PASSWORD", "kafka.tls.ca", "no.pem",
		}},
		{"a password in the file", []string{"check", "--config", password}, []string{"password", "password.yaml"}},
		{"TLS without brokers", []string{"check", "--config", unasked}, []string{"kafka.brokers", "kafka.tls"}},
		{"server is absent", []string{"query", "{}", "--server", "http://127.0.0.1:1"}, []string{"127.0.0.1:1", "clew serve"}},
		{"server is no URL", []string{"query", "{}", "--server", "localhost"}, []string{"localhost", "http://"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := c.args
			if !strings.Contains(strings.Join(args, " "), "--data-dir") {
				args = append(args, "--data-dir", data)
			}
			stdout, stderr, code := clew(t, args...)
			said := stdout + stderr
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("does not name %q: %s", want, said)
				}
			}
			if code != 1 || strings.Contains(said, "goroutine ") || strings.Count(said, "\n") > 12 {
				t.Errorf("exit %d: %s", code, said)
			}
		})
	}
}

// TestProgramWithoutPermission runs as a user who may not write the data directory.
func TestProgramWithoutPermission(t *testing.T) {
	needEngine(t)
	dir, err := os.MkdirTemp("", "clew-readonly") //nolint:usetesting // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "check", "--data-dir", filepath.Join(dir, "data"))
	if os.Geteuid() == 0 {
		// Permissions do not bind root, so another user runs a program that it can reach.
		if err := os.Chmod(filepath.Dir(program), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		cmd.Dir = dir
	}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "permission denied") || !strings.Contains(string(out), "--data-dir") {
		t.Errorf("%v: %s", err, out)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
