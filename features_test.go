package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"clew/transform/feature"
)

func TestFeaturesList(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the program is not built")
	}
	t.Run("all", func(t *testing.T) {
		lines := strings.Split(strings.TrimSpace(mustClew(t, "features")), "\n")
		if len(lines) != 1+len(feature.Catalogue()) {
			t.Errorf("%d lines for %d features and a heading", len(lines), len(feature.Catalogue()))
		}
		if !strings.HasPrefix(lines[1], "C01 ") || !strings.Contains(lines[1], "行业") {
			t.Errorf("the first line is %q", lines[1])
		}
	})
	t.Run("JSON", func(t *testing.T) {
		list := decode[[]feature.Feature](t, mustClew(t, "features", "--base", "--json"))
		if len(list) != len(feature.Base()) {
			t.Errorf("%d features, want %d", len(list), len(feature.Base()))
		}
		if f := list[0]; f.ID != "C01" || f.ZH != "行业" || f.Availability != feature.AvailabilityCapture {
			t.Errorf("the first is %+v", f)
		}
	})
	t.Run("an unknown one", func(t *testing.T) {
		_, stderr, code := clew(t, "features", "W99")
		if code != 1 || !strings.Contains(stderr, "W99") {
			t.Errorf("exit %d, %s", code, stderr)
		}
	})
	t.Run("flags without their lead", func(t *testing.T) {
		for want, args := range map[string][]string{"--as-of": {"--as-of", "2026-01-01T00:00:00Z"}, "--lead is empty": {"--lead", ""}} {
			_, stderr, code := clew(t, append([]string{"features"}, args...)...)
			if code != 1 || !strings.Contains(stderr, want) {
				t.Errorf("%v: exit %d, %s", args, code, stderr)
			}
		}
	})
	t.Run("a wrong time", func(t *testing.T) {
		_, stderr, code := clew(t, "features", "--lead", "a", "--as-of", "yesterday")
		if code != 1 || !strings.Contains(stderr, "--as-of yesterday") {
			t.Errorf("exit %d, %s", code, stderr)
		}
	})
}

// TestFeaturesOfLead prints the vector of a lead as of two moments.
func TestFeaturesOfLead(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s, end := openTestSystem(t, configIn(data))
	const journey = `INSERT INTO lead_journeys (workspace, lead_id, is_lead, at, id, type, name, channel, source, medium,
		campaign, page_group, session, value, owner, effective, detail, properties, updated_at, stated, cut, _ver)
		SELECT 'default', 'L-1', true, [1767225600000, 1767312000000], [1, 2], ['behavior', 'behavior'],
		['page_view', 'demo_request'], ['', ''], ['', ''], ['', ''], ['', ''], ['pricing', ''], [7, 0], [0, 0], ['', ''],
		[false, false], ['', ''], [map(), map()], [1767225600000], [map('行业', '制造业')], 0, 1`
	if err := s.db.Exec(t.Context(), journey, nil); err != nil {
		t.Fatal(err)
	}
	end()
	vector := func(lead, at string) string {
		list := decode[[]featureValue](t, mustClew(t, "features", "C01", "W08", "N14", "W16", "--lead", lead, "--as-of", at,
			"--json", "--data-dir", data))
		text := ""
		for _, v := range list {
			text += fmt.Sprintf("%s %s %v\n", v.ID, v.Name, v.Value)
		}
		return text
	}
	want := "C01 industry 制造业\nW08 pricing_page_views 1\nN14 demo_requested %d\nW16 last_visit_days %s\n"
	if got := vector("L-1", "2026-01-01T23:59:59.999Z"); got != fmt.Sprintf(want, 0, "0.999999988425926") {
		t.Errorf("the day before, got\n%s", got)
	}
	if got := vector("L-1", "2026-01-02T00:00:00Z"); got != fmt.Sprintf(want, 1, "1") {
		t.Errorf("the day after, got\n%s", got)
	}
	_, stderr, code := clew(t, "features", "--lead", "L-2", "--data-dir", data)
	if code != 1 || !strings.Contains(stderr, "L-2") {
		t.Errorf("an unknown lead: exit %d, %s", code, stderr)
	}
	table := mustClew(t, "features", "C01", "C02", "--lead", "L-1", "--data-dir", data)
	if want := "C01  industry              制造业\nC02  industry_target_tier  –\n"; table != want {
		t.Errorf("got\n%swant\n%s", table, want)
	}
}
