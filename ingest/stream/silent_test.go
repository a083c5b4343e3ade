package stream

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A member whose connection breaks while it joins gets partitions and never reads them: it must go, and one that gives
// signs must stay.
func TestSilentMemberIsTakenOut(t *testing.T) {
	lookEvery = 100 * time.Millisecond
	t.Cleanup(func() { lookEvery = 5 * time.Second })
	b, err := StartBroker(BrokerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, b)
	lives := joining{t, connect(t, b), ""}
	lives.sync(lives.join(t.Context()))
	dies := joining{t, connect(t, b), ""}
	ctx, hangUp := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		dies.join(ctx) // is answered when the other has joined again
	}()
	awaitMembers(t, b, 2)
	hangUp()
	<-ended
	dies.client.Close()
	lives.sync(lives.join(t.Context()))
	if n := len(describe(t, b).Members); n != 2 {
		t.Fatalf("%d members: the test needs one that vanished", n)
	}
	generation := int32(2)
	for len(describe(t, b).Members) == 2 {
		lives.heartbeat(generation)
	}
	if m := describe(t, b).Members; len(m) != 1 || m[0].MemberID != lives.id {
		t.Errorf("want %s alone, got %v", lives.id, m)
	}
}

// joining is a member of the group "g" that does what it is told.
type joining struct {
	t      *testing.T
	client *kgo.Client
	id     string
}

func connect(t *testing.T, b *Broker) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.RequestRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// join returns the generation, 0 when ctx ended first.
func (j *joining) join(ctx context.Context) int32 {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType = "g", j.id, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, 60_000
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name = "range"
	req.Protocols = append(req.Protocols, protocol)
	for {
		res, err := req.RequestWith(ctx, j.client)
		if err != nil {
			return 0
		}
		j.id, req.MemberID = res.MemberID, res.MemberID
		if res.ErrorCode == 0 {
			return res.Generation
		}
	}
}

// sync makes the group stable, by its leader.
func (j *joining) sync(generation int32) {
	j.t.Helper()
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = "g", j.id, generation
	if res, err := req.RequestWith(j.t.Context(), j.client); err != nil || res.ErrorCode != 0 {
		j.t.Fatal(res, err)
	}
}

func (j *joining) heartbeat(generation int32) {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = "g", j.id, generation
	if _, err := req.RequestWith(j.t.Context(), j.client); err != nil {
		j.t.Fatal(err)
	}
}

func describe(t *testing.T, b *Broker) kmsg.DescribeGroupsResponseGroup {
	t.Helper()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{"g"}
	res, err := req.RequestWith(t.Context(), b.client)
	if err != nil {
		t.Fatal(err)
	}
	return res.Groups[0]
}

func awaitMembers(t *testing.T, b *Broker, n int) {
	t.Helper()
	for len(describe(t, b).Members) != n {
		time.Sleep(time.Millisecond)
	}
}
