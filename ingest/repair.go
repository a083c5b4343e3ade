package ingest

import (
	"context"
	"errors"
	"fmt"
)

// repair stores what was found missing since the last call.
func (c *comparison) repair(ctx context.Context) error {
	n := int64(len(c.found.Records) + len(c.found.DeadLetters))
	if n == 0 {
		return nil
	}
	if err := c.store(ctx, c.found.Batch); err != nil {
		return fmt.Errorf("store %d missing messages: %w; what is stored stays, run the repair again", n, err)
	}
	c.Repaired += n
	c.Rows += uint64(n)
	c.found = chunk{}
	return nil
}

// store writes rows that a Run may be about to write too, as after an older backup was restored. So it takes the log
// from its owner where the sink knows of claims: the owner's next write fails, and it joins its group anew. When it is
// faster in claiming the log again, it is the turn of this write to fail and begin anew.
func (c *comparison) store(ctx context.Context, b Batch) error {
	sink, ok := c.Sink.(Claimer)
	if !ok {
		return c.Sink.Write(ctx, b)
	}
	for attempt := 1; ; attempt++ {
		err := c.claimed(ctx, sink, b)
		if !errors.Is(err, ErrFenced) || attempt == writeAttempts || !pause(ctx, firstWait) {
			return err
		}
		c.owned = nil
	}
}

// claimed writes rows by the claim there is, or by a new one. The claim finds out what was stored meanwhile.
func (c *comparison) claimed(ctx context.Context, sink Claimer, b Batch) (err error) {
	if c.owned == nil {
		if c.owned, err = sink.Claim(ctx, []Log{{Source: c.log.Source, Partition: c.log.Partition}}); err != nil {
			c.owned = nil
			return err
		}
	}
	_, err = c.owned.Write(ctx, b)
	return err
}
