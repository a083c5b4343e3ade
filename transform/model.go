package transform

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"clew/transform/cost"
	"clew/transform/identity"
	"clew/transform/sla"
)

//go:embed models/*.sql
var files embed.FS

// raw are the tables that ingest writes and a model may read.
var raw = []string{
	"activities", "assignments", "costs", "events", "grade_changes", "lead_updates", "stage_changes",
}

// reference are the tables that settings or other packages fill and a model may read.
var reference = slices.Concat([]string{"decays"}, cost.Tables, identity.Tables, sla.Tables)

// Model is one derived table and the SELECT that computes it. It is read from a .sql file whose header declares what
// the SELECT cannot say by itself: INSERT … SELECT matches columns by position, and nothing orders the files.
type Model struct {
	// Name is the file's name without its ending.
	Name string
	// Grain says what one row stands for.
	Grain string
	// Reads are the tables in FROM and JOIN, Table and Columns what the rows go into, in the order of the SELECT.
	Reads   []string
	Table   string
	Columns []string
	// ByLead says that the table is recomputed lead by lead, from the histories of some leads in the work database;
	// otherwise it is recomputed whole.
	ByLead bool
	// SQL is the bare SELECT.
	SQL string
}

// Models gives the models in the order they run: each after those that write what it reads. The error names every
// fault of every file.
func Models() ([]Model, error) { return load(files) }

func load(files fs.FS) ([]Model, error) {
	names, err := fs.Glob(files, "models/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list the models: %w", err)
	}
	var models []Model
	var faults []error
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read a model: %w", err)
		}
		m, err := parse(strings.TrimSuffix(path.Base(name), ".sql"), string(text))
		models, faults = append(models, m), append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return order(models)
}

var (
	writesForm = regexp.MustCompile(`^([a-z_][a-z0-9_]*) \(([a-z0-9_, ]+)\)$`)
	paramForm  = regexp.MustCompile(`\{([a-z_][a-z0-9_]*):`)
)

// parse splits a model file into its header and its SELECT.
func parse(name, text string) (Model, error) {
	m := Model{Name: name}
	header, reason := map[string]string{}, ""
	rest, key := text, ""
	for strings.HasPrefix(rest, "--") {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		line = strings.TrimSpace(strings.TrimPrefix(line, "--"))
		word, value, found := strings.Cut(line, ": ")
		switch {
		case found && slices.Contains([]string{"grain", "by", "reads", "writes"}, word):
			key = word
			header[key] = value
		case key == "writes" && !strings.HasSuffix(header[key], ")"):
			header[key] += " " + line
		default:
			reason += line
		}
	}
	m.Grain, m.SQL = header["grain"], strings.TrimSpace(rest)
	if header["reads"] != "" {
		m.Reads = strings.Split(header["reads"], ", ")
	}
	if parts := writesForm.FindStringSubmatch(header["writes"]); parts != nil {
		m.Table, m.Columns = parts[1], strings.Split(parts[2], ", ")
	}
	m.ByLead = header["by"] == "lead"
	return m, m.check(header["by"], reason)
}

// check names every fault of one file.
func (m Model) check(by, reason string) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("model "+m.Name+": "+format, args...))
	}
	if m.Grain == "" {
		fault("the header lacks `-- grain: one row per …`")
	}
	if by != "lead" && by != "table" {
		fault("the header lacks `-- by: lead` or `-- by: table`")
	}
	if len(m.Reads) == 0 {
		fault("the header lacks `-- reads: table, table`")
	}
	if m.Table == "" {
		fault("the header lacks `-- writes: table (column, column)`")
	}
	if reason == "" {
		fault("the header gives no reason: say why the table exists, below grain, reads and writes")
	}
	if !strings.HasPrefix(m.SQL, "SELECT") {
		fault("what follows the header is not a SELECT")
	}
	for _, name := range m.params() {
		if !slices.Contains(paramNames, name) {
			fault("nothing supplies {%s}: there are %s", name, strings.Join(paramNames, ", "))
		}
	}
	return errors.Join(faults...)
}

// params are the names of the query parameters in the SELECT.
func (m Model) params() []string {
	var names []string
	for _, match := range paramForm.FindAllStringSubmatch(m.SQL, -1) {
		names = append(names, match[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// order sorts the models so that each comes after the writers of what it reads; where that leaves a choice, by name.
func order(models []Model) ([]Model, error) {
	writer := map[string]string{}
	for _, m := range models {
		if other, taken := writer[m.Table]; taken {
			return nil, fmt.Errorf("models %s and %s both write %s: a table has one model", other, m.Name, m.Table)
		}
		writer[m.Table] = m.Name
	}
	if err := checkReads(models, writer); err != nil {
		return nil, err
	}
	var sorted []Model
	ready := slices.Concat(raw, reference)
	waiting := slices.SortedFunc(slices.Values(models), func(a, b Model) int { return strings.Compare(a.Name, b.Name) })
	for len(waiting) > 0 {
		next := slices.IndexFunc(waiting, func(m Model) bool { return len(missing(m.Reads, ready)) == 0 })
		if next < 0 {
			return nil, fmt.Errorf("models wait for each other in a circle: %s", describe(waiting, ready))
		}
		sorted, ready = append(sorted, waiting[next]), append(ready, waiting[next].Table)
		waiting = slices.Delete(waiting, next, next+1)
	}
	return sorted, nil
}

func checkReads(models []Model, writer map[string]string) error {
	var faults []error
	for _, m := range models {
		for _, table := range m.Reads {
			if _, written := writer[table]; !written && !slices.Contains(slices.Concat(raw, reference), table) {
				faults = append(faults, fmt.Errorf("model %s reads %s, which no model writes and nothing else fills",
					m.Name, table))
			}
		}
	}
	return errors.Join(faults...)
}

// missing are the members of want that have lacks.
func missing(want, have []string) []string {
	return slices.DeleteFunc(slices.Clone(want), func(s string) bool { return slices.Contains(have, s) })
}

func describe(waiting []Model, ready []string) string {
	texts := make([]string, len(waiting))
	for i, m := range waiting {
		texts[i] = m.Name + " for " + strings.Join(missing(m.Reads, ready), " and ")
	}
	return strings.Join(texts, ", ")
}
