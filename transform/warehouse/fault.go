package warehouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"clew/ingest"
	"clew/ingest/event"
)

// rowError says that a value of a row has no place in its column; nothing was sent.
type rowError struct{ error }

func (e *rowError) Unwrap() error { return e.error }

// dataCodes are ClickHouse's errors that lie in the rows: another try brings the same.
var dataCodes = []int{
	6,   // CANNOT_PARSE_TEXT
	26,  // CANNOT_PARSE_QUOTED_STRING
	27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
	38,  // CANNOT_PARSE_DATE
	41,  // CANNOT_PARSE_DATETIME
	69,  // ARGUMENT_OUT_OF_BOUND
	70,  // CANNOT_CONVERT_TYPE
	72,  // CANNOT_PARSE_NUMBER
	117, // INCORRECT_DATA
	128, // TOO_LARGE_ARRAY_SIZE
	131, // TOO_LARGE_STRING_SIZE
	321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
	349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
	395, // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
	407, // DECIMAL_OVERFLOW
	469, // VIOLATED_CONSTRAINT
}

// ambiguousCodes are those after which rows may have been stored, or may still be.
var ambiguousCodes = []int{
	159, // TIMEOUT_EXCEEDED
	209, // SOCKET_TIMEOUT
	210, // NETWORK_ERROR
	216, // QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING
	319, // UNKNOWN_STATUS_OF_INSERT
	394, // QUERY_WAS_CANCELLED
	999, // KEEPER_EXCEPTION
}

// remedies say what to do about errors that pass once somebody has done it, or by themselves.
var remedies = map[int]string{
	40:  damaged,
	60:  "a table is missing: start the program anew, which makes its tables, or restore it",
	74:  "the disk cannot be read: check it, and the file system the tables are on",
	75:  "the disk cannot be written: check it, and the file system the tables are on",
	81:  "the database is missing: start the program anew, which makes it, or restore it",
	164: "the user may only read: take readonly off its profile",
	202: "the server runs too many statements: it goes on by itself, or raise max_concurrent_queries",
	241: "memory is short: it goes on by itself when others end; else raise max_memory_usage, or write smaller batches",
	242: "the table is read-only: its replica has lost Keeper; check that Keeper runs",
	243: "the disk is full: make room, or add a disk",
	246: damaged,
	252: "merges are behind: it goes on by itself when they catch up; else write larger batches, more seldom",
	497: "the user lacks a right: GRANT it",
	516: "the password or the user is wrong: correct the DSN",
	774: "the table was made read-only: ALTER TABLE … RESET SETTING table_readonly",
}

// damaged is said of files that cannot be read. Seen where a merge met a full disk: its part had no marks.
const damaged = "a part of a table is damaged: ALTER TABLE … DETACH PART the one that is named, and store its rows " +
	"again by `clew verify --repair`"

// isData says that the rows cannot be stored as they are.
func isData(err error) bool {
	if _, ok := errors.AsType[*rowError](err); ok {
		return true
	}
	return slices.Contains(dataCodes, ErrorCode(err))
}

// isAmbiguous says that the error of a statement leaves open whether it stored rows. What is not the warehouse's own
// word, as a broken connection or the end of the context, always does.
func isAmbiguous(err error) bool {
	code := ErrorCode(err)
	return code == 0 || slices.Contains(ambiguousCodes, code)
}

// advise adds the remedy to an error that has one.
func advise(err error) error {
	if remedy, ok := remedies[ErrorCode(err)]; ok {
		return fmt.Errorf("%w: %s", err, remedy)
	}
	_, failed := errors.AsType[*net.OpError](err)
	if failed || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // the end is that of a kept connection
		return fmt.Errorf("%w: check that ClickHouse runs at the address in the DSN and can be reached", err)
	}
	return err
}

// maxRejected is how many rows of one batch may be set aside. Beyond it the table is at fault rather than the rows, as
// when a column was changed by hand.
const maxRejected = 100

// storeGood stores the rows that can be stored and returns the others as dead letters. It finds them by halving: one
// bad row among n costs about 2·log₂ n statements. Each half is asked for in the tables first, as after any error.
func (w *writer) storeGood(ctx context.Context, to *table[record], rows []record) ([]letter, error) {
	rejected, err := w.halve(ctx, to, rows, nil)
	if len(rejected) > 0 {
		// They lie beyond no frontier: their positions are held once the dead letters are written.
		w.db.frontier(to.name).forget()
	}
	return rejected, err
}

func (w *writer) halve(ctx context.Context, to *table[record], rows []record, rejected []letter) ([]letter, error) {
	err := to.write(ctx, w, rows)
	switch {
	case !isData(err):
		return rejected, err
	case len(rejected) == maxRejected:
		return nil, fmt.Errorf("more than %d rows of one batch cannot be stored in %s, so the table is at fault rather "+
			"than they: compare its columns with those of a new database: %w", maxRejected, to.name, err)
	case len(rows) == 1:
		return append(rejected, reject(rows[0], err)), nil
	}
	half := len(rows) / 2
	if rejected, err = w.halve(ctx, to, rows[:half], rejected); err != nil {
		return nil, err
	}
	return w.halve(ctx, to, rows[half:], rejected)
}

// reject makes a dead letter of a record. One that did not come with its message's bytes is encoded anew.
func reject(r record, cause error) letter {
	raw := r.Raw
	if raw == nil {
		raw, _ = json.Marshal(r.Event) // without event.Encode's check, which it may fail
	}
	return &ingest.DeadLetter{
		Topic: event.Topic(r.Event.Kind()), Reason: ingest.ReasonRejected, Detail: cause.Error(),
		Key: r.Key, Raw: raw, ReceivedAt: r.ReceivedAt, Position: r.Position,
	}
}
