package feature_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"clew/transform/feature"
	"clew/transform/warehouse/warehousetest"
)

// TestDocs holds the page of documentation against the table.
func TestDocs(t *testing.T) {
	warehousetest.Golden(t, "../../docs/features.md", feature.Markdown())
}

// TestGolden shows the statement of a few features that need each thing once: an attribute, a window, a decayed sum, both
// scopes and a timeline.
func TestGolden(t *testing.T) {
	features, err := feature.Find("C01", "W01_7d", "W01_decayed", "F02", "A01", "S15")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := feature.SQL(features, "observations")
	warehousetest.Golden(t, "testdata/vector.golden.sql", text+"\n")
	warehousetest.NoOrphans(t, "testdata/*.golden.sql", []string{"testdata/vector.golden.sql"})
	if all, _ := feature.SQL(feature.Catalogue(), "observations"); len(all) > 200<<10 {
		t.Errorf("the statement of all features has %d bytes; a server takes 256 KiB", len(all))
	}
}

// TestEnoughAreSafe counts dimensions, not windows.
func TestEnoughAreSafe(t *testing.T) {
	families := map[byte]int{}
	safe := 0
	for _, f := range feature.Base() {
		if f.Safe() {
			safe++
			families[f.ID[0]]++
		}
	}
	if safe < 128 {
		t.Errorf("%d base dimensions are safe before contact, want at least 128", safe)
	}
	if families['F'] > 0 || families['H'] > 0 {
		t.Errorf("what sales did or made of the lead is called safe: %v", families)
	}
}

// TestConditionsOfConversion holds the names that N16 counts by against those of lead_facts: each that is ours is one of
// its, for the same condition. What it has beyond them is said by follow-ups or is an attribute of that name.
func TestConditionsOfConversion(t *testing.T) {
	model, err := os.ReadFile("../models/lead_facts.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(model), "transform(translate(lower(sign), ' -', '__'),")
	signs, rest, _ := strings.Cut(rest, "],")
	codes, _, found := strings.Cut(rest, "], 0) AS condition")
	names := regexp.MustCompile(`'([^']+)'`).FindAllStringSubmatch(signs, -1)
	conditions := regexp.MustCompile(`[0-9]`).FindAllString(codes, -1)
	if !found || len(names) != len(conditions) {
		t.Fatalf("lead_facts tells its conditions in another way: %d names, %d codes", len(names), len(conditions))
	}
	theirs := map[string]string{}
	for i, name := range names {
		theirs[name[1]] = conditions[i]
	}
	features, err := feature.Find("N12", "N05", "N14", "N13", "N15", "N08")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(` (?:named|stated as) (.*)`)
	for i, condition := range []string{"1", "2", "3", "4", "5"} {
		names := said.FindStringSubmatch(strings.ReplaceAll(features[i].Definition, " or ", ", "))[1]
		for name := range strings.SplitSeq(names, ", ") {
			if theirs[name] != condition {
				t.Errorf("%s counts %q, which is condition %q of lead_facts", features[i].ID, name, theirs[name])
			}
		}
	}
	intent := strings.Split(strings.TrimPrefix(features[5].Definition, "Stated as "), ", ")
	if want := "IN ('" + strings.Join(intent, "', '") + "')"; !strings.Contains(strings.Join(strings.Fields(rest), " "), want) {
		t.Errorf("lead_facts does not look for intent by the names of N08: %s", want)
	}
	count, err := feature.Find("N16")
	if err != nil {
		t.Fatal(err)
	}
	_, params := feature.SQL(count, "observations")
	for _, value := range params {
		if list, ok := value.([]string); ok && slices.Contains(list, "quote") {
			for _, v := range list {
				if theirs["intent="+v] != "1" {
					t.Errorf("N16 counts an intent of %q, lead_facts does not", v)
				}
			}
		}
	}
}

func TestLinesAreWhole(t *testing.T) {
	ids, names := map[string]bool{}, map[string]bool{}
	form := regexp.MustCompile(`^[CPNSQWDEXVTAHF][0-9]{2}(_(7d|30d|90d|decayed))?$`)
	for _, f := range feature.Catalogue() {
		switch {
		case !form.MatchString(f.ID) || ids[f.ID]:
			t.Errorf("%s: not an id, or there twice", f.ID)
		case f.Name == "" || strings.ToLower(f.Name) != f.Name || names[f.Name]:
			t.Errorf("%s: name %q is not one, or there twice", f.ID, f.Name)
		case !strings.ContainsFunc(f.ZH, func(r rune) bool { return unicode.Is(unicode.Han, r) }):
			t.Errorf("%s: %q is not Chinese", f.ID, f.ZH)
		case f.EN == "" || f.Definition == "" || f.Source == "" || f.Availability == "":
			t.Errorf("%s lacks a text: %+v", f.ID, f)
		}
		ids[f.ID], names[f.Name] = true, true
	}
}

func TestFind(t *testing.T) {
	got, err := feature.Find("page_views_7d", "C01")
	if err != nil || len(got) != 2 || got[0].ID != "W01_7d" || got[1].Name != "industry" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := feature.Find("C01", "C99"); err == nil || !strings.Contains(err.Error(), "C99") {
		t.Errorf("an unknown feature gives %v", err)
	}
}

// TestValuesTravelAsParameters looks for quoted texts that are no words of ours.
func TestValuesTravelAsParameters(t *testing.T) {
	text, params := feature.SQL(feature.Catalogue(), "observations")
	again, _ := feature.SQL(feature.Catalogue(), "observations")
	if text != again {
		t.Error("the same features give another text")
	}
	for _, r := range text {
		if r > unicode.MaxASCII {
			t.Fatalf("the statement holds %q", r)
		}
	}
	for _, word := range []string{"now()", "now64", "today(", "SELECT *"} {
		if strings.Contains(text, word) {
			t.Errorf("the statement holds %s", word)
		}
	}
	for name := range params {
		if !strings.Contains(text, "{"+name+":") {
			t.Errorf("parameter %s is not used", name)
		}
	}
}
