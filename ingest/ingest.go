// Package ingest carries events from Kafka to a Sink: every message of the event topics, in the order of its
// partition, at least once. A message that is not a valid event becomes a dead letter, never a loss.
//
// Kafka's committed offset moves only after the sink has stored a batch, and serves only as the place to read on from.
// What is stored carries its Position, so a sink can tell a repeated row from a new one.
package ingest

import (
	"context"
	"time"

	"clew/ingest/event"
)

// Position says where a row came from. Two rows with one Position are the same row, sent twice.
type Position struct {
	// Source names the log: a hash of the ids of the Kafka cluster and of the topic. A topic that was deleted and made
	// again is another log, with offsets of its own.
	Source    uint64
	Partition uint32
	Offset    uint64
	// Row numbers the rows made of one message, from 0. Today a message makes one row.
	Row uint16
}

// Record is one valid event and how it arrived.
type Record struct {
	Event event.Event
	Position
	// ReceivedAt is when Kafka took the message: UTC, milliseconds.
	ReceivedAt time.Time
	// Clamped says that OccurredAt lay more than 24 h after ReceivedAt and was set to ReceivedAt.
	Clamped bool
	// Key and Raw are the message's bytes as they came, for the dead letter of an event that a sink can never store.
	Key, Raw []byte
}

// DeadLetter is a message that is not a valid event, kept so that it can be corrected and sent again.
type DeadLetter struct {
	Topic string
	// Reason is one of event's stable reasons: malformed_json, missing_field and so on.
	Reason string
	// Detail is for people: it names the field and the remedy.
	Detail string
	// Key and Raw are the message's bytes as they came.
	Key, Raw []byte
	// ReceivedAt is when Kafka took the message: UTC, milliseconds.
	ReceivedAt time.Time
	Position
}

// Batch is what is written at once. The rows of one partition stand in the order of their offsets, those of several
// partitions are mixed. One of the two slices may be empty, not both.
type Batch struct {
	Records     []Record
	DeadLetters []DeadLetter
}

// Sink stores batches.
//
// Order: Write is called by one goroutine of a Run, never twice at a time. The batches of a partition come in the order
// of its offsets. When partitions move between processes, two processes may for a moment write the same rows, unless the
// sink is a Claimer.
//
// Repeats: after an error Run offers the same batch again, the same rows in the same order, until it is taken or ctx
// ends. After a restart or a move of partitions, rows stored but not yet committed come again with the same Positions,
// but cut into other batches. A sink that must hold each row once compares Positions with what it holds.
//
// Blocking: Write may take as long as it needs; reading stops meanwhile once a bounded amount is buffered, and
// the partitions stay with this process. Write must return soon after ctx ends.
//
// Errors: nil means that every row is stored so that a crash cannot take it back; only then are offsets committed.
// Any error means that none, some or all rows may be stored. No error makes Run skip a row: a batch that can never be
// stored stops the flow, and each attempt is logged with its cause. A sink that finds out which rows can never be stored
// keeps them as dead letters of ReasonRejected and stores the rest.
//
// The batch and what it points to must not be changed. The sink may keep it.
type Sink interface {
	Write(ctx context.Context, b Batch) error
}
