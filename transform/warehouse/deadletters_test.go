package warehouse_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"clew/ingest"
	"clew/transform/warehouse"
	"clew/transform/warehouse/warehousetest"
)

// sameLetter compares what an operator sees of letters.
var sameLetter = cmpopts.IgnoreUnexported(warehouse.Letter{})

// letters stores three letters, the last of them twice.
func letters(t *testing.T, db *warehouse.DB) {
	t.Helper()
	letter := func(topic, reason, raw string, offset uint64) ingest.DeadLetter {
		return ingest.DeadLetter{
			Topic: topic, Reason: reason, Detail: "detail of " + reason, Key: []byte("k\xff"), Raw: []byte(raw),
			ReceivedAt: received.Add(time.Duration(offset) * time.Second),
			Position:   ingest.Position{Source: uint64(len(topic)), Partition: 1, Offset: offset},
		}
	}
	b := ingest.Batch{DeadLetters: []ingest.DeadLetter{
		letter("clew.stages", "malformed_json", "{\xff", 3),
		letter("clew.stages", "missing_field", `{"线索":1}`, 7),
		letter("clew.costs", "missing_field", awkward, 5),
	}}
	if err := db.Sink().Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	exec(t, db, `INSERT INTO dead_letters (topic, reason, detail, key, raw, received_at, _src, _partition, _offset, _row)
		SELECT topic, reason, detail, key, raw, received_at, _src, _partition, _offset, _row FROM dead_letters
		WHERE _offset = 5`)
}

func wantLetter(topic, reason string, offset, size uint64) warehouse.Letter {
	return warehouse.Letter{
		Place: warehouse.Place{Topic: topic, Partition: 1, Offset: offset}, Reason: reason,
		Detail: "detail of " + reason, Key: warehouse.Bytes{Base64: []byte("k\xff")}, Size: size,
		ReceivedAt: received.Add(time.Duration(offset) * time.Second),
	}
}

func TestLettersAreListed(t *testing.T) {
	db := warehousetest.Open(t)
	letters(t, db)
	malformed := wantLetter("clew.stages", "malformed_json", 3, 2)
	missing := wantLetter("clew.stages", "missing_field", 7, uint64(len(`{"线索":1}`)))
	cost := wantLetter("clew.costs", "missing_field", 5, uint64(len(awkward)))
	for name, c := range map[string]struct {
		filter warehouse.LetterFilter
		limit  int
		want   []warehouse.Letter
		total  uint64
	}{
		"all, the newest first": {warehouse.LetterFilter{}, 10, []warehouse.Letter{missing, cost, malformed}, 3},
		"the newest":            {warehouse.LetterFilter{}, 1, []warehouse.Letter{missing}, 3},
		"by reason": {
			warehouse.LetterFilter{Reason: "missing_field"}, 10, []warehouse.Letter{missing, cost}, 2,
		},
		"by topic": {warehouse.LetterFilter{Topic: "clew.stages"}, 10, []warehouse.Letter{missing, malformed}, 2},
		"by both": {
			warehouse.LetterFilter{Topic: "clew.costs", Reason: "malformed_json"}, 10, []warehouse.Letter{}, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, total, err := db.Letters(t.Context(), c.filter, c.limit)
			if err != nil || total != c.total {
				t.Errorf("%d in all, want %d; %v", total, c.total, err)
			}
			if diff := cmp.Diff(c.want, got, sameLetter); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
		})
	}
}

func TestLetterIsShownAndMarked(t *testing.T) {
	db := warehousetest.Open(t)
	letters(t, db)
	at := warehouse.Place{Topic: "clew.costs", Partition: 1, Offset: 5}
	got, err := db.Letter(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	want := wantLetter("clew.costs", "missing_field", 5, uint64(len(awkward)))
	want.Raw = &warehouse.Bytes{Text: awkward}
	if diff := cmp.Diff(want, got, sameLetter); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}

	for i, id := range []string{"first", "second"} {
		if err := db.MarkReplayed(t.Context(), got, later.Add(time.Duration(i)*time.Hour), id); err != nil {
			t.Fatal(err)
		}
	}
	last := later.Add(time.Hour)
	want.Replays, want.ReplayedAt, want.EventID = 2, &last, "second"
	if got, err = db.Letter(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, sameLetter); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}

	counts, err := db.LetterCounts(t.Context(), warehouse.LetterFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]warehouse.LetterCount{
		{Topic: "clew.costs", Reason: "missing_field", Letters: 1, Replayed: 1},
		{Topic: "clew.stages", Reason: "malformed_json", Letters: 1},
		{Topic: "clew.stages", Reason: "missing_field", Letters: 1},
	}, counts); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestBytesThatAreNoTextAreShownInBase64(t *testing.T) {
	db := warehousetest.Open(t)
	letters(t, db)
	got, err := db.Letter(t.Context(), warehouse.Place{Topic: "clew.stages", Partition: 1, Offset: 3})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&warehouse.Bytes{Base64: []byte("{\xff")}, got.Raw); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if raw := string(got.Raw.Raw()); raw != "{\xff" {
		t.Errorf("the bytes came back as %q", raw)
	}
}

func TestNoLetter(t *testing.T) {
	db := warehousetest.Open(t)
	letters(t, db)
	_, err := db.Letter(t.Context(), warehouse.Place{Topic: "clew.stages", Partition: 0, Offset: 3})
	if !errors.Is(err, warehouse.ErrNoLetter) {
		t.Error(err)
	}
}

func TestParsePlace(t *testing.T) {
	got, err := warehouse.ParsePlace("clew.stages/2/18446744073709551615")
	want := warehouse.Place{Topic: "clew.stages", Partition: 2, Offset: 1<<64 - 1}
	if err != nil || got != want || got.String() != "clew.stages/2/18446744073709551615" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"", "clew.stages", "clew.stages/1", "/1/2", "t/-1/2", "t/1/x", "t/1/2/3", "t/4294967296/1"} {
		if got, err := warehouse.ParsePlace(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}
