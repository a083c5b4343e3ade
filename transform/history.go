package transform

import (
	"context"
	"fmt"
	"strings"

	"clew/transform/identity"
)

// history is a raw table whose rows belong to persons. In the work database a table of its name holds the rows of the
// scope's persons: each event of a person once, lead_id being the person and source_lead_id the id it came with.
type history struct {
	table string
	// columns are those that a model may read beside lead_id.
	columns string
	// anonymous says that a row may come without a lead id, and then has anonymous_id and identifiers.
	anonymous bool
}

var histories = []history{
	{"events", "workspace, event_id, anonymous_id, type, occurred_at, received_at, clamped, name, channel, source, medium, " +
		"campaign, content, term, url, referrer, page_group, value, session_id, properties", true},
	{"lead_updates", "workspace, event_id, anonymous_id, identifiers, occurred_at, received_at, clamped, created_at, " +
		"contact_name, phone, email, wechat, company, source, attributes", true},
	{"activities", "workspace, event_id, anonymous_id, occurred_at, received_at, clamped, owner, method, duration_s, " +
		"effective, outcome, next_action, next_at, emotion", true},
	{
		"stage_changes", "workspace, event_id, anonymous_id, occurred_at, received_at, clamped, stage, amount, currency, reason",
		true,
	},
	{"assignments", "workspace, event_id, anonymous_id, occurred_at, received_at, clamped, owner, team, action", true},
	{"grade_changes", "workspace, event_id, occurred_at, model, grade, total", false},
}

// node is the node that a raw row comes under, as (kind, value); both are empty where it comes under none.
var node = "multiIf(lead_id != '', ('" + identity.KindLead + "', lead_id), anonymous_id != '', ('" +
	identity.KindAnonymous + "', anonymous_id), " + identity.IdentifierNode + ")"

// ids selects what node is computed from.
func (h history) ids(database string) string {
	columns := "workspace, lead_id, anonymous_id, identifiers"
	if !h.anonymous {
		columns = "workspace, lead_id, '' AS anonymous_id, map() AS identifiers"
	}
	return "SELECT " + columns + " FROM " + database + "." + h.table
}

// strangers says of which kinds the rows of a raw table are that have no lead_id.
type strangers struct{ visitors, identified bool }

// findStrangers looks which raw tables have rows without a lead_id, so that no scope looks for such where there are none.
func (r *run) findStrangers(ctx context.Context) error {
	var parts []string
	for _, h := range histories {
		if h.anonymous {
			from := " FROM (SELECT 1 FROM " + r.db.Name() + "." + h.table + " WHERE lead_id = '' AND anonymous_id "
			parts = append(parts, "SELECT '"+h.table+"' AS name, 1 AS visitors"+from+"!= '' LIMIT 1)",
				"SELECT '"+h.table+"' AS name, 0 AS visitors"+from+"= '' AND notEmpty(identifiers) LIMIT 1)")
		}
	}
	var rows []struct {
		Table    string `ch:"name"`
		Visitors uint8  `ch:"visitors"`
	}
	if err := r.work.Select(ctx, &rows, strings.Join(parts, "\nUNION ALL\n"), nil); err != nil {
		return fmt.Errorf("look for rows without a lead: %w", err)
	}
	r.strangers = map[string]strangers{}
	for _, row := range rows {
		s := r.strangers[row.Table]
		if row.Visitors == 1 {
			s.visitors = true
		} else {
			s.identified = true
		}
		r.strangers[row.Table] = s
	}
	r.told("look for rows without a lead")
	return nil
}

// gather fills the histories of the scope's persons.
func (r *run) gather(ctx context.Context, in scope) error {
	linked, err := r.gatherAliases(ctx, in)
	if err != nil {
		return err
	}
	for _, h := range histories {
		sql := strings.Join(h.branches(r.db.Name(), in, linked, r.strangers[h.table]), "\nUNION ALL\n")
		columns := "lead_id, source_lead_id, " + h.columns
		err := r.work.InsertSelect(ctx, h.table, strings.Split(columns, ", "), sql, with(r.params, in.params))
		if err != nil {
			return fmt.Errorf("gather the histories in %s: %w", h.table, err)
		}
		r.told("gather " + h.table)
	}
	return r.dropRepeats(ctx)
}

// gatherAliases notes which nodes belong to persons of the scope though that is not their default, and which would by
// default and do not. It says which kinds of nodes there are.
func (r *run) gatherAliases(ctx context.Context, in scope) (map[string]bool, error) {
	sql := "SELECT workspace, kind, value, lead_id FROM " + r.db.Name() + ".identities WHERE " + in.holds("lead_id") +
		" OR " + in.holds(identity.OwnPerson("kind", "value"))
	err := r.work.InsertSelect(ctx, "aliases", []string{"workspace", "kind", "value", "lead_id"}, sql, with(r.params, in.params))
	if err != nil {
		return nil, fmt.Errorf("gather the aliases of persons: %w", err)
	}
	var rows []struct {
		Class string `ch:"class"`
	}
	err = r.work.Select(ctx, &rows, fmt.Sprintf("SELECT DISTINCT if(kind IN ('%s', '%s'), kind, '') AS class FROM aliases",
		identity.KindLead, identity.KindAnonymous), nil)
	kinds := map[string]bool{}
	for _, row := range rows {
		kinds[row.Class] = true
	}
	return kinds, err
}

