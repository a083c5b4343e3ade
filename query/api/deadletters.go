package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"clew/ingest/event"
	"clew/query"
	"clew/query/clause"
	"clew/transform/warehouse"
)

// DeadLetters shows the messages that are no valid events, and sends them again. Each method may be called from many
// goroutines at once. A *query.Problem is shown to the caller, any other error is logged.
type DeadLetters interface {
	// Letters returns the newest without their bytes, and how many there are in all.
	Letters(ctx context.Context, f warehouse.LetterFilter, limit int) ([]warehouse.Letter, uint64, error)
	LetterCounts(ctx context.Context, f warehouse.LetterFilter) ([]warehouse.LetterCount, error)
	// Letter returns one with its bytes, or warehouse.ErrNoLetter.
	Letter(ctx context.Context, at warehouse.Place) (warehouse.Letter, error)
	// Replay sends one to its topic again and notes that. Its problems are those of this package; ErrNotSent says that
	// Kafka did not take the message.
	Replay(ctx context.Context, at warehouse.Place, r Replay) (*Replayed, error)
}

// Replay says how a dead letter is to be sent again.
type Replay struct {
	// With is the corrected event as JSON; nil sends the bytes as they came.
	With []byte
	// Again allows it for a letter that was sent again before.
	Again bool
}

// Replayed is a dead letter that was sent again.
type Replayed struct {
	warehouse.Place
	At time.Time `json:"replayed_at"`
	// EventID is of the event that was sent, empty where the bytes are none.
	EventID string `json:"replayed_event_id,omitempty"`
	// Warning says that what was sent is no valid event either, and will be a dead letter anew.
	Warning string `json:"warning,omitempty"`
	// Stored says that it has reached the warehouse too.
	Stored bool `json:"stored,omitempty"`
}

// LetterList is the answer to a list of dead letters.
type LetterList struct {
	Letters []warehouse.Letter `json:"dead_letters"`
	// Total is how many there are; the list may be shorter.
	Total uint64 `json:"total"`
}

// LetterCountList is the answer to a count of dead letters.
type LetterCountList struct {
	Counts []warehouse.LetterCount `json:"counts"`
}

// DefaultLetters and MaxLetters bound a list of dead letters.
const (
	DefaultLetters = 50
	MaxLetters     = 10_000
)

// The stable codes of problems with dead letters.
const (
	CodeBadPlace         = "bad_place"
	CodeUnknownTopic     = "unknown_topic"
	CodeNoDeadLetter     = "dead_letter_not_found"
	CodeAlreadyReplayed  = "already_replayed"
	CodeInvalidEvent     = "invalid_event"
	CodeKafkaUnavailable = "kafka_unavailable"
	CodeForeignOrigin    = "foreign_origin"
)

// ErrNotSent says that Kafka did not take a message.
var ErrNotSent = errors.New("kafka did not take the message")

var errKafkaUnavailable = &query.Problem{
	Code: CodeKafkaUnavailable, Title: "Kafka did not take the message", Status: http.StatusServiceUnavailable,
	Detail: "the dead letter was not sent again", Hint: "the server's log says why; try again later",
}

var errForeignOrigin = &query.Problem{
	Code: CodeForeignOrigin, Title: "The request comes from another site", Status: http.StatusForbidden,
	Detail: "a page of another site may not send dead letters again", Hint: "use the command line, or this server's page",
}

// NoDeadLetter is the problem of a place that no dead letter came from.
func NoDeadLetter(at warehouse.Place) *query.Problem {
	return &query.Problem{
		Code: CodeNoDeadLetter, Title: "There is no such dead letter", Status: http.StatusNotFound,
		Detail: fmt.Sprintf("no dead letter came from %.200s", at), Hint: "list the dead letters to see their places",
	}
}

// AlreadyReplayed is the problem of a letter that was sent again before.
func AlreadyReplayed(l warehouse.Letter) *query.Problem {
	return &query.Problem{
		Code: CodeAlreadyReplayed, Title: "The dead letter was sent again before", Status: http.StatusConflict,
		Detail: fmt.Sprintf("%s was sent again at %s", l.Place, l.ReplayedAt.UTC().Format(time.RFC3339)),
		Hint:   "to send it once more all the same, say again: --again, or ?again=true",
	}
}

// InvalidEvent is the problem of a correction that is no valid event.
func InvalidEvent(f *event.Fault) *query.Problem {
	return &query.Problem{
		Code: CodeInvalidEvent, Title: "The correction is no valid event", Status: http.StatusUnprocessableEntity,
		Detail: f.Error(), Hint: "nothing was sent; correct it and send it again",
	}
}

