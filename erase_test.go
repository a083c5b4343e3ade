package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clew/ingest"
	"clew/transform/erasure"
	"clew/transform/warehouse"
)

// visitor is a made-up person: ids and values that stand nowhere by chance.
type visitor struct{ lead, second, anonymous, name, email, phone, wechat string }

var anna = visitor{
	"lead-q7Zk2VbX9w", "lead-second-q7Zk2VbX9w", "anon-q7Zk2VbX9w", "安娜秋七", "anna.q7zk2vbx9w@plain-mail.example",
	"13987651234", "wx_q7Zk2VbX9w",
}

var bob = visitor{
	"lead-bJ4mT8rLs0", "lead-second-bJ4mT8rLs0", "anon-bJ4mT8rLs0", "鲍勃八", "bob.bj4mt8rls0@other-mail.example",
	"13811112222", "wx_bJ4mT8rLs0",
}

// escaped is the e-mail address as it stands in a URL.
func (v visitor) escaped() string { return strings.ReplaceAll(v.email, "@", "%40") }

// spaced is the phone number as people write it.
func (v visitor) spaced() string { return v.phone[:3] + " " + v.phone[3:7] + " " + v.phone[7:] }

// plain are all texts that give the person away.
func (v visitor) plain() []string {
	return []string{v.lead, v.second, v.anonymous, v.name, v.email, v.phone, v.wechat, v.spaced(), v.escaped()}
}

// messages are what came of the person, by topic: each value stands in several places and spellings.
func (v visitor) messages() map[string][]string {
	id := func(n int) string {
		return fmt.Sprintf(`"event_id":"%s-%d","occurred_at":"2026-03-02T09:30:00Z"`, v.anonymous, n)
	}
	return map[string][]string{
		"clew.touchpoints": {
			fmt.Sprintf(`{%s,"anonymous_id":%q,"channel":"search","touch":"visit","url":"https://x.example/?email=%s&a=1"}`,
				id(1), v.anonymous, v.escaped()),
			fmt.Sprintf(`{%s,"identifiers":{"email":%q},"channel":"email","touch":"click"}`, id(2), v.email),
		},
		"clew.behaviors": {
			fmt.Sprintf(`{%s,"lead_id":%q,"anonymous_id":%q,"name":"demo_request","properties":{"phone":%q,"page":"pricing"}}`,
				id(3), v.lead, v.anonymous, v.spaced()),
			// A message that cannot be taken, and one that is no JSON.
			fmt.Sprintf(`{%s,"lead_id":%q,"name":"x","colour":"red"}`, id(4), v.lead),
			fmt.Sprintf(`{"who":%q,"tel":"+86-%s"`, v.name, strings.ReplaceAll(v.spaced(), " ", "-")),
		},
		"clew.leads": {
			fmt.Sprintf(`{%s,"lead_id":%q,"contact":{"name":%q,"phone":%q,"email":%q,"wechat":%q},"attributes":{"手机":%q}}`,
				id(5), v.lead, v.name, v.phone, strings.ToUpper(v.email[:1])+v.email[1:], v.wechat, v.spaced()),
			fmt.Sprintf(`{%s,"lead_id":%q,"contact":{"name":%q,"email":%q}}`, id(6), v.second, v.name, v.email),
			fmt.Sprintf(`{"mail":%q,"name":%q}`, v.email, v.name),
			fmt.Sprintf(`{"weixin":%q,"name":%q}`, v.wechat, v.name),
		},
		"clew.stages":      {fmt.Sprintf(`{%s,"lead_id":%q,"stage":"mql"}`, id(7), v.lead)},
		"clew.activities":  {fmt.Sprintf(`{%s,"lead_id":%q,"owner":"li","method":"call","effective":true}`, id(8), v.second)},
		"clew.assignments": {fmt.Sprintf(`{%s,"lead_id":%q,"owner":"li","action":"assigned"}`, id(9), v.lead)},
	}
}

// The rows and dead letters that the messages make.
const (
	rowsOfVisitor    = 8
	lettersOfVisitor = 4
)

