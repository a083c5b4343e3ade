package transform

import (
	"context"
	"errors"
	"fmt"

	"clew/transform/warehouse"
)

// Decay asks for the decayed sums of a signal, which then stand in lead_decays.
type Decay struct {
	// Signal is a name as in lead_signals; empty asks for every signal.
	Signal string
	// HalfLifeHours is the time in which a signal loses half of its weight, in hours, from 1 on.
	HalfLifeHours uint32
	// PerDay is how many signals a day count at most; 0 counts all.
	PerDay uint32
}

// DefaultDecays are those of a Config that asks for none: every signal by a half-life of 30 days. Each entry for every
// signal costs as many rows as leads have different signals.
func DefaultDecays() []Decay {
	return []Decay{{HalfLifeHours: 30 * 24}}
}

// decays are those that are asked for.
func (c Config) decays() []Decay {
	if c.Decays == nil {
		return DefaultDecays()
	}
	return c.Decays
}

func checkDecays(decays []Decay) error {
	var faults []error
	for _, d := range decays {
		if d.HalfLifeHours == 0 {
			faults = append(faults, fmt.Errorf("decay of the signal %q: give a half-life of at least 1 hour", d.Signal))
		}
	}
	return errors.Join(faults...)
}

// fillDecays replaces the reference table of what lead_decays holds.
func fillDecays(ctx context.Context, db *warehouse.DB, decays []Decay) error {
	signals, hours, limits := []string{}, []uint32{}, []uint32{}
	for _, d := range decays {
		signals, hours, limits = append(signals, d.Signal), append(hours, d.HalfLifeHours), append(limits, d.PerDay)
	}
	const sql = `SELECT DISTINCT signal, half_life_hours, per_day FROM
(SELECT {signals:Array(String)} AS signal, {hours:Array(UInt32)} AS half_life_hours, {limits:Array(UInt32)} AS per_day)
ARRAY JOIN signal, half_life_hours, per_day`
	_, err := db.Replace(ctx, "decays", []string{"signal", "half_life_hours", "per_day"}, sql,
		warehouse.Params{"signals": signals, "hours": hours, "limits": limits})
	return err
}
