package identity

import (
	"context"
	"time"

	"clew/transform/warehouse"
)

// Steps is how many steps an update has.
var Steps = len(updateSteps)

// UpdateTo is an update that ends after so many steps.
func UpdateTo(ctx context.Context, db *warehouse.DB, from time.Time, cfg Config, steps int) error {
	_, err := start(ctx, db, cfg, from, func(r *run, ctx context.Context) error {
		return r.inOrder(ctx, updateSteps[:steps]...)
	})
	return err
}