// CheckLetterFilter refuses what could only be a typing error.
func CheckLetterFilter(f warehouse.LetterFilter, limit int) error {
	if f.Topic != "" && !slices.Contains(event.Topics(), f.Topic) {
		return &query.Problem{
			Code: CodeUnknownTopic, Title: "There is no such topic", Status: http.StatusBadRequest,
			Detail: fmt.Sprintf("%.200q is no topic", f.Topic),
			Hint:   "the topics are " + strings.Join(event.Topics(), ", "),
		}
	}
	if limit < 1 || limit > MaxLetters {
		return clause.Invalid(clause.CodeBadLimit, fmt.Sprintf("give 1 to %d", MaxLetters), "limit %d is out of range", limit)
	}
	return nil
}

func (s *server) listDeadLetters(c *fiber.Ctx) error {
	f, limit, count, err := letterQuery(c.Queries())
	if err != nil {
		return err
	}
	ctx, stop := follow(c)
	defer stop()
	if count {
		counts, err := s.DeadLetters.LetterCounts(ctx, f)
		if err != nil {
			return err
		}
		return send(c, LetterCountList{counts})
	}
	letters, total, err := s.DeadLetters.Letters(ctx, f, limit)
	if err != nil {
		return err
	}
	return send(c, LetterList{letters, total})
}

// letterQuery reads the query of a list: reason, topic, limit and count.
func letterQuery(q map[string]string) (f warehouse.LetterFilter, limit int, count bool, err error) {
	if err := knownKeys(q, "reason", "topic", "limit", "count"); err != nil {
		return f, 0, false, err
	}
	limit = DefaultLetters
	if text, ok := q["limit"]; ok {
		if limit, err = strconv.Atoi(text); err != nil {
			return f, 0, false, clause.Invalid(clause.CodeBadLimit, "give a whole number", "limit %.50q is no number", text)
		}
	}
	if count, err = truth(q, "count"); err != nil {
		return f, 0, false, err
	}
	f = warehouse.LetterFilter{Reason: q["reason"], Topic: q["topic"]}
	return f, limit, count, CheckLetterFilter(f, limit)
}

func knownKeys(q map[string]string, known ...string) error {
	for _, key := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(known, key) {
			return clause.Invalid(clause.CodeUnknownKey, "the keys are "+strings.Join(known, ", "), "unknown key %.100q", key)
		}
	}
	return nil
}

// truth reads a key that is true, false or absent.
func truth(q map[string]string, key string) (bool, error) {
	switch text := q[key]; text {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	default:
		return false, clause.Invalid(clause.CodeWrongType, "give true or false", "%s is %.50q", key, text)
	}
}

// place reads the place from the path.
func place(c *fiber.Ctx) (warehouse.Place, error) {
	at, err := warehouse.ParsePlace(c.Params("topic") + "/" + c.Params("partition") + "/" + c.Params("offset"))
	if err != nil {
		return at, &query.Problem{
			Code: CodeBadPlace, Title: "The place of the message cannot be read", Status: http.StatusBadRequest,
			Detail: err.Error(), Hint: "ask for /api/v1/deadletters/TOPIC/PARTITION/OFFSET",
		}
	}
	return at, nil
}

func (s *server) showDeadLetter(c *fiber.Ctx) error {
	at, err := place(c)
	if err != nil {
		return err
	}
	ctx, stop := follow(c)
	defer stop()
	letter, err := s.DeadLetters.Letter(ctx, at)
	if errors.Is(err, warehouse.ErrNoLetter) {
		return NoDeadLetter(at)
	}
	if err != nil {
		return err
	}
	return send(c, letter)
}

// replayDeadLetter takes the correction as its body; without a body the letter is sent as it came.
func (s *server) replayDeadLetter(c *fiber.Ctx) error {
	at, err := place(c)
	if err != nil {
		return err
	}
	if foreign(c) {
		return errForeignOrigin
	}
	q := c.Queries()
	if err := knownKeys(q, "again"); err != nil {
		return err
	}
	again, err := truth(q, "again")
	if err != nil {
		return err
	}
	with, err := body(c)
	if err != nil {
		return err
	}
	if len(with) == 0 {
		with = nil
	}
	ctx, stop := follow(c)
	defer stop()
	done, err := s.DeadLetters.Replay(ctx, at, Replay{With: with, Again: again})
	if errors.Is(err, ErrNotSent) {
		s.Log.Error("a dead letter was not sent again", "place", at.String(), "error", err)
		return errKafkaUnavailable
	}
	if err != nil {
		return err
	}
	return send(c, done)
}

// foreign says that a page of another site sends the request. A browser names its page's origin with every POST; other
// clients name none.
func foreign(c *fiber.Ctx) bool {
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host != string(c.Request().Host())
}
