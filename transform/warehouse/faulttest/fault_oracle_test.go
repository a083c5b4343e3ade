package faulttest

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"clew/ingest/event"
	"clew/ingest/stream"
	"clew/transform/warehouse"
)

// verdict is a line of the table that is printed at the end.
type verdict struct {
	fault                       string
	runs, events, lost, doubled int
}

var verdicts struct {
	sync.Mutex
	all []verdict
}

func printTable(out io.Writer) {
	if len(verdicts.all) == 0 {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\truns\tevents\tlost\tdoubled")
	var sum verdict
	for _, v := range verdicts.all {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\n", v.fault, v.runs, v.events, v.lost, v.doubled)
		sum.runs, sum.events, sum.lost, sum.doubled = sum.runs+v.runs, sum.events+v.events, sum.lost+v.lost, sum.doubled+v.doubled
	}
	fmt.Fprintf(w, "all\t%d\t%d\t%d\t%d\n", sum.runs, sum.events, sum.lost, sum.doubled)
	_ = w.Flush()
}

// tables are those of events.
var tables = []string{"events", "lead_updates", "activities", "stage_changes", "assignments", "costs"}

// stored is every row of the raw tables.
var stored = func() string {
	var parts []string
	for _, table := range tables {
		parts = append(parts, "SELECT event_id AS id, _src, _partition, _offset, _row FROM "+table)
	}
	parts = append(parts, "SELECT raw AS id, _src, _partition, _offset, _row FROM dead_letters")
	return "(" + strings.Join(parts, " UNION ALL ") + ")"
}()

// expected is what was sent: the ids of the events and the bytes of what is none.
const expected = `(SELECT if(number % {poison:UInt64} = 0, '{"broken": ' || toString(number), 'e-' || toString(number)) AS id
FROM numbers({n:UInt64}))`

// sent is what the producers wrote: the messages 0 to events-1 as nth makes them, further messages that are no events,
// and offsets that Kafka took for itself.
type sent struct{ events, letters, markers int }

// count asks the tables what they hold. Kafka says how many positions there are.
func count(t *testing.T, db *warehouse.DB, brokers []string, s sent) (v verdict) {
	t.Helper()
	var got []struct {
		Rows      uint64 `ch:"rows"`
		Positions uint64 `ch:"positions"`
	}
	err := db.Select(t.Context(), &got,
		"SELECT count() AS rows, uniqExact(_src, _partition, _offset, _row) AS positions FROM "+stored, nil)
	if err != nil {
		t.Fatal(err)
	}
	held := messages(t, brokers) - s.markers
	v.events, v.doubled = held, int(got[0].Rows-got[0].Positions)
	v.lost = max(0, held-int(got[0].Positions))
	p := warehouse.Params{"n": uint64(s.events), "poison": uint64(poisonEvery)}
	missing := one(t, db, "SELECT count() AS n FROM (SELECT id FROM "+expected+" EXCEPT DISTINCT SELECT id FROM "+stored+")", p)
	v.lost = max(v.lost, missing)
	strange := one(t, db, "SELECT count() AS n FROM (SELECT id FROM "+stored+" EXCEPT DISTINCT SELECT id FROM "+expected+")", p)
	if strange != s.letters {
		t.Errorf("%d rows are not those that were sent, want %d", strange, s.letters)
	}
	dead := one(t, db, "SELECT count() AS n FROM dead_letters", nil)
	if want := (s.events+poisonEvery-1)/poisonEvery + s.letters; dead != want && held == s.events+s.letters {
		t.Errorf("%d dead letters, want %d", dead, want)
	}
	return v
}

func one(t *testing.T, db *warehouse.DB, sql string, p warehouse.Params) int {
	t.Helper()
	var got []struct {
		N uint64 `ch:"n"`
	}
	if err := db.Select(t.Context(), &got, sql, p); err != nil {
		t.Fatal(err)
	}
	return int(got[0].N)
}

// messages counts what Kafka holds.
func messages(t *testing.T, brokers []string) (n int) {
	t.Helper()
	for _, r := range ranges(t, brokers) {
		n += int(r.End - r.First)
	}
	return n
}

func ranges(t *testing.T, brokers []string) map[stream.Partition]stream.Range {
	t.Helper()
	c, err := stream.NewClient(stream.Config{Brokers: brokers})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	all, err := c.Partitions(t.Context(), event.Topics())
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.Offsets(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// judge opens what an engine directory holds, counts, and notes the verdict.
func judge(t *testing.T, fault string, runs int, dir string, brokers []string, s sent) {
	t.Helper()
	engine := start(t, child{Role: "engine", Dir: dir, Addr: "127.0.0.1:0"})
	defer engine.stop(t)
	judgeAt(t, fault, runs, "http://"+engine.addr, brokers, s)
}

func judgeAt(t *testing.T, fault string, runs int, dsn string, brokers []string, s sent) {
	t.Helper()
	db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	v := count(t, db, brokers, s)
	v.fault, v.runs = fault, runs
	note(t, v)
}

// note adds a line to the table, and fails the test where something is lost or doubled.
func note(t *testing.T, v verdict) {
	t.Helper()
	verdicts.Lock()
	verdicts.all = append(verdicts.all, v)
	verdicts.Unlock()
	if v.lost != 0 || v.doubled != 0 {
		t.Errorf("%s: %d of %d events are lost, %d rows are stored twice", v.fault, v.lost, v.events, v.doubled)
	}
}
