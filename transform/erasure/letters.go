package erasure

import (
	"context"
	"time"

	"clew/ingest/identifier"
	"clew/transform/warehouse"
)

// deadLetter is one as it is stored.
type deadLetter struct {
	topic, key, raw, detail string
	receivedAt              time.Time
	source                  uint64
	partition               uint32
	offset                  uint64
	row                     uint16
}

// lettersAtOnce is how many letters are blanked by one INSERT.
const lettersAtOnce = 10_000

// letters blanks those that hold one of the person's ids.
func (e *eraser) letters(ctx context.Context) error {
	found, err := findLetters(ctx, e.db, e.Finder(e.Protector))
	if err != nil {
		return err
	}
	for len(found) > 0 {
		n := min(len(found), lettersAtOnce)
		if err := e.blankLetters(ctx, found[:n]); err != nil {
			return err
		}
		e.result.Letters += uint64(n)
		found = found[n:]
	}
	return nil
}

// CountLetters says how many dead letters Erase would blank.
func CountLetters(ctx context.Context, db *warehouse.DB, p Person, protector *identifier.Protector) (int, error) {
	found, err := findLetters(ctx, db, p.Finder(protector))
	return len(found), err
}

// findLetters looks through the bytes of every dead letter.
func findLetters(ctx context.Context, db *warehouse.DB, finder *identifier.Finder) (found []deadLetter, err error) {
	rows, err := db.Query(ctx, "SELECT topic, key, raw, detail, received_at, "+position+" FROM dead_letters\n"+
		"WHERE reason != '"+warehouse.ReasonErased+"' AND ("+position+") NOT IN (SELECT "+position+
		" FROM dead_letters WHERE reason = '"+warehouse.ReasonErased+"')", nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var l deadLetter
		err := rows.Scan(&l.topic, &l.key, &l.raw, &l.detail, &l.receivedAt, &l.source, &l.partition, &l.offset, &l.row)
		if err != nil {
			return nil, err
		}
		if len(finder.Spans([]byte(l.raw)))+len(finder.Spans([]byte(l.key)))+len(finder.Spans([]byte(l.detail))) > 0 {
			found = append(found, l)
		}
	}
	return found, rows.Err()
}

func (e *eraser) blankLetters(ctx context.Context, letters []deadLetter) error {
	ids := make([]warehouse.MessageID, len(letters))
	for i, l := range letters {
		ids[i] = warehouse.ErasedLetterID(l.topic, l.raw)
	}
	if err := e.db.NoteErased(ctx, ids); err != nil {
		return err
	}
	batch, err := e.db.Insert(ctx, "dead_letters", []string{
		"topic", "reason", "received_at", "_src", "_partition", "_offset", "_row",
	})
	if err != nil {
		return err
	}
	defer batch.Abort()
	for _, l := range letters {
		err := batch.Append(l.topic, warehouse.ReasonErased, l.receivedAt, l.source, l.partition, l.offset, l.row)
		if err != nil {
			return err
		}
	}
	return batch.Send()
}

// removeLetters removes every letter beside which a blank one stands.
func (e *eraser) removeLetters(ctx context.Context) error {
	const condition = "reason != '" + warehouse.ReasonErased + "' AND (" + position + ") IN (SELECT " + position +
		" FROM dead_letters WHERE reason = '" + warehouse.ReasonErased + "')"
	n, err := e.count(ctx, "dead_letters WHERE "+condition)
	if err != nil || n == 0 {
		return err
	}
	return e.db.Delete(ctx, "dead_letters", condition)
}
