package source

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"clew/ingest/event"
)

// An archive is a directory of Parquet files, one for each raw table and month, and a manifest that says what they
// hold. The files have the columns of the tables, so that other programs find in them what they know from there; a row
// read back is the event it was made of.

// ArchiveTable is a raw table as an archive holds it. Its columns are those of the table but for where a row stood in
// Kafka: an event that is sent again stands elsewhere.
type ArchiveTable struct {
	// Name is that of the table and of its folder in the archive.
	Name string
	// Month is the column whose month, in UTC, decides which file a row belongs to; a date or a time.
	Month string
	// Columns are the archived columns, in the order in which ArchiveWriter.Row hands out places for them.
	Columns []string
	// Order is the sort key of the table.
	Order []string

	write func(*ArchiveWriter)
	read  func(*archiveFile) rowReader
}

// ArchiveTables returns every table of an archive.
func ArchiveTables() []ArchiveTable {
	ofLead := []string{"workspace", "lead_id", "occurred_at", "event_id"}
	return []ArchiveTable{
		archiveTable[eventRow]("events", "occurred_at", ofLead),
		archiveTable[leadRow]("lead_updates", "occurred_at", ofLead),
		archiveTable[activityRow]("activities", "occurred_at", ofLead),
		archiveTable[stageRow]("stage_changes", "occurred_at", ofLead),
		archiveTable[assignmentRow]("assignments", "occurred_at", ofLead),
		archiveTable[costRow]("costs", "date", []string{"workspace", "date", "channel", "campaign", "event_id"}),
		archiveTable[letterRow]("dead_letters", "received_at", []string{"topic", "received_at"}),
	}
}

// archiveRow is a row of type T that knows the message it was made of.
type archiveRow[T any] interface {
	*T
	message() (Archived, error)
}

func archiveTable[T any, P archiveRow[T]](name, month string, order []string) ArchiveTable {
	var row T
	columns, _ := columnsOf(reflect.ValueOf(&row).Elem())
	return ArchiveTable{
		Name: name, Month: month, Columns: columns, Order: order,
		write: func(w *ArchiveWriter) { writeRows[T](w) },
		read:  readRows[T, P],
	}
}

// columnsOf returns the columns of a row, in order, and a pointer to the field of each.
func columnsOf(row reflect.Value) (columns []string, fields []any) {
	for _, f := range reflect.VisibleFields(row.Type()) {
		if f.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
		columns, fields = append(columns, name), append(fields, row.FieldByIndex(f.Index).Addr().Interface())
	}
	return columns, fields
}

// Archived is a row of an archive, as the message it came from.
type Archived struct {
	// Event is nil for a dead letter.
	Event event.Event
	// Topic, Key and Value are those of a dead letter's message.
	Topic      string
	Key, Value []byte
	// ReceivedAt is when Kafka first took the message.
	ReceivedAt time.Time
}

// clampedBy is how far in the future an event is dated whose row says that it was clamped: what was further than the 24
// hours that are allowed is again. Where it was is not known.
const clampedBy = 48 * time.Hour

// headColumns are the columns of every event.
type headColumns struct {
	Workspace  string    `parquet:"workspace,dict"`
	EventID    string    `parquet:"event_id"`
	OccurredAt time.Time `parquet:"occurred_at,timestamp(millisecond)"`
	ReceivedAt time.Time `parquet:"received_at,timestamp(millisecond)"`
	Clamped    bool      `parquet:"clamped"`
}

func (c *headColumns) archived(e event.Event) Archived {
	h := e.Head()
	h.Workspace, h.EventID, h.OccurredAt = c.Workspace, c.EventID, c.OccurredAt.UTC()
	if c.Clamped {
		h.OccurredAt = c.ReceivedAt.UTC().Add(clampedBy)
	}
	return Archived{Event: e, ReceivedAt: c.ReceivedAt.UTC()}
}

// personColumns are the columns of events that belong to someone.
type personColumns struct {
	LeadID      string            `parquet:"lead_id"`
	AnonymousID string            `parquet:"anonymous_id"`
	Identifiers map[string]string `parquet:"identifiers"`
}

func (c *personColumns) header() event.Header {
	return event.Header{LeadID: c.LeadID, AnonymousID: c.AnonymousID, Identifiers: c.Identifiers}
}

type eventRow struct {
	headColumns
	personColumns
	Type       string            `parquet:"type,dict"`
	Name       string            `parquet:"name,dict"`
	Channel    string            `parquet:"channel,dict"`
	Source     string            `parquet:"source,dict"`
	Medium     string            `parquet:"medium,dict"`
	Campaign   string            `parquet:"campaign,dict"`
	Content    string            `parquet:"content,dict"`
	Term       string            `parquet:"term,dict"`
	URL        string            `parquet:"url"`
	Referrer   string            `parquet:"referrer"`
	PageGroup  string            `parquet:"page_group,dict"`
	Value      float64           `parquet:"value"`
	SessionID  string            `parquet:"session_id"`
	Properties map[string]string `parquet:"properties"`
}

func (r *eventRow) message() (Archived, error) {
	switch event.Type(r.Type) {
	case event.TypeTouchpoint:
		return r.archived(&event.Touchpoint{
			Header: r.header(), Channel: r.Channel, Source: r.Source, Medium: r.Medium, Campaign: r.Campaign,
			Content: r.Content, Term: r.Term, Touch: r.Name, URL: r.URL, Referrer: r.Referrer,
		}), nil
	case event.TypeBehavior:
		return r.archived(&event.Behavior{
			Header: r.header(), Name: r.Name, PageGroup: r.PageGroup, Value: r.Value, SessionID: r.SessionID,
			Properties: scalars(r.Properties),
		}), nil
	default:
		return Archived{}, fmt.Errorf("type %q is neither touchpoint nor behavior: it was written by another program or a "+
			"later version; use that to read it", clip(r.Type))
	}
}

