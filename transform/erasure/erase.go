package erasure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"clew/ingest/identifier"
	"clew/transform/identity"
	"clew/transform/warehouse"
)

// kindPerson is the kind of a target that is the lead_id of derived rows.
const kindPerson = "person"

// Result is what an erasure did. An erasure that was completed after it was cut off counts what was left to do.
type Result struct {
	// Rows are the raw rows that were blanked, Letters the dead letters, and Derived the rows removed from other tables.
	Rows, Letters, Derived uint64
}

// eraser is one Erase under way.
type eraser struct {
	Person
	Config
	db     *warehouse.DB
	result Result
}

// ErrCameBack says that rows of the person stand in the warehouse again.
var ErrCameBack = errors.New("rows of the person were written meanwhile")

// Config is what Erase works with. DB and Protector are required.
type Config struct {
	DB        *warehouse.DB
	Protector *identifier.Protector
	// Elsewhere removes the person from what is beside the warehouse, as Kafka's log. It is called when all is gone from the
	// warehouse, before whom it was about is forgotten, and again by each Erase that completes one that was cut off.
	Elsewhere func(ctx context.Context) error
	// Step is told of each step before it begins; its error ends the erasure there. It may be nil.
	Step func(name string) error
	// Now dates the erasure in the ledger.
	Now time.Time
}

