package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/ingest"
	"clew/ingest/event"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

var (
	occurred = time.Date(2026, 3, 1, 8, 30, 0, 123_000_000, time.UTC)
	received = time.Date(2026, 3, 1, 8, 30, 2, 456_000_000, time.UTC)
	later    = time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
)

// awkward holds what texts like to break on.
const awkward = "a'b\"c\\d\te\n\nf 线索 \x00 {x:String}"

func TestSinkWritesEveryColumn(t *testing.T) {
	db := warehousetest.Open(t)
	for name, written := range warehouse.RawColumns() {
		var described []string
		for _, row := range query(t, db, "DESCRIBE TABLE "+name, nil) {
			if column := row[0].(string); column != "_ingested_at" {
				described = append(described, column)
			}
		}
		slices.Sort(described)
		slices.Sort(written)
		if diff := cmp.Diff(described, written); diff != "" {
			t.Errorf("%s: columns of the table (-) and of the sink (+):\n%s", name, diff)
		}
	}
}

// sinkCase is an event and the row it makes, by column, beside the columns every event has.
type sinkCase struct {
	name  string
	event event.Event
	table string
	want  map[string]any
}

func fullHeader() event.Header {
	return event.Header{
		EventID: "e1", OccurredAt: occurred, LeadID: "L1", AnonymousID: awkward,
		Identifiers: map[string]string{"phone": "13800000000", "email": "a@b.cn"}, Workspace: "asia",
	}
}

// person adds the columns of an event that belongs to someone.
func person(full bool, want map[string]any) map[string]any {
	want["lead_id"], want["anonymous_id"], want["identifiers"] = "", "", map[string]string{}
	if full {
		want["lead_id"], want["anonymous_id"] = "L1", awkward
		want["identifiers"] = map[string]string{"phone": "13800000000", "email": "a@b.cn"}
	}
	return want
}

func eventRow(full bool, kind string, set map[string]any) map[string]any {
	want := person(full, map[string]any{
		"type": kind, "name": "", "channel": "", "source": "", "medium": "", "campaign": "", "content": "", "term": "",
		"url": "", "referrer": "", "page_group": "", "value": 0.0, "session_id": "", "properties": map[string]string{},
	})
	maps.Copy(want, set)
	return want
}

func bareHeader() event.Header { return event.Header{EventID: "e0", OccurredAt: occurred} }

// timelineCases are for the table of touchpoints and behaviours.
func timelineCases() []sinkCase {
	full, bare := fullHeader(), bareHeader()
	return []sinkCase{
		{"touchpoint", &event.Touchpoint{
			Header: full, Channel: "social", Source: "weibo", Medium: "cpc", Campaign: "春季", Content: "c", Term: "t",
			Touch: "click", URL: "https://x/?a='b'", Referrer: "https://y",
		}, "events", eventRow(true, "touchpoint", map[string]any{
			"name": "click", "channel": "social", "source": "weibo", "medium": "cpc", "campaign": "春季", "content": "c",
			"term": "t", "url": "https://x/?a='b'", "referrer": "https://y",
		})},
		{
			"bare touchpoint", &event.Touchpoint{Header: bare, Channel: "seo", Touch: "visit"}, "events",
			eventRow(false, "touchpoint", map[string]any{"name": "visit", "channel": "seo"}),
		},
		{"behavior", &event.Behavior{
			Header: full, Name: "page_view", PageGroup: "pricing", Value: 1.5, SessionID: "s",
			Properties: map[string]event.Scalar{"b": awkward, "a": "1"},
		}, "events", eventRow(true, "behavior", map[string]any{
			"name": "page_view", "page_group": "pricing", "value": 1.5, "session_id": "s",
			"properties": map[string]string{"a": "1", "b": awkward},
		})},
		{
			"bare behavior", &event.Behavior{Header: bare, Name: "demo"}, "events",
			eventRow(false, "behavior", map[string]any{"name": "demo"}),
		},
	}
}

