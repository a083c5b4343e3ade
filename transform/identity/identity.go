// Package identity finds out which ids are one person. It keeps the table identities, by which the runner of transform
// resolves raw rows:
//
//	identity.Update(ctx, db, from, cfg)  // links of the rows that arrived since from, and what follows from them
//	identity.Rebuild(ctx, db, cfg)       // from all raw rows
//
// What is linked is a function of the raw rows alone: of their contents, not of when or how often or in which order
// they arrived, nor of as_of. What occurred in a later month says who somebody was in an earlier one too.
//
// # Links
//
// A node is an id that rows come under: lead:ID, anonymous:ID or KIND:VALUE of an identifier.
//
//   - A row that carries several ids links them: all to its lead_id where it has one, else to its anonymous_id, else to
//     the identifier that IdentifierNode names. What programs write for no id (null, undefined, 0 …) is none.
//   - A former user id given as anonymous_id, as Segment's alias does, is that lead: an anonymous_id of an update of a
//     lead that equals the lead_id of any row links the two.
//   - A correction takes back: what an update of a lead states of a kind of identifier replaces what was known of that
//     kind until then, by (occurred_at, event_id). So the lead lets go of the e-mail address that it had by mistake, and
//     of whom it was merged with by it.
//   - An update of a lead with identifiers {"merged_into": "OTHER"} merges it into another lead, whatever they share.
//     The last one counts. Merged into itself, a lead stands apart: an earlier merge is taken back, and shared ids merge
//     it with nobody until it is merged into another lead.
//   - An identifier that more than Config.SharedLeads leads come with, as a company's hotline, links nobody; so does an
//     anonymous_id of more than Config.BrowserLeads leads, the browser of a fair or of a clerk. Every lead that was ever
//     named with it counts. The table identity_shared lists them.
//   - Some kinds say nothing of a person (company, ip, user_agent …) and link nothing. Those of records and clicks
//     (hubspot_deal, gclid …) belong to whom they first came with, leads before others, and merge no two leads.
//
// # Persons
//
// The person of linked nodes is named by the lead seen first, by (first_at, lead_id); a lead that was merged into
// another one names it only where all were. Without a lead it is named by the first identifier KIND:VALUE by name, or
// else by the first anonymous:ID. First_at counts the rows that link: one with nothing but a lead_id is not read.
//
// # How
//
// All that rows say of pairs of nodes is kept in identity_links, and nothing is ever taken from it. So an update need
// only look at the nodes that new rows name and at those connected with them by anything ever said.
package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"clew/transform/warehouse"
)

// Tables are the tables of this package that a model may read.
var Tables = []string{"identities", "identity_shared"}

// Config says how many may share an id before it links nobody. A zero field has its default.
type Config struct {
	// SharedLeads is the most leads that may come with one identifier (default 20). It holds for values of each other
	// kind too, and ten times it for anonymous ids: browsers forget.
	SharedLeads int
	// BrowserLeads is the most leads that may come with one anonymous id (default 5), and values of each kind.
	BrowserLeads int
}

// The defaults of a Config.
const (
	DefaultSharedLeads  = 20
	DefaultBrowserLeads = 5
)

func (c Config) params() warehouse.Params {
	return warehouse.Params{
		"shared": cmp.Or(c.SharedLeads, DefaultSharedLeads), "browser": cmp.Or(c.BrowserLeads, DefaultBrowserLeads),
	}
}

// Result is what a run did.
type Result struct {
	// Nodes is how many ids were looked at, Changed how many of them were given another person; 0 after a rebuild.
	Nodes, Changed uint64
	// Shared is how many of the ids that were looked at link nobody, because too many share them.
	Shared uint64
}

// run is one run under way. Its work tables lie in the database beside db.
type run struct {
	db   *warehouse.DB
	work string
	cfg  Config
	from time.Time
	// links is where to read what the rows say of the nodes in question, by all of whose rows they are complete.
	links  string
	result Result
}

// Update adds the links of the raw rows with _ingested_at >= from, gives each node that they concern its person, and
// notes in touched every person that gained or lost a node, under its old and its new id. It gives what Rebuild would
// give: the rows before from must have been seen by an earlier run with the same cfg. After an error it may be repeated,
// with the same or an earlier from. Runs on one database must be kept apart by whoever starts them.
func Update(ctx context.Context, db *warehouse.DB, from time.Time, cfg Config) (Result, error) {
	return start(ctx, db, cfg, from, (*run).update)
}

// Rebuild computes the tables anew from all raw rows, beside those that are read meanwhile, and swaps them in at its
// end. It notes nothing in touched.
func Rebuild(ctx context.Context, db *warehouse.DB, cfg Config) (Result, error) {
	return start(ctx, db, cfg, time.UnixMilli(0), (*run).rebuild)
}

func start(
	ctx context.Context, db *warehouse.DB, cfg Config, from time.Time, do func(*run, context.Context) error,
) (_ Result, err error) {
	work, err := db.Work(ctx)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, work.Close()) }()
	r := &run{db: db, work: work.Name(), cfg: cfg, from: from}
	if err := do(r, ctx); err != nil {
		return Result{}, errors.Join(fmt.Errorf("find out who is who: %w", err), r.drop(ctx))
	}
	return r.result, r.drop(ctx)
}

// at names a work table.
func (r *run) at(table string) string { return r.work + "." + table }

// scratch makes an empty work table of the columns of a SELECT.
func (r *run) scratch(ctx context.Context, table, columns string) error {
	return r.db.Exec(ctx, "CREATE OR REPLACE TABLE "+r.at(table)+" ENGINE = Memory EMPTY AS "+columns, nil)
}

// drop frees the memory of the work tables.
func (r *run) drop(ctx context.Context) error {
	var faults []error
	for _, table := range workTables {
		faults = append(faults, r.db.Exec(ctx, "DROP TABLE IF EXISTS "+r.at(table), nil))
	}
	return errors.Join(faults...)
}

// inOrder runs one step after the other.
func (r *run) inOrder(ctx context.Context, steps ...func(*run, context.Context) error) error {
	for _, step := range steps {
		if err := step(r, ctx); err != nil {
			return err
		}
	}
	return nil
}
