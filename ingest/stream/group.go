package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// Group is membership in a consumer group. It is for one goroutine.
type Group struct {
	id     string
	cfg    Config
	group  *kafka.ConsumerGroup
	conns  *connections
	closed chan struct{}
	stop   func() bool
}

// Join becomes a member of a group that reads topics. What partitions there are is found out when the group changes, and
// not again before the next change: see Assigned. The membership ends with ctx or Close; the others then take over
// at once. A process that dies without leaving is replaced after 10 s.
func (c *Client) Join(ctx context.Context, id string, topics []string, log *slog.Logger) (*Group, error) {
	conns := &connections{open: make(map[net.Conn]struct{})}
	dialer, err := c.cfg.dialer()
	if err != nil {
		return nil, fmt.Errorf("join group %q: %w", id, err)
	}
	dialer.DialFunc = conns.dial
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:                id,
		Brokers:           c.cfg.Brokers,
		Dialer:            dialer,
		Topics:            topics,
		GroupBalancers:    []kafka.GroupBalancer{kafka.RangeGroupBalancer{}},
		HeartbeatInterval: 2 * time.Second,
		SessionTimeout:    10 * time.Second,
		RebalanceTimeout:  30 * time.Second,
		JoinGroupBackoff:  500 * time.Millisecond,
		// Not WatchPartitionChanges: it compares with what there is when it begins, which may be more than was shared out.
		StartOffset: kafka.FirstOffset,
		ErrorLogger: kafka.LoggerFunc(func(format string, args ...any) {
			log.Debug("consumer group", "group", id, "message", fmt.Sprintf(format, args...))
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("join group %q: %w", id, err)
	}
	g := &Group{id: id, cfg: c.cfg, group: group, conns: conns, closed: make(chan struct{})}
	// Leaving begins while the last generation still commits, so that the member does not join again in between.
	g.stop = context.AfterFunc(ctx, g.leave)
	return g, nil
}

func (g *Group) leave() {
	_ = g.group.Close() // always nil
	close(g.closed)
}

// Close leaves the group. The functions of the last generation must have returned. When the coordinator does not answer
// it gives up after some seconds.
func (g *Group) Close() {
	if g.stop() {
		go g.leave()
	}
	select {
	case <-g.closed:
	case <-time.After(2 * time.Second):
		g.conns.close() // a join may wait half a minute for the other members
		<-g.closed
	}
}

// Next waits for the next generation: a share of the partitions, valid until the group changes. The one before must
// have ended. After an error it may be called again: the member keeps trying, half a second apart or more.
func (g *Group) Next(ctx context.Context) (*Generation, error) {
	gen, err := g.group.Next(ctx)
	for errors.Is(err, kafka.RebalanceInProgress) { // another member came or went meanwhile
		gen, err = g.group.Next(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("join group %s: %w", g.id, g.cfg.explain(err))
	}
	out := &Generation{gen: gen, committed: make(map[Partition]int64)}
	for topic, list := range gen.Assignments {
		for _, a := range list {
			p := Partition{topic, a.ID}
			out.Assigned = append(out.Assigned, Assignment{p, max(a.Offset, -1)})
			out.committed[p] = max(a.Offset, -1)
		}
	}
	slices.SortFunc(out.Assigned, func(a, b Assignment) int { return ComparePartitions(a.Partition, b.Partition) })
	return out, nil
}

// Assignment is a partition to read and the offset to read on at, -1 when the group has committed none.
type Assignment struct {
	Partition
	Offset int64
}

// Generation is a share of the partitions, held until the group changes.
type Generation struct {
	// Assigned is this member's share, in order.
	Assigned []Assignment

	gen       *kafka.Generation
	committed map[Partition]int64
}

// Run calls fn and waits for it. The context of fn ends with ctx or the generation. Fn must then return soon, at most
// 30 s later: the other members wait for it. When fn returns, the generation is over.
func (g *Generation) Run(ctx context.Context, fn func(ctx context.Context)) {
	done := make(chan struct{})
	g.gen.Start(func(ended context.Context) {
		defer close(done)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(ended, cancel)()
		fn(ctx)
	})
	<-done
}

// errNotAssigned guards the group's offsets: the broker would let a member move those of another.
var errNotAssigned = errors.New("the partition is not assigned to this generation")

// Commit moves the group's offsets. Offsets that would go back are left where they are; a partition that is not
// assigned is an error. It is for one goroutine, within Run. An error leaves open whether the offsets moved; after the
// generation has ended they did not.
func (g *Generation) Commit(offsets map[Partition]int64) error {
	forward := make(map[string]map[int]int64)
	for p, offset := range offsets {
		before, ok := g.committed[p]
		if !ok {
			return fmt.Errorf("commit %s: %w", p, errNotAssigned)
		}
		if offset <= before {
			continue
		}
		if forward[p.Topic] == nil {
			forward[p.Topic] = make(map[int]int64)
		}
		forward[p.Topic][p.ID] = offset
	}
	if len(forward) == 0 {
		return nil
	}
	if err := g.gen.CommitOffsets(forward); err != nil {
		return fmt.Errorf("commit the offsets of group %s: %w", g.gen.GroupID, err)
	}
	for p, offset := range offsets {
		g.committed[p] = max(g.committed[p], offset)
	}
	return nil
}

// Rewind moves the group's offset of an assigned partition to where it is told, also back. It is for what Commit must
// not do by mistake; what is said of Commit holds for it too.
func (g *Generation) Rewind(p Partition, offset int64) error {
	if _, ok := g.committed[p]; !ok {
		return fmt.Errorf("rewind %s: %w", p, errNotAssigned)
	}
	if err := g.gen.CommitOffsets(map[string]map[int]int64{p.Topic: {p.ID: offset}}); err != nil {
		return fmt.Errorf("rewind the offset of group %s in %s: %w", g.gen.GroupID, p, err)
	}
	g.committed[p] = offset
	return nil
}

// connections are the group's open connections, so that a request that hangs can be broken off.
type connections struct {
	mu   sync.Mutex
	open map[net.Conn]struct{}
}

type connection struct {
	net.Conn
	owner *connections
}

func (c *connections) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[conn] = struct{}{}
	return connection{conn, c}, nil
}

// Close closes the connection and forgets it.
func (c connection) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.open, c.Conn)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}

func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.Close()
	}
}
