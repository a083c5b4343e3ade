package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clew/ingest/event"
)

// fill scans a row into an archive's places, in the order of columns.
func fill(values ...any) func(dest ...any) error {
	return func(dest ...any) error {
		if len(dest) != len(values) {
			return fmt.Errorf("%d places, %d values", len(dest), len(values))
		}
		for i, v := range values {
			if d, ok := dest[i].(*day); ok {
				if err := d.Scan(v); err != nil {
					return err
				}
				continue
			}
			reflect.ValueOf(dest[i]).Elem().Set(reflect.ValueOf(v))
		}
		return nil
	}
}

var archivedAt = time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC)

// putMonth writes a file of rows and lists it.
func putMonth(t *testing.T, a *Archive, table, month string, rows ...func(dest ...any) error) {
	t.Helper()
	i := slices.IndexFunc(ArchiveTables(), func(tbl ArchiveTable) bool { return tbl.Name == table })
	w, err := NewArchiveWriter(a.Dir, ArchiveTables()[i], month)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	entry, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Put(entry); err != nil {
		t.Fatal(err)
	}
}

// stageRows are so many rows of stage_changes.
func stageRows(from, n int) []func(dest ...any) error {
	var rows []func(dest ...any) error
	for i := range n {
		rows = append(rows, fill("default", fmt.Sprintf("e%d", from+i), archivedAt, archivedAt, false, "L", "",
			map[string]string{"n": fmt.Sprint(from + i)}, "won", 0.1+float64(i), "CNY", strings.Repeat("理由", i%7)))
	}
	return rows
}

func newArchive(t *testing.T) *Archive {
	t.Helper()
	a, err := OpenArchive(filepath.Join(t.TempDir(), "archive"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func readArchive(t *testing.T, r *ArchiveReader) (got []Archived, faults []string) {
	t.Helper()
	for m, err := range r.Messages(t.Context()) {
		if fault, ok := errors.AsType[*RowError](err); ok {
			faults = append(faults, fault.Error())
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m)
	}
	return got, faults
}

func TestArchiveGivesEventsBack(t *testing.T) {
	a := newArchive(t)
	next := archivedAt.AddDate(0, 1, 0)
	head := []any{"w", "id", archivedAt, archivedAt.Add(time.Second), false}
	person := []any{"L", "anon", map[string]string{"email": "a@b.example"}}
	row := func(own ...any) func(...any) error { return fill(slices.Concat(head, person, own)...) }
	putMonth(t, a, "events", "2026-02",
		row("touchpoint", "click", "c", "s", "m", "ca", "co", "te", "u", "r", "", 0.0, "", map[string]string{}),
		row("behavior", "view", "", "", "", "", "", "", "", "", "pg", 2.5, "sid", map[string]string{"a": "", "键": "值"}),
		row("meeting", "x", "", "", "", "", "", "", "", "", "", 0.0, "", map[string]string{}))
	putMonth(t, a, "lead_updates", "2026-02",
		row(&next, "n", "p", "e", "wx", "comp", "src", map[string]string{"k": "v"}),
		row((*time.Time)(nil), "", "", "", "", "", "", map[string]string{}))
	putMonth(t, a, "activities", "2026-02", row("o", "call", 1.5, true, "out", "na", &next, "happy"))
	putMonth(t, a, "stage_changes", "2026-02", row("won", 12.34, "CNY", "because"))
	putMonth(t, a, "assignments", "2026-02", row("o", "t", "assigned"))
	putMonth(t, a, "costs", "2024-02", fill("w", "id", archivedAt, archivedAt.Add(time.Second), true,
		time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), "c", "ca", 9.99, "CNY", uint64(1<<53), uint64(7)))
	putMonth(t, a, "dead_letters", "2026-02",
		fill("clew.stages", "malformed_json", "detail", "\xff", "\x00{", archivedAt),
		fill("elsewhere", "unknown_topic", "detail", "", "", archivedAt))

	h := event.Header{
		EventID: "id", OccurredAt: archivedAt, LeadID: "L", AnonymousID: "anon",
		Identifiers: map[string]string{"email": "a@b.example"}, Workspace: "w",
	}
	received := archivedAt.Add(time.Second)
	want := []Archived{
		{ReceivedAt: received, Event: &event.Cost{
			// It was clamped: it is so far in the future that it is clamped again.
			Header: event.Header{EventID: "id", OccurredAt: received.Add(48 * time.Hour), Workspace: "w"},
			Date:   "2024-02-29", Channel: "c", Campaign: "ca", Amount: 9.99, Currency: "CNY", Impressions: 1 << 53, Clicks: 7,
		}},
		{ReceivedAt: received, Event: &event.Touchpoint{
			Header: h, Channel: "c", Source: "s", Medium: "m", Campaign: "ca", Content: "co", Term: "te", Touch: "click",
			URL: "u", Referrer: "r",
		}},
		{ReceivedAt: received, Event: &event.Behavior{
			Header: h, Name: "view", PageGroup: "pg", Value: 2.5, SessionID: "sid",
			Properties: map[string]event.Scalar{"a": "", "键": "值"},
		}},
		{ReceivedAt: received, Event: &event.Lead{
			Header: h, CreatedAt: &next, Contact: &event.Contact{Name: "n", Phone: "p", Email: "e", WeChat: "wx"},
			Company: "comp", Source: "src", Attributes: map[string]event.Scalar{"k": "v"},
		}},
		{ReceivedAt: received, Event: &event.Lead{Header: h}},
		{ReceivedAt: received, Event: &event.Activity{
			Header: h, Owner: "o", Method: "call", DurationS: 1.5, Effective: true, Outcome: "out", NextAction: "na",
			NextAt: &next, Emotion: "happy",
		}},
		{ReceivedAt: received, Event: &event.Stage{Header: h, Stage: "won", Amount: 12.34, Currency: "CNY", Reason: "because"}},
		{ReceivedAt: received, Event: &event.Assignment{Header: h, Owner: "o", Team: "t", Action: "assigned"}},
		{ReceivedAt: archivedAt, Topic: "clew.stages", Key: []byte("\xff"), Value: []byte("\x00{")},
	}
	got, faults := readArchive(t, a.Reader())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if len(faults) != 2 || !strings.HasPrefix(faults[0], `events/events-2026-02.parquet:3: type "meeting"`) ||
		!strings.HasPrefix(faults[1], `dead_letters/dead_letters-2026-02.parquet:2: topic "elsewhere"`) {
		t.Errorf("faults %q", faults)
	}
}

// TestArchiveReaderGoesOn begins behind rows of two files.
func TestArchiveReaderGoesOn(t *testing.T) {
	a := newArchive(t)
	putMonth(t, a, "stage_changes", "2026-01", stageRows(0, batchRows+10)...)
	putMonth(t, a, "stage_changes", "2026-02", stageRows(batchRows+10, 30)...)
	all, _ := readArchive(t, a.Reader())
	if len(all) != batchRows+40 {
		t.Fatalf("%d rows", len(all))
	}
	for i, m := range all {
		if id := m.Event.Head().EventID; id != fmt.Sprintf("e%d", i) {
			t.Fatalf("row %d is %s", i, id)
		}
	}
	places := []Position{{}}
	r := a.Reader()
	for _, err := range r.Messages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, r.Position())
	}
	for i, from := range places {
		if i%batchRows > 12 && i%31 > 0 && i < len(all) {
			continue // the edges of batches and files, and some between
		}
		r := a.Reader()
		r.From(from)
		rest, _ := readArchive(t, r)
		if diff := cmp.Diff(all[i:], append([]Archived{}, rest...)); diff != "" {
			t.Fatalf("behind %+v, want (-), got (+):\n%.1000s", from, diff)
		}
		read, total := r.Bytes()
		if r.Rows() != int64(len(all)-i) || read != total && i < len(all) {
			t.Errorf("behind %+v: %d rows, %d of %d bytes", from, r.Rows(), read, total)
		}
	}
}