func leadCases() []sinkCase {
	full, bare := fullHeader(), bareHeader()
	return []sinkCase{
		{"lead", &event.Lead{
			Header: full, CreatedAt: &later, Contact: &event.Contact{Name: "李", Phone: "1", Email: "e", WeChat: "w"},
			Company: "极越", Source: "expo", Attributes: map[string]event.Scalar{"budget": "100000", "industry": "制造"},
		}, "lead_updates", person(true, map[string]any{
			"created_at": later, "contact_name": "李", "phone": "1", "email": "e", "wechat": "w", "company": "极越",
			"source": "expo", "attributes": map[string]string{"budget": "100000", "industry": "制造"},
		})},
		{"bare lead", &event.Lead{Header: bare}, "lead_updates", person(false, map[string]any{
			"created_at": nil, "contact_name": "", "phone": "", "email": "", "wechat": "", "company": "", "source": "",
			"attributes": map[string]string{},
		})},
		{"activity", &event.Activity{
			Header: full, Owner: "o", Method: "call", DurationS: 61.5, Effective: true, Outcome: "won", NextAction: "visit",
			NextAt: &later, Emotion: "calm",
		}, "activities", person(true, map[string]any{
			"owner": "o", "method": "call", "duration_s": 61.5, "effective": true, "outcome": "won", "next_action": "visit",
			"next_at": later, "emotion": "calm",
		})},
		{
			"bare activity", &event.Activity{Header: bare, Owner: "o", Method: "call"}, "activities",
			person(false, map[string]any{
				"owner": "o", "method": "call", "duration_s": 0.0, "effective": false, "outcome": "",
				"next_action": "", "next_at": nil, "emotion": "",
			}),
		},
		{
			"stage", &event.Stage{Header: full, Stage: "won", Amount: -0.25, Currency: "CNY", Reason: "r"}, "stage_changes",
			person(true, map[string]any{"stage": "won", "amount": -0.25, "currency": "CNY", "reason": "r"}),
		},
		{
			"bare stage", &event.Stage{Header: bare, Stage: "new"}, "stage_changes",
			person(false, map[string]any{"stage": "new", "amount": 0.0, "currency": "", "reason": ""}),
		},
		{
			"assignment", &event.Assignment{Header: full, Owner: "o", Team: "t", Action: "assigned"}, "assignments",
			person(true, map[string]any{"owner": "o", "team": "t", "action": "assigned"}),
		},
		{
			"bare assignment", &event.Assignment{Header: bare, Action: "returned"}, "assignments",
			person(false, map[string]any{"owner": "", "team": "", "action": "returned"}),
		},
		{"cost", &event.Cost{
			Header: full, Date: "2026-02-28", Channel: "sem", Campaign: "c", Amount: 1e9, Currency: "USD",
			Impressions: 1<<64 - 1, Clicks: 7,
		}, "costs", map[string]any{
			"date": time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC), "channel": "sem", "campaign": "c", "amount": 1e9,
			"currency": "USD", "impressions": uint64(1<<64 - 1), "clicks": uint64(7),
		}},
		{
			"bare cost", &event.Cost{Header: bare, Date: "1970-01-01", Channel: "sem", Amount: 1, Currency: "CNY"}, "costs",
			map[string]any{
				"date": time.Unix(0, 0).UTC(), "channel": "sem", "campaign": "", "amount": 1.0, "currency": "CNY",
				"impressions": uint64(0), "clicks": uint64(0),
			},
		},
	}
}

// TestSinkRoundTrip stores rows of every kind, each in both ways of sending them.
func TestSinkRoundTrip(t *testing.T) {
	for name, how := range map[string]func(ingest.Sink) ingest.Sink{
		"streamed": func(s ingest.Sink) ingest.Sink { return s }, "by batch": warehouse.ByBatch,
	} {
		t.Run(name, func(t *testing.T) {
			db := warehousetest.Open(t)
			roundTrip(t, db, how(db.Sink()))
		})
	}
}

func roundTrip(t *testing.T, db *warehouse.DB, sink ingest.Sink) {
	t.Helper()
	cases := slices.Concat(timelineCases(), leadCases())
	var batch ingest.Batch
	for i, c := range cases {
		batch.Records = append(batch.Records, ingest.Record{
			Event: c.event, ReceivedAt: received, Clamped: i%2 == 0,
			Position: ingest.Position{Source: 1<<64 - 1, Partition: 1<<32 - 1, Offset: uint64(i), Row: 1<<16 - 1},
		})
	}
	if err := sink.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		head := c.event.Head()
		want := map[string]any{
			"workspace": head.Workspace, "event_id": head.EventID, "occurred_at": occurred, "received_at": received,
			"clamped": i%2 == 0, "_src": uint64(1<<64 - 1), "_partition": uint32(1<<32 - 1), "_offset": uint64(i),
			"_row": uint16(1<<16 - 1),
		}
		if head.Workspace == "" {
			want["workspace"] = "default"
		}
		maps.Copy(want, c.want)
		columns := slices.Sorted(maps.Keys(want))
		rows := query(t, db, "SELECT "+strings.Join(columns, ", ")+" FROM "+c.table+" WHERE _offset = {o:UInt64}",
			warehouse.Params{"o": i})
		var wantRow []any
		for _, column := range columns {
			wantRow = append(wantRow, want[column])
		}
		if diff := cmp.Diff([][]any{wantRow}, rows); diff != "" {
			t.Errorf("%s: columns %v\n%s", c.name, columns, diff)
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(warehouse.RawColumns()[c.table])), columns); diff != "" {
			t.Errorf("%s: columns of the sink (-) and of the case (+):\n%s", c.name, diff)
		}
	}
}

