package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// queueSettings are those of ClickHouse's Kafka engine that matter for speed.
type queueSettings struct {
	Consumers int
	// Block is how many rows go to the tables at once, and Poll how many are taken from the client at once.
	Block, Poll int
	// FlushMs is after how long a block goes that is not full.
	FlushMs int
	// Together makes the consumers of a topic share one thread, and so one block.
	Together bool
}

// queueCandidates are what is tried. The first serves where no trials are made.
func queueCandidates() []queueSettings {
	return []queueSettings{
		{Consumers: 1, Block: 1 << 20, Poll: 65_536, FlushMs: 1000},
		{Consumers: 1, Block: 1 << 20, Poll: 65_536, FlushMs: 3000},
		{Consumers: 1, Block: 1 << 20, Poll: 65_536, FlushMs: 7500},
		{Consumers: 1, Block: 65_536, Poll: 65_536, FlushMs: 7500},
		{Consumers: benchPartitions, Block: 1 << 20, Poll: 65_536, FlushMs: 3000},
		{Consumers: benchPartitions, Block: 1 << 20, Poll: 65_536, FlushMs: 3000, Together: true},
	}
}

// queue is what the Kafka engine needs to do with one topic what we do: the fields of its events, and how they become
// columns of the table.
type queue struct {
	topic, fields string
	person        bool
	columns       []string // NAME for a field of the same name, or EXPRESSION AS NAME
}

const mapType = "Map(LowCardinality(String), String)"

var queues = []queue{
	{
		"clew.touchpoints", "channel String, source String, medium String, campaign String, content String, term String, " +
			"touch String, url String, referrer String", true,
		[]string{
			"'touchpoint' AS type", "touch AS name", "channel", "source", "medium", "campaign", "content", "term", "url",
			"referrer",
		},
	},
	{
		"clew.behaviors", "name String, page_group String, value Float64, session_id String, properties " + mapType, true,
		[]string{"'behavior' AS type", "name", "page_group", "value", "session_id", "properties"},
	},
	{
		"clew.leads", "created_at Nullable(DateTime64(3, 'UTC')), contact Tuple(name String, phone String, email String, " +
			"wechat String), company String, source String, attributes " + mapType, true,
		[]string{
			"created_at", "contact.name AS contact_name", "contact.phone AS phone", "contact.email AS email",
			"contact.wechat AS wechat", "company", "source", "attributes",
		},
	},
	{
		"clew.activities", "owner String, method String, duration_s Float64, effective Bool, outcome String, " +
			"next_action String, next_at Nullable(DateTime64(3, 'UTC')), emotion String", true,
		[]string{"owner", "method", "duration_s", "effective", "outcome", "next_action", "next_at", "emotion"},
	},
	{
		"clew.stages", "stage String, amount Float64, currency String, reason String", true,
		[]string{"stage", "amount", "currency", "reason"},
	},
	{
		"clew.assignments", "owner String, team String, action String", true,
		[]string{"owner", "team", "action"},
	},
	{
		"clew.costs", "date Date32, channel String, campaign String, amount Float64, currency String, " +
			"impressions UInt64, clicks UInt64", false,
		[]string{"date", "channel", "campaign", "amount", "currency", "impressions", "clicks"},
	},
}

// statements make the queue, and the view that moves its rows into the raw table.
func (q queue) statements(r role) (table, view string) {
	name := "queue_" + strings.TrimPrefix(q.topic, "clew.")
	fields := "workspace String, event_id String, occurred_at DateTime64(3, 'UTC'), "
	columns := []string{
		// Qualified, so that a column made of a field may have the field's name.
		"if(q.workspace = '', 'default', q.workspace) AS workspace", "event_id",
		"q.occurred_at > received_at + INTERVAL 1 DAY AS clamped",
		"if(clamped, received_at, q.occurred_at) AS occurred_at",
		"assumeNotNull(_timestamp_ms) AS received_at",
	}
	if q.person {
		fields += "lead_id String, anonymous_id String, identifiers " + mapType + ", "
		columns = append(columns, "lead_id", "anonymous_id", "identifiers")
	}
	columns = append(slices.Concat(columns, q.columns),
		"cityHash64(_topic) AS _src", "_partition AS _partition", "_offset AS _offset", "0 AS _row")
	threads := 1
	if r.Queue.Together {
		threads = 0
	}
	// A group for each topic: members that read different topics make each other join again and again.
	table = fmt.Sprintf(`CREATE TABLE %s (%s) ENGINE = Kafka
SETTINGS kafka_broker_list = '%s', kafka_topic_list = '%s', kafka_group_name = '%s', kafka_format = 'JSONEachRow',
kafka_num_consumers = %d, kafka_thread_per_consumer = %d, kafka_max_block_size = %d, kafka_poll_max_batch_size = %d,
kafka_flush_interval_ms = %d, kafka_poll_timeout_ms = 500, date_time_input_format = 'best_effort'`,
		name, fields+q.fields, r.Broker, q.topic, r.Group+q.topic,
		r.Queue.Consumers, threads, r.Queue.Block, r.Queue.Poll, r.Queue.FlushMs)
	view = fmt.Sprintf("CREATE MATERIALIZED VIEW %s_view TO %s AS\nSELECT %s\nFROM %s AS q",
		name, topicTables()[q.topic], strings.Join(columns, ", "), name)
	return table, view
}

// drainQueue lets the Kafka engine consume.
func (r role) drainQueue(ctx context.Context, s *system, got *report) error {
	for _, q := range queues {
		table, view := q.statements(r)
		for _, sql := range []string{table, view} {
			if err := s.db.Exec(ctx, sql, nil); err != nil {
				return fmt.Errorf("%w in\n%s", err, sql)
			}
		}
	}
	// What the tables' parts sum up to costs the engine nothing to tell.
	sql := "SELECT sum(total_rows) AS n FROM system.tables WHERE database = currentDatabase() AND name IN ('" +
		strings.Join(slices.Collect(maps.Values(topicTables())), "', '") + "')"
	for {
		var rows []struct {
			N *uint64 `ch:"n"`
		}
		if err := s.db.Select(ctx, &rows, sql, nil); err != nil {
			return err
		}
		if n := rows[0].N; n != nil && *n >= uint64(r.Events) {
			got.Events = int(*n)
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}
