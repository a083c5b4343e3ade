package kafkatest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// configure takes free ports and writes server.properties.
func (b *Broker) configure(cfg Config) error {
	addrs, err := freeAddrs(2 + len(cfg.Listeners))
	if err != nil {
		return err
	}
	b.Addr = addrs[0]
	controller := addrs[1]
	advertised := []string{"PLAINTEXT://" + b.Addr}
	protocols := []string{"PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"}
	for i, name := range cfg.Listeners {
		b.Addrs[name] = addrs[2+i]
		advertised = append(advertised, name+"://"+addrs[2+i])
		protocols = append(protocols, name+":"+name)
	}
	lines := append([]string{
		"process.roles=broker,controller",
		"node.id=1",
		"listeners=" + strings.Join(append(advertised, "CONTROLLER://"+controller), ","),
		"advertised.listeners=" + strings.Join(advertised, ","),
		"controller.listener.names=CONTROLLER",
		"inter.broker.listener.name=PLAINTEXT",
		"listener.security.protocol.map=" + strings.Join(protocols, ","),
		"controller.quorum.bootstrap.servers=" + controller,
		"log.dirs=" + filepath.Join(b.dir, "log"),
		// One node holds everything once.
		"offsets.topic.replication.factor=1",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
		"share.coordinator.state.topic.replication.factor=1",
		"share.coordinator.state.topic.min.isr=1",
		// Quick tests: no waiting for further members, few files, deleted topics leave the disk at once.
		"group.initial.rebalance.delay.ms=0",
		"offsets.topic.num.partitions=4",
		"transaction.state.log.num.partitions=4",
		"log.segment.delete.delay.ms=0",
		"auto.create.topics.enable=false",
		// A broker that was killed may come back when its session has ended, 9 s later if not told otherwise.
		"broker.session.timeout.ms=2000",
		"broker.heartbeat.interval.ms=500",
		// Tests date their messages as they like: nothing is refused for its time, and nothing deleted for its age.
		"log.message.timestamp.after.max.ms=9223372036854775807",
		"log.retention.ms=-1",
	}, cfg.Settings...)
	return os.WriteFile(b.settingsFile(), []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

// freeAddrs returns loopback addresses that nobody listens on: Kafka must know its ports beforehand.
func freeAddrs(n int) ([]string, error) {
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("take a free port: %w", err)
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}