type leadRow struct {
	headColumns
	personColumns
	CreatedAt   *time.Time        `parquet:"created_at,optional,timestamp(millisecond)"`
	ContactName string            `parquet:"contact_name"`
	Phone       string            `parquet:"phone"`
	Email       string            `parquet:"email"`
	WeChat      string            `parquet:"wechat"`
	Company     string            `parquet:"company"`
	Source      string            `parquet:"source,dict"`
	Attributes  map[string]string `parquet:"attributes"`
}

func (r *leadRow) message() (Archived, error) {
	e := &event.Lead{
		Header: r.header(), CreatedAt: inUTC(r.CreatedAt), Company: r.Company, Source: r.Source,
		Attributes: scalars(r.Attributes),
	}
	c := event.Contact{Name: r.ContactName, Phone: r.Phone, Email: r.Email, WeChat: r.WeChat}
	if c != (event.Contact{}) {
		e.Contact = &c
	}
	return r.archived(e), nil
}

type activityRow struct {
	headColumns
	personColumns
	Owner      string     `parquet:"owner,dict"`
	Method     string     `parquet:"method,dict"`
	DurationS  float64    `parquet:"duration_s"`
	Effective  bool       `parquet:"effective"`
	Outcome    string     `parquet:"outcome,dict"`
	NextAction string     `parquet:"next_action"`
	NextAt     *time.Time `parquet:"next_at,optional,timestamp(millisecond)"`
	Emotion    string     `parquet:"emotion,dict"`
}

func (r *activityRow) message() (Archived, error) {
	return r.archived(&event.Activity{
		Header: r.header(), Owner: r.Owner, Method: r.Method, DurationS: r.DurationS, Effective: r.Effective,
		Outcome: r.Outcome, NextAction: r.NextAction, NextAt: inUTC(r.NextAt), Emotion: r.Emotion,
	}), nil
}

type stageRow struct {
	headColumns
	personColumns
	Stage    string  `parquet:"stage,dict"`
	Amount   float64 `parquet:"amount"`
	Currency string  `parquet:"currency,dict"`
	Reason   string  `parquet:"reason,dict"`
}

func (r *stageRow) message() (Archived, error) {
	return r.archived(&event.Stage{
		Header: r.header(), Stage: event.LifecycleStage(r.Stage), Amount: r.Amount, Currency: r.Currency, Reason: r.Reason,
	}), nil
}

type assignmentRow struct {
	headColumns
	personColumns
	Owner  string `parquet:"owner,dict"`
	Team   string `parquet:"team,dict"`
	Action string `parquet:"action,dict"`
}

func (r *assignmentRow) message() (Archived, error) {
	return r.archived(&event.Assignment{
		Header: r.header(), Owner: r.Owner, Team: r.Team, Action: event.Action(r.Action),
	}), nil
}

type costRow struct {
	headColumns
	Date        day     `parquet:"date,date"`
	Channel     string  `parquet:"channel,dict"`
	Campaign    string  `parquet:"campaign,dict"`
	Amount      float64 `parquet:"amount"`
	Currency    string  `parquet:"currency,dict"`
	Impressions uint64  `parquet:"impressions"`
	Clicks      uint64  `parquet:"clicks"`
}

// day is a date in days since 1970.
type day int32

// Scan takes the date out of a row of the table.
func (d *day) Scan(value any) error {
	t, ok := value.(time.Time)
	if !ok {
		return fmt.Errorf("%T is no date", value)
	}
	*d = day(t.Unix() / secondsOfDay)
	return nil
}

const secondsOfDay = 24 * 60 * 60

func (d day) String() string { return time.Unix(int64(d)*secondsOfDay, 0).UTC().Format(time.DateOnly) }

func (r *costRow) message() (Archived, error) {
	return r.archived(&event.Cost{
		Date: r.Date.String(), Channel: r.Channel, Campaign: r.Campaign, Amount: r.Amount,
		Currency: r.Currency, Impressions: r.Impressions, Clicks: r.Clicks,
	}), nil
}

// letterRow holds key and raw as bytes: they need not be text.
type letterRow struct {
	Topic      string    `parquet:"topic,dict"`
	Reason     string    `parquet:"reason,dict"`
	Detail     string    `parquet:"detail"`
	Key        string    `parquet:"key,bytes"`
	Raw        string    `parquet:"raw,bytes"`
	ReceivedAt time.Time `parquet:"received_at,timestamp(millisecond)"`
}

func (r *letterRow) message() (Archived, error) {
	if !slices.Contains(event.Topics(), r.Topic) {
		return Archived{}, fmt.Errorf("topic %q is none of %q: it was written by another program or a later version; "+
			"use that to read it", clip(r.Topic), event.Topics())
	}
	return Archived{
		Topic: r.Topic, Key: []byte(r.Key), Value: []byte(r.Raw), ReceivedAt: r.ReceivedAt.UTC(),
	}, nil
}

func scalars(m map[string]string) map[string]event.Scalar {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]event.Scalar, len(m))
	for k, v := range m {
		out[k] = event.Scalar(v)
	}
	return out
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
