package event

import (
	"encoding/json"
	"testing"
)

// typical is a behaviour as a web site sends it.
const typical = `{"event_id":"0190f5fe-7c00-7a00-8000-1f2e3d4c5b6a","occurred_at":"2026-03-01T16:00:00.123+08:00",` +
	`"lead_id":"lead-000123456","anonymous_id":"a1b2c3d4-e5f6-4a5b-8c7d-9e0f1a2b3c4d",` +
	`"identifiers":{"email":"li.wei@example.com","wechat_unionid":"oABCD1234567890efghijk"},"workspace":"default",` +
	`"name":"casebook_download","page_group":"resources","value":12.5,"session_id":"s-20260301-000987654",` +
	`"properties":{"url":"https://www.example.com/resources/casebook?utm_source=search","device":"mobile","seconds":93,` +
	`"returning":true,"title":"智能制造案例集"}}`

func BenchmarkDecode(b *testing.B) {
	raw, topic := []byte(typical), Topic(TypeBehavior)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(topic, raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStandardLibrary is what encoding/json takes for the bare decoding, without the rules of the contract.
func BenchmarkStandardLibrary(b *testing.B) {
	raw := []byte(typical)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if err := json.Unmarshal(raw, &Behavior{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	e, err := Decode(Topic(TypeBehavior), []byte(typical))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(e); err != nil {
			b.Fatal(err)
		}
	}
}
