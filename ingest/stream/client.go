package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Client asks a cluster about itself and opens what reads from it. It is safe for concurrent use.
type Client struct {
	cfg       Config
	transport *kafka.Transport
	client    *kafka.Client
	ids       *kgo.Client // for what has to do with topic ids
}

// NewClient checks the configuration and reads the files it names. It connects when first used.
func NewClient(cfg Config) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	t, err := cfg.transport()
	if err != nil {
		return nil, err
	}
	opts, err := cfg.idOptions(cfg.Brokers...)
	if err != nil {
		return nil, err
	}
	ids, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("kafka at %s: %w", strings.Join(cfg.Brokers, ","), err)
	}
	return &Client{
		cfg:       cfg,
		transport: t,
		client:    &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Timeout: requestTimeout, Transport: t},
		ids:       ids,
	}, nil
}

// Close closes the client's connections. What it opened, groups and readers, is closed on its own.
func (c *Client) Close() {
	c.transport.CloseIdleConnections()
	c.ids.Close()
}

func (c *Client) metadata(ctx context.Context, topics []string) (*kafka.MetadataResponse, error) {
	m, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
	if err != nil {
		return nil, fmt.Errorf("ask Kafka at %s for its topics: %w: check that a broker runs there and can be reached",
			strings.Join(c.cfg.Brokers, ","), c.cfg.explain(err))
	}
	return m, nil
}

// ClusterID returns the id the cluster gave itself when it was set up.
func (c *Client) ClusterID(ctx context.Context) (string, error) {
	m, err := c.metadata(ctx, []string{})
	if err != nil {
		return "", err
	}
	return m.ClusterID, nil
}

// Partitions returns the partitions of the topics, in order. Its error is ErrNoTopic when one does not exist.
func (c *Client) Partitions(ctx context.Context, topics []string) ([]Partition, error) {
	m, err := c.metadata(ctx, topics)
	if err != nil {
		return nil, err
	}
	var found []Partition
	var missing []string
	for _, t := range m.Topics {
		switch {
		case errors.Is(t.Error, kafka.UnknownTopicOrPartition):
			missing = append(missing, t.Name)
		case t.Error != nil:
			return nil, fmt.Errorf("topic %s: %w", t.Name, t.Error)
		}
		for _, p := range t.Partitions {
			found = append(found, Partition{t.Name, p.ID})
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%w: %s: create it, or let the program create its topics",
			ErrNoTopic, strings.Join(missing, ", "))
	}
	slices.SortFunc(found, ComparePartitions)
	return found, nil
}

// Transient says whether an error of a request may pass by itself, as while a broker restarts or a partition has no
// leader. What an operator must put right does not.
func Transient(err error) bool {
	if e, ok := errors.AsType[kafka.Error](err); ok {
		return e.Temporary()
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Op != "remote error" // so crypto/tls calls an alert
	}
	_, timeout := errors.AsType[net.Error](err)
	return timeout || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// Range is what a partition holds: the offsets from First to End, without End.
type Range struct{ First, End int64 }

// Offsets returns what each partition holds now.
func (c *Client) Offsets(ctx context.Context, partitions []Partition) (map[Partition]Range, error) {
	req := make(map[string][]kafka.OffsetRequest)
	for _, p := range partitions {
		req[p.Topic] = append(req[p.Topic], kafka.FirstOffsetOf(p.ID), kafka.LastOffsetOf(p.ID))
	}
	res, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: req})
	if err != nil {
		return nil, fmt.Errorf("ask Kafka for the ends of the topics: %w", err)
	}
	ranges := make(map[Partition]Range, len(partitions))
	for topic, list := range res.Topics {
		for _, o := range list {
			if o.Error != nil {
				return nil, fmt.Errorf("ask Kafka for the ends of %s: %w", Partition{topic, o.Partition}, o.Error)
			}
			ranges[Partition{topic, o.Partition}] = Range{First: o.FirstOffset, End: o.LastOffset}
		}
	}
	return ranges, nil
}

// Committed returns the offsets a group is to read on at. A partition without a commit is absent, and so are all
// partitions of a group that does not exist yet.
func (c *Client) Committed(ctx context.Context, group string, partitions []Partition) (map[Partition]int64, error) {
	req := make(map[string][]int)
	for _, p := range partitions {
		req[p.Topic] = append(req[p.Topic], p.ID)
	}
	res, err := c.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: req})
	if err == nil {
		err = res.Error
	}
	if errors.Is(err, kafka.GroupIdNotFound) {
		return map[Partition]int64{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask Kafka for the offsets of group %s: %w", group, err)
	}
	offsets := make(map[Partition]int64, len(partitions))
	for topic, list := range res.Topics {
		for _, o := range list {
			if o.Error != nil {
				return nil, fmt.Errorf("ask Kafka for the offset of group %s in %s: %w",
					group, Partition{topic, o.Partition}, o.Error)
			}
			if o.CommittedOffset >= 0 {
				offsets[Partition{topic, o.Partition}] = o.CommittedOffset
			}
		}
	}
	return offsets, nil
}

// EnsureTopics creates the topics that do not exist, with that many partitions and the broker's replication factor,
// and returns when all can be written to. A topic that exists is left as it is.
func EnsureTopics(ctx context.Context, cfg Config, topics []string, partitions int) error {
	c, err := NewClient(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.createMissing(ctx, topics, partitions); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	return c.awaitLeaders(ctx, topics, partitions)
}

func (c *Client) createMissing(ctx context.Context, topics []string, partitions int) error {
	m, err := c.metadata(ctx, topics)
	if err != nil {
		return err
	}
	req := &kafka.CreateTopicsRequest{}
	for _, t := range m.Topics {
		if errors.Is(t.Error, kafka.UnknownTopicOrPartition) {
			req.Topics = append(req.Topics, kafka.TopicConfig{Topic: t.Name, NumPartitions: partitions, ReplicationFactor: -1})
		}
	}
	if len(req.Topics) == 0 {
		return nil
	}
	return c.create(ctx, req)
}

func (c *Client) create(ctx context.Context, req *kafka.CreateTopicsRequest) error {
	res, err := c.client.CreateTopics(ctx, req)
	if err != nil {
		return fmt.Errorf("create topics at %s: %w", strings.Join(c.cfg.Brokers, ","), err)
	}
	for _, t := range req.Topics {
		// Another process may have been faster.
		if err := res.Errors[t.Topic]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s with %d partitions: %w: create it by hand, or allow this client to",
				t.Topic, t.NumPartitions, err)
		}
	}
	return nil
}

// awaitLeaders asks until every partition answers: a topic is known before it has leaders, and a leader is named before
// it knows that it leads. One that is missing now was about to be deleted when it was found to be there.
func (c *Client) awaitLeaders(ctx context.Context, topics []string, partitions int) error {
	for {
		found, err := c.Partitions(ctx, topics)
		if err == nil {
			_, err = c.Offsets(ctx, found)
		}
		if errors.Is(err, ErrNoTopic) {
			err = errors.Join(err, c.createMissing(ctx, topics, partitions))
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for topics: %w: %w", ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
