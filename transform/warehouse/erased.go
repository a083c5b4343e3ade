package warehouse

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"time"

	"clew/ingest"
	"clew/ingest/event"
)

// ReasonErased is the reason of a dead letter that was blanked by an erasure: its bytes are gone, and its place in the
// topic remains. A row of another raw table is blank where it has no event id.
const ReasonErased = "erased"

// MessageID is what an erased message is known by when it comes again.
type MessageID [16]byte

// ErasedEventID is the SQL of the MessageID of a row of a raw table. Beside the event id it goes by whose the row is: of
// two persons' events with one id, one may be erased.
func ErasedEventID(table string) string {
	kind := "type"
	if table != events.name {
		kind = "'" + string(kindOf(table)) + "'"
	}
	return "substring(SHA256(concat(workspace, char(0), " + kind +
		", char(0), event_id, char(0), lead_id, char(0), anonymous_id)), 1, 16)"
}

func messageID(parts ...string) MessageID {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return MessageID(sum[:16])
}

// ErasedLetterID is the MessageID of a dead letter.
func ErasedLetterID(topic, raw string) MessageID { return messageID(topic, raw) }

func (r erasable) id() MessageID {
	h := r.Event.Head()
	return messageID(cmp.Or(h.Workspace, defaultWorkspace), string(r.Event.Kind()), h.EventID, h.LeadID, h.AnonymousID)
}

type erasable struct{ record }

// blank is the record without what it says, at its position.
func (r erasable) blank() record {
	e := event.New(r.Event.Kind())
	*e.Head() = event.Header{OccurredAt: r.Event.Head().OccurredAt, Workspace: r.Event.Head().Workspace}
	return &ingest.Record{Event: e, Position: r.Position, ReceivedAt: r.ReceivedAt, Clamped: r.Clamped}
}

// erasedMessages are those that must not come back, as far as they were read from their table.
type erasedMessages struct {
	sync.Mutex
	ids  map[MessageID]bool
	upTo time.Time
	read bool
}

// NoteErased adds messages to those that are stored blank when they come again. It may be repeated.
func (db *DB) NoteErased(ctx context.Context, ids []MessageID) error {
	if len(ids) == 0 {
		return nil
	}
	batch, err := db.Insert(ctx, "erased_messages", []string{"id"})
	if err != nil {
		return err
	}
	defer batch.Abort()
	for _, id := range ids {
		if err := batch.Append(string(id[:])); err != nil {
			return err
		}
	}
	if err := batch.Send(); err != nil {
		return err
	}
	db.ForgetErased()
	return nil
}

// ForgetErased lets the next batch read anew which messages were erased.
func (db *DB) ForgetErased() {
	db.erased.Lock()
	defer db.erased.Unlock()
	db.erased.read = false
}

// erasedSlack is how far back rows are read again, as another server's clock may be behind.
const erasedSlack = time.Minute

// erasedIDs returns the messages that must not come back. In process nobody else adds any, so they are read once;
// elsewhere with each batch, those that are new.
func (db *DB) erasedIDs(ctx context.Context) (map[MessageID]bool, error) {
	e := &db.erased
	e.Lock()
	defer e.Unlock()
	if e.read && db.engine != nil {
		return e.ids, nil
	}
	rows, err := db.Query(ctx, "SELECT id, at FROM erased_messages WHERE at >= {from:DateTime64(3, 'UTC')}",
		Params{"from": e.upTo.Add(-erasedSlack)})
	if err != nil {
		return nil, fmt.Errorf("which messages were erased: %w", advise(err))
	}
	defer rows.Close()
	found := make(map[MessageID]bool, len(e.ids))
	for id := range e.ids { // a reader may hold the old map
		found[id] = true
	}
	for rows.Next() {
		var id string
		var at time.Time
		if err := rows.Scan(&id, &at); err != nil {
			return nil, err
		}
		found[MessageID([]byte(id))] = true
		if at.After(e.upTo) {
			e.upTo = at
		}
	}
	e.ids, e.read = found, rows.Err() == nil
	return e.ids, rows.Err()
}

// withoutErased blanks what was erased.
func (w *writer) withoutErased(ctx context.Context, b ingest.Batch) (records []record, letters []letter, err error) {
	erased, err := w.db.erasedIDs(ctx)
	if err != nil {
		return nil, nil, err
	}
	records, letters = make([]record, len(b.Records)), make([]letter, len(b.DeadLetters))
	for i := range b.Records {
		records[i] = &b.Records[i]
		if len(erased) > 0 {
			if r := (erasable{records[i]}); erased[r.id()] {
				records[i] = r.blank()
			}
		}
	}
	for i := range b.DeadLetters {
		l := &b.DeadLetters[i]
		letters[i] = l
		if len(erased) > 0 && erased[ErasedLetterID(l.Topic, string(l.Raw))] {
			letters[i] = &ingest.DeadLetter{
				Topic: l.Topic, Reason: ReasonErased, ReceivedAt: l.ReceivedAt, Position: l.Position,
			}
		}
	}
	return records, letters, nil
}

// Blanks are the blank rows of one partition.
type Blanks struct {
	Topic     string    `ch:"-"`
	Partition uint32    `ch:"_partition"`
	First     uint64    `ch:"first"`
	Last      uint64    `ch:"last"`
	Messages  uint64    `ch:"messages"`
	Received  time.Time `ch:"received"`
	Kind      string    `ch:"kind"`
}

// Blanks says where in Kafka the messages stood that blank rows stand for, and when the last of them was received.
func (db *DB) Blanks(ctx context.Context) ([]Blanks, error) {
	const of = "SELECT %s AS kind, _partition, min(_offset) AS first, max(_offset) AS last, count() AS messages, " +
		"max(received_at) AS received\nFROM %s WHERE %s GROUP BY kind, _partition"
	selects := []string{fmt.Sprintf(of, "toString(topic)", deadLettersName, "reason = '"+ReasonErased+"'")}
	for _, name := range positionTables() {
		switch name {
		case deadLettersName, costs.name:
		case events.name:
			selects = append(selects, fmt.Sprintf(of, "toString(type)", name, "event_id = ''"))
		default:
			selects = append(selects, fmt.Sprintf(of, "'"+string(kindOf(name))+"'", name, "event_id = ''"))
		}
	}
	var rows []Blanks
	sql := "SELECT kind, _partition, first, last, messages, received FROM (\n" + strings.Join(selects, "\nUNION ALL\n") + "\n)\nORDER BY kind, _partition"
	if err := db.Select(ctx, &rows, sql, nil); err != nil {
		return nil, fmt.Errorf("where erased messages stood: %w", advise(err))
	}
	for i := range rows {
		rows[i].Topic = cmp.Or(event.Topic(event.Type(rows[i].Kind)), rows[i].Kind)
	}
	return rows, nil
}

// kindOf is the type of a table's events, for those of one type.
func kindOf(table string) event.Type {
	for _, k := range event.Types() {
		if rawTables[k].name == table {
			return k
		}
	}
	return ""
}
