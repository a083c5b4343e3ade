package scoring

import (
	"context"
	"fmt"
	"strings"
	"time"

	"clew/transform/warehouse"
)

// table and scoreColumns are what a run writes, in the order of Compile's SELECT.
const table = "scores"

var scoreColumns = []string{"workspace", "model", "model_hash", "lead_id", "as_of", "total", "grade", "reasons"}

// Run scores every lead by the model for the moment asOf and returns the number of rows in scores. It reads the table
// leads, which must have been computed for the same moment. The scores of other models stay, those of this model's
// name and version are replaced, all in one step: after an error the table has its old rows. Of two runs at the same
// time, by whichever models, the later may undo the earlier; whoever runs the jobs keeps them apart.
func Run(ctx context.Context, db *warehouse.DB, m *Model, asOf time.Time) (uint64, error) {
	statement := Compile(m)
	statement.Params["as_of"] = asOf
	rows, err := db.Replace(ctx, table, scoreColumns, keepOthers+statement.SQL, statement.Params)
	if err != nil {
		return 0, fmt.Errorf("scoring model %s: %w", m.ID(), err)
	}
	return rows, nil
}

// keepOthers puts the rows of the other models in front of a model's own.
var keepOthers = "SELECT\n    " + strings.Join(scoreColumns, ",\n    ") + "\nFROM " + table +
	"\nWHERE model != {model:String}\nUNION ALL\n"
