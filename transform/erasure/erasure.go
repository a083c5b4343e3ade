// Package erasure removes a person from the warehouse.
//
// The raw tables are the record of which messages were stored, so a row that is removed is replaced by a blank one at the
// same position: workspace, times and position stay, nothing that says who or what. A blank row is nobody's and no model
// sees it. What was removed is noted by a hash of the message, and stored blank when it comes again, by a producer's
// retry or out of an archive.
//
//	p, err := erasure.Find(ctx, db, erasure.Request{…})    // who is it, and what is there
//	r, err := erasure.Erase(ctx, erasure.Config{…}, p)      // may be cut off anywhere and repeated
//
// Erase first writes down whom it is about. Every step after that can be repeated and changes nothing where it was done,
// so after a failure or kill -9 the same call completes it, though what the person was found by may be gone. Ingest and
// jobs of other processes should rest meanwhile: what they write of the person may stand again, and the call says so.
package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"clew/ingest/identifier"
	"clew/transform/identity"
	"clew/transform/warehouse"
)

// KindLead is the kind of a lead id.
const KindLead = identity.KindLead

// Request names a person by one id.
type Request struct {
	Workspace string
	// Kind is lead, anonymous, or the name of an identifier such as email.
	Kind string
	// Value is the lead id or anonymous id, or the identifier as it is stored: Protector.Hash of one that names a person.
	Value string
	// ID is a keyed hash of the request, for the ledger.
	ID string
}

// Node is an id that a person has, as in the table identities.
type Node struct {
	Kind  string `ch:"kind"`
	Value string `ch:"value"`
}

// person is what rows of derived tables of a node's own person have for a lead_id.
func (n Node) person() string {
	if n.Kind == identity.KindLead {
		return n.Value
	}
	return n.Kind + ":" + n.Value
}

// Person is who was found, and what is there.
type Person struct {
	Request
	Nodes []Node
	// Rows counts the raw rows by table.
	Rows map[string]uint64
	// Resumed says that an earlier erasure of the person was cut off.
	Resumed bool
	Started time.Time
}

// Total is the number of raw rows.
func (p Person) Total() (n uint64) {
	for _, k := range p.Rows {
		n += k
	}
	return n
}

// of lists the values of a kind.
func (p Person) of(kind string) (values []string) {
	for _, n := range p.Nodes {
		if n.Kind == kind {
			values = append(values, n.Value)
		}
	}
	return values
}

// rawTables hold rows of persons.
var rawTables = []string{"events", "lead_updates", "activities", "stage_changes", "assignments"}

// ErrShared says that an identifier is no one person's.
var ErrShared = errors.New("many share this identifier")

// Find resolves a request to all ids of the person, by what the raw tables say now, and counts the rows. It adds what an
// erasure of the same request that was cut off had noted. A value that nobody has gives a Person without rows.
func Find(ctx context.Context, db *warehouse.DB, r Request) (Person, error) {
	p := Person{Request: r, Rows: map[string]uint64{}}
	if _, err := identity.Rebuild(ctx, db, identity.Config{}); err != nil {
		return p, fmt.Errorf("find out who is who: %w", err)
	}
	if err := p.resolve(ctx, db); err != nil {
		return p, err
	}
	if err := p.resume(ctx, db); err != nil {
		return p, err
	}
	for _, table := range rawTables {
		n, err := p.count(ctx, db, table)
		if err != nil {
			return p, fmt.Errorf("count the rows in %s: %w", table, err)
		}
		p.Rows[table] = n
	}
	return p, nil
}

// resolve finds the nodes of the person.
func (p *Person) resolve(ctx context.Context, db *warehouse.DB) error {
	self := Node{p.Kind, p.Value}
	params := warehouse.Params{"workspace": p.Workspace, "kind": p.Kind, "value": p.Value}
	var shared []struct {
		Leads uint64 `ch:"leads"`
	}
	const where = " WHERE workspace = {workspace:String} AND kind = {kind:String} AND value = {value:String}"
	if err := db.Select(ctx, &shared, "SELECT leads FROM identity_shared"+where, params); err != nil {
		return err
	}
	if len(shared) > 0 {
		return fmt.Errorf("%w: %d leads come with it; name the lead by --lead", ErrShared, shared[0].Leads)
	}
	var persons []struct {
		Lead string `ch:"lead_id"`
	}
	if err := db.Select(ctx, &persons, "SELECT lead_id FROM identities"+where, params); err != nil {
		return err
	}
	person := self.person()
	if len(persons) > 0 {
		person = persons[0].Lead
	}
	params["person"] = person
	const members = "SELECT kind, value FROM identities WHERE workspace = {workspace:String} AND lead_id = {person:String}\n" +
		"ORDER BY kind, value"
	if err := db.Select(ctx, &p.Nodes, members, params); err != nil {
		return err
	}
	p.add(self, nodeOf(person))
	return nil
}

