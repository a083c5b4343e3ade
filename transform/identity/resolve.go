package identity

import (
	"context"
	"fmt"

	"clew/transform/warehouse"
)

// workTables are the tables in the work database.
var workTables = []string{
	"identity_news", "identity_frontier", "identity_tangled", "identity_part", "identity_crowds", "identity_components", "identity_members",
	"identity_persons", "identity_changes",
}

var (
	identityColumns = []string{"workspace", "kind", "value", "lead_id", "first_at", "via"}
	sharedColumns   = []string{"workspace", "kind", "value", "leads"}
)

// indirect is the via of a lead that is linked only with what is linked with the other lead.
const indirect = "indirect"

// OwnPerson is an SQL expression for the person of a node that is linked with none, out of those of its kind and value;
// where both are empty, so is the person.
func OwnPerson(kind, value string) string {
	return fmt.Sprintf("if(%s IN ('', '%s'), %s, concat(%[1]s, ':', %[3]s))", kind, KindLead, value)
}

// ownPerson is that of the columns kind and value.
var ownPerson = OwnPerson("kind", "value")

// resolve fills identity_persons with the nodes of r.links that have another person than their own, and identity_crowds
// with those that too many share.
func (r *run) resolve(ctx context.Context) error {
	if err := r.findCrowds(ctx); err != nil {
		return fmt.Errorf("find shared ids: %w", err)
	}
	g, err := r.load(ctx)
	if err != nil {
		return fmt.Errorf("read the links: %w", err)
	}
	g.finish()
	if err := r.save(ctx, g); err != nil {
		return fmt.Errorf("write the components: %w", err)
	}
	if err := r.name(ctx); err != nil {
		return fmt.Errorf("name the persons: %w", err)
	}
	return nil
}

func (r *run) findCrowds(ctx context.Context) error {
	err := r.scratch(ctx, "identity_crowds", "SELECT "+columns(sharedColumns)+", toUInt64(0) AS node FROM identity_shared")
	if err != nil {
		return err
	}
	p := r.cfg.params()
	p["least"] = min(p["shared"].(int), p["browser"].(int))
	return r.db.InsertSelect(ctx, r.at("identity_crowds"), append(sharedColumns, "node"), `SELECT
    any(l.workspace), any(l.kind), any(l.value), countIf(other_kind = 'lead' AND link IN ('id', 'id of')), node
FROM `+r.links+` AS l
WHERE node IN (
    SELECT node
    FROM
    (
        SELECT node, kind, other_kind, count() AS others
        FROM `+r.links+`
        WHERE kind != 'lead' AND link IN ('id', 'id of')
        GROUP BY node, kind, other_kind
        HAVING others > {least:UInt64}
    )
    WHERE NOT `+isRecord("other_kind")+`
        AND others > if(kind = 'anonymous', {browser:UInt64}, {shared:UInt64}) * if(other_kind = 'anonymous', 10, 1))
GROUP BY node`, p)
}

// load reads the links.
func (r *run) load(ctx context.Context) (*graph, error) {
	shared, err := r.crowds(ctx)
	if err != nil {
		return nil, err
	}
	r.result.Shared = uint64(len(shared))
	rows, err := r.db.Query(ctx, `SELECT node, other, CAST(link AS Int8), kind = 'lead', `+isRecord("kind")+`,
    `+isRecord("other_kind")+` AS record, other_kind,
    if(record OR node IN (SELECT node FROM `+r.links+` WHERE link = 'merged into' AND node = other), `+ownPerson+`, ''),
    toUnixTimestamp64Milli(first_at),
    ifNull(toUnixTimestamp64Milli(seen_at), {never:Int64}), toUnixTimestamp64Milli(stated.at), stated.event_id
FROM `+r.links+`
WHERE link IN ('id', 'alias', 'merged into')
ORDER BY node`, warehouse.Params{"never": int64(never)})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	g := newGraph(shared)
	var of []said
	for rows.Next() {
		var s said
		err := rows.Scan(&s.Node, &s.Other, &s.Link, &s.OfLead, &s.OfRecord, &s.Record, &s.OtherKind, &s.Owner,
			&s.FirstAt, &s.SeenAt, &s.Stated.at, &s.Stated.id)
		if err != nil {
			return nil, err
		}
		if len(of) > 0 && of[0].Node != s.Node {
			g.add(of)
			of = of[:0]
		}
		of = append(of, s)
	}
	if len(of) > 0 {
		g.add(of)
	}
	return g, rows.Err()
}

