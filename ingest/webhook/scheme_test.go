package webhook

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The expected signatures and ciphertexts were made with openssl:
//
//	hubspot     printf '%s' 'POSThttps://clew.example/…[…]1767225600123' |
//	            openssl dgst -sha256 -hmac SECRET -binary | base64
//	jiandaoyun  printf '%s' 'NONCE:BODY:SECRET:TIMESTAMP' | openssl dgst -sha1
//	hmac        printf '%s' 'BODY' | openssl dgst -sha256 -hmac SECRET [-binary | base64]
//	wecom       openssl enc -aes-256-cbc -nopad -K KEY -iv KEY[:16] | base64, of the text padded to 32 bytes;
//	            printf '%s' 'SORTED PARTS' | openssl dgst -sha1
const (
	hubspotBody = `[{"eventId":1,"subscriptionType":"contact.creation","objectId":123,"occurredAt":1767225600000}]`
	hubspotSign = "L2B3pFhAAAGmFxI3a3P3D8KSiSopti94JwRnBNGvqzU="
	jdyBody     = `{"op":"data_create","data":{"_id":"1"}}`
	jdySign     = "3494807fca7b2199a01fbee66fc7df20629d3c09"
	hmacHex     = "79dc672dd5439e96f1a0f0dc8fddb01ef284d46a8f4b161ff3d0d81148cae61f"
	hmacBase64  = "edxnLdVDnpbxoPDcj92wHvKE1GqPSxYf89DYEUjK5h8="
	aesKey      = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	wxToken     = "a-token-of-16-ch"
	// The same message of Weiling in WeCom's layout and bare: which one it sends is not public.
	weilingMessage = `{"header":{"event_type":"progress_add"},"event":{"progress_id":"p1"}}`
	weilingSealed  = "Q3stYC6hdFzMh9T8HCvyDEQCo/X/irOXHigx3gTjKwP12G2tzMY8o9/1NHX/RNsDIBBPx+9DOx8wl8VLmjQjLRAj" +
		"6y9isJH0l8ipc670r5xaxgvRcpw8aMG/49fMyyTG"
	weilingBare = "7ENXkB4xL7Y5sY9R4oga3/FXnuPd3PnSF0pQOxkN+EgHky0/5O3oHm7AQ3EkXoa/xtKI1noH423xDhZKj+8L5JnrFo/9K3pxk0GR" +
		"n9Ep6YKYzscJ+kSt4R6VE3MJQNcw"
	weilingEcho = "Q3stYC6hdFzMh9T8HCvyDHx378UyYhGRQUn7wQFB+mTlssv5LQIWbTDXop6hk3xebHhmyganhSowbuE9GNqWhQ=="
)

// exchange is a request, and what comes of it. An empty reply is the answer's body too, of code 200.
type exchange struct {
	name    string
	proof   Proof
	now     time.Time
	r       *http.Request
	code    int
	reply   string
	payload []string
}

func (c exchange) run(t *testing.T) {
	t.Helper()
	k := &kafka{}
	now := c.now
	if now.IsZero() {
		now = noon
	}
	h := newHandler(t, k, now, map[string]Source{"s": {Proof: c.proof, Events: echo}})
	w := serve(h, c.r)
	if w.Code != c.code || (c.code == 200 && w.Body.String() != c.reply) {
		t.Errorf("answered %d %q, want %d %q", w.Code, w.Body, c.code, c.reply)
	}
	if c.payload == nil {
		c.payload = []string{}
	}
	if got := payloads(t, k.messages); !reflect.DeepEqual(got, c.payload) {
		t.Errorf("payload %q, want %q", got, c.payload)
	}
}

