// Package api serves the query service over HTTP, and the web app beside it. It is the door to fiber.
//
// Every fault is answered as problem+json (RFC 9457) with a stable code. What a caller cannot change is logged with its
// cause and answered without it.
package api

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"clew/query"
	"clew/query/funnel"
)

// Service answers requests; *query.Service is one. Each method may be called from many goroutines at once, may be
// repeated, and must return soon after ctx ends. A *query.Problem is shown to the caller, any other error is logged.
type Service interface {
	Metrics(ctx context.Context, r query.Request) (*query.Answer, error)
	Funnel(ctx context.Context, r funnel.Request) (*funnel.Answer, error)
	Meta(ctx context.Context) (*query.Meta, error)
	Explain(ctx context.Context, r query.Request) (*query.Explanation, error)
}

// Config says what the server serves.
type Config struct {
	Service Service
	// DeadLetters are shown and sent again under /api/v1/deadletters. Nil: there is nothing at that path.
	DeadLetters DeadLetters
	// Dashboard is the built web app with index.html at its root, read once. Nil: there is none.
	Dashboard fs.FS
	// Ready returns why requests cannot be answered now, or nil. It is asked by GET /readyz. Nil: always ready.
	Ready func(ctx context.Context) error
	// Metrics are served at GET /metrics. Nil: there are none. Now measures how long requests take, for Metrics only.
	Metrics Metrics
	Now     func() time.Time
	Log     *slog.Logger
}

const (
	// bodyLimit is in bytes. Bodies are never decompressed, so it bounds what is read and what is parsed.
	bodyLimit    = 1 << 20
	headerLimit  = 16 << 10
	readTimeout  = 30 * time.Second
	writeTimeout = 2 * time.Minute
	idleTimeout  = 2 * time.Minute
)

type server struct {
	Config
	pages map[string]page
}

// New makes the server. Serve it with app.Listener on a loopback address: there is no access control yet.
func New(cfg Config) *fiber.App {
	s := &server{Config: cfg}
	if cfg.Dashboard != nil {
		var err error
		if s.pages, err = readPages(cfg.Dashboard); err != nil {
			cfg.Log.Error("the dashboards cannot be read, so they are not served", "error", err)
		}
	}
	app := fiber.New(fiber.Config{
		DisableStartupMessage: true, CaseSensitive: true, ErrorHandler: s.fail,
		// Without it strings taken from a request change when fasthttp reuses its buffers.
		Immutable: true,
		BodyLimit: bodyLimit, ReadBufferSize: headerLimit,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	})
	app.Use(s.measure, s.guard)
	s.route(app, http.MethodPost, "/api/v1/query", s.query)
	s.route(app, http.MethodPost, "/api/v1/query/sql", s.explain)
	s.route(app, http.MethodPost, "/api/v1/funnels/query", s.funnel)
	s.route(app, http.MethodGet, "/api/v1/meta", s.meta)
	if cfg.DeadLetters != nil {
		s.route(app, http.MethodGet, "/api/v1/deadletters", s.listDeadLetters)
		s.route(app, http.MethodGet, "/api/v1/deadletters/:topic/:partition/:offset", s.showDeadLetter)
		s.route(app, http.MethodPost, "/api/v1/deadletters/:topic/:partition/:offset/replay", s.replayDeadLetter)
	}
	if cfg.Metrics != nil {
		s.route(app, http.MethodGet, "/metrics", s.metrics)
	}
	s.route(app, http.MethodGet, "/healthz", s.healthz)
	s.route(app, http.MethodGet, "/readyz", s.readyz)
	app.Use("/api", notFound)
	s.route(app, http.MethodGet, "/*", s.dashboard)
	return app
}

// route answers one method on a path, and says which one to every other.
func (*server) route(app *fiber.App, method, path string, handler fiber.Handler) {
	allowed := method
	if method == http.MethodGet {
		allowed = http.MethodGet + ", " + http.MethodHead
		app.Head(path, handler)
	}
	app.Add(method, path, handler)
	app.All(path, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, allowed)
		return fiber.ErrMethodNotAllowed
	})
}

func (s *server) query(c *fiber.Ctx) error {
	return answer(c, query.Decode, func(ctx context.Context, r query.Request) (any, error) {
		return s.Service.Metrics(ctx, r)
	})
}

func (s *server) explain(c *fiber.Ctx) error {
	return answer(c, query.Decode, func(ctx context.Context, r query.Request) (any, error) {
		return s.Service.Explain(ctx, r)
	})
}

func (s *server) funnel(c *fiber.Ctx) error {
	return answer(c, funnel.Decode, func(ctx context.Context, r funnel.Request) (any, error) {
		return s.Service.Funnel(ctx, r)
	})
}

func (s *server) meta(c *fiber.Ctx) error {
	ctx, stop := follow(c)
	defer stop()
	m, err := s.Service.Meta(ctx)
	if err != nil {
		return err
	}
	return send(c, m)
}

// answer reads the body as a request, asks, and sends what comes back.
func answer[R any](c *fiber.Ctx, decode func([]byte) (R, error), ask func(context.Context, R) (any, error)) error {
	body, err := body(c)
	if err != nil {
		return err
	}
	r, err := decode(body)
	if err != nil {
		return err
	}
	ctx, stop := follow(c)
	defer stop()
	a, err := ask(ctx, r)
	if err != nil {
		return err
	}
	return send(c, a)
}

// body is a copy of the body as it came: fiber's own c.Body would decompress it without a limit, and the buffer is
// used again for the next request.
func body(c *fiber.Ctx) ([]byte, error) {
	if coding := c.Get(fiber.HeaderContentEncoding); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, fiber.ErrUnsupportedMediaType
	}
	return slices.Clone(c.Request().Body()), nil
}

func send(c *fiber.Ctx, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/json; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Send(text)
}

// follow is a context for the work on a request: it ends when the client hangs up. Stop ends it too, and must be
// called before the handler returns, because the connection then goes on to the next request.
func follow(c *fiber.Ctx) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	// Taken here: the request's own context must not be touched by another goroutine.
	conn := c.Context().Conn()
	go func() {
		defer close(done)
		watch(ctx, conn, cancel)
	}()
	return ctx, func() {
		cancel()
		<-done
	}
}

func (*server) healthz(c *fiber.Ctx) error {
	return send(c, map[string]string{"status": "ok"})
}

func (s *server) readyz(c *fiber.Ctx) error {
	if s.Ready != nil {
		ctx, stop := follow(c)
		defer stop()
		if err := s.Ready(ctx); err != nil {
			s.Log.Warn("not ready", "error", err)
			return errNotReady
		}
	}
	return send(c, map[string]string{"status": "ready"})
}
