package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrNotCommitted says that a log holds messages that its group has not committed.
var ErrNotCommitted = errors.New("messages are not stored yet")

// Forget deletes every message of the topics, from the files too, so that nothing of them is left on the disk. Of each
// partition one message remains, last, for an empty log would begin at offset 0 again. All of them must have been
// committed by the group, and nobody may write meanwhile; else the error is ErrNotCommitted. It returns how many messages
// went. It may be repeated, and cut off anywhere.
func (b *Broker) Forget(ctx context.Context, topics []string, group string, last []byte) (deleted int64, err error) {
	ranges, err := b.committed(ctx, topics, group)
	if err != nil {
		return 0, err
	}
	// Files are deleted whole: so that last is the first message of a file, every message gets one.
	if err := b.setSegments(ctx, topics, new("1")); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, b.setSegments(context.WithoutCancel(ctx), topics, nil)) }()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(b.addr), kgo.ClientID(clientID), kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	trims := map[Partition]int64{}
	for p, r := range ranges {
		if r.First == r.End {
			continue
		}
		res := client.ProduceSync(ctx, &kgo.Record{Topic: p.Topic, Partition: int32(p.ID), Value: last})
		record, err := res.First()
		if err != nil {
			return 0, fmt.Errorf("write the message that remains in %s: %w", p, err)
		}
		trims[p] = record.Offset
		deleted += record.Offset - r.First
	}
	return deleted, b.Trim(ctx, trims)
}

// committed returns what the partitions hold, where the group has committed all of it.
func (b *Broker) committed(ctx context.Context, topics []string, group string) (map[Partition]Range, error) {
	c, err := NewClient(Config{Brokers: []string{b.addr}})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ranges, done, err := c.held(ctx, topics, group)
	if err != nil {
		return nil, err
	}
	for p, r := range ranges {
		if r.First < r.End && done[p] < r.End {
			return nil, fmt.Errorf("%s: %w: %d of them", p, ErrNotCommitted, r.End-max(r.First, done[p]))
		}
	}
	return ranges, nil
}

// setSegments says from which size on, in bytes, a partition's next message goes to a new file; nil: the default.
func (b *Broker) setSegments(ctx context.Context, topics []string, size *string) error {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	for _, t := range topics {
		config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		config.Name, config.Value, config.Op = "segment.bytes", size, kmsg.IncrementalAlterConfigOpSet
		if size == nil {
			config.Op = kmsg.IncrementalAlterConfigOpDelete
		}
		r := kmsg.NewIncrementalAlterConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.Configs = kmsg.ConfigResourceTypeTopic, t, append(r.Configs, config)
		req.Resources = append(req.Resources, r)
	}
	res, err := req.RequestWith(ctx, b.client)
	if err != nil {
		return fmt.Errorf("set the size of the log's files: %w", err)
	}
	for _, r := range res.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return fmt.Errorf("set the size of the log's files of %s: %w", r.ResourceName, err)
		}
	}
	return nil
}

// Retention returns how long the cluster keeps messages of each topic; -1 for ever. A topic that it does not tell of is
// absent.
func (c *Client) Retention(ctx context.Context, topics []string) (map[string]time.Duration, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, t := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, t, []string{"retention.ms"}
		req.Resources = append(req.Resources, r)
	}
	res, err := req.RequestWith(ctx, c.ids)
	if err != nil {
		return nil, fmt.Errorf("ask Kafka how long it keeps messages: %w", err)
	}
	kept := map[string]time.Duration{}
	for _, r := range res.Resources {
		for _, config := range r.Configs {
			if config.Value == nil {
				continue
			}
			if ms, err := strconv.ParseInt(*config.Value, 10, 64); err == nil {
				kept[r.ResourceName] = max(-1, time.Duration(ms)*time.Millisecond)
			}
		}
	}
	return kept, nil
}
