package api

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Metrics watches the server and writes what is known of the whole program. Both methods may be called from many
// goroutines at once.
type Metrics interface {
	// Answered is told of each request. It must return at once.
	Answered(r Answered)
	// WriteMetrics writes Prometheus's text format, version 0.0.4.
	WriteMetrics(ctx context.Context, w io.Writer) error
}

// Answered is a request and how it was answered.
type Answered struct {
	// Route is the pattern of the path, so that there are few of them.
	Route  string
	Method string
	Status int
	Took   time.Duration
}

// measure tells the metrics of each request. A fault is answered here, for its status to be known.
func (s *server) measure(c *fiber.Ctx) error {
	if s.Metrics == nil {
		return c.Next()
	}
	began := s.Now()
	err := c.Next()
	if err != nil {
		err = s.fail(c, err)
	}
	s.Metrics.Answered(Answered{
		Route: c.Route().Path, Method: c.Method(), Status: c.Response().StatusCode(), Took: s.Now().Sub(began),
	})
	return err
}

func (s *server) metrics(c *fiber.Ctx) error {
	ctx, stop := follow(c)
	defer stop()
	var text strings.Builder
	if err := s.Metrics.WriteMetrics(ctx, &text); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/plain; version=0.0.4; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.SendString(text.String())
}
