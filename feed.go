package main

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"clew/ingest/event"
	"clew/ingest/source"
	"clew/ingest/stream"
)

// feed is what an import reads: files by a mapping, or an archive. It gives the same items in the same order every time.
type feed interface {
	// Files lists what is read.
	Files() []source.File
	// From lets items begin behind a position, which Position gave.
	From(source.Position)
	Position() source.Position
	// Rows counts those behind the position that items began at.
	Rows() int64
	// Bytes are how far items has read, and how much there is.
	Bytes() (read, total int64)
	// hash is that of the mapping; empty for an archive.
	hash() string
	// items are the messages. A *source.RowError stands in the place of a row that cannot become some, and the sequence
	// goes on; any other error ends it.
	items(ctx context.Context) iter.Seq2[item, error]
}

// item is a message to send.
type item struct {
	stream.Message
	// kind is empty for a dead letter.
	kind event.Type
	// at is the place behind it.
	at source.Position
}

// itemsOf makes an item of each value that comes without an error.
func itemsOf[T any](values iter.Seq2[T, error], of func(T) (item, error)) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for v, err := range values {
			var it item
			if err == nil {
				it, err = of(v)
			}
			if !yield(it, err) {
				return
			}
		}
	}
}

type mappingFeed struct {
	*source.Reader
	mapping string
}

func (f mappingFeed) hash() string { return f.mapping }

func (f mappingFeed) items(ctx context.Context) iter.Seq2[item, error] {
	return itemsOf(f.Events(ctx), f.item)
}

// item is an event's. One that is too large for a message is its row's fault.
func (f mappingFeed) item(e event.Event) (item, error) {
	m, err := message(e)
	return item{Message: m, kind: e.Kind(), at: f.Position()}, rowFault(f.Position(), err)
}

// rowFault is the *source.RowError of an event that cannot be sent.
func rowFault(at source.Position, err error) error {
	if err == nil {
		return nil
	}
	return &source.RowError{File: at.File, Line: at.Row, Reason: fmt.Sprintf("row %d: %v", at.Row, err)}
}

type archiveFeed struct{ *source.ArchiveReader }

func (f archiveFeed) hash() string { return "" }

func (f archiveFeed) items(ctx context.Context) iter.Seq2[item, error] {
	return itemsOf(f.Messages(ctx), f.item)
}

// item is a row's. The message carries when it was first received, so that the table says so again.
func (f archiveFeed) item(a source.Archived) (item, error) {
	if a.Event == nil {
		m := stream.Message{Topic: a.Topic, Key: a.Key, Value: a.Value, ReceivedAt: a.ReceivedAt}
		return item{Message: m, at: f.Position()}, nil
	}
	m, err := message(a.Event)
	m.ReceivedAt = a.ReceivedAt
	return item{Message: m, kind: a.Event.Kind(), at: f.Position()}, rowFault(f.Position(), err)
}

// batch is a piece of a feed.
type batch struct {
	items   []item
	rejects []*source.RowError
	// at is the place behind the batch, and rows those read up to there.
	at   source.Position
	rows int64
}

const (
	// batchItems and batchBytes bound a batch.
	batchItems = 5000
	batchBytes = 4 << 20
)

// batches reads a feed on its own goroutine, some batches ahead. The last one has no items. An error ends the sequence.
func batches(ctx context.Context, f feed) iter.Seq2[batch, error] {
	return func(yield func(batch, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		ready := make(chan batch, 2)
		ended := make(chan error, 1)
		go func() {
			defer close(ready)
			ended <- cut(ctx, f, ready)
		}()
		// The reader must be at rest before anybody asks the feed anything: drain what it read ahead.
		defer func() {
			stop()
			for range ready {
			}
		}()
		for b := range ready {
			if !yield(b, nil) {
				return
			}
		}
		if err := <-ended; err != nil {
			yield(batch{}, err)
		}
	}
}

// cut reads a feed into batches.
func cut(ctx context.Context, f feed, to chan<- batch) error {
	var b batch
	size := 0
	give := func() error {
		b.at, b.rows = f.Position(), f.Rows()
		select {
		case to <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
		b, size = batch{}, 0
		return nil
	}
	for it, err := range f.items(ctx) {
		if fault, ok := errors.AsType[*source.RowError](err); ok {
			b.rejects = append(b.rejects, fault)
		} else if err != nil {
			return errors.Join(give(), err)
		} else {
			b.items = append(b.items, it)
			size += len(it.Value)
		}
		if len(b.items)+len(b.rejects) == batchItems || size >= batchBytes {
			if err := give(); err != nil {
				return err
			}
		}
	}
	return give()
}
