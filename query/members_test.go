package query

import (
	"fmt"
	"testing"
)

// TestEveryMemberAnswers asks for each member in each cube that knows it, and for each time by each granularity: an
// expression that only some requests reach must not wait for a user to fail.
func TestEveryMemberAnswers(t *testing.T) {
	s := seeded(t, Config{})
	// These members are known by one cube alone, so they decide which cube answers.
	only := map[string]string{"leads": `"lost"`, "spend": `"clicks"`}
	asked := 0
	try := func(cube, measures, dimensions, times string) {
		t.Helper()
		request := fmt.Sprintf(`{"measures":[%s],"dimensions":[%s],"timeDimensions":[%s]}`, measures, dimensions, times)
		a := ask(t, s, request)
		r, err := Decode([]byte(request))
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.Explain(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if e.Cube != cube || len(a.Data.Rows) == 0 {
			t.Errorf("%s: %d rows from %s, want some from %s", request, len(a.Data.Rows), e.Cube, cube)
		}
		asked++
	}
	for _, m := range s.catalog.Measures {
		for cube := range m.In {
			if quoted := fmt.Sprintf("%q", m.Name); quoted == only[cube] {
				try(cube, quoted, "", "")
			} else {
				try(cube, only[cube]+","+quoted, "", "")
			}
		}
	}
	for _, d := range s.catalog.Dimensions {
		name := d.Name
		if d.Named {
			name += ".size"
		}
		for cube := range d.In {
			try(cube, only[cube], fmt.Sprintf("%q", name), "")
		}
	}
	for _, d := range s.catalog.TimeDimensions {
		for cube, moment := range d.In {
			for _, g := range granularities {
				if g != "hour" || moment.Instant != "" {
					try(cube, only[cube], "", fmt.Sprintf(`{"dimension":%q,"granularity":%q}`, d.Name, g))
				}
			}
		}
	}
	if asked < 110 {
		t.Errorf("asked %d times only", asked)
	}
}
