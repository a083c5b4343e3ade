package clause

import (
	"time"
	// The zones are in the program, so that days are told the same on a machine without a zone database.
	_ "time/tzdata"
)

// Zone loads a time zone by its IANA name.
func Zone(name string) (*time.Location, error) {
	// The empty name and "Local" would be the machine's zone, which is nobody's business.
	if zone, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
		return zone, nil
	}
	return nil, Invalid(CodeBadTimezone, "use an IANA name as Asia/Shanghai or UTC", "unknown time zone %q", name)
}
