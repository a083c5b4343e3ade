package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"clew/ingest/source"
	"clew/ingest/stream"
)

// nowhere acknowledges all.
type nowhere struct{}

func (nowhere) Write(context.Context, ...stream.Message) error { return nil }

// BenchmarkHubSpot takes bodies of 100 changes, the most that HubSpot sends at once, from the signature to the messages.
func BenchmarkHubSpot(b *testing.B) {
	m, err := source.Load("hubspot")
	if err != nil {
		b.Fatal(err)
	}
	changes := make([]map[string]any, 100)
	for i := range changes {
		changes[i] = map[string]any{
			"eventId": i, "subscriptionType": "contact.propertyChange", "objectId": i, "occurredAt": 1767686460000 + i,
			"propertyName": "lifecyclestage", "propertyValue": "marketingqualifiedlead", "changeSource": "CRM_UI",
		}
	}
	body, err := json.Marshal(changes)
	if err != nil {
		b.Fatal(err)
	}
	sources := map[string]Source{"hs": {
		Proof: Proof{Scheme: "hmac", Secret: "secret-of-ours"}, Events: m.Payload,
	}}
	h := newHandler(b, nowhere{}, noon, sources)
	mac := hmac.New(sha256.New, []byte("secret-of-ours"))
	mac.Write(body)
	sign := hex.EncodeToString(mac.Sum(nil))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/v1/sources/hs", bytes.NewReader(body))
		r.Header.Set("X-Signature-256", sign)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
	if got := h.Stats()[0]; got.Events != got.Requests*100 {
		b.Fatalf("%+v", got)
	}
	b.ReportMetric(float64(h.Stats()[0].Events)/b.Elapsed().Seconds(), "events/s")
}