// branches are the SELECTs over a raw table that together give the rows of the scope's persons: those whose node stands
// for itself, read along the table's key, and those of nodes that identities links to a person.
func (h history) branches(database string, in scope, linked map[string]bool, s strangers) []string {
	from := " FROM " + database + "." + h.table
	const seen = " AND occurred_at <= {as_of:DateTime64(3, 'UTC')}"
	columns := strings.ReplaceAll(h.columns, ", ", ", rows.")
	plain := func(person, source, where, kind, id string) string {
		sql := "SELECT " + person + ", " + source + ", " + h.columns + from + " WHERE " + where + " AND " + in.holds(person) + seen
		if linked[kind] {
			sql += " AND (workspace, " + id + ") NOT IN (SELECT workspace, value FROM aliases WHERE kind = '" + kind + "')"
		}
		return sql
	}
	alias := func(source, where, kind, id string) string {
		of := "SELECT workspace, value AS _node, lead_id AS person FROM aliases WHERE kind = '" + kind + "' AND " + in.holds("lead_id")
		return "SELECT of.person, rows." + source + ", rows." + columns + "\nFROM (SELECT " + source + ", " + id + " AS _node, " +
			h.columns + from + " WHERE " + where + seen + " AND (workspace, " + id + ") IN (SELECT workspace, _node FROM (" + of +
			"))) AS rows\nINNER JOIN (" + of + ") AS of USING (workspace, _node)"
	}
	all := []string{plain("lead_id", "lead_id", "lead_id != ''", identity.KindLead, "lead_id")}
	if linked[identity.KindLead] {
		all = append(all, alias("lead_id", "lead_id != ''", identity.KindLead, "lead_id"))
	}
	const visitor = "lead_id = '' AND anonymous_id != ''"
	if s.visitors {
		person := "concat('" + identity.KindAnonymous + ":', anonymous_id)"
		all = append(all, plain(person, "''", visitor, identity.KindAnonymous, "anonymous_id"))
	}
	if s.visitors && linked[identity.KindAnonymous] {
		all = append(all, alias("lead_id", visitor, identity.KindAnonymous, "anonymous_id"))
	}
	if s.identified {
		all = append(all, h.identified(database, in))
	}
	return all
}

// identified gives the rows that come under an identifier alone. They are few, so that each is looked up.
func (h history) identified(database string, in scope) string {
	return "SELECT if(of.lead_id != '', of.lead_id, " + identity.OwnPerson("_kind", "_node") + ") AS person, rows.lead_id, rows." +
		strings.ReplaceAll(h.columns, ", ", ", rows.") +
		"\nFROM (SELECT lead_id, (" + identity.IdentifierNode + " AS _of).1 AS _kind, _of.2 AS _node, " + h.columns + " FROM " +
		database + "." + h.table + " WHERE lead_id = '' AND anonymous_id = '' AND _node != ''" +
		" AND occurred_at <= {as_of:DateTime64(3, 'UTC')}) AS rows\n" +
		"LEFT JOIN (SELECT workspace, kind AS _kind, value AS _node, lead_id FROM aliases) AS of USING (workspace, _kind, _node)\n" +
		"WHERE person != '' AND " + in.holds("person")
}

// repeatKey names an event of a person. A message may come twice, and once more with a correction.
const repeatKey = "cityHash64(workspace, lead_id, event_id)"

// dropRepeats leaves each event of a person once: of its variants the one that occurred last, of these the one received
// last, of these the one whose text is last. An event id that comes under two persons counts for each of them, for a
// scope need not hold both. Repeats are looked for by a hash, as they are rare, and only where it is not unique rows are
// sorted.
func (r *run) dropRepeats(ctx context.Context) error {
	var parts []string
	for _, h := range histories {
		parts = append(parts, "SELECT '"+h.table+"', "+repeatKey+" AS key FROM "+h.table+" GROUP BY key HAVING count() > 1")
	}
	err := r.work.InsertSelect(ctx, "repeats", []string{"history", "key"}, strings.Join(parts, "\nUNION ALL\n"), nil)
	if err != nil {
		return fmt.Errorf("look for repeated events: %w", err)
	}
	var rows []struct {
		History string `ch:"history"`
	}
	if err := r.work.Select(ctx, &rows, "SELECT DISTINCT history FROM repeats", nil); err != nil {
		return fmt.Errorf("look for repeated events: %w", err)
	}
	r.told("look for repeats")
	for _, h := range histories {
		for _, row := range rows {
			if row.History != h.table {
				continue
			}
			if err := r.dropRepeatsIn(ctx, h); err != nil {
				return fmt.Errorf("drop repeated events from %s: %w", h.table, err)
			}
			r.told("drop repeats of " + h.table)
		}
	}
	return nil
}

func (r *run) dropRepeatsIn(ctx context.Context, h history) error {
	columns := "lead_id, source_lead_id, " + h.columns
	repeated := repeatKey + " IN (SELECT key FROM repeats WHERE history = '" + h.table + "')"
	last := "occurred_at DESC, received_at DESC, "
	if !strings.Contains(h.columns, "received_at") {
		last = "occurred_at DESC, "
	}
	for _, sql := range []string{
		"CREATE OR REPLACE TABLE once ENGINE = Memory AS SELECT " + columns + " FROM " + h.table + " WHERE " + repeated +
			"\nORDER BY " + last + "toString((" + columns + ")) DESC LIMIT 1 BY workspace, lead_id, event_id",
		"ALTER TABLE " + h.table + " DELETE WHERE " + repeated,
		"INSERT INTO " + h.table + " (" + columns + ") SELECT " + columns + " FROM once",
		"TRUNCATE TABLE once",
	} {
		if err := r.work.Exec(ctx, sql, nil); err != nil {
			return err
		}
	}
	return nil
}
