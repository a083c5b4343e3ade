package embedded

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// engineError is a failure in the engine's words: "Code: 60. DB::Exception: Unknown table … (UNKNOWN_TABLE)".
type engineError string

func (e engineError) Error() string { return string(e) }

// errNotStreamed says that the engine streams SELECTs only. Nothing was run.
var errNotStreamed = errors.New("the engine does not stream this statement")

// Is makes the engine's words for it errNotStreamed.
func (e engineError) Is(target error) bool {
	const words = "Code: 36. DB::Exception: Streaming query is not supported"
	return target == errNotStreamed && strings.HasPrefix(string(e), words)
}

var exceptionText = regexp.MustCompile(`(?s)^Code: (\d+)\. (\S*): (.*)$`)

var exceptionName = regexp.MustCompile(`\(([A-Z][A-Z0-9_]+)\)\s*$`)

// exception takes the text apart. A text in another shape, which only a misused connection gives, has code 0.
func (e engineError) exception() *clickhouse.Exception {
	m := exceptionText.FindStringSubmatch(string(e))
	if m == nil {
		return &clickhouse.Exception{Name: "DB::Exception", Message: string(e)}
	}
	code, _ := strconv.ParseInt(m[1], 10, 32)
	ex := &clickhouse.Exception{Code: int32(code), Name: m[2], Message: m[3]}
	if name := exceptionName.FindStringSubmatch(m[3]); name != nil {
		ex.CodeName = name[1]
	}
	return ex
}