func TestHubSpot(t *testing.T) {
	proof := Proof{Scheme: "hubspot", Secret: "a-client-secret-of-an-app"}
	behind := Proof{Scheme: "hubspot", Secret: proof.Secret, URL: "https://clew.example/v1/sources/hubspot?a=b%3Ac"}
	sent := time.UnixMilli(1767225600123)
	// What is signed has b:c; the escape in the address must be undone.
	request := func(target, body, stamp, signature string) *http.Request {
		return post(target, body, "X-HubSpot-Signature-v3", signature, "X-HubSpot-Request-Timestamp", stamp)
	}
	const address = "https://clew.example/v1/sources/s?a=b%3Ac"
	for _, c := range []exchange{
		{
			name: "behind a proxy", proof: behind, now: sent, code: 200, payload: []string{hubspotBody},
			r: request("http://10.0.0.1/v1/sources/s", hubspotBody, "1767225600123", hubspotSign),
		},
		{
			name: "five minutes old", proof: behind, now: sent.Add(5 * time.Minute), code: 200, payload: []string{hubspotBody},
			r: request(address, hubspotBody, "1767225600123", hubspotSign),
		},
		{
			name: "older", proof: behind, now: sent.Add(5*time.Minute + time.Millisecond), code: 401,
			r: request(address, hubspotBody, "1767225600123", hubspotSign),
		},
		{
			name: "another time signed", proof: behind, now: sent, code: 401,
			r: request(address, hubspotBody, "1767225600124", hubspotSign),
		},
		{
			name: "no time", proof: behind, now: sent, code: 401,
			r: request(address, hubspotBody, "", hubspotSign),
		},
		{
			name: "another body", proof: behind, now: sent, code: 401,
			r: request(address, hubspotBody+" ", "1767225600123", hubspotSign),
		},
		{
			name: "another address", proof: proof, now: sent, code: 401,
			r: request(address, hubspotBody, "1767225600123", hubspotSign),
		},
		{
			name: "no signature", proof: behind, now: sent, code: 401,
			r: post(address, hubspotBody, "X-HubSpot-Request-Timestamp", "1767225600123"),
		},
	} {
		t.Run(c.name, c.run)
	}
}

// TestHubSpotSignsTheAddressItPostsTo takes host and path from the request where no url is configured.
func TestHubSpotSignsTheAddressItPostsTo(t *testing.T) {
	k := &kafka{}
	h := newHandler(t, k, time.UnixMilli(1767225600123), map[string]Source{"hubspot": {
		Proof: Proof{Scheme: "hubspot", Secret: "a-client-secret-of-an-app"}, Events: echo,
	}})
	w := serve(h, post("http://clew.example/v1/sources/hubspot?a=b%3ac", hubspotBody,
		"X-HubSpot-Signature-v3", hubspotSign, "X-HubSpot-Request-Timestamp", "1767225600123"))
	if got := payloads(t, k.messages); w.Code != 200 || !reflect.DeepEqual(got, []string{hubspotBody}) {
		t.Errorf("answered %d, payload %q", w.Code, got)
	}
}

func TestJiandaoyun(t *testing.T) {
	proof := Proof{Scheme: "jiandaoyun", Secret: "test-secret"}
	const address = "/v1/sources/s?timestamp=1498586609&nonce=0f5ade"
	for _, c := range []exchange{
		{
			name: "signed", proof: proof, code: 200, reply: "success", payload: []string{jdyBody},
			r: post(address, jdyBody, "X-JDY-Signature", jdySign),
		},
		{
			name: "another nonce", proof: proof, code: 401,
			r: post(strings.Replace(address, "0f5ade", "0f5adf", 1), jdyBody, "X-JDY-Signature", jdySign),
		},
		{
			name: "another secret", proof: Proof{Scheme: "jiandaoyun", Secret: "test-secreT"}, code: 401,
			r: post(address, jdyBody, "X-JDY-Signature", jdySign),
		},
		{name: "unsigned", proof: proof, code: 401, r: post(address, jdyBody)},
	} {
		t.Run(c.name, c.run)
	}
}

func TestHMAC(t *testing.T) {
	const body = `{"id":"1"}`
	ours := Proof{Scheme: "hmac", Secret: "secret-of-ours"}
	b64 := Proof{Scheme: "hmac", Secret: "secret-of-ours", Header: "X-Sign", Encoding: "base64"}
	for _, c := range []exchange{
		{
			name: "hex", proof: ours, code: 200, payload: []string{body},
			r: post("/v1/sources/s", body, "X-Signature-256", hmacHex),
		},
		{
			name: "hex in capitals behind a name", proof: ours, code: 200, payload: []string{body},
			r: post("/v1/sources/s", body, "X-Signature-256", "sha256="+strings.ToUpper(hmacHex)),
		},
		{
			name: "base64 in a header of its own", proof: b64, code: 200, payload: []string{body},
			r: post("/v1/sources/s", body, "X-Sign", hmacBase64),
		},
		{
			name: "base64 in another case", proof: b64, code: 401,
			r: post("/v1/sources/s", body, "X-Sign", strings.ToUpper(hmacBase64)),
		},
		{name: "in another header", proof: b64, code: 401, r: post("/v1/sources/s", body, "X-Signature-256", hmacHex)},
		{name: "cut", proof: ours, code: 401, r: post("/v1/sources/s", body, "X-Signature-256", hmacHex[:63])},
		{name: "another body", proof: ours, code: 401, r: post("/v1/sources/s", `{}`, "X-Signature-256", hmacHex)},
	} {
		t.Run(c.name, c.run)
	}
}

