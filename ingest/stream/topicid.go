package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// TopicID is the id that the cluster gave a topic when it was made. One that is deleted and made again has another,
// though name and offsets are the same; an id never comes back. It is zero where brokers know of none: before Kafka 2.8.
type TopicID [16]byte

// ErrNoTopic says that a topic does not exist.
var ErrNoTopic = errors.New("kafka has no such topic")

// ErrTopicGone says that a topic with this id is no more: it was deleted, and perhaps made again.
var ErrTopicGone = errors.New("the topic was deleted, or deleted and made again")

// idOptions are those of connections that speak of topic ids, which kafka-go knows nothing of. They are secured as
// dialer and transport are.
func (c Config) idOptions(brokers ...string) ([]kgo.Opt, error) {
	_, encryption, err := c.security()
	opts := []kgo.Opt{
		kgo.SeedBrokers(brokers...), kgo.ClientID(clientID), kgo.DialTimeout(dialTimeout),
		kgo.RequestTimeoutOverhead(requestTimeout), kgo.DisableClientMetrics(),
		// Those who ask have waits of their own between attempts; this is to find a broker that runs.
		kgo.RequestRetries(len(brokers)), kgo.RetryTimeout(requestTimeout),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
	}
	if encryption != nil {
		opts = append(opts, kgo.DialTLSConfig(encryption))
	}
	switch c.SASL.Mechanism {
	case "plain":
		opts = append(opts, kgo.SASL(plain.Auth{User: c.SASL.Username, Pass: c.SASL.Password}.AsMechanism()))
	case "scram-sha-256":
		opts = append(opts, kgo.SASL(scram.Auth{User: c.SASL.Username, Pass: c.SASL.Password}.AsSha256Mechanism()))
	case "scram-sha-512":
		opts = append(opts, kgo.SASL(scram.Auth{User: c.SASL.Username, Pass: c.SASL.Password}.AsSha512Mechanism()))
	}
	return opts, err
}

// describe asks for topics with their ids.
func (c *Client) describe(ctx context.Context, from kmsg.Requestor, topics ...string) (*kmsg.MetadataResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	m, err := req.RequestWith(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("ask Kafka at %s for the ids of its topics: %w: check that a broker runs there and can be "+
			"reached", strings.Join(c.cfg.Brokers, ","), c.cfg.explain(err))
	}
	return m, nil
}

// TopicIDs returns the id of each topic. Its error is ErrNoTopic when one does not exist.
func (c *Client) TopicIDs(ctx context.Context, topics []string) (map[string]TopicID, error) {
	m, err := c.describe(ctx, c.ids, topics...)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]TopicID, len(topics))
	for _, t := range m.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			return nil, fmt.Errorf("%w: %s: create it, or let the program create its topics", ErrNoTopic, *t.Topic)
		}
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", *t.Topic, err)
		}
		ids[*t.Topic] = t.TopicID
	}
	return ids, nil
}

// leader returns the broker that leads a partition of the topic with this id.
func (c *Client) leader(ctx context.Context, p Partition, id TopicID) (kafka.Broker, error) {
	m, err := c.describe(ctx, c.ids, p.Topic)
	if err != nil {
		return kafka.Broker{}, err
	}
	if err := hasID(m, id); err != nil {
		return kafka.Broker{}, err
	}
	for _, partition := range m.Topics[0].Partitions {
		for _, b := range m.Brokers {
			if int(partition.Partition) == p.ID && partition.Leader == b.NodeID {
				return kafka.Broker{Host: b.Host, Port: int(b.Port), ID: int(b.NodeID)}, nil
			}
		}
	}
	return kafka.Broker{}, errors.New("it has no leader: check the brokers that hold it")
}

// hasID checks an answer about one topic.
func hasID(m *kmsg.MetadataResponse, id TopicID) error {
	if len(m.Topics) != 1 {
		return fmt.Errorf("kafka spoke of %d topics and was asked for one", len(m.Topics))
	}
	t := m.Topics[0]
	err := kerr.ErrorForCode(t.ErrorCode)
	if errors.Is(err, kerr.UnknownTopicOrPartition) || err == nil && t.TopicID != id {
		return ErrTopicGone
	}
	return err
}
