package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// Retain deletes messages of the topics from before a time, by Trim, to free disk. It keeps what the group has not
// committed, however old, everything from the first message on that is dated later, and the last message: an empty log
// would begin at offset 0 again after a restart. It returns how many it deleted, and may be repeated. The disk is freed by
// whole segments of the log.
func (b *Broker) Retain(ctx context.Context, topics []string, group string, before time.Time) (deleted int64, err error) {
	c, err := NewClient(Config{Brokers: []string{b.addr}})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	ranges, committed, err := c.held(ctx, topics, group)
	if err != nil {
		return 0, err
	}
	since, err := c.since(ctx, slices.Collect(maps.Keys(ranges)), before)
	if err != nil {
		return 0, err
	}
	trims := make(map[Partition]int64)
	for p, r := range ranges {
		to := r.End
		if first, ok := since[p]; ok {
			to = first
		}
		if to = min(to, committed[p], r.End-1); to > r.First {
			trims[p] = to
			deleted += to - r.First
		}
	}
	return deleted, b.Trim(ctx, trims)
}

// held returns what the partitions of the topics hold, and up to where a group has committed it.
func (c *Client) held(
	ctx context.Context, topics []string, group string,
) (ranges map[Partition]Range, committed map[Partition]int64, err error) {
	partitions, err := c.Partitions(ctx, topics)
	if err != nil {
		return nil, nil, err
	}
	if ranges, err = c.Offsets(ctx, partitions); err != nil {
		return nil, nil, err
	}
	committed, err = c.Committed(ctx, group, partitions)
	return ranges, committed, err
}

// since returns the offset of the first message dated at or after a time. A partition without one is absent.
func (c *Client) since(ctx context.Context, partitions []Partition, at time.Time) (map[Partition]int64, error) {
	req := make(map[string][]kafka.OffsetRequest)
	for _, p := range partitions {
		req[p.Topic] = append(req[p.Topic], kafka.TimeOffsetOf(p.ID, at))
	}
	res, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: req})
	if err != nil {
		return nil, fmt.Errorf("ask Kafka where messages of a time begin: %w", err)
	}
	found := make(map[Partition]int64)
	var faults []error
	for topic, list := range res.Topics {
		for _, o := range list {
			if o.Error != nil {
				faults = append(faults, fmt.Errorf("%s: %w", Partition{topic, o.Partition}, o.Error))
			}
			for offset := range o.Offsets {
				if offset >= 0 {
					found[Partition{topic, o.Partition}] = offset
				}
			}
		}
	}
	return found, errors.Join(faults...)
}