func TestToken(t *testing.T) {
	ours := func(p Proof) Proof {
		p.Scheme, p.Secret = "token", "secret-of-ours"
		return p
	}
	for _, c := range []exchange{
		{
			name: "bearer", proof: ours(Proof{}), code: 200, payload: []string{`{}`},
			r: post("/v1/sources/s", `{}`, "Authorization", "bearer secret-of-ours"),
		},
		{
			name: "password of Basic", proof: ours(Proof{}), code: 200, payload: []string{`{}`},
			r: post("/v1/sources/s", `{}`, "Authorization", "Basic YW55Ym9keTpzZWNyZXQtb2Ytb3Vycw=="),
		},
		{
			name: "a header of its own", proof: ours(Proof{Header: "X-Token"}), code: 200, payload: []string{`{}`},
			r: post("/v1/sources/s", `{}`, "X-Token", "secret-of-ours"),
		},
		{
			name: "the address", proof: ours(Proof{Query: "key"}), code: 200, payload: []string{`{}`},
			r: post("/v1/sources/s?key=secret-of-ours", `{}`),
		},
		{
			name: "the address where it was not asked for", proof: ours(Proof{}), code: 401,
			r: post("/v1/sources/s?key=secret-of-ours", `{}`),
		},
	} {
		t.Run(c.name, c.run)
	}
}

func TestWeCom(t *testing.T) {
	proof := Proof{Scheme: "wecom", Secret: wxToken, AESKey: aesKey, Receiver: "ww1"}
	sealed, err := os.ReadFile("testdata/wecom_add_external_contact.xml")
	if err != nil {
		t.Fatal(err)
	}
	const address = "/v1/sources/s?msg_signature=331a351fa87b1d723d9465b021c78b60be8e22a9&timestamp=1767225600&nonce=n3"
	const payload = `{"ChangeType":"add_external_contact","CreateTime":"1403610513","Event":"change_external_contact",` +
		`"ExternalUserID":"wo1","FromUserName":"sys","MsgType":"event","State":"expo","ToUserName":"ww1","UserID":"zhangsan"}`
	other := proof
	other.Receiver = "ww2"
	wrongKey := proof
	wrongKey.AESKey = strings.Repeat("A", 43)
	for _, c := range []exchange{
		{name: "sealed", proof: proof, code: 200, payload: []string{payload}, r: post(address, string(sealed))},
		{name: "for another corp", proof: other, code: 401, r: post(address, string(sealed))},
		{name: "another key", proof: wrongKey, code: 401, r: post(address, string(sealed))},
		{name: "another nonce", proof: proof, code: 401, r: post(strings.Replace(address, "n3", "n4", 1), string(sealed))},
		{name: "no envelope", proof: proof, code: 401, r: post(address, `{}`)},
		{name: "empty envelope", proof: proof, code: 401, r: post(address, `<xml><a>1</a></xml>`)},
	} {
		t.Run(c.name, c.run)
	}
}

