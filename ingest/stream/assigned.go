package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Assigned returns the partitions that are shared out among the members of a group, and nil while the group changes or
// has no members.
func (c *Client) Assigned(ctx context.Context, group string) (map[Partition]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	res, err := req.RequestWith(ctx, c.ids)
	if err == nil && len(res.Groups) == 1 {
		err = kerr.ErrorForCode(res.Groups[0].ErrorCode)
	}
	if errors.Is(err, kerr.GroupIDNotFound) { // so says Kafka from 3.9 on, and before that its state is Dead
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask Kafka what the members of group %s read: %w: check that the brokers run, and that the "+
			"user has DESCRIBE on the group", group, c.cfg.explain(err))
	}
	if len(res.Groups) != 1 || res.Groups[0].State != "Stable" {
		return nil, nil
	}
	assigned := make(map[Partition]bool)
	for _, m := range res.Groups[0].Members {
		var a kmsg.ConsumerMemberAssignment
		if err := a.ReadFrom(m.MemberAssignment); err != nil {
			return nil, fmt.Errorf("what member %s of group %s reads: %w", m.MemberID, group, err)
		}
		for _, t := range a.Topics {
			for _, id := range t.Partitions {
				assigned[Partition{t.Topic, int(id)}] = true
			}
		}
	}
	return assigned, nil
}
