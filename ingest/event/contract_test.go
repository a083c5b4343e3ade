package event

import (
	"slices"
	"testing"
)

func TestEachTypeHasItsTopic(t *testing.T) {
	want := []string{
		"clew.touchpoints", "clew.behaviors", "clew.leads", "clew.activities", "clew.stages", "clew.assignments",
		"clew.costs",
	}
	if got := Topics(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for i, typ := range Types() {
		if Topic(typ) != want[i] || TypeOf(want[i]) != typ || New(typ).Kind() != typ {
			t.Errorf("%s: topic %s, type %s, new %s", typ, Topic(typ), TypeOf(want[i]), New(typ).Kind())
		}
	}
	if Topic("visit") != "" || TypeOf("visits") != "" || New("visit") != nil {
		t.Error("an unknown type has a topic")
	}
}

func TestHeadIsTheEventsOwn(t *testing.T) {
	e := &Lead{}
	e.Head().EventID = "x"
	if e.EventID != "x" {
		t.Error("a change of the head did not change the event")
	}
}

func TestKey(t *testing.T) {
	for want, e := range map[string]Event{
		"l":             &Stage{Header: Header{LeadID: "l", AnonymousID: "a"}},
		"a":             &Behavior{Header: Header{AnonymousID: "a", Identifiers: map[string]string{"email": "e"}}},
		"email:e":       &Lead{Header: Header{Identifiers: map[string]string{"phone": "p", "email": "e", "wechat": "w"}}},
		"":              &Lead{},
		"search/spring": &Cost{Header: Header{LeadID: "l"}, Channel: "search", Campaign: "spring"},
		"search/":       &Cost{Channel: "search"},
	} {
		if got := Key(e); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