func TestArchiveTellsWhatIsDamaged(t *testing.T) {
	a := newArchive(t)
	putMonth(t, a, "stage_changes", "2026-01", stageRows(0, 100)...)
	putMonth(t, a, "stage_changes", "2026-02", stageRows(0, 100)...)
	name := a.path(a.Files[1])
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	damage := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
		loaded, err := LoadArchive(a.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := loaded.check(loaded.Files[1]); err == nil || !strings.Contains(err.Error(), "stage_changes-2026-02.parquet") {
			t.Errorf("checked: %v", err)
		}
		rows := 0
		for _, err = range loaded.Reader().Messages(t.Context()) {
			rows++
		}
		// The first file is whole, the second gives no row.
		if rows != 101 || err == nil || !strings.Contains(err.Error(), "restore it") {
			t.Errorf("after %d rows: %v", rows, err)
		}
	}
	damage(text[:len(text)-1])
	flipped := slices.Clone(text)
	flipped[len(text)/2] ^= 1
	damage(flipped)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := a.check(a.Files[1]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("checked: %v", err)
	}
	if _, listed, there := a.Find("stage_changes", "2026-02"); !listed || there {
		t.Errorf("listed %v, there %v", listed, there)
	}
}

// TestArchiveWriterLeavesNothingHalf holds that a file has its name only when it is complete.
func TestArchiveWriterLeavesNothingHalf(t *testing.T) {
	a := newArchive(t)
	putMonth(t, a, "stage_changes", "2026-01", stageRows(0, 5)...)
	w, err := NewArchiveWriter(a.Dir, ArchiveTables()[3], "2026-01")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range stageRows(0, 3*batchRows) {
		if err := w.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := readArchive(t, a.Reader()); len(got) != 5 {
		t.Errorf("%d rows while another is written", len(got))
	}
	w.Abort()
	left, err := filepath.Glob(filepath.Join(a.Dir, "stage_changes", "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left %q, %v", left, err)
	}
	if got, _ := readArchive(t, a.Reader()); len(got) != 5 {
		t.Errorf("%d rows afterwards", len(got))
	}
}
