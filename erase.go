package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clew/ingest/event"
	"clew/ingest/identifier"
	"clew/ingest/stream"
	"clew/transform/erasure"
	"clew/transform/warehouse"
)

// erasing is whom the user wants erased.
type erasing struct {
	lead, email, phone, wechat, other string
	workspace                         string
	dryRun, yes                       bool
}

func eraseCommand(o *options) *cobra.Command {
	var e erasing
	cmd := &cobra.Command{
		Use:   "erase {--lead ID | --email X | --phone X | --wechat X | --identifier KIND=VALUE}",
		Short: "Remove a person from everywhere, for ever",
		Long: "Remove a person from everywhere, for ever: from the tables, the dead letters, the log of the broker in this " +
			"process and the reports in the data directory. The person is whoever the id belongs to, with all other ids that " +
			"are known of it. What was removed does not come back by a message that is sent again or an archive that is " +
			"imported; what the person does from now on is new.\n\n" +
			"Stop the server first where it runs on the data directory. An erasure that was cut off, by kill -9 too, is " +
			"completed when the same command is given again. Files that were imported, archives, lists of --rejects elsewhere " +
			"and backups are not touched; of a Kafka elsewhere it says where messages remain, and until when.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withFilledSystem(cmd.Context(), o, func(ctx context.Context, s *system) error {
				return e.run(ctx, s, cmd.OutOrStdout())
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&e.lead, "lead", "", "a lead id of the person")
	flags.StringVar(&e.email, "email", "", "an e-mail address")
	flags.StringVar(&e.phone, "phone", "", "a phone number; without a country code it is Chinese")
	flags.StringVar(&e.wechat, "wechat", "", "a WeChat id")
	flags.StringVar(&e.other, "identifier", "", "any other identifier as KIND=VALUE, such as wechat_unionid=o6_bmjr")
	flags.StringVar(&e.workspace, "workspace", "default", "workspace of the person")
	flags.BoolVar(&e.dryRun, "dry-run", false, "only say what would be removed")
	flags.BoolVar(&e.yes, "yes", false, "do it")
	cmd.MarkFlagsOneRequired("lead", "email", "phone", "wechat", "identifier")
	cmd.MarkFlagsMutuallyExclusive("lead", "email", "phone", "wechat", "identifier")
	return cmd
}

// request is what the warehouse looks for: what names a person by its hash.
func (e erasing) request(p *identifier.Protector) (erasure.Request, error) {
	r := erasure.Request{Workspace: e.workspace, Kind: erasure.KindLead, Value: e.lead}
	for kind, value := range map[string]string{"email": e.email, "phone": e.phone, "wechat": e.wechat} {
		if value != "" {
			r.Kind, r.Value = kind, value
		}
	}
	if e.other != "" {
		kind, value, ok := strings.Cut(e.other, "=")
		if !ok || kind == "" || value == "" {
			return r, fmt.Errorf("--identifier %s: write it as KIND=VALUE", e.other)
		}
		r.Kind, r.Value = identifier.Canonical(kind), value
	}
	if kind := identifier.KindOf(r.Kind); kind != identifier.KindNone && !identifier.IsHash(r.Value) {
		if _, valid := identifier.Normalise(kind, r.Value); !valid {
			return r, fmt.Errorf("--%s: that is none; write it in full, a number from abroad with + and its country code", r.Kind)
		}
		r.Value = p.Hash(r.Kind, r.Value)
	}
	r.ID = p.Hash("erasure", r.Workspace+"\x00"+r.Kind+"\x00"+r.Value)
	return r, nil
}

// erased is the report of an erasure.
type erased struct {
	// DryRun says that nothing was removed.
	DryRun bool `json:"dry_run,omitempty"`
	// Resumed says that an erasure was completed that had been cut off; it counts what was left.
	Resumed bool `json:"resumed,omitempty"`
	// IDs are how many ids the person had.
	IDs int `json:"ids"`
	// Rows are the raw rows, DeadLetters the messages that were no events, Derived the rows of all other tables.
	Rows        uint64 `json:"rows"`
	DeadLetters uint64 `json:"dead_letters"`
	Derived     uint64 `json:"derived,omitempty"`
	// Messages are those that the broker in this process no longer holds, all of them stored before: those of others too.
	Messages int64 `json:"messages_forgotten,omitempty"`
	// Files are those of the data directory in which the person was overwritten.
	Files []string `json:"files,omitempty"`
	// Pending are messages that Kafka holds and nobody has stored; whether some are the person's shows later.
	Pending int64 `json:"pending,omitempty"`
	// Kept is where Kafka still holds messages that were erased here, by this erasure or an earlier one.
	Kept []keptMessages `json:"kafka_keeps,omitempty"`
}