// TestWeComDocumented are the two exchanges that Tencent ships with its libraries (Sample.php of WXBizMsgCrypt).
func TestWeComDocumented(t *testing.T) {
	proof := Proof{
		Scheme: "wecom", Secret: "QDG6eK", AESKey: "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
		Receiver: "wx5823bf96d3bd56c7",
	}
	get := httptest.NewRequest(http.MethodGet, "/v1/sources/s?msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"+
		"&timestamp=1409659589&nonce=263014780&echostr=P9nAzCzyDtyTWESHep1vC5X9xho%2FqYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp"+
		"%2B4RPcs8TgAE7OaBO%2BFZXvnaqQ%3D%3D", nil)
	sealed, err := os.ReadFile("testdata/wecom_documented.xml")
	if err != nil {
		t.Fatal(err)
	}
	forged := httptest.NewRequest(http.MethodGet, strings.Replace(get.RequestURI, "nonce=2", "nonce=3", 1), nil)
	for _, c := range []exchange{
		{name: "the address is checked", proof: proof, code: 200, reply: "1616140317555161061", r: get},
		{name: "the check is forged", proof: proof, code: 401, r: forged},
		{
			name: "a message", proof: proof, code: 200,
			payload: []string{`{"AgentID":"218","Content":"hello","CreateTime":"1409659813","FromUserName":"mycreate",` +
				`"MsgId":"4561255354251345929","MsgType":"text","ToUserName":"wx5823bf96d3bd56c7"}`},
			r: post("/v1/sources/s?msg_signature=477715d11cdb4164915debcba66cb864d751f3e6&timestamp=1409659813"+
				"&nonce=1372623149", string(sealed)),
		},
	} {
		t.Run(c.name, c.run)
	}
}

func TestWeiling(t *testing.T) {
	proof := Proof{Scheme: "weiling", Secret: wxToken, AESKey: aesKey}
	ours := proof
	ours.Receiver = "wloa1"
	other := proof
	other.Receiver = "wloa2"
	envelope := func(text string) string { return `{"to_app":"wloa1","encrypt_msg":"` + text + `"}` }
	const sealed = "/v1/sources/s?msg_signature=c0ffe10c9598e032262082a72c69440fafa81054&timestamp=1767225600&nonce=n1"
	const bare = "/v1/sources/s?msg_signature=49c5ae53c2cbfe168fe4c1daffdd3d1bbebc8177&timestamp=1767225600&nonce=n1"
	check := httptest.NewRequest(http.MethodGet, "/v1/sources/s?msg_signature=0d966cce1b7379abdc5020055d5e233e36230e80"+
		"&timestamp=1767225600&nonce=n2&echostr="+url.QueryEscape(weilingEcho), nil)
	for _, c := range []exchange{
		{
			name: "sealed as WeCom does", proof: ours, code: 200, reply: "success", payload: []string{weilingMessage},
			r: post(sealed, envelope(weilingSealed)),
		},
		{
			name: "bare", proof: ours, code: 200, reply: "success", payload: []string{weilingMessage},
			r: post(bare, envelope(weilingBare)),
		},
		{name: "for another app", proof: other, code: 401, r: post(sealed, envelope(weilingSealed))},
		{name: "another text", proof: ours, code: 401, r: post(sealed, envelope(weilingBare))},
		{name: "no envelope", proof: ours, code: 401, r: post(sealed, `[]`)},
		{name: "the address is checked", proof: proof, code: 200, reply: "echo-42", r: check},
	} {
		t.Run(c.name, c.run)
	}
}

func TestSalesforce(t *testing.T) {
	proof := Proof{Scheme: "salesforce", Secret: "secret-of-ours", Receiver: "00D5g000000AbcDEAS", Query: "key"}
	other := proof
	other.Receiver = "00D5g000000XyzDEAS"
	message, err := os.ReadFile("testdata/salesforce_outbound.xml")
	if err != nil {
		t.Fatal(err)
	}
	const address = "/v1/sources/s?key=secret-of-ours"
	const payload = `{"records":[{"Company":"Acme \u0026 Co","Id":"00Q5g00000AAAAAEAX","Rating":null,"Status":"Open",` +
		`"attributes":{"type":"Lead"}},{"Company":"Umbra","Id":"00Q5g00000AAAABEAX","attributes":{"type":"Lead"}}]}`
	for _, c := range []exchange{
		{
			name: "outbound message", proof: proof, code: 200, reply: soapAck, payload: []string{payload},
			r: post(address, string(message)),
		},
		{
			name: "JSON", proof: proof, code: 200, reply: soapAck, payload: []string{`{"records":[]}`},
			r: post(address, `{"records":[]}`),
		},
		{name: "of another organization", proof: other, code: 401, r: post(address, string(message))},
		{name: "without the secret", proof: proof, code: 401, r: post("/v1/sources/s", string(message))},
	} {
		t.Run(c.name, c.run)
	}
}