// crowds are the nodes of identity_crowds.
func (r *run) crowds(ctx context.Context) (map[uint64]bool, error) {
	rows, err := r.db.Query(ctx, "SELECT node FROM "+r.at("identity_crowds"), nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	shared := map[uint64]bool{}
	for rows.Next() {
		var node uint64
		if err := rows.Scan(&node); err != nil {
			return nil, err
		}
		shared[node] = true
	}
	return shared, rows.Err()
}

// batchRows is how many nodes are sent at once.
const batchRows = 500_000

// save writes the component of each node, named by any node of it.
func (r *run) save(ctx context.Context, g *graph) error {
	err := r.scratch(ctx, "identity_components",
		"SELECT toUInt64(0) AS node, toUInt64(0) AS component, false AS away, '' AS via")
	if err != nil {
		return err
	}
	work, err := r.db.In(ctx, r.work)
	if err != nil {
		return err
	}
	defer work.Close()
	via := g.via()
	for start := 0; start < len(g.ids); start += batchRows {
		if err := g.send(ctx, work, via, start, min(start+batchRows, len(g.ids))); err != nil {
			return err
		}
	}
	return nil
}

func (g *graph) send(ctx context.Context, work *warehouse.DB, via map[int32]string, start, end int) error {
	batch, err := work.Insert(ctx, "identity_components", []string{"node", "component", "away", "via"})
	if err != nil {
		return err
	}
	defer batch.Abort()
	for i := start; i < end; i++ {
		if err := batch.Append(g.ids[i], g.ids[g.find(int32(i))], g.away[i], via[int32(i)]); err != nil {
			return err
		}
	}
	return batch.Send()
}

// name gives each component its person: see the package's comment.
func (r *run) name(ctx context.Context) error {
	err := r.scratch(ctx, "identity_members", `SELECT workspace, kind, value, first_at, via, toUInt64(0) AS component,
    CAST((0, now64(3, 'UTC'), '') AS Tuple(UInt8, DateTime64(3, 'UTC'), String)) AS name FROM identities`)
	if err != nil {
		return err
	}
	err = r.db.InsertSelect(ctx, r.at("identity_members"),
		[]string{"workspace", "kind", "value", "first_at", "via", "component", "name"},
		`SELECT workspace, kind, value, n.first_at, via, component,
    (multiIf(kind = 'lead' AND NOT away, 0, kind = 'lead', 1, `+isRecord("kind")+`, 4, kind = 'anonymous', 3, 2),
        if(kind = 'lead', n.first_at, toDateTime64(0, 3, 'UTC')), `+ownPerson+`)
FROM
(
    SELECT node, any(l.workspace) AS workspace, any(l.kind) AS kind, any(l.value) AS value, min(l.first_at) AS first_at
    FROM `+r.links+` AS l
    GROUP BY node
) AS n
INNER JOIN `+r.at("identity_components")+` AS c USING node`, nil)
	if err != nil {
		return err
	}
	if err := r.scratch(ctx, "identity_persons", "SELECT "+columns(identityColumns)+" FROM identities"); err != nil {
		return err
	}
	return r.db.InsertSelect(ctx, r.at("identity_persons"), identityColumns, fmt.Sprintf(`SELECT
    workspace, kind, value, person, first_at, if(kind = 'lead' AND via = '', '`+indirect+`', via)
FROM %s AS m
INNER JOIN (SELECT component, min(name).3 AS person FROM %[1]s GROUP BY component) AS p USING component
WHERE person != m.name.3`, r.at("identity_members")), nil)
}