func (e erasing) run(ctx context.Context, s *system, out io.Writer) error {
	request, err := e.request(s.protector)
	if err != nil {
		return err
	}
	if s.broker != nil && !e.dryRun {
		// What is in the log only cannot be found, and must not be forgotten before others' messages are stored.
		if err := s.ingestAll(ctx); err != nil {
			return fmt.Errorf("store what the log holds: %w", err)
		}
	}
	person, err := erasure.Find(ctx, s.db, request)
	if errors.Is(err, erasure.ErrShared) {
		return err
	}
	if err != nil {
		return fmt.Errorf("find the person: %w", err)
	}
	if e.dryRun || !e.yes {
		return e.tell(ctx, s, person, out)
	}
	report := erased{Resumed: person.Resumed, IDs: len(person.Nodes)}
	done, err := erasure.Erase(ctx, s.erasureConfig(person, &report), person)
	if err != nil {
		return fmt.Errorf("the erasure was cut off: %w; give the same command again to complete it", err)
	}
	report.Rows, report.DeadLetters, report.Derived = done.Rows, done.Letters, done.Derived
	return printJSON(out, report)
}

// unfinished is an error where an erasure was cut off.
func (s *system) unfinished(ctx context.Context) error {
	started, err := erasure.Unfinished(ctx, s.db)
	if err == nil && len(started) > 0 {
		err = fmt.Errorf("%d erasures were cut off, the first begun at %s: give the command of each again", len(started),
			started[0].Format(time.RFC3339))
	}
	return err
}

// tell says what would be removed.
func (e erasing) tell(ctx context.Context, s *system, person erasure.Person, out io.Writer) error {
	letters, err := erasure.CountLetters(ctx, s.db, person, s.protector)
	if err != nil {
		return err
	}
	err = printJSON(out, erased{
		DryRun: true, Resumed: person.Resumed, IDs: len(person.Nodes), Rows: person.Total(), DeadLetters: uint64(letters),
	})
	if err == nil && !e.dryRun {
		err = errors.New("nothing was removed: add --yes to remove this for ever")
	}
	return err
}

func (s *system) erasureConfig(person erasure.Person, report *erased) erasure.Config {
	return erasure.Config{
		DB: s.db, Protector: s.protector, Now: time.Now(),
		Elsewhere: func(ctx context.Context) (err error) {
			if s.broker != nil {
				report.Messages, err = s.forgetMessages(ctx)
			} else {
				report.Kept, report.Pending, err = s.keptMessages(ctx)
			}
			if err != nil {
				return err
			}
			report.Files, err = overwriteIn(s.cfg, person.Finder(s.protector))
			return err
		},
	}
}

// lastMessage is what remains in a log whose messages were forgotten: no event, and stored as a blank row.
const lastMessage = "erased"

// forgetMessages empties the log of the broker in this process: all of it is stored.
func (s *system) forgetMessages(ctx context.Context) (int64, error) {
	var last []warehouse.MessageID
	for _, topic := range event.Topics() {
		last = append(last, warehouse.ErasedLetterID(topic, lastMessage))
	}
	if err := s.db.NoteErased(ctx, last); err != nil {
		return 0, err
	}
	n, err := s.broker.Forget(ctx, event.Topics(), s.cfg.Kafka.Group, []byte(lastMessage))
	if err != nil {
		return n, err
	}
	return n, s.ingestAll(ctx)
}

// keptMessages is a stretch of a log in which messages lie that were erased here.
type keptMessages struct {
	Topic     string `json:"topic"`
	Partition uint32 `json:"partition"`
	First     uint64 `json:"first_offset"`
	Last      uint64 `json:"last_offset"`
	Messages  uint64 `json:"messages"`
	// Until is when the retention of the topic deletes the last of them; absent: never, or Kafka does not tell.
	Until *time.Time `json:"until,omitempty"`
}

// keptMessages asks which erased messages Kafka holds, and how many messages are not stored yet.
func (s *system) keptMessages(ctx context.Context) (kept []keptMessages, pending int64, err error) {
	client, err := stream.NewClient(s.kafka)
	if err != nil {
		return nil, 0, err
	}
	defer client.Close()
	retention, err := client.Retention(ctx, event.Topics())
	if err != nil {
		return nil, 0, err
	}
	ranges, err := logEnds(ctx, client)
	if err != nil {
		return nil, 0, err
	}
	if pending, err = s.pending(ctx, client, ranges); err != nil {
		return nil, 0, err
	}
	blanks, err := s.db.Blanks(ctx)
	if err != nil {
		return nil, 0, err
	}
	for _, b := range blanks {
		held := ranges[stream.Partition{Topic: b.Topic, ID: int(b.Partition)}]
		keeps, told := retention[b.Topic]
		until := b.Received.Add(keeps)
		if b.Last < uint64(held.First) || told && keeps >= 0 && until.Before(time.Now()) {
			continue
		}
		k := keptMessages{
			Topic: b.Topic, Partition: b.Partition, First: max(b.First, uint64(held.First)), Last: b.Last, Messages: b.Messages,
		}
		if told && keeps >= 0 {
			k.Until = &until
		}
		kept = append(kept, k)
	}
	return kept, pending, nil
}

// pending counts the messages that the group of ingest has not committed.
func (s *system) pending(
	ctx context.Context, client *stream.Client, ranges map[stream.Partition]stream.Range,
) (n int64, err error) {
	var all []stream.Partition
	for p := range ranges {
		all = append(all, p)
	}
	done, err := client.Committed(ctx, s.cfg.Kafka.Group, all)
	if err != nil {
		return 0, err
	}
	for p, r := range ranges {
		n += max(0, r.End-max(done[p], r.First))
	}
	return n, nil
}
