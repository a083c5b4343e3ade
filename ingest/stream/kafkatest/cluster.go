package kafkatest

import (
	"context"
	"fmt"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// Cluster is embedded brokers in this process, which do what one would have to wait for elsewhere.
type Cluster struct {
	cluster *kfake.Cluster
	moves   int
}

// StartCluster starts one of three brokers with its logs in memory.
func StartCluster() (*Cluster, error) { return startCluster(kfake.NumBrokers(3)) }

// StartOld starts a single broker that speaks as Kafka did in a version such as 2.7.
func StartOld(version string) (*Cluster, error) {
	v := kversion.FromString(version)
	if v == nil {
		return nil, fmt.Errorf("there is no version %s of Kafka", version)
	}
	return startCluster(kfake.NumBrokers(1), kfake.MaxVersions(v))
}

func startCluster(opts ...kfake.Opt) (*Cluster, error) {
	c, err := kfake.NewCluster(append(opts, kfake.ListenFn(func(network, _ string) (net.Listener, error) {
		return net.Listen(network, "127.0.0.1:0")
	}))...)
	if err != nil {
		return nil, err
	}
	return &Cluster{cluster: c}, nil
}

// Addrs are the brokers' addresses as host:port.
func (c *Cluster) Addrs() []string { return c.cluster.ListenAddrs() }

// Close ends the brokers.
func (c *Cluster) Close() { c.cluster.Close() }

// Move gives each partition of the topics another leader, and each group another coordinator.
func (c *Cluster) Move(topics []string, partitions int) error {
	c.moves++
	for i, t := range topics {
		for p := range partitions {
			if err := c.cluster.MoveTopicPartition(t, int32(p), int32((i+p+c.moves)%3)); err != nil {
				return err
			}
		}
	}
	c.cluster.RehashCoordinators()
	return nil
}

// CreateCompacted creates topics of one partition that keep the last message of each key.
func (c *Cluster) CreateCompacted(ctx context.Context, topics ...string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...))
	if err != nil {
		return err
	}
	defer client.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	for _, name := range topics {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = name, 1, 1
		// Tests date their messages as they like: none is deleted for its age.
		for name, value := range map[string]string{"cleanup.policy": "compact", "retention.ms": "-1"} {
			c := kmsg.NewCreateTopicsRequestTopicConfig()
			c.Name, c.Value = name, &value
			t.Configs = append(t.Configs, c)
		}
		req.Topics = append(req.Topics, t)
	}
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, t := range res.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return err
		}
	}
	return nil
}

// Compact deletes what the compacted topics need not keep, at once.
func (c *Cluster) Compact() { c.cluster.Compact() }
