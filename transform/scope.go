package transform

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"clew/transform/identity"
	"clew/transform/warehouse"
)

// scopeRows is about how many raw rows are held in memory at once, with what is computed from them.
var scopeRows = uint64(2_000_000)

// scope is some persons: condition says which, %s standing for the id of a person beside whom stands a column workspace.
type scope struct {
	condition string
	params    warehouse.Params
}

// holds is the condition that the scope holds a person, given by an expression.
func (s scope) holds(person string) string { return strings.ReplaceAll(s.condition, "%s", person) }

// allPersons are the scopes of a rebuild: ranges of ids with about scopeRows raw rows each. The raw tables are sorted by
// lead id, so each range reads its own piece of them and no other.
func (r *run) allPersons(ctx context.Context) ([]scope, error) {
	cuts, err := r.cuts(ctx)
	if err != nil {
		return nil, fmt.Errorf("cut all persons into ranges: %w", err)
	}
	scopes := make([]scope, len(cuts)+1)
	for i := range scopes {
		s := scope{condition: "1", params: warehouse.Params{}}
		if i > 0 {
			s.condition, s.params["low"] = "%s >= {low:String}", cuts[i-1]
		}
		if i < len(cuts) {
			s.condition, s.params["high"] = s.condition+" AND %s < {high:String}", cuts[i]
		}
		scopes[i] = scope{"(" + s.condition + ")", s.params}
	}
	return scopes, nil
}

// sampled is one in how many persons decides where the ranges are cut.
const sampled = 256

// cuts are the ids at which ranges begin, but for the first.
func (r *run) cuts(ctx context.Context) ([]string, error) {
	var counts, ids []string
	for _, h := range histories {
		counts = append(counts, "SELECT count() AS n FROM "+h.table)
		ids = append(ids, h.ids(r.db.Name()))
	}
	var total []struct {
		Rows uint64 `ch:"n"`
	}
	err := r.db.Select(ctx, &total, "SELECT sum(n) AS n FROM ("+strings.Join(counts, " UNION ALL ")+")", nil)
	if err != nil || total[0].Rows <= scopeRows {
		return nil, err
	}
	var sample []struct {
		Person string `ch:"person"`
		Rows   uint64 `ch:"n"`
	}
	err = r.db.Select(ctx, &sample, "SELECT person, {sampled:UInt64} * count() AS n\nFROM (SELECT "+node+" AS node, "+
		identity.OwnPerson("node.1", "node.2")+" AS person FROM ("+strings.Join(ids, "\nUNION ALL\n")+"))\nWHERE person != '' AND cityHash64(person) % {sampled:UInt64} = 0\nGROUP BY person ORDER BY person",
		warehouse.Params{"sampled": sampled})
	var cuts []string
	var rows uint64
	for _, s := range sample {
		if rows += s.Rows; rows > scopeRows {
			cuts, rows = append(cuts, s.Person), s.Rows
		}
	}
	r.told("cut into ranges")
	return cuts, err
}

// touched notes the persons that an increment computes, and gives them as a scope, with their number.
func (r *run) touched(ctx context.Context) (scope, uint64, error) {
	if err := r.fillNodes(ctx); err != nil {
		return scope{}, 0, fmt.Errorf("find what arrived: %w", err)
	}
	r.told("find what arrived")
	parts := []string{
		"SELECT nodes.workspace, if(of.lead_id != '', of.lead_id, " + identity.OwnPerson("nodes.kind", "nodes.value") + ") AS person\n" +
			"FROM nodes LEFT JOIN (SELECT workspace, kind, value, lead_id FROM " + r.db.Name() + ".identities\n" +
			"WHERE (workspace, kind, value) IN (SELECT workspace, kind, value FROM nodes)) AS of USING (workspace, kind, value)",
		"SELECT workspace, lead_id FROM " + r.db.Name() + ".touched WHERE _ingested_at >= {from:DateTime64(3, 'UTC')}",
	}
	for _, m := range r.byLead() {
		if slices.Contains(m.Columns, "changes_at") {
			parts = append(parts, "SELECT workspace, lead_id FROM "+r.db.Name()+"."+m.Table+
				" WHERE changes_at > {was:DateTime64(3, 'UTC')} AND changes_at <= {as_of:DateTime64(3, 'UTC')}")
		}
	}
	sql := "SELECT DISTINCT workspace, person FROM (" + strings.Join(parts, "\nUNION ALL\n") + ") WHERE person != ''"
	if err := r.work.InsertSelect(ctx, "scope", []string{"workspace", "lead_id"}, sql, r.withMarks()); err != nil {
		return scope{}, 0, fmt.Errorf("find whom it happened to: %w", err)
	}
	n, err := r.work.Count(ctx, "scope")
	r.told("find whom it happened to")
	return scope{condition: "(workspace, %s) IN (SELECT workspace, lead_id FROM " + r.work.Name() + ".scope)"}, n, err
}

// fillNodes notes the nodes of the raw rows that the last run did not see: those that arrived since, and those that had
// arrived and then lay in the future.
func (r *run) fillNodes(ctx context.Context) error {
	var parts []string
	for _, h := range histories {
		for _, news := range []string{
			"_ingested_at >= {from:DateTime64(3, 'UTC')} AND occurred_at <= {as_of:DateTime64(3, 'UTC')}",
			"occurred_at > {was:DateTime64(3, 'UTC')} AND occurred_at <= {as_of:DateTime64(3, 'UTC')}" +
				" AND _ingested_at < {from:DateTime64(3, 'UTC')}",
		} {
			parts = append(parts, h.ids(r.db.Name())+" WHERE "+news)
		}
	}
	sql := "SELECT DISTINCT workspace, (" + node + " AS node).1 AS kind, node.2 AS value\nFROM (" +
		strings.Join(parts, "\nUNION ALL\n") + ")\nWHERE value != ''"
	return r.work.InsertSelect(ctx, "nodes", []string{"workspace", "kind", "value"}, sql, r.withMarks())
}

func (r *run) withMarks() warehouse.Params {
	return with(r.params, warehouse.Params{"from": r.last.ArrivedUntil, "was": r.last.AsOf})
}
