package feature_test

import (
	"time"
)

// bySession counts the page views of each session.
func (v view) bySession() map[uint64]float64 {
	n := map[uint64]float64{}
	for _, e := range v.named("page_view") {
		if e.session != 0 {
			n[e.session]++
		}
	}
	return n
}

func (v view) date(h happening) string { return v.local(h.at).Format(time.DateOnly) }

// ofViews is the share of page views for which something holds.
func ofViews(holds func(time.Time) bool) func(view) any {
	return func(v view) any {
		n := 0.0
		for _, e := range v.named("page_view") {
			n += one(holds(v.local(e.at)))
		}
		return share(n, float64(len(v.named("page_view"))))
	}
}

func weekend(t time.Time) bool { return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday }

// pieces are events about a piece of content.
func (v view) pieces() []happening {
	return v.pick(func(h happening) bool {
		switch h.meaning() {
		case "whitepaper_download", "casebook_download", "brochure_download", "price_list_download", "blog_read",
			"template_download", "ebook_download":
			return h.kind == "behavior"
		}
		return false
	})
}

func rate(name string) func(view) any {
	return func(v view) any {
		return share(float64(v.count("behavior", name)), float64(v.count("behavior", "email_sent")))
	}
}

var pages = map[string]func(view) any{
	"W02": func(v view) any { return float64(len(v.bySession())) },
	"W03": func(v view) any {
		return distinct(v.pick(func(h happening) bool { return h.kind == "behavior" }), v.date)
	},
	"W05": func(v view) any {
		most := 0.0
		for _, n := range v.bySession() {
			most = max(most, n)
		}
		return most
	},
	"W14": func(v view) any { return max(float64(len(v.bySession()))-1, 0) },
	"W15": func(v view) any {
		once := 0.0
		for _, n := range v.bySession() {
			once += one(n == 1)
		}
		return once
	},
	"W16": func(v view) any { return v.ago(v.named("page_view")) },
	"W17": func(v view) any {
		captured, ok := v.captured()
		if first := v.customer(); ok && len(first) > 0 && first[0].at <= captured {
			return float64(captured-first[0].at) / float64(hour)
		}
		return nil
	},
	"W18": ofViews(weekend),
	"W19": ofViews(func(t time.Time) bool { return !weekend(t) && t.Hour() >= 9 && t.Hour() < 18 }),
	"W20": func(v view) any {
		mobile, told := 0.0, 0.0
		for _, e := range v.named("page_view") {
			device := e.properties["device"]
			mobile, told = mobile+one(device == "mobile" || device == "iOS"), told+one(device != "")
		}
		return share(mobile, told)
	},
	"W22": func(v view) any { return distinct(v.named("trial_action"), v.date) },
	"D08": func(v view) any {
		topics := map[string]bool{}
		for _, e := range v.pieces() {
			if topic := e.properties["topic"]; topic != "" {
				topics[topic] = true
			}
		}
		return float64(len(topics))
	},
	"D09": func(v view) any {
		sum, n := 0.0, 0.0
		for _, e := range v.pieces() {
			if depth, ok := parse(e.properties["depth"]); ok {
				sum, n = sum+depth, n+1
			}
		}
		return share(sum, n)
	},
	"E05": rate("email_open"),
	"E06": rate("email_click"),
	"E07": func(v view) any {
		last := int64(0)
		for _, e := range v.named("email_open") {
			last = e.at
		}
		n := 0.0
		for _, e := range v.named("email_sent") {
			n += one(e.at > last)
		}
		return n
	},
	"E11": func(v view) any {
		if n := v.number("nurture_stage"); n != nil {
			return n
		}
		return float64(v.count("behavior", "nurture_step"))
	},
	"E12": func(v view) any { return v.ago(v.named("email_click")) },
	"X09": func(v view) any {
		sum, n, before := 0.0, 0.0, happening{}
		for _, e := range v.events {
			if m := e.meaning(); e.kind != "behavior" || m != "wecom_message_in" && m != "wecom_message_out" {
				continue
			}
			if before.meaning() == "wecom_message_out" && e.meaning() == "wecom_message_in" {
				sum, n = sum+float64(e.at-before.at)/float64(minute), n+1
			}
			before = e
		}
		return share(sum, n)
	},
}

// capturedAs tells something of the moment of capture.
func capturedAs(of func(time.Time) int) func(view) any {
	return func(v view) any {
		if at, ok := v.captured(); ok {
			return float64(of(v.local(at)))
		}
		return nil
	}
}

