package collect

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"clew/ingest/event"
)

// unknownBody is the most bytes that are read of a body before its sender is known by a write key in it.
const unknownBody = 512 << 10

// keys are the digests of the write keys. Comparing digests takes the same time whatever is presented.
type keys []struct {
	digest    [sha256.Size]byte
	workspace string
}

func newKeys(byKey map[string]string) keys {
	k := make(keys, len(byKey))
	for i, key := range slices.Sorted(maps.Keys(byKey)) {
		k[i].digest, k[i].workspace = sha256.Sum256([]byte(key)), byKey[key]
	}
	return k
}

// workspace returns that of a key. All keys are looked at, so that the time tells nothing.
func (k keys) workspace(presented string) (workspace string, known bool) {
	digest := sha256.Sum256([]byte(presented))
	for i := range k {
		if subtle.ConstantTimeCompare(digest[:], k[i].digest[:]) == 1 {
			workspace, known = k[i].workspace, true
		}
	}
	return workspace, known
}

// CheckKeys says what is wrong with the keys of the settings.
func CheckKeys(byKey map[string]string) error {
	if len(byKey) == 0 {
		return errors.New("collect.keys: is empty; name a write key and its workspace, such as {KEY: default}")
	}
	var faults []error
	for i, key := range slices.Sorted(maps.Keys(byKey)) {
		workspace := byKey[key]
		switch {
		case len(key) < 8 || len(key) > 256 || strings.ContainsFunc(key, notKey):
			faults = append(faults, fmt.Errorf("collect.keys: key %d of %d is not 8 to 256 letters, digits, - and _; "+
				"make one by `openssl rand -hex 16`", i+1, len(byKey)))
		case workspace == "" || utf8.RuneCountInString(workspace) > event.MaxID:
			faults = append(faults, fmt.Errorf("collect.keys: the workspace of key %d of %d is empty or longer than %d; "+
				"the usual one is default", i+1, len(byKey), event.MaxID))
		}
	}
	return errors.Join(faults...)
}

func notKey(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
}

func unauthorized() *Fault {
	return &Fault{Code: CodeUnauthorized, Detail: "the write key is missing or not known: give it as the user name of " +
		"Basic authorization or as writeKey in the body; collect.keys names those that are known"}
}

// CheckOrigins says what is wrong with the origins of the settings.
func CheckOrigins(origins []string) error {
	var faults []error
	for _, o := range origins {
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != o) {
			faults = append(faults, fmt.Errorf("collect.origins: %q is no origin; write it as https://www.example.com, "+
				"without a path, or * for all", o))
		}
	}
	return errors.Join(faults...)
}

// allowOrigin tells a browser that a page of a known origin may read the answer, and the time to wait with it. Pages of
// other origins are not told so: the write key alone says who may send.
func (c *Collector) allowOrigin(h http.Header, r *http.Request) {
	h.Add("Vary", "Origin") // also where there is none: a cache may keep the settings for a browser
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	if slices.Contains(c.cfg.Origins, "*") || slices.Contains(c.cfg.Origins, origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "Retry-After")
	}
}

// preflight answers a browser that asks before it sends.
func (c *Collector) preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Header.Get("Origin") != "" && h.Get("Access-Control-Allow-Origin") == "" {
		answer(w, http.StatusForbidden, refused{Fault: &Fault{
			Code: CodeUnauthorized, Detail: fmt.Sprintf("pages of %.100q may not send: add it to collect.origins",
				r.Header.Get("Origin")),
		}})
		return
	}
	h.Set("Access-Control-Allow-Methods", "POST, GET")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding, X-Retry-Count, "+
		"Ce-Id, Ce-Source, Ce-Specversion, Ce-Subject, Ce-Time, Ce-Type")
	h.Set("Access-Control-Max-Age", "7200") // as long as browsers remember
	w.WriteHeader(http.StatusNoContent)
}

// settings is what the browser's SDK loads before it sends: that there is one destination, and where. The SDK needs no
// other server then. It says no more than the page that asks knows already.
func (c *Collector) settings(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	if _, known := c.keys.workspace(key); !known {
		c.refuse(w, unauthorized())
		return
	}
	protocol := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		protocol = "https"
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	answer(w, http.StatusOK, map[string]any{"integrations": map[string]any{
		"Segment.io": map[string]any{"apiKey": key, "apiHost": r.Host + "/v1", "protocol": protocol},
	}})
}
