package feature

import (
	"fmt"
	"strings"
)

// The lines of the table. What a line does not say is that of its kind: an attribute is known at capture, a behaviour
// before contact.

// stated is the latest text of an attribute.
func stated(id, name, zh, en, attribute string) Feature {
	return Feature{
		ID: id, Name: name, ZH: zh, EN: en, Type: TypeCategory, Source: SourceAttribute, Availability: AvailabilityCapture,
		Definition: says(attribute), sql: "nullIf($attr." + attribute + ", '')",
	}
}

// statedFlag is an attribute that says yes or no; NULL where it says neither.
func statedFlag(id, name, zh, en, attribute string) Feature {
	f := stated(id, name, zh, en, attribute)
	f.Type, f.sql = TypeFlag, "$flag."+attribute
	return f
}

// statedNumber is an attribute that is a number; NULL where it is none.
func statedNumber(id, name, zh, en, attribute string) Feature {
	f := stated(id, name, zh, en, attribute)
	f.Type, f.sql = TypeNumber, "$num."+attribute
	return f
}

// banded is a number cut into bands, or else the band that was stated.
func banded(id, name, zh, en, number, band string, cuts ...int) Feature {
	f := stated(id, name, zh, en, number)
	var b strings.Builder
	low := "0"
	for _, cut := range cuts {
		fmt.Fprintf(&b, "$num.%s < %d, '%s-%d', ", number, cut, low, cut)
		low = fmt.Sprint(cut)
	}
	rest := "NULL"
	if band != "" {
		rest = "nullIf($attr." + band + ", '')"
		f.Definition += "; else " + strings.ToLower(says(band)[:1]) + says(band)[1:]
	}
	f.sql = fmt.Sprintf("multiIf(%s$num.%s >= %s, '%s+', %s)", b.String(), number, low, low, rest)
	f.Definition += fmt.Sprintf("; a number becomes one of the bands cut at %v, each with its lower end", cuts)
	return f
}

func says(attribute string) string { return "Stated as " + attributes.says(attribute) }

// counted is how often a behaviour was shown, in all, in windows and decayed.
func counted(id, name, zh, en, behavior string) Feature {
	return Feature{
		ID: id, Name: name, ZH: zh, EN: en, Type: TypeNumber, Source: SourceBehavior,
		Availability: AvailabilityPreContact, Definition: "Behaviours named " + behaviors.says(behavior),
		sql: "$n." + behavior, windowed: true,
		decayed: "arraySum((x, y) -> (x = $code." + behavior + ") * y, $does, $weights.30)",
	}
}

// summed is the sum of a behaviour's values.
func summed(id, name, zh, en, behavior, unit string) Feature {
	f := counted(id, name, zh, en, behavior)
	f.Unit, f.Definition = unit, "Sum of the values of behaviours named "+behaviors.says(behavior)
	f.sql = "arraySum((x, y) -> (x = $code." + behavior + ") * y, $does, $values)"
	f.decayed = "arraySum((x, y, z) -> (x = $code." + behavior + ") * y * z, $does, $values, $weights.30)"
	return f
}

// viewed is how often a page of a group was looked at.
func viewed(id, name, zh, en, group string) Feature {
	f := counted(id, name, zh, en, "page_view")
	f.Definition = "Page views of the group " + pageGroups.says(group)
	f.sql = "countEqual($pages, $page." + group + ")"
	f.decayed = "arraySum((x, y) -> (x = $page." + group + ") * y, $pages, $weights.30)"
	return f
}

// shown is a flag that is 1 once a behaviour was shown.
func shown(id, name, zh, en, behavior string) Feature {
	f := counted(id, name, zh, en, behavior)
	f.Type, f.windowed, f.decayed = TypeFlag, false, ""
	f.sql, f.Definition = "$n."+behavior+" > 0", "1 once there is a behaviour named "+behaviors.says(behavior)
	return f
}

// computed is a number of its own making.
func computed(id, name, zh, en, unit, sql, definition string) Feature {
	return Feature{
		ID: id, Name: name, ZH: zh, EN: en, Type: TypeNumber, Source: SourceBehavior,
		Availability: AvailabilityPreContact, Unit: unit, Definition: definition, sql: sql,
	}
}

// The changes that a line makes to what is usual for its kind.

func (f Feature) as(t Type) Feature { f.Type = t; return f }

func (f Feature) of(s Source) Feature { f.Source = s; return f }

func (f Feature) at(a Availability) Feature { f.Availability = a; return f }

func (f Feature) inWindows() Feature { f.windowed = true; return f }

func (f Feature) decays(sql string) Feature { f.decayed = sql; return f }