var tempos = map[string]func(view) any{
	"T01": func(v view) any {
		if at, ok := v.captured(); ok {
			return float64(v.now-at) / float64(day)
		}
		return nil
	},
	"T02": func(v view) any { return v.ago(v.customer()) },
	"T03": func(v view) any { return v.within(7) },
	"T04": func(v view) any { return v.within(30) },
	"T05": func(v view) any { return v.within(60) - v.within(30) },
	"T06": func(v view) any { return share(v.within(7)/7, v.within(30)/30) },
	"T07": func(v view) any {
		return bit(v.within(7) >= 5 && v.within(7) >= 3*(v.within(35)-v.within(7))/4)
	},
	"T08": func(v view) any {
		events, longest := v.customer(), int64(0)
		if len(events) < 2 {
			return nil
		}
		for i := range events[1:] {
			longest = max(longest, events[i+1].at-events[i].at)
		}
		return float64(longest) / float64(day)
	},
	"T09": func(v view) any {
		weeks := map[int64]bool{}
		for _, e := range v.customer() {
			if ago := v.now - e.at; ago < 84*day {
				weeks[ago/(7*day)] = true
			}
		}
		return float64(len(weeks))
	},
	"T10": func(v view) any {
		n := 0.0
		for _, name := range []string{
			"demo_request", "quote_request", "contract_inquiry", "price_list_download", "trial_signup", "calculator_use",
			"form_submit",
		} {
			for _, e := range v.named(name) {
				n += one(v.now-e.at < 14*day)
			}
		}
		return n
	},
	"T11": func(v view) any { return v.intensity(7) },
	"T12": func(v view) any { return v.intensity(30) },
	"T13": capturedAs(time.Time.Hour),
	"T14": capturedAs(func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }),
	"T15": capturedAs(func(t time.Time) int { return int(t.Month()) }),
	"T17": func(v view) any {
		return distinct(v.pick(func(h happening) bool { return h.kind == "behavior" }), func(h happening) string { return h.name })
	},
	"T18": func(v view) any {
		if first := v.customer(); len(first) > 0 {
			return v.ago(first[:1])
		}
		return nil
	},
}

func (v view) stages() []happening {
	return v.pick(func(h happening) bool { return h.kind == "stage" })
}

func (v view) followUps() []happening {
	return v.pick(func(h happening) bool { return h.kind == "activity" })
}

// lastOf is a text of the last event for which there is one.
func lastOf(events []happening, of func(happening) string) any {
	last := ""
	for _, e := range events {
		if s := of(e); s != "" {
			last = s
		}
	}
	return text(last)
}

func (v view) at(stages ...string) []happening {
	var found []happening
	for _, e := range v.stages() {
		for _, s := range stages {
			if e.name == s {
				found = append(found, e)
			}
		}
	}
	return found
}

var histories = map[string]func(view) any{
	"H03": func(v view) any {
		n, before := 0.0, ""
		for _, e := range v.stages() {
			n += one(before == "recycled" && e.name != "recycled" && e.name != "lost" && e.name != "invalid")
			before = e.name
		}
		return n
	},
	"H05": func(v view) any { return v.ago(v.at("recycled")) },
	"H06": func(v view) any {
		if lost := v.at("lost"); len(lost) > 0 {
			return text(lost[len(lost)-1].detail)
		}
		return nil
	},
	"H07": func(v view) any {
		return lastOf(v.at("won", "lost", "recycled", "invalid"), func(h happening) string { return h.name })
	},
	"H09": func(v view) any { return lastOf(v.stages(), func(h happening) string { return h.name }) },
	"H10": func(v view) any { return v.ago(v.stages()) },
	"F01": func(v view) any {
		for _, given := range v.events {
			if given.kind != "assignment" || given.name != "assigned" {
				continue
			}
			for _, e := range v.followUps() {
				if e.effective && e.at >= given.at {
					return float64(e.at-given.at) / float64(minute)
				}
			}
			return nil
		}
		return nil
	},
	"F06": func(v view) any {
		return lastOf(v.followUps(), func(h happening) string { return h.properties["emotion"] })
	},
	"F13": func(v view) any {
		all := v.followUps()
		if len(all) == 0 {
			return nil
		}
		promised := map[string]time.Time{
			"2026-02-20 10:00:00.000": time.Date(2026, 2, 20, 10, 0, 0, 0, time.UTC),
			"2026-03-20T10:00:00Z":    time.Date(2026, 3, 20, 10, 0, 0, 0, time.UTC),
		}[all[len(all)-1].properties["next_at"]]
		return bit(!promised.IsZero() && promised.UnixMilli() < v.now)
	},
	"F17": func(v view) any { return v.ago(v.followUps()) },
	"F18": func(v view) any {
		n := 0.0
		for _, e := range v.followUps() {
			n += one(e.effective)
		}
		return share(n, float64(len(v.followUps())))
	},
}

// intensity is the decayed count of the customer's events.
func (v view) intensity(halfLife float64) any {
	sum := 0.0
	for _, e := range v.customer() {
		sum += pow2(-float64(v.now-e.at) / float64(day) / halfLife)
	}
	return sum
}
