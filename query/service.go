package query

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"clew/query/catalog"
	"clew/query/clause"
	"clew/query/funnel"
	"clew/transform"
	"clew/transform/warehouse"
)

// Config says what a Service works with.
type Config struct {
	DB *warehouse.DB
	// Timezone is the business time zone, an IANA name as Asia/Shanghai.
	Timezone string
	// WeekStart is "monday" or "sunday"; empty means monday.
	WeekStart string
	// Now is the clock that "today" is told by.
	Now func() time.Time
	// Timeout is how long a request may take in all; 0 means 30 s.
	Timeout time.Duration
	// Model is the scoring model (name or name@version) that grade and avg_score speak of; empty: the one that scored
	// last.
	Model string
}

// Service answers requests. It is safe for concurrent use.
type Service struct {
	config    Config
	weekStart time.Weekday
	catalog   *catalog.Catalog
}

const defaultTimeout = 30 * time.Second

// New checks the config and reads the catalog.
func New(cfg Config) (*Service, error) {
	c, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	if cfg.DB == nil || cfg.Now == nil {
		return nil, errors.New("query service: DB and Now are needed")
	}
	if _, err := clause.Zone(cfg.Timezone); err != nil {
		return nil, fmt.Errorf("query service: business time zone: %w", err)
	}
	s := &Service{config: cfg, catalog: c}
	if cfg.Timeout <= 0 {
		s.config.Timeout = defaultTimeout
	}
	switch cfg.WeekStart {
	case "", "monday":
		s.config.WeekStart, s.weekStart = "monday", time.Monday
	case "sunday":
		s.weekStart = time.Sunday
	default:
		return nil, fmt.Errorf("query service: week start %q: use monday or sunday", cfg.WeekStart)
	}
	return s, nil
}

func (s *Service) options() clause.Options {
	return clause.Options{
		Timezone: s.config.Timezone, WeekStart: s.weekStart, Now: s.config.Now(), Model: s.config.Model,
	}
}

// noFacts is the warning of every answer before there is anything to answer from.
const noFacts = "no job has run yet, so there is nothing to count: run `clew jobs run all`"

// Metrics answers a query. A *Problem says what the caller can change; any other error is the operator's.
func (s *Service) Metrics(ctx context.Context, r Request) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	st, err := Compile(r, s.catalog, s.options())
	if err != nil {
		return nil, err
	}
	asOf, rows, err := s.ask(ctx, st.SQL, st.Params)
	if err != nil {
		return nil, err
	}
	a := &Answer{
		Query: st.Query, Annotation: annotate(s.catalog, st.Columns), AsOf: asOf, Timezone: st.Query.Timezone,
		Warnings: append([]string{}, st.Warnings...),
	}
	a.fill(st, rows)
	a.Warnings = append(a.Warnings, s.mixed(st, rows)...)
	if r.Limit == 0 && len(rows) == DefaultLimit {
		a.Warnings = append(a.Warnings, fmt.Sprintf("there may be more than these %d rows: ask on with offset", len(rows)))
	}
	if asOf == nil {
		a.Warnings = append(a.Warnings, noFacts)
	}
	return a, nil
}

// fill takes the visible columns.
func (a *Answer) fill(st *Statement, rows [][]any) {
	for _, c := range st.Columns {
		if c.Kind != ColumnMixed {
			a.Data.Keys = append(a.Data.Keys, c.Key)
		}
	}
	a.Data.Rows = make([][]any, len(rows))
	for i, row := range rows {
		// The columns of mixed currencies come last.
		values := make([]any, len(a.Data.Keys))
		for j := range values {
			values[j] = plain(st.Columns[j].Kind, row[j])
		}
		a.Data.Rows[i] = values
	}
}

// mixed warns of the sets of currencies that some row has more than one of.
func (s *Service) mixed(st *Statement, rows [][]any) []string {
	var warnings []string
	cube, _ := s.catalog.Cube(st.Cube)
	for i, c := range st.Columns {
		if c.Kind != ColumnMixed || !slices.ContainsFunc(rows, func(row []any) bool { return row[i] == uint8(1) }) {
			continue
		}
		var money []string
		for _, name := range st.Query.Measures {
			if m, _ := s.catalog.Measure(name); m.In[st.Cube].Currencies == c.Key {
				money = append(money, name)
			}
		}
		warnings = append(warnings, strings.Join(money, ", ")+": "+cube.Currencies[c.Key].Warning)
	}
	return warnings
}