func TestSinkStoresDeadLetters(t *testing.T) {
	db := warehousetest.Open(t)
	raw := []byte("{\"a\":\xff\x00\n\n")
	letters := []ingest.DeadLetter{
		{
			Topic: "clew.costs", Reason: "malformed_json", Detail: awkward, Key: []byte("k"), Raw: raw, ReceivedAt: received,
			Position: ingest.Position{Source: 1, Partition: 2, Offset: 3, Row: 4},
		},
		{Topic: "clew.leads", Reason: "too_large", ReceivedAt: received, Position: ingest.Position{Source: 1, Offset: 9}},
	}
	for range 2 {
		if err := db.Sink().Write(t.Context(), ingest.Batch{DeadLetters: letters}); err != nil {
			t.Fatal(err)
		}
	}
	got := query(t, db, `SELECT topic, reason, detail, key, raw, received_at, _src, _partition, _offset, _row
FROM dead_letters ORDER BY topic`, nil)
	want := [][]any{
		{"clew.costs", "malformed_json", awkward, "k", string(raw), received, uint64(1), uint32(2), uint64(3), uint16(4)},
		{"clew.leads", "too_large", "", "", "", received, uint64(1), uint32(0), uint64(9), uint16(0)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// stage makes a record for one lead at an offset; ten years of months are used in turn.
func stage(partition uint32, offset uint64) ingest.Record {
	return ingest.Record{
		Event: &event.Stage{
			Header: event.Header{
				EventID: fmt.Sprint(partition, "-", offset), LeadID: "L", OccurredAt: occurred.AddDate(0, -int(offset%120), 0),
			},
			Stage: "new",
		},
		Position: ingest.Position{Source: 5, Partition: partition, Offset: offset}, ReceivedAt: received,
	}
}

func stages(partition uint32, first, last uint64) (records []ingest.Record) {
	for offset := first; offset <= last; offset++ {
		records = append(records, stage(partition, offset))
	}
	return records
}

// TestSinkStoresARowOnce offers rows again in every way that a restart can cut them.
func TestSinkStoresARowOnce(t *testing.T) {
	db := warehousetest.Open(t)
	for _, b := range [][]ingest.Record{
		stages(0, 0, 299),
		stages(0, 0, 299),
		slices.Concat(stages(0, 250, 350), stages(1, 0, 9)),
		slices.Concat(stages(0, 340, 350), stages(0, 340, 360), stages(1, 5, 20)),
		stages(7, 100, 100),
		stages(7, 90, 95),
		stages(7, 96, 102),
		stages(0, 0, 360),
	} {
		if err := db.Sink().Write(t.Context(), ingest.Batch{Records: b}); err != nil {
			t.Fatal(err)
		}
	}
	got := query(t, db, `SELECT _partition, count(), uniqExact(_offset), min(_offset), max(_offset)
FROM stage_changes GROUP BY _partition ORDER BY _partition`, nil)
	want := [][]any{
		{uint32(0), uint64(361), uint64(361), uint64(0), uint64(360)},
		{uint32(1), uint64(21), uint64(21), uint64(0), uint64(20)},
		{uint32(7), uint64(13), uint64(13), uint64(90), uint64(102)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestSinkGoesByTheTable takes rows away, and puts some there that the sink did not write.
func TestSinkGoesByTheTable(t *testing.T) {
	db := warehousetest.Open(t)
	write := func(records []ingest.Record) {
		t.Helper()
		if err := db.Sink().Write(t.Context(), ingest.Batch{Records: records}); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, db, "INSERT INTO stage_changes (_src, _partition, _offset, _row) SELECT 5, 0, number, 0 FROM numbers(5, 10)")
	write(stages(0, 0, 9))
	exec(t, db, "DELETE FROM stage_changes WHERE _offset < 3 SETTINGS lightweight_deletes_sync = 2")
	write(stages(0, 0, 19))
	got := query(t, db, "SELECT count(), uniqExact(_offset), max(_offset), countIf(stage = '') FROM stage_changes", nil)
	if diff := cmp.Diff([][]any{{uint64(20), uint64(20), uint64(19), uint64(10)}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestSinkCompletesAfterFailure cuts a batch over two tables off between them.
func TestSinkCompletesAfterFailure(t *testing.T) {
	db := warehousetest.Open(t)
	records := append(stages(0, 0, 9), ingest.Record{
		Event: &event.Cost{
			Header: event.Header{EventID: "c", OccurredAt: occurred}, Date: "2026-01-01", Channel: "x", Currency: "CNY",
		},
		Position: ingest.Position{Source: 6, Offset: 1}, ReceivedAt: received,
	})
	exec(t, db, "RENAME TABLE costs TO costs_away")
	if err := db.Sink().Write(t.Context(), ingest.Batch{Records: records}); warehouse.ErrorCode(err) != 60 {
		t.Fatalf("want ClickHouse's UNKNOWN_TABLE, got %v", err)
	}
	exec(t, db, "RENAME TABLE costs_away TO costs")
	if err := db.Sink().Write(t.Context(), ingest.Batch{Records: records}); err != nil {
		t.Fatal(err)
	}
	got := query(t, db, "SELECT (SELECT count() FROM stage_changes), (SELECT count() FROM costs)", nil)
	if diff := cmp.Diff([][]any{{uint64(10), uint64(1)}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSinkEndsWithItsContext(t *testing.T) {
	db := warehousetest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := db.Sink().Write(ctx, ingest.Batch{Records: stages(0, 0, 9)})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("want context.Canceled, got %v", err)
	}
	if got := query(t, db, "SELECT count() FROM stage_changes", nil); !cmp.Equal([][]any{{uint64(0)}}, got) {
		t.Errorf("rows were written: %v", got)
	}
}
