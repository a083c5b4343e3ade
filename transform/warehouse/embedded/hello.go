package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// helloQuery is what clickhouse-go asks first on every connection.
const helloQuery = "SELECT displayName(), version(), revision(), timezone()"

// greeting is the answer to helloQuery. It is the one block that must be in the client's own revision, with block info
// and a byte of custom serialization; it says revision 0, after which the client reads blocks as the engine's Native
// format writes them, without either.
func (e *Engine) greeting() ([]byte, error) {
	answer, err := e.control.run(context.Background(), "SELECT version()", "TSVRaw", nil)
	if err != nil {
		return nil, err
	}
	block := []byte{1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0} // block info: no overflow, no bucket
	block = append(block, 4, 1)                         // columns, rows
	for _, column := range [][3]string{
		{"displayName()", "String", counted("embedded")},
		{"version()", "String", counted(strings.TrimSpace(string(answer)))},
		{"revision()", "UInt32", "\x00\x00\x00\x00"},
		{"timezone()", "String", counted("UTC")},
	} {
		block = append(block, counted(column[0])+counted(column[1])+"\x00"+column[2]...)
	}
	return block, nil
}

// describe is the answer to a SELECT without rows: a block that names the columns, as a server sends it and the engine
// in process does not. Formats other than Native stay empty.
func (s *session) describe(ctx context.Context, r *request) ([]byte, error) {
	if r.format != "Native" || ownFormat.MatchString(r.sql) {
		return nil, nil
	}
	sql := "DESCRIBE TABLE (\n" + strings.TrimRight(r.sql, "; \t\r\n") + "\n) SETTINGS print_pretty_type_names = 0"
	answer, err := s.run(ctx, sql, "JSONCompactEachRow", r.params)
	if err != nil {
		return nil, err
	}
	var block []byte
	count := 0
	for line := range bytes.Lines(answer) {
		var column []string
		if err := json.Unmarshal(line, &column); err != nil {
			return nil, fmt.Errorf("columns of an answer without rows: %w", err)
		}
		block = append(block, counted(column[0])+counted(column[1])...)
		count++
	}
	return slices.Concat(binary.AppendUvarint(nil, uint64(count)), []byte{0}, block), nil
}

// ownFormat finds a statement that names its format itself.
var ownFormat = regexp.MustCompile(`(?i)\sFORMAT\s+\w+\s*(;\s*)?$`)

// counted writes a string as the Native format does, its length first.
func counted(s string) string {
	return string(binary.AppendUvarint(nil, uint64(len(s)))) + s
}
