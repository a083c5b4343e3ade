package stream

import (
	"errors"

	"github.com/segmentio/kafka-go"
)

// IsTooLarge tells whether a Write failed because the broker takes no message of this size. It never will: raise
// message.max.bytes there, or leave the message out.
func IsTooLarge(err error) bool { return errors.Is(err, kafka.MessageSizeTooLarge) }
