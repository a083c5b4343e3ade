package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fault is what happens to a delivery. Attempts says it of the first ones of each delivery; later ones pass.
type fault struct {
	name     string
	attempts []attempt
}

type attempt int

const (
	attemptPass attempt = iota
	// attemptFail answers 500, attemptThrottle 429 with Retry-After.
	attemptFail
	attemptThrottle
	// attemptCut closes the connection before the collector gets anything, attemptLost after it has answered.
	attemptCut
	attemptLost
	// attemptKill sends the collector SIGKILL while it works on the request, and starts another.
	attemptKill
)

func faults() []fault {
	return []fault{
		{name: "none"},
		{"500", []attempt{attemptFail, attemptFail}},
		{"429", []attempt{attemptThrottle}},
		{"reset", []attempt{attemptCut, attemptLost}},
		{"kill -9", []attempt{attemptKill}},
	}
}

// collector is a running `clew collect`.
type collector struct {
	args []string
	env  []string

	mu   sync.Mutex // held while it is replaced
	cmd  *exec.Cmd
	url  string
	gone chan struct{}
	errs bytes.Buffer
}

func startCollector(t *testing.T, broker, origin string) *collector {
	t.Helper()
	file := filepath.Join(t.TempDir(), "clew.yaml")
	if err := os.WriteFile(file, []byte("collect: {origins: ['"+origin+"']}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &collector{
		args: []string{"collect", "--config", file},
		env: append(os.Environ(), "CLEW_KAFKA_BROKERS="+broker, "CLEW_COLLECT_ADDR=127.0.0.1:0",
			"CLEW_COLLECT_KEYS="+sdkKey+"=default"),
	}
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.gone
		if t.Failed() {
			t.Logf("the collector said last:\n%.4000s", c.errs.String())
		}
	})
	return c
}

// start starts a process and waits until it says where it is.
func (c *collector) start() error {
	c.cmd = exec.Command(program, c.args...)
	c.cmd.Env, c.cmd.Stderr = c.env, &c.errs
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	if err != nil {
		return err
	}
	c.url = strings.TrimSpace(strings.TrimPrefix(line, "Events are collected at "))
	gone := make(chan struct{})
	c.gone = gone
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, lines)
		_ = c.cmd.Wait()
	}()
	return nil
}

// restart kills the process that was at a URL, after a delay, unless another already has.
func (c *collector) restart(url string, delay time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.url != url {
		return nil
	}
	time.Sleep(delay) // so that each kill meets another moment of the request
	_ = c.cmd.Process.Kill()
	<-c.gone
	return c.start()
}

// at waits while it is replaced.
func (c *collector) at() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.url
}

// stop ends the process as Ctrl-C does.
func (c *collector) stop(t *testing.T) {
	t.Helper()
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	<-c.gone
	if code := c.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("clew collect ended with %d:\n%s", code, c.errs.String())
	}
}

// faultProxy stands between the SDKs and the collector.
type faultProxy struct {
	*httptest.Server
	t         *testing.T
	collector *collector
	fault     fault

	mu    sync.Mutex
	tries map[string]int
	done  map[attempt]int
}

func newFaultProxy(t *testing.T, c *collector, f fault) *faultProxy {
	t.Helper()
	p := &faultProxy{t: t, collector: c, fault: f, tries: map[string]int{}, done: map[attempt]int{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// ServeHTTP makes the faults. What is no delivery passes.
func (p *faultProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	next := attemptPass
	if r.Method == http.MethodPost {
		next = p.next(body)
	}
	switch next {
	case attemptFail:
		p.answer(w, r, http.StatusInternalServerError)
	case attemptThrottle:
		w.Header().Set("Retry-After", "1")
		p.answer(w, r, http.StatusTooManyRequests)
	case attemptCut:
		panic(http.ErrAbortHandler)
	case attemptLost:
		if res, err := p.forward(p.collector.at(), r, body); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		panic(http.ErrAbortHandler)
	case attemptKill:
		p.kill(w, r, body)
	default:
		url := p.collector.at()
		res, err := p.forward(url, r, body)
		for now := p.collector.at(); err != nil && now != url; now = p.collector.at() {
			url = now // the kill was for another delivery: each has its own faults only
			res, err = p.forward(url, r, body)
		}
		p.pass(w, res, err)
	}
}

// answer is a fault that a browser may see: it hides what a foreign server says from a page it was not told of.
func (p *faultProxy) answer(w http.ResponseWriter, r *http.Request, status int) {
	if origin := r.Header.Get("Origin"); origin != "" {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	}
	w.WriteHeader(status)
}

// kill passes a request on and kills the collector meanwhile: before it has read, while it waits for Kafka, or after it
// has answered.
func (p *faultProxy) kill(w http.ResponseWriter, r *http.Request, body []byte) {
	url := p.collector.at()
	killed := make(chan error, 1)
	go func() { killed <- p.collector.restart(url, time.Duration(rand.Int64N(int64(12*time.Millisecond)))) }()
	defer func() {
		if err := <-killed; err != nil {
			p.t.Errorf("restart the collector: %v", err)
		}
	}()
	res, err := p.forward(url, r, body)
	p.pass(w, res, err)
}

// pass hands on what the collector answered. Where it did not, the SDK meets a closed connection.
func (p *faultProxy) pass(w http.ResponseWriter, res *http.Response, err error) {
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer res.Body.Close()
	maps.Copy(w.Header(), res.Header)
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
}

func (p *faultProxy) forward(url string, r *http.Request, body []byte) (*http.Response, error) {
	ctx := context.WithoutCancel(r.Context()) // the collector ends what it began, whatever becomes of the SDK
	out, err := http.NewRequestWithContext(ctx, r.Method, url+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	out.Header, out.Host = r.Header.Clone(), r.Host
	return http.DefaultTransport.RoundTrip(out)
}

var messageID = regexp.MustCompile(`"messageId":"([^"]+)"`)

// next is the fault of a delivery, known by the first message in it: it has the same id when it is sent again.
func (p *faultProxy) next(body []byte) attempt {
	if z, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
		body, _ = io.ReadAll(z)
	}
	id := messageID.FindSubmatch(body)
	if id == nil {
		p.t.Errorf("a delivery without messageId: %.200s", body)
		return attemptPass
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	try := p.tries[string(id[1])]
	p.tries[string(id[1])]++
	next := attemptPass
	if try < len(p.fault.attempts) {
		next = p.fault.attempts[try]
	}
	p.done[next]++
	return next
}

// judge holds that each fault was made, and that something passed, which nothing need after a kill that came too late.
func (p *faultProxy) judge(t *testing.T) {
	t.Helper()
	for _, a := range append(p.fault.attempts, attemptPass) {
		if p.done[a] < 4 && (a != attemptPass || p.fault.name != "kill -9") {
			t.Errorf("fault %s: attempt %d was made %d times only", p.fault.name, a, p.done[a])
		}
	}
}
