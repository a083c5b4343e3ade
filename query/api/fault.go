package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/gofiber/fiber/v2"

	"clew/query"
	"clew/query/clause"
)

// The stable codes of faults of HTTP itself.
const (
	CodeNotFound            = "not_found"
	CodeMethodNotAllowed    = "method_not_allowed"
	CodeBodyTooLarge        = "body_too_large"
	CodeUnsupportedEncoding = "unsupported_encoding"
	CodeHeadersTooLarge     = "headers_too_large"
	CodeRequestTimeout      = "request_timeout"
	CodeBadRequest          = "bad_request"
	CodeNotReady            = "not_ready"
	CodeDashboardNotBuilt   = "dashboard_not_built"
)

var errNotReady = &query.Problem{
	Code: CodeNotReady, Title: "The server cannot answer now", Status: http.StatusServiceUnavailable,
	Detail: "the warehouse does not answer", Hint: "the server's log says why; try again later",
}

var errNoDashboard = &query.Problem{
	Code: CodeDashboardNotBuilt, Title: "There is no web app in this program", Status: http.StatusNotFound,
	Detail: "the program was built without the dashboards", Hint: "run `make dashboards` and build again",
}

// guard sets what every response needs, and turns a panic into an answer.
func (s *server) guard(c *fiber.Ctx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.Log.Error("panic", "method", c.Method(), "path", c.Path(), "panic", r, "stack", string(debug.Stack()))
			err = internal()
		}
	}()
	secure(c)
	return c.Next()
}

// secure keeps browsers from guessing types, framing the page and loading anything that is not ours. The page styles
// its elements through the object model, so nothing inline is needed.
func secure(c *fiber.Ctx) {
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderContentSecurityPolicy,
		"default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
}

func notFound(*fiber.Ctx) error { return fiber.ErrNotFound }

// fail answers an error. fiber calls it for handlers, and for requests too broken to reach one.
func (s *server) fail(c *fiber.Ctx, err error) error {
	p := s.problem(c, err)
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	// A request that was too broken has not passed the guard.
	secure(c)
	c.Set(fiber.HeaderContentType, "application/problem+json; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(p.Status).Send(text)
}

// problem is what the caller sees of an error.
func (s *server) problem(c *fiber.Ctx, err error) *query.Problem {
	if p, ok := errors.AsType[*query.Problem](err); ok {
		return p
	}
	if f, ok := errors.AsType[*fiber.Error](err); ok {
		return transport(c, f)
	}
	s.Log.Error("request failed", "method", c.Method(), "path", c.Path(), "error", err)
	return internal()
}

func internal() *query.Problem {
	return clause.Failed(clause.CodeInternal, http.StatusInternalServerError, "the server's log says why",
		"the request could not be answered")
}

// transport is a fault that was found before any handler, or that a route answers with.
func transport(c *fiber.Ctx, f *fiber.Error) *query.Problem {
	p := &query.Problem{Status: f.Code, Title: http.StatusText(f.Code)}
	switch f.Code {
	case http.StatusNotFound:
		p.Code, p.Detail = CodeNotFound, fmt.Sprintf("there is nothing at %.200q", c.Path())
		p.Hint = "the API is under /api/v1"
	case http.StatusMethodNotAllowed:
		p.Code, p.Detail = CodeMethodNotAllowed, fmt.Sprintf("%.200q does not take %s", c.Path(), c.Method())
		p.Hint = "the header Allow names what it takes"
	case http.StatusRequestEntityTooLarge:
		p.Code, p.Detail = CodeBodyTooLarge, fmt.Sprintf("the body is larger than %d bytes", bodyLimit)
		p.Hint = "ask in several requests"
	case http.StatusUnsupportedMediaType:
		p.Code, p.Detail = CodeUnsupportedEncoding, "the body is compressed"
		p.Hint = "send it without Content-Encoding"
	case http.StatusRequestHeaderFieldsTooLarge:
		p.Code, p.Detail = CodeHeadersTooLarge, fmt.Sprintf("the headers are larger than %d bytes", headerLimit)
	case http.StatusRequestTimeout:
		p.Code, p.Detail = CodeRequestTimeout, "the request did not arrive in time"
	default:
		p.Code, p.Status, p.Title = CodeBadRequest, http.StatusBadRequest, http.StatusText(http.StatusBadRequest)
		p.Detail = "the request is not valid HTTP"
	}
	return p
}