func (v visitor) send(t *testing.T, s *system) {
	t.Helper()
	for topic, values := range v.messages() {
		for _, value := range values {
			sendRaw(t, s, topic, value)
		}
	}
	if err := s.ingestAll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// texts runs a SELECT of one column of texts.
func texts(t *testing.T, s *system, sql string, p warehouse.Params) (all []string) {
	t.Helper()
	var found []struct {
		Text string `ch:"text"`
	}
	ctx := warehouse.WithSettings(t.Context(), map[string]any{"final": 0})
	if err := s.db.Select(ctx, &found, sql, p); err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		all = append(all, f.Text)
	}
	return all
}

// tablesWith lists the tables of all databases of which a row holds one of some texts, in any column: files are
// compressed, and a search through them alone proves little.
func tablesWith(t *testing.T, s *system, secrets ...string) (found []string) {
	t.Helper()
	tables := texts(t, s, "SELECT concat(database, '.', name) AS text FROM system.tables\n"+
		"WHERE database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema') AND engine NOT LIKE '%View' ORDER BY text", nil)
	if len(tables) < 20 {
		t.Fatalf("found %d tables: the search would prove nothing", len(tables))
	}
	var selects []string
	for _, table := range tables {
		selects = append(selects, "SELECT '"+table+"' AS text FROM "+table+" WHERE multiSearchAny(toString(tuple(*)), {secrets:Array(String)}) LIMIT 1")
	}
	return texts(t, s, strings.Join(selects, "\nUNION ALL\n"), warehouse.Params{"secrets": secrets})
}

