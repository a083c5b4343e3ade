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
//
// Leads whose grade is not the last one this model gave them get a row in grade_changes, dated asOf. That comes after the
// scores are in place: where a run ends in between, the next one for the same moment makes up for it. Each version of a
// model has its own row of grades, but a lead has one grade: the last one that any of them changed.
func Run(ctx context.Context, db *warehouse.DB, m *Model, asOf time.Time) (uint64, error) {
	statement := Compile(m)
	statement.Params["as_of"] = asOf
	rows, err := db.Replace(ctx, table, scoreColumns, keepOthers+statement.SQL, statement.Params)
	if err != nil {
		return 0, fmt.Errorf("scoring model %s: %w", m.ID(), err)
	}
	if err := noteGrades(ctx, db, m, asOf); err != nil {
		return 0, fmt.Errorf("grades by the scoring model %s: %w", m.ID(), err)
	}
	return rows, nil
}

var gradeColumns = []string{"workspace", "event_id", "lead_id", "occurred_at", "model", "grade", "total"}

// changedGrades are the scores of a model whose grade is not the last one it gave the lead up to their moment. The event
// id is a hash of model, lead and moment: the same change written twice counts once.
const changedGrades = `SELECT
    s.workspace,
    lower(hex(sipHash128(s.model, s.lead_id, s.as_of))),
    s.lead_id,
    s.as_of,
    s.model,
    s.grade,
    s.total
FROM scores AS s
LEFT JOIN
(
    SELECT workspace, lead_id, argMax(grade, (occurred_at, event_id)) AS grade
    FROM grade_changes
    WHERE model = {model:String} AND occurred_at <= {as_of:DateTime64(3, 'UTC')}
    GROUP BY workspace, lead_id
) AS last ON s.workspace = last.workspace AND s.lead_id = last.lead_id
WHERE s.model = {model:String} AND s.grade != last.grade`

// noteGrades adds the changed grades to grade_changes. It may be repeated for the same moment.
func noteGrades(ctx context.Context, db *warehouse.DB, m *Model, asOf time.Time) error {
	return db.InsertSelect(ctx, "grade_changes", gradeColumns, changedGrades,
		warehouse.Params{"model": m.ID(), "as_of": asOf})
}

// keepOthers puts the rows of the other models in front of a model's own.
var keepOthers = "SELECT\n    " + strings.Join(scoreColumns, ",\n    ") + "\nFROM " + table +
	"\nWHERE model != {model:String}\nUNION ALL\n"
