package embedded

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// request is a statement and what goes with it.
type request struct {
	http     *http.Request
	body     io.ReadCloser
	id       string
	database string
	settings map[string]string
	params   map[string]string
	sql      string
	format   string
}

// notSettings are the parts of a URL's query that are not settings of the statement.
var notSettings = map[string]bool{
	"query": true, "query_id": true, "quota_key": true, "database": true, "default_format": true,
	"client_protocol_version": true, "user": true, "password": true, "role": true, "compress": true,
	"decompress": true, "buffer_size": true, "wait_end_of_query": true, "session_id": true,
	"session_timeout": true, "session_check": true, "stacktrace": true,
}

// parse takes a request apart as ClickHouse's HTTP interface does.
func parse(req *http.Request) (*request, error) {
	query := req.URL.Query()
	r := &request{
		http: req, body: req.Body, sql: query.Get("query"),
		id: query.Get("query_id"), database: query.Get("database"),
		format:   cmp.Or(query.Get("default_format"), "TabSeparated"),
		settings: map[string]string{}, params: map[string]string{},
	}
	if r.body == nil {
		r.body = http.NoBody
	}
	for name := range query {
		if param, ok := strings.CutPrefix(name, "param_"); ok {
			r.params[param] = query.Get(name)
		} else if !notSettings[name] {
			r.settings[name] = query.Get(name)
		}
	}
	err := refuse(req)
	if err == nil && r.sql == "" {
		err = r.readStatement()
	}
	if err != nil {
		return nil, errors.Join(err, r.body.Close())
	}
	return r, nil
}

// refuse names what of the HTTP interface this one does not have.
func refuse(req *http.Request) error {
	query := req.URL.Query()
	packed := req.Header.Get("Content-Encoding") != "" || query.Get("compress") == "1" || query.Get("decompress") == "1"
	if packed {
		return errors.New("the embedded engine does not compress what stays in the process: open without compression")
	}
	if strings.HasPrefix(req.Header.Get("Content-Type"), "multipart/") {
		return errors.New("the embedded engine takes no external tables: write them to a table first")
	}
	return nil
}

func (r *request) readStatement() error {
	text, err := io.ReadAll(r.body)
	if err != nil {
		return fmt.Errorf("read the statement: %w", err)
	}
	r.sql = string(text)
	return nil
}

// insertWithFormat is an INSERT that ends in the format of rows which are not in it.
var insertWithFormat = regexp.MustCompile(`(?is)^(\s*INSERT\s.*?)\s+FORMAT\s+(\w+)\s*;?\s*$`)

// insertOfBody says whether the statement inserts the rows in the request's body, and gives its two parts.
func (r *request) insertOfBody() (sql, format string, ok bool) {
	m := insertWithFormat.FindStringSubmatch(r.sql)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}
