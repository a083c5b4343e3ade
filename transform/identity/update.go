package identity

import (
	"context"
	"fmt"
	"strings"

	"clew/transform/warehouse"
)

// updateSteps is an update. What is touched is noted before it is written: should the run end in between, the next one
// sees no more change.
var updateSteps = []func(*run, context.Context) error{
	(*run).learn, (*run).reach, (*run).resolve, (*run).compare, (*run).touch, (*run).publish, (*run).report,
}

func (r *run) update(ctx context.Context) error { return r.inOrder(ctx, updateSteps...) }

// learn adds what the new rows say to identity_links.
func (r *run) learn(ctx context.Context) error {
	if err := r.scratch(ctx, "identity_news", "SELECT "+columns(linkColumns)+" FROM identity_links"); err != nil {
		return err
	}
	err := r.db.InsertSelect(ctx, r.at("identity_news"), linkColumns, linksSQL(false), warehouse.Params{"from": r.from})
	if err != nil {
		return fmt.Errorf("read the links: %w", err)
	}
	return r.db.InsertSelect(ctx, "identity_links", linkColumns,
		"SELECT "+columns(linkColumns)+" FROM "+r.at("identity_news"), nil)
}

func columns(names []string) string { return strings.Join(names, ", ") }

// reach copies all that was ever said about the nodes of the new links, and about those that they are connected with: no
// other node can get another person. No way leads over a shared id, unless it is shared only now.
func (r *run) reach(ctx context.Context) error {
	r.links = r.at("identity_part")
	for _, name := range []string{"identity_part", "identity_frontier"} {
		if err := r.scratch(ctx, name, "SELECT "+columns(linkColumns)+" FROM identity_links"); err != nil {
			return err
		}
	}
	frontier := r.at("identity_frontier")
	unmerged := warehouse.WithSettings(ctx, map[string]any{"final": 0})
	next := "SELECT DISTINCT node FROM " + r.at("identity_news")
	for {
		if err := r.db.Exec(ctx, "TRUNCATE TABLE "+frontier, nil); err != nil {
			return err
		}
		if err := r.db.InsertSelect(ctx, frontier, []string{"node"}, next, nil); err != nil {
			return err
		}
		nodes, err := r.db.Count(ctx, frontier)
		if err != nil || nodes == 0 {
			return err
		}
		if err := r.db.InsertSelect(unmerged, r.links, linkColumns, aboutSQL(frontier), nil); err != nil {
			return err
		}
		next = connectedSQL(r.links)
	}
}

// aboutSQL selects what is said about the nodes of a table.
func aboutSQL(nodes string) string {
	return `SELECT node, other, link, any(workspace), any(kind), any(value), any(other_kind), min(first_at), max(seen_at),
    max(stated)
FROM identity_links
WHERE node IN (SELECT node FROM ` + nodes + `)
GROUP BY node, other, link`
}

// connectedSQL selects the nodes that those in links are connected with and that are not there yet.
func connectedSQL(links string) string {
	return `SELECT DISTINCT other
FROM ` + links + `
WHERE other NOT IN (SELECT node FROM ` + links + `)
    AND (link IN ('merged into', 'merged from')
        OR node NOT IN (SELECT cityHash64(workspace, kind, value) FROM identity_shared))`
}

// compare puts each node beside the person it has had so far. Only nodes that have or get a row of identities stand in
// identity_changes.
func (r *run) compare(ctx context.Context) error {
	err := r.scratch(ctx, "identity_changes", `SELECT workspace, kind, value, first_at, lead_id AS was, lead_id AS person,
    first_at AS first_was, via, via AS via_was, true AS had, true AS has FROM identities`)
	if err != nil {
		return err
	}
	return r.db.InsertSelect(ctx, r.at("identity_changes"),
		[]string{"workspace", "kind", "value", "first_at", "was", "person", "first_was", "via", "via_was", "had", "has"},
		fmt.Sprintf(`SELECT workspace, kind, value, max(at),
    if(max(had), max(was), any(own)), if(max(has), max(person), any(own)),
    max(first_was), max(via), max(via_was), max(had), max(has)
FROM
(
    SELECT workspace, kind, value, %[1]s AS own, first_at AS at, '' AS was, lead_id AS person,
        toDateTime64(0, 3, 'UTC') AS first_was, via, '' AS via_was, false AS had, true AS has
    FROM %[2]s
    UNION ALL
    SELECT workspace, kind, value, %[1]s, toDateTime64(0, 3, 'UTC'), lead_id, '', first_at, '', via, true, false
    FROM identities
    WHERE (workspace, kind, value) IN (SELECT workspace, kind, value FROM %[3]s)
)
GROUP BY workspace, kind, value`, ownPerson, r.at("identity_persons"), r.links), nil)
}

// touch notes the persons that gain or lose a node.
func (r *run) touch(ctx context.Context) error {
	return r.db.InsertSelect(ctx, "touched", []string{"workspace", "lead_id"},
		"SELECT DISTINCT workspace, arrayJoin([was, person]) FROM "+r.at("identity_changes")+" WHERE was != person", nil)
}

// publish writes the rows of identities that changed.
func (r *run) publish(ctx context.Context) error {
	err := r.db.InsertSelect(ctx, "identities", append(identityColumns, "_ver", "_deleted"),
		`SELECT workspace, kind, value, person, first_at, via, (SELECT max(_ver) + 1 FROM identities), NOT has
FROM `+r.at("identity_changes")+`
WHERE was != person OR had != has OR first_was != first_at OR via_was != via`, nil)
	if err != nil {
		return err
	}
	var rows []struct {
		Changed uint64 `ch:"changed"`
		Nodes   uint64 `ch:"nodes"`
	}
	err = r.db.Select(ctx, &rows, fmt.Sprintf(`SELECT
    (SELECT count() FROM %s WHERE was != person) AS changed, (SELECT uniqExact(node) FROM %s) AS nodes`,
		r.at("identity_changes"), r.links), nil)
	if err != nil {
		return err
	}
	r.result.Changed, r.result.Nodes = rows[0].Changed, rows[0].Nodes
	return nil
}

// report writes which ids are shared by how many. It comes last: see reach.
func (r *run) report(ctx context.Context) error {
	return r.db.InsertSelect(ctx, "identity_shared", append(sharedColumns, "_ver"),
		`SELECT workspace, kind, value, leads, (SELECT max(_ver) + 1 FROM identity_shared)
FROM `+r.at("identity_crowds")+`
WHERE (workspace, kind, value, leads) NOT IN (SELECT workspace, kind, value, leads FROM identity_shared)`, nil)
}
