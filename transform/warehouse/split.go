package warehouse

import (
	"regexp"
	"strings"
)

// sqlToken is what must be read as one piece so that a semicolon in it ends nothing: a comment, a string, a quoted
// name; or else a semicolon, any run of other bytes, or one byte.
var sqlToken = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|` +
	"`(?:[^`\\\\]|\\\\.)*`" + `|;|[^-/'";` + "`" + `]+|.`)

var sqlComment = regexp.MustCompile(`(?s)^(--|/\*)`)

// split cuts a file into its statements, without the semicolons. Pieces of nothing but comments are left out.
func split(text string) []string {
	var statements []string
	var piece strings.Builder
	content := false
	flush := func() {
		if content {
			statements = append(statements, strings.TrimSpace(piece.String()))
		}
		piece.Reset()
		content = false
	}
	for _, token := range sqlToken.FindAllString(text, -1) {
		if token == ";" {
			flush()
			continue
		}
		content = content || (strings.TrimSpace(token) != "" && !sqlComment.MatchString(token))
		piece.WriteString(token)
	}
	flush()
	return statements
}
