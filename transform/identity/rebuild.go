package identity

import (
	"context"
	"fmt"

	"clew/transform/warehouse"
)

// rebuild computes the tables beside the present ones and swaps them in at the end. Where it ends between two swaps, an
// update of the rows since the last complete run puts the older table right.
func (r *run) rebuild(ctx context.Context) error {
	unmerged := warehouse.WithSettings(ctx, map[string]any{"final": 0, "optimize_aggregation_in_order": 1})
	all, err := r.relearn(ctx)
	if err != nil {
		return err
	}
	if err := r.untangle(unmerged, all); err != nil {
		return fmt.Errorf("find the leads that share something: %w", err)
	}
	if err := r.resolve(unmerged); err != nil {
		return err
	}
	return r.replace(unmerged, all)
}

// relearn reads the links of all raw rows into a table and names it. No two of them are of one pair, so nothing waits
// for them to be merged.
func (r *run) relearn(ctx context.Context) (string, error) {
	next, err := r.db.Next(ctx, "identity_links")
	if err != nil {
		return "", err
	}
	unmerged := warehouse.WithSettings(ctx, map[string]any{"optimize_on_insert": 0})
	if err := r.db.InsertSelect(unmerged, next, linkColumns, linksSQL(true), warehouse.Params{"from": r.from}); err != nil {
		return "", fmt.Errorf("read the links: %w", err)
	}
	return next, nil
}

// untangle copies the links that need resolving. Most leads share nothing: each node that they come with was named with
// them alone and is theirs, see aloneSQL. The others are tangled: non-leads with anything but one lead; and leads with
// one of those, with an alias or merge, or with two values of a kind of which updates stated any.
func (r *run) untangle(ctx context.Context, all string) error {
	r.links = r.at("identity_part")
	if err := r.scratch(ctx, "identity_part", "SELECT "+columns(linkColumns)+" FROM identity_links"); err != nil {
		return err
	}
	if err := r.scratch(ctx, "identity_tangled", "SELECT toUInt64(0) AS node"); err != nil {
		return err
	}
	tangled := r.at("identity_tangled")
	for _, sql := range []string{
		`SELECT node
FROM ` + all + `
WHERE kind != 'lead'
GROUP BY node
HAVING count() > 1 OR any(link) != 'id of' OR any(other_kind) != 'lead'`,
		`SELECT node
FROM ` + all + `
WHERE kind = 'lead'
GROUP BY node, other_kind
HAVING countIf(link != 'id' OR other IN (SELECT node FROM ` + tangled + `)) > 0
    OR count() > 1 AND max(stated.event_id) != ''`,
	} {
		if err := r.db.InsertSelect(ctx, tangled, []string{"node"}, sql, nil); err != nil {
			return err
		}
	}
	return r.db.InsertSelect(ctx, r.links, linkColumns, "SELECT "+columns(linkColumns)+" FROM "+all+
		" WHERE node IN (SELECT node FROM "+tangled+") OR other IN (SELECT node FROM "+tangled+")", nil)
}

// aloneSQL selects the rows of identities of the nodes that were named with one lead alone, which is not tangled.
func (r *run) aloneSQL(all string) string {
	return fmt.Sprintf(`SELECT l.workspace, l.kind, l.value, lead.value AS lead_id, l.first_at, '' AS via
FROM %[1]s AS l
INNER JOIN (SELECT node, any(value) AS value FROM %[1]s WHERE kind = 'lead' GROUP BY node) AS lead
    ON lead.node = l.other
WHERE l.kind != 'lead' AND l.node NOT IN (SELECT node FROM %[2]s) AND l.other NOT IN (SELECT node FROM %[2]s)`,
		all, r.at("identity_tangled"))
}

// replace writes identities in order, so that its parts do not overlap and reading the last row of each key is cheap.
func (r *run) replace(ctx context.Context, all string) error {
	persons := "SELECT " + columns(identityColumns) + " FROM " + r.at("identity_persons")
	for _, table := range []struct {
		name, from string
		columns    []string
	}{
		{"identities", persons + "\nUNION ALL\n" + r.aloneSQL(all), identityColumns},
		{"identity_shared", "SELECT " + columns(sharedColumns) + " FROM " + r.at("identity_crowds"), sharedColumns},
	} {
		next, err := r.db.Next(ctx, table.name)
		if err != nil {
			return err
		}
		err = r.db.InsertSelect(ctx, next, append(table.columns, "_ver"), "SELECT "+columns(table.columns)+
			", (SELECT max(_ver) + 1 FROM "+table.name+") FROM ("+table.from+") ORDER BY workspace, kind, value", nil)
		if err != nil {
			return err
		}
	}
	for _, table := range []string{"identity_links", "identities", "identity_shared"} {
		if err := r.db.Swap(ctx, table); err != nil {
			return err
		}
	}
	nodes, err := r.db.Count(ctx, "identities")
	r.result.Nodes = nodes
	return err
}
