// Package feature is the catalogue of what a score may look at: a table of features with their names, what they read and
// when they may be known, and the one statement that computes any of them for any leads as of any moment.
//
// A feature is an expression over one row of lead_journeys. Nothing that happened after the moment asked for is seen, to
// the millisecond, so a vector of last year is the one that could have been computed then; only whose history it is
// (identities, accounts) is as known today.
package feature

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Type is what values a feature has.
type Type string

// The types. A number is Float64, a flag 1 or 0, a category a text; all may be NULL.
const (
	TypeNumber   Type = "number"
	TypeCategory Type = "category"
	TypeFlag     Type = "flag"
)

// Source is what a feature reads.
type Source string

// The sources.
const (
	SourceAttribute Source = "attribute"
	SourceBehavior  Source = "behavior"
	SourceTouch     Source = "touch"
	SourceTempo     Source = "tempo"
	SourceAccount   Source = "account"
	SourcePrior     Source = "prior"
	SourceHistory   Source = "history"
	SourceActivity  Source = "activity"
)

// Availability says from when on a feature may be known, and so which models may use it.
type Availability string

// The availabilities. The first two are safe before contact: they are computed as of the last millisecond before the
// first follow-up where the moment asked for is later, so they see neither a follow-up nor what came of it.
const (
	// AvailabilityCapture is known once the lead is captured.
	AvailabilityCapture Availability = "capture"
	// AvailabilityPreContact grows until somebody follows up.
	AvailabilityPreContact Availability = "pre_contact"
	// AvailabilityPostContact is known after somebody followed up, or says what sales made of the lead.
	AvailabilityPostContact Availability = "post_contact"
)

// Feature is one line of the catalogue.
type Feature struct {
	// ID is the letter of the family and a number; a windowed one adds _7d, _30d, _90d or _decayed.
	ID   string `json:"id"`
	Name string `json:"name"`
	ZH   string `json:"zh"`
	EN   string `json:"en"`
	Type Type   `json:"type"`
	// Source is the main thing it reads.
	Source       Source       `json:"source"`
	Availability Availability `json:"availability"`
	// Unit is of a number, empty for a count without one.
	Unit string `json:"unit,omitempty"`
	// Base is the ID of the feature that this one is a window or the decayed form of; empty for a base dimension.
	Base string `json:"base,omitempty"`
	// Window is in days before the moment, which it includes, while its other end it does not; 0: all history.
	Window int `json:"window_days,omitempty"`
	// HalfLife is in days, of a decayed form; 0: not decayed.
	HalfLife int `json:"half_life_days,omitempty"`
	// Definition is in words, with the names that it reads.
	Definition string `json:"definition"`

	// sql is the template of the expression, decayed that of its decayed form; see part.go.
	sql, decayed string
	// windowed says that the feature also comes in windows.
	windowed bool
}

// Safe says that the feature sees nothing of or after the first follow-up.
func (f Feature) Safe() bool { return f.Availability != AvailabilityPostContact }

// windows are the days of the windowed forms, and halfLife those of the decayed one.
var windows = []int{7, 30, 90}

const halfLife = 30

// Catalogue gives every feature: the base dimensions in their order, each followed by its windows and decayed form. The
// slice is the caller's.
func Catalogue() []Feature {
	var all []Feature
	for _, f := range Base() {
		all = append(all, f)
		all = append(all, f.forms()...)
	}
	return all
}

// letters are the families in their order.
const letters = "CPNSQWDEXVTAHF"

// Base gives the base dimensions alone, by family and number.
func Base() []Feature {
	all := slices.Concat(company(), contact(), need(), origin(), priors(), quality(), web(), content(), mail(), social(), service(),
		tempo(), account(), history(), followUp())
	slices.SortFunc(all, func(a, b Feature) int {
		return cmp.Or(strings.IndexByte(letters, a.ID[0])-strings.IndexByte(letters, b.ID[0]), strings.Compare(a.ID, b.ID))
	})
	return all
}

// Find gives the features with these IDs or names, in the order asked for. The error names the first unknown one.
func Find(ids ...string) ([]Feature, error) {
	all := Catalogue()
	found := make([]Feature, len(ids))
	for i, id := range ids {
		at := slices.IndexFunc(all, func(f Feature) bool { return f.ID == id || f.Name == id })
		if at < 0 {
			return nil, fmt.Errorf("feature %q is not in the catalogue: `clew features` lists it", id)
		}
		found[i] = all[at]
	}
	return found, nil
}

// forms are the windows of a feature and its decayed form, where it has any.
func (f Feature) forms() []Feature {
	var forms []Feature
	if f.windowed {
		for _, days := range windows {
			w := f.form(fmt.Sprintf("%dd", days), fmt.Sprintf("%d 天内", days), fmt.Sprintf("in the last %d days", days))
			w.Window = days
			forms = append(forms, w)
		}
	}
	if f.decayed != "" {
		d := f.form("decayed", fmt.Sprintf("%d 天半衰", halfLife), fmt.Sprintf("with a half-life of %d days", halfLife))
		d.HalfLife, d.sql = halfLife, f.decayed
		forms = append(forms, d)
	}
	return forms
}

func (f Feature) form(suffix, zh, en string) Feature {
	w := f
	w.ID, w.Name, w.Base = f.ID+"_"+suffix, f.Name+"_"+suffix, f.ID
	w.ZH, w.EN, w.Definition = f.ZH+"（"+zh+"）", f.EN+" "+en, f.ID+" "+en
	w.windowed, w.decayed = false, ""
	return w
}
