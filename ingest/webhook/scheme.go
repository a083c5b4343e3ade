package webhook

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Proof is how a source proves itself.
type Proof struct {
	// Scheme is one of Schemes.
	Scheme string `yaml:"scheme"`
	// Secret is the key of the signature, the shared secret itself, or the Token of WeCom and Weiling.
	Secret string `yaml:"secret"`
	// AESKey is the EncodingAESKey of WeCom and Weiling: 43 characters.
	AESKey string `yaml:"aes_key"`
	// Receiver is whom the payload is for: WeCom's corp id, or the suite id of a third party's app; Weiling's app id;
	// Salesforce's organization id.
	Receiver string `yaml:"receiver"`
	// Header holds the signature of hmac, or the secret of token; default X-Signature-256 and Authorization.
	Header string `yaml:"header"`
	// Encoding of the signature of hmac: hex, the default, or base64.
	Encoding string `yaml:"encoding"`
	// Query is the parameter of the address that holds the secret of token or salesforce, for senders that can set no
	// header. Addresses are logged on their way: prefer a header.
	Query string `yaml:"query"`
	// URL is the address as the sender knows it, where a proxy changes the host or the path: HubSpot signs it.
	URL string `yaml:"url"`
}

// request is a request whose body was read.
type request struct {
	*http.Request
	body []byte
	now  time.Time
}

// refusal is a request that does not prove itself.
type refusal struct{ cause string }

func (r *refusal) Error() string { return r.cause }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// scheme is what a system does its own way.
type scheme struct {
	// open returns the payload as JSON. Its error is a *refusal, or says why the body holds no payload.
	open func(*inn, *request) ([]byte, error)
	// challenge answers a GET by which the system checks the address; nil where it does not.
	challenge func(*inn, url.Values) (string, error)
	// reply is what the system takes for success.
	reply func(http.ResponseWriter)
	// needs are the keys beside secret that must be set.
	needs []string
}

var schemes = map[string]scheme{
	"hubspot":    {open: plain(hubspot), reply: empty},
	"jiandaoyun": {open: plain(jiandaoyun), reply: said("success")},
	"wecom":      {open: openWecom, challenge: challengeWecom, reply: empty, needs: []string{"aes_key", "receiver"}},
	"weiling":    {open: openWeiling, challenge: challengeWeiling, reply: said("success"), needs: []string{"aes_key"}},
	"salesforce": {open: openSalesforce, reply: acknowledge, needs: []string{"receiver"}},
	"hmac":       {open: plain(signed), reply: empty},
	"token":      {open: plain(token), reply: empty},
}

// Schemes returns the names of the schemes, sorted.
func Schemes() []string { return slices.Sorted(maps.Keys(schemes)) }

