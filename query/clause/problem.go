package clause

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// The stable codes of problems a caller can act on. They are part of the API: a code is never renamed.
const (
	CodeBadJSON             = "bad_json"
	CodeUnknownKey          = "unknown_key"
	CodeWrongType           = "wrong_type"
	CodeEmptyQuery          = "empty_query"
	CodeUnknownMember       = "unknown_member"
	CodeIncompatibleMembers = "incompatible_members"
	CodeDuplicateMember     = "duplicate_member"
	CodeTooManyMembers      = "too_many_members"
	CodeBadGranularity      = "bad_granularity"
	CodeBadTimeDimension    = "bad_time_dimension"
	CodeBadDateRange        = "bad_date_range"
	CodeBadTimezone         = "bad_timezone"
	CodeBadFilter           = "bad_filter"
	CodeBadOperator         = "bad_operator"
	CodeBadFilterValue      = "bad_filter_value"
	CodeTooManyFilters      = "too_many_filters"
	CodeBadOrder            = "bad_order"
	CodeBadLimit            = "bad_limit"
	CodeTimeout             = "timeout"
	CodeTooExpensive        = "too_expensive"
	CodeCanceled            = "canceled"
	CodeInternal            = "internal"
)

// Problem is a fault the caller may see: what is wrong, where, and what to do. It marshals as problem+json (RFC 9457).
type Problem struct {
	// Title says what kind of fault it is, the same for every problem of the code.
	Title string `json:"title"`
	// Status is the HTTP status.
	Status int `json:"status"`
	// Code is stable; programs act on it.
	Code string `json:"code"`
	// Detail names the thing at fault.
	Detail string `json:"detail,omitempty"`
	// Hint is the remedy.
	Hint string `json:"hint,omitempty"`
}

// titles are in English: they are for the people who write clients.
var titles = map[string]string{
	CodeBadJSON:             "The body is not one JSON object",
	CodeUnknownKey:          "The request has a key that means nothing",
	CodeWrongType:           "A value has the wrong type",
	CodeEmptyQuery:          "The query asks for nothing",
	CodeUnknownMember:       "There is no such member",
	CodeIncompatibleMembers: "These members cannot be answered together",
	CodeDuplicateMember:     "A member is asked for twice",
	CodeTooManyMembers:      "The query has too many members",
	CodeBadGranularity:      "There is no such granularity",
	CodeBadTimeDimension:    "The time dimension asks for nothing",
	CodeBadDateRange:        "The date range cannot be read",
	CodeBadTimezone:         "There is no such time zone",
	CodeBadFilter:           "The filter cannot be read",
	CodeBadOperator:         "The operator does not fit the member",
	CodeBadFilterValue:      "The value does not fit the operator",
	CodeTooManyFilters:      "There are too many filters",
	CodeBadOrder:            "The order cannot be followed",
	CodeBadLimit:            "The limit is out of range",
	CodeTimeout:             "The query took too long",
	CodeTooExpensive:        "The query needs more memory than it may use",
	CodeCanceled:            "The query was canceled",
	CodeInternal:            "The query failed",
}

// Invalid makes a problem of a request that must be changed before it is sent again (status 400).
func Invalid(code, hint, format string, args ...any) *Problem {
	return Failed(code, http.StatusBadRequest, hint, format, args...)
}

// Failed makes a problem of any other status.
func Failed(code string, status int, hint, format string, args ...any) *Problem {
	return &Problem{
		Code: code, Title: Title(code), Status: status, Detail: fmt.Sprintf(format, args...), Hint: hint,
	}
}

// Title is the title of a code. A code of another package carries its own, so an unknown one is its own title.
func Title(code string) string {
	if t, ok := titles[code]; ok {
		return t
	}
	return code
}

// Error is the problem in one line for a terminal.
func (p *Problem) Error() string {
	if p.Hint == "" {
		return fmt.Sprintf("%s: %s", p.Code, p.Detail)
	}
	return fmt.Sprintf("%s: %s (%s)", p.Code, p.Detail, p.Hint)
}

// MarshalJSON writes the problem as application/problem+json: with its type, a URN made of the code.
func (p *Problem) MarshalJSON() ([]byte, error) {
	type plain Problem
	return json.Marshal(struct {
		Type string `json:"type"`
		*plain
	}{"urn:clew:problem:" + p.Code, (*plain)(p)})
}
