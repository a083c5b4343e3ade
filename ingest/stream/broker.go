package stream

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// BrokerConfig says where an embedded broker keeps its log and listens.
type BrokerConfig struct {
	// Dir holds the log; it is created. One process at a time may use it.
	Dir string
	// Addr is a loopback address as host:port, for the broker asks nobody who they are. Empty means 127.0.0.1:0; port 0
	// takes a free one.
	Addr string
}

// Broker is a Kafka broker in this process with its log on disk. What it acknowledged outlives the process, also when
// that is killed; a machine that loses power may take back the last moments. Messages are kept until Retain or Trim.
type Broker struct {
	cluster *kfake.Cluster
	lock    *os.File
	addr    string
	// client is the broker's own, and end ends what uses it.
	client *kgo.Client
	end    func()
}

// ErrInUse says that another process has the broker's directory.
var ErrInUse = errors.New("the directory is in use by another process")

// StartBroker starts a broker. It is ready when StartBroker returns.
func StartBroker(cfg BrokerConfig) (*Broker, error) {
	addr := cmp.Or(cfg.Addr, "127.0.0.1:0")
	if err := checkLoopback(addr); err != nil {
		return nil, err
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.DataDir(cfg.Dir),
		kfake.ClusterID(newClusterID()), // only for an empty directory; afterwards the one kept there counts
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, addr) }),
		// A group that was stopped for a week must not begin at the start again: keep its offsets for ten years.
		kfake.BrokerConfigs(map[string]string{"offsets.retention.minutes": "5256000"}),
	)
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("start the broker on %s in %s: %w", addr, cfg.Dir, err)
	}
	b := &Broker{cluster: cluster, lock: lock, addr: cluster.ListenAddrs()[0]}
	if b.client, err = kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.ClientID(clientID)); err != nil {
		cluster.Close()
		_ = lock.Close()
		return nil, fmt.Errorf("reach the broker on %s: %w", b.addr, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	var m members
	m.listen(cluster)
	watch.Go(func() { m.evictSilent(ctx, b.client) })
	b.end = func() { cancel(); watch.Wait(); b.client.Close() }
	return b, nil
}

// Addr returns the address clients connect to, as host:port.
func (b *Broker) Addr() string { return b.addr }

// Close stops the broker and frees its directory.
func (b *Broker) Close() error {
	b.end()
	b.cluster.Close()
	if err := b.lock.Close(); err != nil {
		return fmt.Errorf("free the broker's directory: %w", err)
	}
	return nil
}

// Trim deletes what lies before the offsets, to free disk. Give offsets that every group has committed: a group that is
// further back will halt, for it can no longer read what it was to read. Leave one message: a log that was emptied begins
// at offset 0 again after a restart.
func (b *Broker) Trim(ctx context.Context, before map[Partition]int64) error {
	for p, offset := range before {
		if err := trim(ctx, b.client, p, offset); err != nil {
			return fmt.Errorf("trim %s before offset %d: %w", p, offset, err)
		}
	}
	return nil
}

func trim(ctx context.Context, client *kgo.Client, p Partition, offset int64) error {
	part := kmsg.NewDeleteRecordsRequestTopicPartition()
	part.Partition, part.Offset = int32(p.ID), offset
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic, topic.Partitions = p.Topic, append(topic.Partitions, part)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = append(req.Topics, topic)
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("broker address %q: write it as host:port: %w", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("broker address %q: the embedded broker checks no passwords and listens on loopback only: "+
			"use 127.0.0.1, or a Kafka cluster", addr)
	}
	return nil
}

// lockDir creates and locks a directory. The lock goes with the process, however that ends.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the broker's directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the broker's directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, fmt.Errorf("broker in %s: %w: stop that process, or give this one another directory", dir, err)
	}
	return f, nil
}

func newClusterID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return base64.RawURLEncoding.EncodeToString(id)
}
