package stream

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lookEvery is how often the broker looks for members that fell silent. One that gave no sign for silentLooks of them is
// taken out of its group; clients give a sign every few seconds.
var lookEvery = 5 * time.Second

const silentLooks = 6

// members counts the looks since each member of a group last gave a sign.
//
// A coordinator takes silent members out by itself, and kfake does too, but for one case: the session of a member begins
// with the answer to its JoinGroup, so one whose connection has broken by then never ends. It is given partitions all
// the same, and nobody reads them.
type members struct {
	mu    sync.Mutex
	looks map[string]int // by member id
}

// listen notes the signs of members.
func (m *members) listen(cluster *kfake.Cluster) {
	cluster.ControlKey(int16(kmsg.Heartbeat), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if sign, ok := req.(*kmsg.HeartbeatRequest); ok {
			m.mu.Lock()
			delete(m.looks, sign.MemberID)
			m.mu.Unlock()
		}
		return nil, nil, false // kfake answers
	})
}

// evictSilent takes silent members out of their groups until ctx ends. What fails is tried again at the next look.
func (m *members) evictSilent(ctx context.Context, client *kgo.Client) {
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		list, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, client)
		if err != nil {
			continue
		}
		describe := kmsg.NewPtrDescribeGroupsRequest()
		for _, g := range list.Groups {
			describe.Groups = append(describe.Groups, g.Group)
		}
		groups, err := describe.RequestWith(ctx, client)
		if err != nil {
			continue
		}
		for _, leave := range m.look(groups) {
			_, _ = leave.RequestWith(ctx, client)
		}
	}
}

// look counts one more look at each member and returns what takes out those that are silent. Members of a group that
// changes wait for an answer and give no signs, so theirs are counted anew.
func (m *members) look(groups *kmsg.DescribeGroupsResponse) []*kmsg.LeaveGroupRequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, found := m.looks, []*kmsg.LeaveGroupRequest(nil)
	m.looks = make(map[string]int)
	for _, g := range groups.Groups {
		if g.State != "Stable" {
			continue
		}
		for _, one := range g.Members {
			m.looks[one.MemberID] = before[one.MemberID] + 1
			if m.looks[one.MemberID] > silentLooks {
				leave := kmsg.NewPtrLeaveGroupRequest()
				leave.Group = g.Group
				gone := kmsg.NewLeaveGroupRequestMember()
				gone.MemberID = one.MemberID
				leave.Members = append(leave.Members, gone)
				found = append(found, leave)
			}
		}
	}
	return found
}
