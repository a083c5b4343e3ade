// Package stream is the door to Kafka: topics, a writer, a consumer group with one reader a partition, and a broker
// that runs in this process. No other package imports a Kafka client.
//
// Messages of transactions are read as soon as they are written; those of an aborted transaction are not left out.
package stream

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
)

// clientID is the name under which a broker logs and limits our connections.
const clientID = "clew"

// The time limits of the network. They are lengths, so no clock is needed.
const (
	dialTimeout    = 5 * time.Second
	requestTimeout = 10 * time.Second
	// createTimeout is how long new topics may take to find their leaders.
	createTimeout = 30 * time.Second
	// metadataTTL is how long a partition's former leader may still be tried after the partition moved.
	metadataTTL = 2 * time.Second
)

// Config says where Kafka is. All connections are made from it, in dialer, transport and idOptions.
type Config struct {
	// Brokers are addresses as host:port; any one that answers is enough.
	Brokers []string
	SASL    SASL
	TLS     TLS
	// MaxMessageBytes is the largest message a Writer takes, with its key. 0 means 1,000,000: below the 1 MiB that
	// brokers take by default, with room for the framing. Raise it only together with the broker's message.max.bytes.
	MaxMessageBytes int
}

// Message is one message of a topic.
type Message struct {
	Topic string
	// Key decides the partition: messages with one key stay in order.
	Key, Value []byte
	// Time is when the producer made the message, or when the broker took it, as the topic is configured. A Writer
	// fills in the present when it is zero.
	Time time.Time
	// ReceivedAt is when a message that is sent again, as from an archive, was first taken by Kafka. It goes in a header,
	// for Time says how long the broker keeps the message. Zero: it is sent for the first time.
	ReceivedAt time.Time
	// Partition and Offset are set on messages that were read. A Writer ignores them.
	Partition int
	Offset    int64
}

// Partition names one log.
type Partition struct {
	Topic string
	ID    int
}

// String returns the partition as an operator writes it.
func (p Partition) String() string { return fmt.Sprintf("topic %s partition %d", p.Topic, p.ID) }

// ComparePartitions orders by topic, then number.
func ComparePartitions(a, b Partition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.ID, b.ID))
}

func (c Config) validate() error {
	if len(c.Brokers) == 0 {
		return errors.New("no Kafka broker is configured: give at least one address as host:port")
	}
	if i := slices.IndexFunc(c.Brokers, notHostPort); i >= 0 {
		return fmt.Errorf("kafka broker %q is no address: write it as host:port", c.Brokers[i])
	}
	return errors.Join(c.SASL.Validate(), c.TLS.Validate())
}

func notHostPort(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	return err != nil || port == ""
}

func (c Config) maxMessageBytes() int {
	return cmp.Or(c.MaxMessageBytes, 1_000_000)
}

// dialer serves the consumer group and the readers, which hold connections of their own.
func (c Config) dialer() (*kafka.Dialer, error) {
	mechanism, encryption, err := c.security()
	return &kafka.Dialer{
		ClientID: clientID, Timeout: dialTimeout, DualStack: true, KeepAlive: 30 * time.Second,
		SASLMechanism: mechanism, TLS: encryption,
	}, err
}

// transport serves everything else but what has to do with topic ids: see idOptions. Each has a pool of connections, to
// be closed with CloseIdleConnections.
func (c Config) transport() (*kafka.Transport, error) {
	mechanism, encryption, err := c.security()
	return &kafka.Transport{
		ClientID:    clientID,
		DialTimeout: dialTimeout,
		MetadataTTL: metadataTTL,
		Dial:        (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		SASL:        mechanism,
		TLS:         encryption,
	}, err
}

// security reads the files anew each time. What holds its result longer, as a Client does, sees a renewed certificate of
// its own all the same, and not new authorities.
func (c Config) security() (sasl.Mechanism, *tls.Config, error) {
	mechanism, err := c.SASL.mechanism()
	encryption, tlsErr := c.TLS.config()
	return mechanism, encryption, errors.Join(err, tlsErr)
}
