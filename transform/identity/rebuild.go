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
	if err := r.relearn(ctx); err != nil {
		return err
	}
	if err := r.resolve(unmerged); err != nil {
		return err
	}
	return r.replace(ctx)
}

// relearn reads the links of all raw rows. No two of them are of one pair, so nothing waits for them to be merged.
func (r *run) relearn(ctx context.Context) error {
	next, err := r.db.Next(ctx, "identity_links")
	if err != nil {
		return err
	}
	r.links = next
	unmerged := warehouse.WithSettings(ctx, map[string]any{"optimize_on_insert": 0})
	if err := r.db.InsertSelect(unmerged, next, linkColumns, linksSQL(), warehouse.Params{"from": r.from}); err != nil {
		return fmt.Errorf("read the links: %w", err)
	}
	return nil
}

// replace writes identities in order, so that its parts do not overlap and reading the last row of each key is cheap.
func (r *run) replace(ctx context.Context) error {
	for _, table := range []struct {
		name, from string
		columns    []string
	}{{"identities", "identity_persons", identityColumns}, {"identity_shared", "identity_crowds", sharedColumns}} {
		next, err := r.db.Next(ctx, table.name)
		if err != nil {
			return err
		}
		err = r.db.InsertSelect(ctx, next, append(table.columns, "_ver"), "SELECT "+columns(table.columns)+
			", (SELECT max(_ver) + 1 FROM "+table.name+") FROM "+r.at(table.from)+" ORDER BY workspace, kind, value", nil)
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