// Erase removes a person that Find found. After an error, Find and Erase again complete it. Only where it returns nil are
// the files of what was removed gone from the disk of the warehouse.
func Erase(ctx context.Context, cfg Config, p Person) (Result, error) {
	e := &eraser{Person: p, Config: cfg, db: cfg.DB}
	now := cfg.Now
	if e.Started.IsZero() {
		e.Started = now.UTC().Truncate(time.Millisecond)
	}
	steps := []struct {
		name string
		do   func(context.Context) error
	}{
		{"note whom it is about", e.begin},
		{"note the messages", e.noteEvents},
		{"blank the rows", e.blankRows},
		{"remove the rows", e.removeRows},
		{"blank the dead letters", e.letters},
		{"remove the dead letters", e.removeLetters},
		{"remove the derived rows", e.derived},
		{"find out anew who is who", e.identities},
		{"look for what came back", e.verify},
		{"remove the files", e.purge},
		{"remove the person elsewhere", e.elsewhere},
		{"note the end", func(ctx context.Context) error { return e.end(ctx, now) }},
	}
	for _, s := range steps {
		err := e.step(s.name)
		if err == nil {
			err = s.do(ctx)
		}
		if err != nil {
			return e.result, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return e.result, nil
}

func (e *eraser) step(name string) error {
	if e.Step == nil {
		return nil
	}
	return e.Step(name)
}

// targets are the sets of belongs, from the table of whom it is about: statements that delete keep their text on disk.
const (
	leadTargets      = "SELECT workspace, value FROM erasure_targets WHERE kind = '" + identity.KindLead + "'"
	anonymousTargets = "SELECT workspace, value FROM erasure_targets WHERE kind = '" + identity.KindAnonymous + "'"
	nodeTargets      = "SELECT toString(workspace), toString(kind), value FROM erasure_targets"
	personTargets    = "SELECT workspace, value FROM erasure_targets WHERE kind = '" + kindPerson + "'"
)

// ofPerson is the condition that a derived row is the person's.
const ofPerson = "(workspace, lead_id) IN (" + personTargets + ")"

func targeted() string { return belongs(leadTargets, anonymousTargets, nodeTargets) }

// begin writes down whom it is about, what is not written yet.
func (e *eraser) begin(ctx context.Context) error {
	var had []Node
	err := e.db.Select(ctx, &had, "SELECT DISTINCT kind, value FROM erasure_targets\n"+
		"WHERE workspace = {workspace:String} AND erasure = {erasure:String}",
		warehouse.Params{"workspace": e.Workspace, "erasure": e.ID})
	if err != nil {
		return err
	}
	want := slices.Clone(e.Nodes)
	for _, n := range e.Nodes {
		want = append(want, Node{kindPerson, n.person()})
	}
	want = slices.DeleteFunc(want, func(n Node) bool { return slices.Contains(had, n) })
	if len(want) > 0 {
		batch, err := e.db.Insert(ctx, "erasure_targets", []string{"workspace", "erasure", "started_at", "kind", "value"})
		if err != nil {
			return err
		}
		defer batch.Abort()
		for _, n := range want {
			if err := batch.Append(e.Workspace, e.ID, e.Started, n.Kind, n.Value); err != nil {
				return err
			}
		}
		if err := batch.Send(); err != nil {
			return err
		}
	}
	return e.ledger(ctx, nil, 1)
}

// ledger writes a row about the erasure.
func (e *eraser) ledger(ctx context.Context, finished *time.Time, version uint8) error {
	batch, err := e.db.Insert(ctx, "erasures", []string{
		"workspace", "erasure", "started_at", "finished_at", "ids", "rows", "letters", "derived", "version",
	})
	if err != nil {
		return err
	}
	defer batch.Abort()
	err = batch.Append(e.Workspace, e.ID, e.Started, finished, uint64(len(e.Nodes)), e.result.Rows, e.result.Letters,
		e.result.Derived, version)
	if err != nil {
		return err
	}
	return batch.Send()
}

// noteEvents notes the messages, so that none that comes again brings the person back.
func (e *eraser) noteEvents(ctx context.Context) error {
	for _, table := range rawTables {
		if err := e.step("note the messages of " + table); err != nil {
			return err
		}
		id := warehouse.ErasedEventID(table)
		sql := "SELECT DISTINCT toFixedString(" + id + ", 16) AS id FROM " + table + " WHERE " + targeted() +
			"\nAND id NOT IN (SELECT id FROM erased_messages)"
		if err := e.db.InsertSelect(ctx, "erased_messages", []string{"id"}, sql, nil); err != nil {
			return fmt.Errorf("of %s: %w", table, err)
		}
	}
	e.db.ForgetErased()
	return nil
}

const position = "_src, _partition, _offset, _row"

// blankColumns are what a blank row keeps. That of when it arrived stays, too: what arrived before is counted.
const blankColumns = "workspace, occurred_at, received_at, clamped, " + position + ", _ingested_at"

// blankRows puts a blank row at each position of the person that has none. First this, then removeRows: a position
// without a row would be filled again from Kafka.
func (e *eraser) blankRows(ctx context.Context) error {
	for _, table := range rawTables {
		if err := e.step("blank the rows of " + table); err != nil {
			return err
		}
		columns := blankColumns
		if table == "events" {
			columns += ", type"
		}
		blanks := "SELECT " + position + " FROM " + table + " WHERE event_id = ''"
		before, err := e.count(ctx, table+" WHERE event_id = ''")
		if err != nil {
			return err
		}
		sql := "SELECT " + columns + " FROM " + table + " WHERE " + targeted() + "\nAND (" + position + ") NOT IN (" + blanks +
			")\nLIMIT 1 BY " + position
		if err := e.db.InsertSelect(ctx, table, strings.Split(columns, ", "), sql, nil); err != nil {
			return fmt.Errorf("in %s: %w", table, err)
		}
		after, err := e.count(ctx, table+" WHERE event_id = ''")
		if err != nil {
			return err
		}
		e.result.Rows += after - before
	}
	return nil
}

// removeRows removes every row beside which a blank one stands.
func (e *eraser) removeRows(ctx context.Context) error {
	for _, table := range rawTables {
		n, err := e.count(ctx, table+" WHERE "+targeted())
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if err := e.step("remove the rows of " + table); err != nil {
			return err
		}
		err = e.db.Delete(ctx, table, "event_id != '' AND ("+position+") IN (SELECT "+position+" FROM "+table+
			" WHERE event_id = '')")
		if err != nil {
			return err
		}
	}
	return nil
}

// everyRow lets a SELECT see rows that later ones replace: they are on the disk all the same.
var everyRow = map[string]any{"final": 0}

// count counts rows: FROM what.
func (e *eraser) count(ctx context.Context, what string) (uint64, error) {
	ctx = warehouse.WithSettings(ctx, everyRow)
	var rows []struct {
		N uint64 `ch:"n"`
	}
	if err := e.db.Select(ctx, &rows, "SELECT count() AS n FROM "+what, nil); err != nil {
		return 0, err
	}
	return rows[0].N, nil
}

// derived removes the person's rows from every other table that has a lead_id. Those that were computed over many persons
// are right again after the next run of the jobs.
func (e *eraser) derived(ctx context.Context) error {
	tables, err := e.db.TablesWith(ctx, "lead_id")
	if err != nil {
		return err
	}
	for _, table := range tables {
		if slices.Contains(rawTables, table) || table == "identities" {
			continue
		}
		n, err := e.count(ctx, table+" WHERE "+ofPerson)
		if err != nil {
			return fmt.Errorf("look into %s: %w", table, err)
		}
		if n == 0 {
			continue
		}
		if err := e.step("remove the derived rows of " + table); err != nil {
			return err
		}
		if err := e.db.Delete(ctx, table, ofPerson); err != nil {
			return err
		}
		e.result.Derived += n
	}
	work, err := e.db.Work(ctx)
	if err != nil {
		return err
	}
	return errors.Join(work.Recreate(ctx), work.Close())
}

// identities are computed from the raw rows that are left.
func (e *eraser) identities(ctx context.Context) error {
	_, err := identity.Rebuild(ctx, e.db, identity.Config{})
	return err
}

// verify makes sure that nothing of the person is left in a table, as a job or ingest in another process may have written.
func (e *eraser) verify(ctx context.Context) error {
	tables, err := e.db.TablesWith(ctx, "lead_id")
	if err != nil {
		return err
	}
	left := map[string]uint64{}
	for _, table := range tables {
		condition := ofPerson
		if slices.Contains(rawTables, table) {
			condition = targeted()
		}
		n, err := e.count(ctx, table+" WHERE "+condition)
		if err != nil {
			return fmt.Errorf("look into %s: %w", table, err)
		}
		if n > 0 {
			left[table] = n
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("%w, into %v: let jobs and ingest rest and give the command again", ErrCameBack,
			slices.Sorted(maps.Keys(left)))
	}
	return nil
}

// purge waits until the old files are gone, of the tables that rows were removed from.
func (e *eraser) purge(ctx context.Context) error {
	tables, err := e.db.TablesWith(ctx, "workspace")
	if err != nil {
		return err
	}
	tables = slices.DeleteFunc(tables, func(t string) bool { return t == "erasure_targets" || t == "erasures" })
	return e.db.Purge(ctx, append(tables, "dead_letters"))
}

func (e *eraser) elsewhere(ctx context.Context) error {
	if e.Elsewhere == nil {
		return nil
	}
	return e.Elsewhere(ctx)
}

// end notes the end, and forgets whom it was about.
func (e *eraser) end(ctx context.Context, now time.Time) error {
	finished := now.UTC().Truncate(time.Millisecond)
	if err := e.ledger(ctx, &finished, 2); err != nil {
		return err
	}
	err := e.db.Delete(ctx, "erasure_targets", "erasure IN (SELECT erasure FROM erasures WHERE finished_at IS NOT NULL)")
	if err != nil {
		return err
	}
	return e.db.Purge(ctx, []string{"erasure_targets"})
}