// Funnel answers a funnel. Errors are as those of Metrics.
func (s *Service) Funnel(ctx context.Context, r funnel.Request) (*funnel.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	st, err := funnel.Compile(r, s.catalog, s.options())
	if err != nil {
		return nil, err
	}
	asOf, rows, err := s.ask(ctx, st.SQL, st.Params)
	if err != nil {
		return nil, err
	}
	a, err := st.Answer(rows)
	if err != nil {
		return nil, err
	}
	if a.AsOf = asOf; asOf == nil {
		a.Warnings = append(a.Warnings, noFacts)
	}
	return a, nil
}

// Explanation is the statement a query would run.
type Explanation struct {
	SQL    string         `json:"sql"`
	Params map[string]any `json:"params"`
	// Cube is the set of rows that answers.
	Cube  string  `json:"cube"`
	Query Request `json:"query"`
}

// Explain compiles a query without running it. Errors are *Problem.
func (s *Service) Explain(_ context.Context, r Request) (*Explanation, error) {
	st, err := Compile(r, s.catalog, s.options())
	if err != nil {
		return nil, err
	}
	return &Explanation{SQL: st.SQL, Params: st.Params, Cube: st.Cube, Query: st.Query}, nil
}

// asOf is the moment the facts are true for, nil where there are none.
func (s *Service) asOf(ctx context.Context) (*clause.Instant, error) {
	rows, err := s.rows(ctx, "SELECT maxOrNull(as_of) AS as_of FROM watermarks WHERE name = {name:String}",
		map[string]any{"name": transform.WatermarkName})
	if err != nil {
		return nil, err
	}
	if at, ok := rows[0][0].(time.Time); ok {
		return &clause.Instant{Time: at.UTC()}, nil
	}
	return nil, nil //nolint:nilnil // No facts is an answer, not an error.
}

// ask gives the rows of a statement and the moment they are true for. The moment is read first, so that it is never
// later than what the rows say.
func (s *Service) ask(ctx context.Context, sql string, params map[string]any) (*clause.Instant, [][]any, error) {
	asOf, err := s.asOf(ctx)
	if err != nil {
		return nil, nil, err
	}
	rows, err := s.rows(ctx, sql, params)
	return asOf, rows, err
}

// rows runs a statement to its end.
func (s *Service) rows(ctx context.Context, sql string, params map[string]any) ([][]any, error) {
	rows, err := s.config.DB.Query(warehouse.WithSettings(ctx, s.settings()), sql, warehouse.Params(params))
	if err != nil {
		return nil, failure(ctx, err)
	}
	defer rows.Close()
	var out [][]any
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return nil, failure(ctx, err)
		}
		out = append(out, values)
	}
	if err := rows.Err(); err != nil {
		return nil, failure(ctx, err)
	}
	return out, nil
}

// settings tell the engine its limit too, and to stop when nobody waits any more. A lead without a score must have the
// empty grade and not null, whatever the server's profile says.
func (s *Service) settings() map[string]any {
	return map[string]any{
		"cancel_http_readonly_queries_on_client_close": 1,
		"join_use_nulls":     0,
		"max_execution_time": max(1, int(s.config.Timeout.Seconds())),
	}
}

// The engine's numbers for failures that are the query's and not the engine's.
const (
	engineTimeout = 159
	engineMemory  = 241
)

// failure tells a query that asked for too much from an engine that does not work.
func failure(ctx context.Context, err error) error {
	const hint = "narrow the dates, or ask for fewer members"
	code := warehouse.ErrorCode(err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), code == engineTimeout:
		return clause.Failed(clause.CodeTimeout, http.StatusGatewayTimeout, hint, "the query was stopped at its time limit")
	case errors.Is(ctx.Err(), context.Canceled):
		return clause.Failed(clause.CodeCanceled, statusClientClosed, "", "the caller went away")
	case code == engineMemory:
		return clause.Failed(clause.CodeTooExpensive, http.StatusServiceUnavailable, hint,
			"the query was stopped at its memory limit")
	default:
		return fmt.Errorf("query the warehouse: %w", err)
	}
}

// statusClientClosed is what proxies log for a caller that did not wait; nobody receives it.
const statusClientClosed = 499
