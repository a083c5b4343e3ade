// Package kafkatest gives tests a real Apache Kafka: one node in a process of its own, on loopback, started from the
// jars that `make test-kafka` puts into deploy/kafka/lib.
package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// variable, when set, makes Main start Apache Kafka for the tests of a package.
const variable = "CLEW_TEST_KAFKA"

// startTimeout is how long a broker may take to answer: a second or two, unless the machine is busy.
const startTimeout = 2 * time.Minute

// shared is the broker that the tests of this process use, nil when they use the embedded one.
var shared *Broker

// Main runs the tests of a package, with Apache Kafka where CLEW_TEST_KAFKA is set. Call it as the end of TestMain and
// pass what it returns to os.Exit.
func Main(m *testing.M) int {
	if os.Getenv(variable) == "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "kafkatest")
	if err != nil {
		panic(err)
	}
	if shared, err = Start(Config{Dir: dir}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	shared.Kill()
	if code != 0 {
		fmt.Fprintln(os.Stderr, "the broker's log is kept in", shared.LogFile())
	} else if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	return code
}

// Shared returns the address of the process's Apache Kafka, without topics and groups. It returns "" where the tests
// are to use the embedded broker. A test that uses it must not run in parallel with others.
func Shared(t testing.TB) string {
	t.Helper()
	if shared == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if err := empty(ctx, shared.Addr); err != nil {
		t.Fatal(err)
	}
	return shared.Addr
}

// Config says what broker to start.
type Config struct {
	// Dir holds its log segments, settings and the log of the process.
	Dir string
	// Settings are lines added to server.properties.
	Settings []string
	// Format are further arguments of the storage tool, such as --add-scram.
	Format []string
	// Listeners are served beside the plain one, by the name of their security protocol: SSL, SASL_SSL.
	Listeners []string
}

// Broker is an Apache Kafka broker in a process of its own.
type Broker struct {
	// Addr is the plain listener as host:port.
	Addr string
	// Addrs are the addresses of Config.Listeners.
	Addrs   map[string]string
	dir     string
	jars    string
	process *os.Process
	ended   chan struct{}
}

// ErrMissing says that Java or the jars are not installed.
var ErrMissing = errors.New("apache kafka cannot be started")

// Start formats a directory and starts a broker in it. It is ready when Start returns. A broker ends by Kill.
func Start(cfg Config) (*Broker, error) {
	jars, err := jarDir()
	if err != nil {
		return nil, err
	}
	b := &Broker{dir: cfg.Dir, jars: jars, Addrs: map[string]string{}}
	if err := b.configure(cfg); err != nil {
		return nil, fmt.Errorf("configure Apache Kafka: %w", err)
	}
	args := []string{
		"-cp", filepath.Join(jars, "*"), "kafka.tools.StorageTool", "format", "--standalone",
		"-t", "Y2xldy10ZXN0LWNsdXN0ZQ", "-c", b.settingsFile(),
	}
	if out, err := exec.Command("java", append(args, cfg.Format...)...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format the directory of Apache Kafka: %w\n%s", err, out)
	}
	return b, b.Restart()
}

// Restart starts the broker's process on what its directory holds.
func (b *Broker) Restart() error {
	log, err := os.OpenFile(b.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", filepath.Join(b.jars, "*"), "kafka.Kafka", b.settingsFile())
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, guard()
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the process ends with this thread
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		return err
	}
	b.process, b.ended = cmd.Process, ended
	return b.await()
}

// await asks until the broker leads and coordinates groups.
func (b *Broker) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := b.answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-b.ended:
			text, _ := os.ReadFile(b.LogFile())
			return fmt.Errorf("apache kafka ended while it started:\n%s", text)
		case <-ctx.Done():
			b.Kill()
			return fmt.Errorf("apache kafka on %s does not answer, see %s: %w", b.Addr, b.LogFile(), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (b *Broker) answers(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.DialTimeout(time.Second), kgo.RequestRetries(0))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	res, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
	if err == nil && (len(res.Brokers) != 1 || res.ControllerID != res.Brokers[0].NodeID) {
		err = fmt.Errorf("%d brokers, controller %d", len(res.Brokers), res.ControllerID)
	}
	if err != nil {
		return err
	}
	// The first question for a coordinator makes the broker create its topic of offsets.
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey, find.CoordinatorKeys = "kafkatest", []string{"kafkatest"}
	found, err := find.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(found.Coordinators[0].ErrorCode)
}

// Kill ends the process as kill -9 does. What it acknowledged is on disk.
func (b *Broker) Kill() {
	_ = b.process.Kill()
	<-b.ended
}

// LogFile is where the process writes what it has to say.
func (b *Broker) LogFile() string { return filepath.Join(b.dir, "kafka.log") }

func (b *Broker) settingsFile() string { return filepath.Join(b.dir, "server.properties") }

// jarDir finds deploy/kafka/lib from the working directory upwards.
func jarDir() (string, error) {
	if _, err := exec.LookPath("java"); err != nil {
		return "", fmt.Errorf("%w: no java: install Java 17 or later (apt-get install openjdk-17-jre-headless)", ErrMissing)
	}
	dir, err := os.Getwd()
	for err == nil {
		jars := filepath.Join(dir, "deploy", "kafka", "lib")
		if found, _ := filepath.Glob(filepath.Join(jars, "kafka_2.13-*.jar")); len(found) > 0 {
			return jars, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%w: no jars in deploy/kafka/lib: run make kafka", ErrMissing)
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// empty deletes all topics and groups, and returns when they are gone.
func empty(ctx context.Context, addr string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		left, err := deleteAll(ctx, client)
		if err == nil && left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("empty Apache Kafka at %s: %w: %d topics and groups are left: %w", addr, ctx.Err(), left, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// deleteAll asks for the deletion of what there is and returns how much that was.
func deleteAll(ctx context.Context, client *kgo.Client) (left int, _ error) {
	groups, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	del := kmsg.NewPtrDeleteGroupsRequest()
	for _, g := range groups.Groups {
		del.Groups = append(del.Groups, g.Group)
	}
	if len(del.Groups) > 0 {
		if _, err := del.RequestWith(ctx, client); err != nil {
			return len(del.Groups), err
		}
	}
	left, err = deleteTopics(ctx, client)
	return len(del.Groups) + left, err
}

// deleteTopics deletes all but Kafka's own, and returns how many there were.
func deleteTopics(ctx context.Context, client *kgo.Client) (int, error) {
	topics, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	drop := kmsg.NewPtrDeleteTopicsRequest()
	drop.TimeoutMillis = 10_000
	for _, t := range topics.Topics {
		if strings.HasPrefix(*t.Topic, "__") {
			continue
		}
		topic := kmsg.NewDeleteTopicsRequestTopic()
		topic.Topic = t.Topic
		drop.Topics, drop.TopicNames = append(drop.Topics, topic), append(drop.TopicNames, *t.Topic)
	}
	if len(drop.Topics) > 0 {
		_, err = drop.RequestWith(ctx, client)
	}
	return len(drop.Topics), err
}

// Trim deletes what a partition holds before an offset, as retention does. It serves the embedded broker too.
func Trim(ctx context.Context, addr, topic string, partition int, before int64) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return err
	}
	defer client.Close()
	part := kmsg.NewDeleteRecordsRequestTopicPartition()
	part.Partition, part.Offset = int32(partition), before
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic, t.Partitions = topic, append(t.Partitions, part)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = append(req.Topics, t)
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(res.Topics[0].Partitions[0].ErrorCode)
}
