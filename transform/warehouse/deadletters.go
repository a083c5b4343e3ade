package warehouse

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Place is where a message stands in Kafka, as an operator writes it: TOPIC/PARTITION/OFFSET.
type Place struct {
	Topic     string `json:"topic"`
	Partition uint32 `json:"partition"`
	Offset    uint64 `json:"offset"`
}

// ParsePlace reads TOPIC/PARTITION/OFFSET.
func ParsePlace(text string) (Place, error) {
	fault := fmt.Errorf("%.100q is no place of a message: write TOPIC/PARTITION/OFFSET, such as clew.stages/0/17", text)
	parts := strings.Split(text, "/")
	if len(parts) != 3 || parts[0] == "" {
		return Place{}, fault
	}
	partition, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil {
		return Place{}, fault
	}
	offset, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return Place{}, fault
	}
	return Place{parts[0], uint32(partition), offset}, nil
}

// String returns TOPIC/PARTITION/OFFSET.
func (p Place) String() string { return fmt.Sprintf("%s/%d/%d", p.Topic, p.Partition, p.Offset) }

// Bytes are bytes in JSON: as text where they are UTF-8, else in base64. Both are absent where there are none.
type Bytes struct {
	Text   string `json:"text,omitempty"`
	Base64 []byte `json:"base64,omitempty"`
}

func bytesOf(s string) Bytes {
	if utf8.ValidString(s) {
		return Bytes{Text: s}
	}
	return Bytes{Base64: []byte(s)}
}

// Raw returns the bytes, nil where there are none.
func (b Bytes) Raw() []byte {
	if b.Text != "" {
		return []byte(b.Text)
	}
	return b.Base64
}

// Letter is a stored dead letter, and whether it was sent again.
type Letter struct {
	Place
	// Reason is one of event's stable reasons, or the sink's own.
	Reason string `json:"reason"`
	Detail string `json:"detail"`
	Key    Bytes  `json:"key"`
	// Size is that of the message without its key, in bytes.
	Size       uint64    `json:"size"`
	ReceivedAt time.Time `json:"received_at"`
	// Replays counts how often it was sent again; ReplayedAt is the last time, and EventID of the event sent then.
	Replays    uint64     `json:"replays"`
	ReplayedAt *time.Time `json:"replayed_at,omitempty"`
	EventID    string     `json:"replayed_event_id,omitempty"`
	// Raw is the message. A list leaves it out.
	Raw *Bytes `json:"raw,omitempty"`

	source uint64
}

// LetterFilter chooses letters; an empty field lets all through.
type LetterFilter struct{ Reason, Topic string }

func (f LetterFilter) params() Params { return Params{"reason": f.Reason, "topic": f.Topic} }

// letterRow is a Letter as lettersSQL selects it.
type letterRow struct {
	Source     uint64    `ch:"source"`
	Topic      string    `ch:"topic"`
	Partition  uint32    `ch:"partition"`
	Offset     uint64    `ch:"offset"`
	Reason     string    `ch:"reason"`
	Detail     string    `ch:"detail"`
	Key        string    `ch:"key"`
	Raw        string    `ch:"raw"`
	Size       uint64    `ch:"size"`
	ReceivedAt time.Time `ch:"received_at"`
	Replays    uint64    `ch:"replays"`
	ReplayedAt time.Time `ch:"replayed_at"`
	EventID    string    `ch:"event_id"`
}

func (r *letterRow) letter() Letter {
	l := Letter{
		Place: Place{r.Topic, r.Partition, r.Offset}, Reason: r.Reason, Detail: r.Detail, Key: bytesOf(r.Key),
		Size: r.Size, ReceivedAt: r.ReceivedAt, Replays: r.Replays, EventID: r.EventID, source: r.Source,
	}
	if r.Replays > 0 {
		l.ReplayedAt = &r.ReplayedAt
	}
	return l
}

// lettersSQL takes what to select of the message itself, and which letters. A letter stored twice is one letter; the
// newest come first.
const lettersSQL = `SELECT
    letters._src AS source,
    letters.topic AS topic,
    letters._partition AS partition,
    letters._offset AS offset,
    letters.reason AS reason,
    letters.detail AS detail,
    letters.key AS key,
    %s AS raw,
    length(letters.raw) AS size,
    letters.received_at AS received_at,
    replays.times AS replays,
    replays.last AS replayed_at,
    replays.event_id AS event_id
FROM dead_letters AS letters
LEFT JOIN
(
    SELECT _src, _partition, _offset, count() AS times, max(at) AS last, argMax(event_id, at) AS event_id
    FROM dead_letter_replays
    GROUP BY _src, _partition, _offset
) AS replays
ON letters._src = replays._src AND letters._partition = replays._partition AND letters._offset = replays._offset
WHERE %s
ORDER BY letters.received_at DESC, letters.topic, letters._partition, letters._offset DESC, letters._src
LIMIT 1 BY letters._src, letters._partition, letters._offset
LIMIT {limit:UInt64}`

