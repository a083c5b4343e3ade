package simulate

import (
	"errors"
	"hash/fnv"
	"strings"
	"testing"
	"time"

	"clew/ingest/event"
)

var asOf = time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC)

func encoded(t *testing.T, c Config) uint64 {
	t.Helper()
	h := fnv.New64a()
	for e := range Events(c) {
		raw, err := event.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = h.Write(append(raw, '\n')) // never fails
	}
	return h.Sum64()
}

func TestSeedDecides(t *testing.T) {
	one := Config{Seed: 1, Leads: 600, To: asOf}
	two := Config{Seed: 2, Leads: 600, To: asOf}
	first := encoded(t, one)
	if again := encoded(t, one); again != first {
		t.Errorf("seed 1 gave %x and then %x", first, again)
	}
	if other := encoded(t, two); other == first {
		t.Errorf("seeds 1 and 2 gave the same events: %x", other)
	}
	seq := Events(one)
	count := func() (n int) {
		for range seq {
			n++
		}
		return n
	}
	if a, b := count(), count(); a != b || a == 0 {
		t.Errorf("one sequence, ranged over twice, gave %d and %d events", a, b)
	}
}

// TestStream checks what holds for every event, and how the stream is disturbed.
func TestStream(t *testing.T) {
	c := Config{Seed: 7, Leads: 3000, To: asOf}
	from := asOf.AddDate(-1, 0, 0)
	seen := map[string][]byte{}
	byType := map[event.Type]int{}
	var created []time.Time
	events, repeated, late := 0, 0, 0
	life, last := "", time.Time{}
	for e := range Events(c) {
		events++
		raw, err := event.Encode(e)
		if err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		h := e.Head()
		at := h.OccurredAt
		if at.After(asOf) || at.Before(from) || at.Truncate(time.Millisecond) != at {
			t.Fatalf("%s happened at %s, outside of the window or between milliseconds", h.EventID, at)
		}
		if before, ok := seen[h.EventID]; ok {
			repeated++
			if string(before) != string(raw) {
				t.Fatalf("id %s has two contents:\n%s\n%s", h.EventID, before, raw)
			}
			continue
		}
		seen[h.EventID] = raw
		byType[e.Kind()]++
		if of, _, _ := strings.Cut(h.EventID, "."); of != life {
			life, last = of, time.Time{}
		}
		if h.OccurredAt.Before(last) {
			late++
		}
		last = later(last, h.OccurredAt)
		if l, ok := e.(*event.Lead); ok && l.CreatedAt != nil {
			created = append(created, *l.CreatedAt)
			if l.CreatedAt.After(asOf) {
				t.Fatalf("%s is created after To", l.LeadID)
			}
		}
	}
	if len(created) != c.Leads {
		t.Errorf("%d leads, want %d", len(created), c.Leads)
	}
	unordered := 0
	for i := 1; i < len(created); i++ {
		if created[i].Sub(created[i-1]) < -24*time.Hour {
			unordered++
		}
	}
	if unordered > 0 {
		t.Errorf("%d leads come more than a day after a younger one", unordered)
	}
	for _, k := range event.Types() {
		if byType[k] == 0 {
			t.Errorf("no %s", k)
		}
	}
	within(t, "repeated deliveries", float64(repeated)/float64(events), 0.003, 0.005)
	within(t, "late events", float64(late)/float64(events), 0.005, 0.02)
	within(t, "events a lead", float64(events)/float64(c.Leads), 15, 20)
}