// nodeOf is the node whose own person it is.
func nodeOf(person string) Node {
	kind, value, found := strings.Cut(person, ":")
	if found && (kind == identity.KindAnonymous || identifier.IsHash(value)) {
		return Node{kind, value}
	}
	return Node{identity.KindLead, person}
}

func (p *Person) add(nodes ...Node) {
	for _, n := range nodes {
		if !slices.Contains(p.Nodes, n) {
			p.Nodes = append(p.Nodes, n)
		}
	}
}

// resume adds what an erasure that was cut off had noted.
func (p *Person) resume(ctx context.Context, db *warehouse.DB) error {
	var rows []struct {
		Node
		Started time.Time `ch:"started_at"`
	}
	err := db.Select(ctx, &rows, "SELECT kind, value, started_at FROM erasure_targets\n"+
		"WHERE workspace = {workspace:String} AND erasure = {erasure:String} AND kind != '"+kindPerson+"' ORDER BY kind, value",
		warehouse.Params{"workspace": p.Workspace, "erasure": p.ID})
	if err != nil {
		return fmt.Errorf("look for an erasure that was cut off: %w", err)
	}
	for _, r := range rows {
		p.add(r.Node)
		p.Resumed, p.Started = true, r.Started
	}
	return nil
}

// Unfinished returns when the erasures began that were cut off, the oldest first.
func Unfinished(ctx context.Context, db *warehouse.DB) ([]time.Time, error) {
	var rows []struct {
		Started time.Time `ch:"started_at"`
	}
	const sql = "SELECT min(started_at) AS started_at FROM erasure_targets GROUP BY workspace, erasure ORDER BY started_at"
	if err := db.Select(ctx, &rows, sql, nil); err != nil {
		return nil, fmt.Errorf("look for erasures that were cut off: %w", err)
	}
	started := make([]time.Time, len(rows))
	for i, r := range rows {
		started[i] = r.Started
	}
	return started, nil
}

// belongs is the condition that a raw row is a person's: it is its lead's where it has one, else its anonymous id's, else
// its identifier's, as everywhere. The sets are SELECTs of (workspace, value), and of (workspace, kind, value).
func belongs(leads, anonymous, nodes string) string {
	return "event_id != '' AND (lead_id != '' AND (workspace, lead_id) IN (" + leads + ")\n" +
		"OR lead_id = '' AND anonymous_id != '' AND (workspace, anonymous_id) IN (" + anonymous + ")\n" +
		"OR lead_id = '' AND anonymous_id = '' AND (toString(workspace), " + identity.IdentifierNode + ".1, " +
		identity.IdentifierNode + ".2) IN (" + nodes + "))"
}

func (p *Person) count(ctx context.Context, db *warehouse.DB, table string) (uint64, error) {
	params := warehouse.Params{
		"workspace": p.Workspace, "leads": p.of(identity.KindLead), "anonymous": p.of(identity.KindAnonymous),
	}
	var kinds, values []string
	for _, n := range p.Nodes {
		kinds, values = append(kinds, n.Kind), append(values, n.Value)
	}
	params["kinds"], params["values"] = kinds, values
	set := func(name string) string {
		return "SELECT {workspace:String}, arrayJoin({" + name + ":Array(String)})"
	}
	var rows []struct {
		N uint64 `ch:"n"`
	}
	err := db.Select(ctx, &rows, "SELECT count() AS n FROM "+table+" WHERE "+belongs(set("leads"), set("anonymous"),
		"SELECT {workspace:String}, node.1, node.2\nFROM (SELECT arrayJoin(arrayZip({kinds:Array(String)}, {values:Array(String)})) AS node)"),
		params)
	if err != nil {
		return 0, err
	}
	return rows[0].N, nil
}

// Finder looks for the person in bytes.
func (p Person) Finder(protector *identifier.Protector) *identifier.Finder {
	hashes := map[string][]string{}
	for _, n := range p.Nodes {
		if n.Kind != identity.KindLead && n.Kind != identity.KindAnonymous {
			hashes[n.Kind] = append(hashes[n.Kind], n.Value)
		}
	}
	return protector.NewFinder(hashes, append(p.of(identity.KindLead), p.of(identity.KindAnonymous)...))
}