// dataFilesWith lists the files of a data directory that hold one of some texts.
func dataFilesWith(t *testing.T, dir string, secrets ...string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the engine was merging
		}
		if err != nil || !d.Type().IsRegular() { // the engine's links lead to folders that are seen anyway
			return err
		}
		held, err := os.ReadFile(name)
		if slices.ContainsFunc(secrets, func(s string) bool { return bytes.Contains(held, []byte(s)) }) {
			found = append(found, name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// rowsOf are the raw rows of a person, whole, in order.
func rowsOf(t *testing.T, s *system, v visitor) (rows []string) {
	t.Helper()
	for _, table := range []string{"events", "lead_updates", "activities", "stage_changes", "assignments", "dead_letters"} {
		rows = append(rows, texts(t, s, "SELECT concat('"+table+" ', toString(tuple(*))) AS text FROM "+table+
			" WHERE position(text, {key:String}) > 0 OR position(text, {mail:String}) > 0 OR position(text, {name:String}) > 0 ORDER BY text",
			warehouse.Params{"key": v.anonymous[5:], "mail": v.email, "name": v.name})...)
	}
	return rows
}

// leadIDs are the leads that the derived tables know.
func leadIDs(t *testing.T, s *system) []string {
	t.Helper()
	return texts(t, s, "SELECT lead_id AS text FROM leads FINAL ORDER BY lead_id", nil)
}

// wantVerified compares the tables with the log.
func wantVerified(t *testing.T, s *system, when string) {
	t.Helper()
	found, err := ingest.Verify(t.Context(), s.ingestConfig(), s.db.Audit(), ingest.VerifyOptions{})
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if r := sum(found); r.Missing != 0 || r.Doubled != 0 || r.Lag != 0 {
		t.Errorf("%s: %d missing, %d doubled, %d not stored", when, r.Missing, r.Doubled, r.Lag)
	}
}

func findPerson(t *testing.T, s *system, e erasing) erasure.Person {
	t.Helper()
	request, err := e.request(s.protector)
	if err != nil {
		t.Fatal(err)
	}
	person, err := erasure.Find(t.Context(), s.db, request)
	if err != nil {
		t.Fatal(err)
	}
	return person
}

var errCut = errors.New("cut off")

// eraseCut erases, cut off before the first step, then before the second, until none is left. No message may be missing
// then: a repair would bring the person back.
func eraseCut(t *testing.T, s *system) {
	t.Helper()
	for cut := 0; ; cut++ {
		person := findPerson(t, s, erasing{phone: "139-8765-1234", workspace: "default"})
		var report erased
		cfg, step, last := s.erasureConfig(person, &report), 0, ""
		cfg.Step = func(name string) error {
			if step++; step > cut {
				last = name
				return errCut
			}
			return nil
		}
		_, err := erasure.Erase(t.Context(), cfg, person)
		if err == nil {
			if cut < 15 {
				t.Errorf("there were %d steps to be cut off at", cut)
			}
			return
		}
		if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		found, err := ingest.Verify(t.Context(), s.ingestConfig(), s.db.Audit(), ingest.VerifyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if r := sum(found); r.Missing != 0 {
			t.Errorf("cut off at %q: %d messages are missing", last, r.Missing)
		}
	}
}

// eraseAtOnce erases by the command.
func eraseAtOnce(t *testing.T, s *system) {
	t.Helper()
	run := func(e erasing) (report erased, err error) {
		var out bytes.Buffer
		e.email, e.workspace = " "+strings.ToUpper(anna.email), "default"
		if err = e.run(t.Context(), s, &out); out.Len() > 0 {
			report = decode[erased](t, out.String())
		}
		return report, err
	}
	got, err := run(erasing{dryRun: true})
	if err != nil || got.Rows != rowsOfVisitor || got.DeadLetters != lettersOfVisitor || !got.DryRun {
		t.Errorf("a dry run found %+v, %v", got, err)
	}
	if _, err := run(erasing{}); err == nil {
		t.Error("erased without --yes")
	}
	got, err = run(erasing{yes: true})
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows != rowsOfVisitor || got.DeadLetters != lettersOfVisitor || got.Derived == 0 || len(got.Files) != 1 {
		t.Errorf("erased %+v", got)
	}
}

// TestErase takes persons in through Kafka, computes everything, erases one of them, and looks for her in every column of
// every table and in every file.
func TestErase(t *testing.T) {
	t.Run("at once", func(t *testing.T) { testErase(t, eraseAtOnce) })
	t.Run("cut off", func(t *testing.T) { testErase(t, eraseCut) })
}

func testErase(t *testing.T, erase func(*testing.T, *system)) {
	dir := t.TempDir()
	s, end := openTestSystem(t, configIn(dir))
	anna.send(t, s)
	bob.send(t, s)
	compute := func() {
		t.Helper()
		if _, err := s.computeAll(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	compute()
	wantVerified(t, s, "before")
	notes := filepath.Join(dir, "imports", "crm-1.json")
	note, err := json.Marshal(checkpoint{Totals: importTotals{Faults: []string{"row 3: " + anna.email + " " + bob.email}}})
	if err == nil {
		err = os.MkdirAll(filepath.Dir(notes), 0o755)
	}
	if err == nil {
		err = os.WriteFile(notes, note, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	secrets := append([]string{
		s.protector.Hash("email", anna.email), s.protector.Hash("phone", anna.phone), s.protector.Hash("wechat", anna.wechat),
	}, anna.plain()...)
	// What is looked for can be found.
	for _, text := range append(secrets[:3:3], anna.lead, anna.anonymous, anna.name, anna.email) {
		if len(tablesWith(t, s, text)) == 0 {
			t.Fatalf("no table holds %s before", text)
		}
	}
	if len(dataFilesWith(t, filepath.Join(dir, "kafka"), anna.email)) == 0 {
		t.Fatal("no file of the log holds the e-mail address before")
	}
	if got := leadIDs(t, s); !slices.Contains(got, anna.lead) {
		t.Fatalf("leads %v before", got)
	}
	others := rowsOf(t, s, bob)

	erase(t, s)
	gone := func(when string) {
		t.Helper()
		if found := tablesWith(t, s, secrets...); len(found) > 0 {
			t.Errorf("%s, one of %q stands in %v", when, secrets, found)
		}
		if found := dataFilesWith(t, dir, secrets...); len(found) > 0 {
			t.Errorf("%s, one of %q stands in the files %v", when, secrets, found)
		}
		if diff := cmp.Diff(others, rowsOf(t, s, bob)); diff != "" {
			t.Errorf("%s, rows of another person, before (-), after (+):\n%s", when, diff)
		}
		wantVerified(t, s, when)
	}
	gone("after")
	compute()
	gone("after the jobs")
	if diff := cmp.Diff([]string{bob.lead}, leadIDs(t, s)); diff != "" {
		t.Errorf("leads, want (-), got (+):\n%s", diff)
	}
	if held, err := os.ReadFile(notes); err != nil || len(held) != len(note) || !bytes.Contains(held, []byte(bob.email)) {
		t.Errorf("the checkpoint became %s, %v", held, err)
	}
	testErasedStays(t, s, secrets, compute)
	end()
	s, _ = openTestSystem(t, configIn(dir))
	wantVerified(t, s, "after a restart")
	if left, err := s.db.Count(t.Context(), "erasure_targets"); err != nil || left != 0 {
		t.Errorf("%d notes are left of whom it was about, %v", left, err)
	}
}

// testErasedStays sends the same messages again, as a producer's retry does: they are stored, and say nothing. What the
// person does from now on is new.
func testErasedStays(t *testing.T, s *system, secrets []string, compute func()) {
	t.Helper()
	anna.send(t, s)
	compute()
	if found := tablesWith(t, s, secrets...); len(found) > 0 {
		t.Errorf("one of %q came back into %v", secrets, found)
	}
	wantVerified(t, s, "after the messages came again")
	sendRaw(t, s, "clew.stages",
		fmt.Sprintf(`{"event_id":"new","occurred_at":"2026-03-03T09:30:00Z","lead_id":%q,"stage":"new"}`, anna.lead))
	if err := s.ingestAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	compute()
	if diff := cmp.Diff([]string{bob.lead, anna.lead}, leadIDs(t, s)); diff != "" {
		t.Errorf("leads, want (-), got (+):\n%s", diff)
	}
}

// TestEraseRequest says whom a command means.
func TestEraseRequest(t *testing.T) {
	s, _ := openTestSystem(t, configIn(t.TempDir()))
	for _, e := range []erasing{{phone: "12"}, {email: "nobody"}, {other: "x"}, {other: "phone=1"}} {
		if r, err := e.request(s.protector); err == nil {
			t.Errorf("%+v was taken as %+v", e, r)
		}
	}
	one, err := erasing{phone: "139 8765 1234", workspace: "w"}.request(s.protector)
	if err != nil {
		t.Fatal(err)
	}
	two, err := erasing{other: "mobile=+8613987651234", workspace: "w"}.request(s.protector)
	if err != nil || one != two {
		t.Errorf("%+v and %+v, %v: want the same", one, two, err)
	}
	var out bytes.Buffer
	e := erasing{lead: "nobody", workspace: "default", yes: true}
	if err := e.run(t.Context(), s, &out); err != nil {
		t.Fatal(err)
	}
	if got := decode[erased](t, out.String()); got.Rows != 0 || got.DeadLetters != 0 {
		t.Errorf("of nobody was erased %+v", got)
	}
}

// TestKeptMessages counts what Kafka holds of what was erased, as it is told of a Kafka elsewhere.
func TestKeptMessages(t *testing.T) {
	s, _ := openTestSystem(t, configIn(t.TempDir()))
	anna.send(t, s)
	person := findPerson(t, s, erasing{lead: anna.lead, workspace: "default"})
	var kept []keptMessages
	cfg := erasure.Config{DB: s.db, Protector: s.protector, Elsewhere: func(ctx context.Context) (err error) {
		var pending int64
		if kept, pending, err = s.keptMessages(ctx); pending != 0 {
			t.Errorf("%d messages are not stored", pending)
		}
		return err
	}}
	if _, err := erasure.Erase(t.Context(), cfg, person); err != nil {
		t.Fatal(err)
	}
	found, want := map[string]uint64{}, map[string]uint64{}
	for _, k := range kept {
		found[k.Topic] += k.Messages
		if k.Until == nil || k.Last-k.First+1 < k.Messages {
			t.Errorf("%+v", k)
		}
	}
	for topic, values := range anna.messages() {
		want[topic] = uint64(len(values))
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}