func TestNobodyIsReal(t *testing.T) {
	unknown := map[string]int{}
	n := 0
	for e := range Events(Config{Seed: 5, Leads: 3000, To: asOf}) {
		l, ok := e.(*event.Lead)
		if !ok || l.CreatedAt == nil {
			continue
		}
		n++
		if p := l.Contact.Phone; p != "" && (!strings.HasPrefix(p, "+86 000 ") || len(p) != len("+86 000 0000 0000")) {
			t.Errorf("phone %q", p)
		}
		if m := l.Contact.Email; m != "" && !strings.HasSuffix(m, ".example") {
			t.Errorf("mail %q", m)
		}
		for field, value := range map[string]string{
			"phone": l.Contact.Phone, "email": l.Contact.Email, "company": l.Company,
			"urgency": string(l.Attributes["urgency"]), "industry": string(l.Attributes["industry"]),
		} {
			if value == "" {
				unknown[field]++
			}
		}
	}
	for field, want := range map[string]float64{
		"phone": 0.04, "email": 0.30, "company": 0.06, "urgency": 0.25, "industry": 0.07,
	} {
		within(t, "leads without "+field, float64(unknown[field])/float64(n), want-0.03, want+0.03)
	}
}

func TestSmallWindows(t *testing.T) {
	for _, c := range []Config{
		{Leads: 1, To: asOf},
		{Leads: 50, From: asOf.Add(-time.Hour), To: asOf},
		{Leads: 50, From: asOf.Add(-30 * time.Hour), To: asOf.Add(-6*time.Hour - 7*time.Minute)}, // ends at night
		{Leads: 200, From: asOf.AddDate(0, 0, -20), To: asOf, Timezone: "America/New_York"},
		{Leads: 200, From: asOf.AddDate(4, 1, 0), To: asOf.AddDate(4, 4, 0)}, // years without a known festival
	} {
		leads := map[string]bool{}
		for e := range Events(c) {
			if at := e.Head().OccurredAt; at.After(c.To) || !c.From.IsZero() && at.Before(c.From) {
				t.Errorf("%+v: %s is outside", c, at)
			}
			if l, ok := e.(*event.Lead); ok && l.CreatedAt != nil {
				leads[l.LeadID] = true
			}
		}
		if len(leads) != c.Leads {
			t.Errorf("%+v: %d leads", c, len(leads))
		}
	}
}

func TestStoppingEarly(t *testing.T) {
	for stop := 1; stop < 2000; stop += 111 {
		n := 0
		for range Events(Config{Leads: 100, To: asOf}) {
			if n++; n == stop {
				break
			}
		}
		if n != stop {
			t.Errorf("stopped at %d, got %d", stop, n)
		}
	}
}

func TestConfigFaultsAllAtOnce(t *testing.T) {
	err := Config{Timezone: "Mars/Base", Currency: "yuan"}.Check()
	want := `timezone "Mars/Base" is not known: use an IANA name such as Asia/Shanghai
leads is 0: ask for at least 1
to is not set: name the moment the story is told at, after 1980
invalid_value: currency is "yuan": send three capital letters of ISO 4217, such as CNY`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if _, ok := errors.AsType[*event.Fault](err); !ok {
		t.Errorf("the currency's fault is not an *event.Fault: %v", err)
	}
	long := asOf.AddDate(-11, 0, 0)
	for want, c := range map[string]Config{
		"from is not before to: name an earlier from":                 {Leads: 1, From: asOf, To: asOf},
		"from lies more than 3660 days before to: shorten the window": {Leads: 1, From: long, To: asOf},
	} {
		if err := c.Check(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := (Config{Leads: 1, To: asOf}).Check(); err != nil {
		t.Error(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("Events took a faulty Config")
		}
	}()
	Events(Config{})
}

func BenchmarkEvents(b *testing.B) {
	b.ReportAllocs()
	events, leads := 0, 0
	for b.Loop() {
		c := Config{Seed: 1, Leads: 5000, To: asOf}
		for range Events(c) {
			events++
		}
		leads += c.Leads
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(events)/float64(leads), "events/lead")
}

func BenchmarkEncodedEvents(b *testing.B) {
	events, size := 0, 0
	for b.Loop() {
		for e := range Events(Config{Seed: 1, Leads: 5000, To: asOf}) {
			raw, err := event.Encode(e)
			if err != nil {
				b.Fatal(err)
			}
			events++
			size += len(raw)
		}
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(size)/float64(events), "bytes/event")
}
