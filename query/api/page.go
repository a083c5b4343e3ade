package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// page is one file of the web app.
type page struct {
	body            []byte
	mime, etag, age string
}

// index is answered for every path that is a place inside the web app and no file.
const index = "index.html"

// Files under assets/ have a hash of their content in their name.
const (
	ageForever = "public, max-age=31536000, immutable"
	ageCheck   = "no-cache"
)

// mimes are written out because the system's own table differs from one machine to the next.
var mimes = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".ico": "image/x-icon",
	".js": "text/javascript; charset=utf-8", ".json": "application/json", ".map": "application/json",
	".png": "image/png", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json", ".woff2": "font/woff2",
}

// readPages reads the web app into memory: it is small, and what is not in the map cannot be asked for.
func readPages(dashboard fs.FS) (map[string]page, error) {
	pages := map[string]page{}
	err := fs.WalkDir(dashboard, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		body, err := fs.ReadFile(dashboard, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		sum := sha256.Sum256(body)
		p := page{body: body, mime: mimes[path.Ext(name)], etag: `"` + hex.EncodeToString(sum[:16]) + `"`, age: ageCheck}
		if p.mime == "" {
			p.mime = "application/octet-stream"
		}
		if strings.HasPrefix(name, "assets/") {
			p.age = ageForever
		}
		pages[name] = p
		return nil
	})
	return pages, err
}

func (s *server) dashboard(c *fiber.Ctx) error {
	name := strings.TrimPrefix(c.Path(), "/")
	p, ok := s.pages[name]
	if !ok && path.Ext(name) == "" {
		if p, ok = s.pages[index]; !ok {
			return errNoDashboard
		}
	}
	if !ok {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderETag, p.etag)
	c.Set(fiber.HeaderCacheControl, p.age)
	if c.Get(fiber.HeaderIfNoneMatch) == p.etag {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, p.mime)
	return c.Send(p.body)
}
