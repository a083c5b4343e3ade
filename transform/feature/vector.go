package feature

import (
	"context"
	"fmt"
	"time"

	"clew/transform/warehouse"
)

// one is the observation of a single lead.
const one = "(SELECT {workspace:String} AS workspace, {lead:String} AS lead_id, " +
	"{observed_at:DateTime64(3, 'UTC')} AS observed_at)"

// Vector gives the features of one lead as of a moment, in their order: a float64, for a flag a uint8, a string, or nil
// where it is not known. Timezone is the business time zone. A lead that does not exist has the vector of an empty
// history.
func Vector(
	ctx context.Context, db *warehouse.DB, features []Feature, workspace, lead string, at time.Time, timezone string,
) ([]any, error) {
	sql, params := SQL(features, one)
	params["workspace"], params["lead"], params["observed_at"], params["tz"] = workspace, lead, at, timezone
	rows, err := db.Query(ctx, sql, params)
	if err != nil {
		return nil, fmt.Errorf("features of lead %s: %w", lead, err)
	}
	defer rows.Close()
	var values []any
	if rows.Next() {
		if values, err = rows.Values(); err != nil {
			return nil, fmt.Errorf("features of lead %s: %w", lead, err)
		}
		values = values[3:]
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("features of lead %s: %w", lead, err)
	}
	return values, nil
}