// chosen is the condition of a LetterFilter. Of an erased letter there is nothing to see.
const chosen = `letters.reason != '` + ReasonErased + `' AND ({reason:String} = '' OR letters.reason = {reason:String})
    AND ({topic:String} = '' OR letters.topic = {topic:String})`

// Letters returns the newest dead letters, without their bytes, and how many there are in all.
func (db *DB) Letters(ctx context.Context, f LetterFilter, limit int) (letters []Letter, total uint64, err error) {
	counts, err := db.LetterCounts(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	for _, c := range counts {
		total += c.Letters
	}
	p := f.params()
	p["limit"] = limit
	var rows []letterRow
	if err := db.Select(ctx, &rows, fmt.Sprintf(lettersSQL, "''", chosen), p); err != nil {
		return nil, 0, fmt.Errorf("list the dead letters: %w", err)
	}
	letters = make([]Letter, len(rows))
	for i := range rows {
		letters[i] = rows[i].letter()
	}
	return letters, total, nil
}

// LetterCount is how many letters of a topic have a reason, and how many of those were sent again.
type LetterCount struct {
	Topic    string `json:"topic" ch:"topic"`
	Reason   string `json:"reason" ch:"reason"`
	Letters  uint64 `json:"letters" ch:"letters"`
	Replayed uint64 `json:"replayed" ch:"replayed"`
}

// LetterCounts counts the dead letters by topic and reason, in the order of topics, the most frequent reason first.
func (db *DB) LetterCounts(ctx context.Context, f LetterFilter) ([]LetterCount, error) {
	counts := []LetterCount{}
	err := db.Select(ctx, &counts, `SELECT
    letters.topic AS topic,
    letters.reason AS reason,
    uniqExact(_src, _partition, _offset) AS letters,
    uniqExactIf((_src, _partition, _offset),
        (_src, _partition, _offset) IN (SELECT _src, _partition, _offset FROM dead_letter_replays)) AS replayed
FROM dead_letters AS letters
WHERE `+chosen+`
GROUP BY topic, reason
ORDER BY topic, letters DESC, reason`, f.params())
	if err != nil {
		return nil, fmt.Errorf("count the dead letters: %w", err)
	}
	return counts, nil
}

// ErrNoLetter says that no dead letter came from a place.
var ErrNoLetter = errors.New("no dead letter came from there")

// Letter returns one dead letter with its bytes, or ErrNoLetter. Where messages of two clusters stood at one place, it
// is the one received last.
func (db *DB) Letter(ctx context.Context, at Place) (Letter, error) {
	var rows []letterRow
	const where = "letters.reason != '" + ReasonErased + "' AND letters.topic = {topic:String} AND letters._partition = {partition:UInt32} AND " +
		"letters._offset = {offset:UInt64}"
	err := db.Select(ctx, &rows, fmt.Sprintf(lettersSQL, "letters.raw", where), Params{
		"topic": at.Topic, "partition": at.Partition, "offset": at.Offset, "limit": 1,
	})
	if err != nil {
		return Letter{}, fmt.Errorf("read the dead letter %s: %w", at, err)
	}
	if len(rows) == 0 {
		return Letter{}, fmt.Errorf("%s: %w", at, ErrNoLetter)
	}
	l, raw := rows[0].letter(), bytesOf(rows[0].Raw)
	l.Raw = &raw
	return l, nil
}

// MarkReplayed notes that a letter was sent again, as the event of that id; empty where what was sent is no event.
func (db *DB) MarkReplayed(ctx context.Context, l Letter, at time.Time, eventID string) error {
	batch, err := db.Insert(ctx, "dead_letter_replays", []string{"_src", "_partition", "_offset", "at", "event_id"})
	if err != nil {
		return err
	}
	defer batch.Abort()
	if err := batch.Append(l.source, l.Partition, l.Offset, at, eventID); err != nil {
		return fmt.Errorf("note the replay of %s: %w", l.Place, err)
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("note the replay of %s: %w", l.Place, err)
	}
	return nil
}