// Validate returns all faults at once, each naming its key and the remedy.
func (p Proof) Validate() error {
	s, ok := schemes[p.Scheme]
	if !ok {
		return fmt.Errorf("scheme: %q is not known: use one of %s", p.Scheme, strings.Join(Schemes(), ", "))
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	// A short secret can be found by trying; the systems' own are far longer.
	if len(p.Secret) < 8 && p.Scheme != "wecom" && p.Scheme != "weiling" {
		fault("secret: has %d characters: take at least 8, at random", len(p.Secret))
	}
	if p.Secret == "" && s.challenge != nil {
		fault("secret: is missing: set the Token of the callback")
	}
	if slices.Contains(s.needs, "receiver") && p.Receiver == "" {
		fault("receiver: is missing: set the corp id of WeCom, or the organization id of Salesforce")
	}
	if slices.Contains(s.needs, "aes_key") {
		if _, err := p.aesKey(); err != nil {
			fault("aes_key: %w", err)
		}
	}
	if p.Encoding != "" && p.Encoding != "hex" && p.Encoding != "base64" {
		fault("encoding: %q is not known: use hex or base64", p.Encoding)
	}
	if u, err := url.Parse(p.URL); p.URL != "" && (err != nil || u.Scheme == "" || u.Host == "") {
		fault("url: %q is no address: write it whole, as https://example.com/v1/sources/hubspot", p.URL)
	}
	return errors.Join(faults...)
}

// plain is a payload that is JSON as it comes.
func plain(check func(*inn, *request) error) func(*inn, *request) ([]byte, error) {
	return func(in *inn, r *request) ([]byte, error) { return r.body, check(in, r) }
}

func empty(w http.ResponseWriter) { answer(w, http.StatusOK, "") }

func said(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { answer(w, http.StatusOK, text) }
}

// hubspotWindow is how old a request may be.
const hubspotWindow = 5 * time.Minute

// hubspotDecode are the escapes that HubSpot signs in their plain form.
var hubspotDecode = func() *strings.Replacer {
	var pairs []string
	for _, c := range ":/?@!$'()*,;" {
		pairs = append(pairs, fmt.Sprintf("%%%02X", c), string(c), fmt.Sprintf("%%%02x", c), string(c))
	}
	return strings.NewReplacer(pairs...)
}()

// hubspot checks the signature of version 3: HMAC-SHA256 in base64 of method, address, body and time in milliseconds.
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
func hubspot(in *inn, r *request) error {
	stamp := r.Header.Get("X-HubSpot-Request-Timestamp")
	ms, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return refuse("X-HubSpot-Request-Timestamp %q is no time in milliseconds", stamp)
	}
	if age := r.now.Sub(time.UnixMilli(ms)); age > hubspotWindow {
		return refuse("the request is %s old, and HubSpot's are void after %s: check this machine's clock",
			age.Round(time.Second), hubspotWindow)
	}
	address := in.Proof.URL
	if address == "" {
		address = "https://" + r.Host + r.URL.RequestURI()
	}
	mac := hmac.New(sha256.New, []byte(in.Proof.Secret))
	mac.Write([]byte(r.Method + hubspotDecode.Replace(address)))
	mac.Write(r.body)
	mac.Write([]byte(stamp))
	return same(r.Header.Get("X-HubSpot-Signature-v3"), base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// jiandaoyun checks SHA-1 in hex of nonce, body, secret and timestamp, joined by colons.
// https://hc.jiandaoyun.com/open/11507
func jiandaoyun(in *inn, r *request) error {
	q := r.URL.Query()
	sum := sha1.New()
	sum.Write([]byte(q.Get("nonce") + ":"))
	sum.Write(r.body)
	sum.Write([]byte(":" + in.Proof.Secret + ":" + q.Get("timestamp")))
	return same(strings.ToLower(r.Header.Get("X-JDY-Signature")), hex.EncodeToString(sum.Sum(nil)))
}

// signed checks HMAC-SHA256 of the body, with or without "sha256=" before it.
func signed(in *inn, r *request) error {
	header := in.Proof.Header
	if header == "" {
		header = "X-Signature-256"
	}
	mac := hmac.New(sha256.New, []byte(in.Proof.Secret))
	mac.Write(r.body)
	got := strings.TrimPrefix(r.Header.Get(header), "sha256=")
	if in.Proof.Encoding == "base64" {
		return same(got, base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return same(strings.ToLower(got), hex.EncodeToString(mac.Sum(nil)))
}

// token checks a shared secret: in a header of its own, as bearer token, as password of Basic, or in the address.
func token(in *inn, r *request) error {
	var got string
	switch p := in.Proof; {
	case p.Query != "":
		got = r.URL.Query().Get(p.Query)
	case p.Header != "":
		got = r.Header.Get(p.Header)
	default:
		_, password, basic := r.BasicAuth()
		got = password
		if !basic {
			kind, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			if strings.EqualFold(kind, "bearer") {
				got = strings.TrimSpace(rest)
			}
		}
	}
	return same(got, in.Proof.Secret)
}

// same compares in constant time, whatever the lengths: only digests are compared.
func same(got, want string) error {
	if got == "" {
		return refuse("the signature or secret is missing")
	}
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return refuse("the signature or secret is wrong")
	}
	return nil
}
