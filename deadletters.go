package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"clew/ingest/event"
	"clew/query/api"
	"clew/transform/warehouse"
)

// lettersPath is where the API has the dead letters.
const lettersPath = "/api/v1/deadletters"

// deadletters are the flags of each of its commands.
type deadletters struct {
	*options
	server string
	json   bool
}

func deadlettersCommand(o *options) *cobra.Command {
	d := &deadletters{options: o}
	cmd := &cobra.Command{
		Use:   "deadletters",
		Short: "Messages that are no valid events: list them, show one, send it again",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&d.server, "server", "", "ask a running clew at this URL, not the data directory")
	cmd.PersistentFlags().BoolVar(&d.json, "json", false, "print JSON, as the API answers")
	cmd.AddCommand(d.listCommand(), d.showCommand(), d.replayCommand())
	return cmd
}

func (d *deadletters) listCommand() *cobra.Command {
	var f warehouse.LetterFilter
	var limit int
	var count bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the newest dead letters, or count them by topic and reason",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := api.CheckLetterFilter(f, limit); err != nil {
				return err
			}
			q := url.Values{
				"reason": {f.Reason}, "topic": {f.Topic}, "limit": {strconv.Itoa(limit)}, "count": {strconv.FormatBool(count)},
			}
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			if count {
				return answerWith(ctx, d, lettersPath, q, out, printCounts,
					func(ctx context.Context, l *letterbox) (a api.LetterCountList, err error) {
						a.Counts, err = l.LetterCounts(ctx, f)
						return a, err
					})
			}
			return answerWith(ctx, d, lettersPath, q, out, printLetters,
				func(ctx context.Context, l *letterbox) (a api.LetterList, err error) {
					a.Letters, a.Total, err = l.Letters(ctx, f, limit)
					return a, err
				})
		},
	}
	cmd.Flags().StringVar(&f.Reason, "reason", "", "only those of this reason, such as missing_field")
	cmd.Flags().StringVar(&f.Topic, "topic", "", "only those of this topic, such as clew.stages")
	cmd.Flags().IntVar(&limit, "limit", api.DefaultLetters, "how many to list")
	cmd.Flags().BoolVar(&count, "count", false, "count them by topic and reason instead")
	return cmd
}

func (d *deadletters) showCommand() *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use:   "show TOPIC/PARTITION/OFFSET",
		Short: "Show one dead letter: why it is one, and its bytes",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := warehouse.ParsePlace(args[0])
			if err != nil {
				return err
			}
			show := printLetter
			if raw {
				show = printRaw
			}
			if raw && d.json {
				return errors.New("--raw and --json are two ways to print: choose one")
			}
			return answerWith(cmd.Context(), d, letterPath(at), nil, cmd.OutOrStdout(), show,
				func(ctx context.Context, l *letterbox) (warehouse.Letter, error) {
					letter, err := l.Letter(ctx, at)
					if errors.Is(err, warehouse.ErrNoLetter) {
						return letter, api.NoDeadLetter(at)
					}
					return letter, err
				})
		},
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "print the message's bytes and nothing else")
	return cmd
}

func (d *deadletters) replayCommand() *cobra.Command {
	var file string
	var r api.Replay
	cmd := &cobra.Command{
		Use:   "replay TOPIC/PARTITION/OFFSET",
		Short: "Send a dead letter to its topic again, as it came or corrected",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := warehouse.ParsePlace(args[0])
			if err != nil {
				return err
			}
			if file != "" {
				if r.With, err = readCorrection(file, cmd.InOrStdin()); err != nil {
					return err
				}
			}
			if d.server != "" {
				return d.replayThere(cmd.Context(), at, r, cmd.OutOrStdout())
			}
			return d.replayHere(cmd.Context(), at, r, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&file, "with", "", "file of the corrected event as JSON; - reads it from standard input")
	cmd.Flags().BoolVar(&r.Again, "again", false, "also where it was sent again before")
	return cmd
}

// readCorrection reads a file, or standard input for "-". One byte more than an event may have is enough to refuse it.
func readCorrection(file string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("--with: %w; name the file of the corrected event", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, event.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("--with %s: %w", file, err)
	}
	if len(text) == 0 {
		return nil, fmt.Errorf("--with %s: it is empty; give the corrected event as JSON", file)
	}
	return text, nil
}

// answerWith prints what the data directory or the server answers, for people or as JSON.
func answerWith[T any](
	ctx context.Context, d *deadletters, path string, q url.Values, out io.Writer,
	show func(io.Writer, T) error, here func(context.Context, *letterbox) (T, error),
) error {
	if d.json {
		show = func(w io.Writer, answer T) error { return printJSON(w, answer) }
	}
	if d.server != "" {
		var answer T
		text, err := callServer(ctx, http.MethodGet, d.server, path, q, nil)
		if err == nil {
			err = json.Unmarshal(text, &answer)
		}
		if err != nil {
			return err
		}
		return show(out, answer)
	}
	return withSystem(ctx, d.options, noKafka, func(ctx context.Context, s *system) error {
		answer, err := here(ctx, s.letters())
		if err != nil {
			return err
		}
		return show(out, answer)
	})
}

func letterPath(at warehouse.Place) string { return lettersPath + "/" + at.String() }

func (d *deadletters) replayThere(ctx context.Context, at warehouse.Place, r api.Replay, out io.Writer) error {
	q := url.Values{"again": {strconv.FormatBool(r.Again)}}
	text, err := callServer(ctx, http.MethodPost, d.server, letterPath(at)+"/replay", q, r.With)
	if err != nil {
		return err
	}
	var done api.Replayed
	if err := json.Unmarshal(text, &done); err != nil {
		return fmt.Errorf("--server %s: read the answer: %w", d.server, err)
	}
	return d.printReplayed(out, &done)
}

func (d *deadletters) replayHere(ctx context.Context, at warehouse.Place, r api.Replay, out io.Writer) error {
	return withFilledSystem(ctx, d.options, func(ctx context.Context, s *system) error {
		done, err := s.letters().Replay(ctx, at, r)
		if err != nil {
			return err
		}
		// Nobody else takes in what the broker of this process holds.
		if s.broker != nil {
			if err := s.ingestAll(ctx); err != nil {
				return fmt.Errorf("%s was sent again and is not stored yet, `clew serve` will store it: %w", at, err)
			}
			done.Stored = true
		}
		return d.printReplayed(out, done)
	})
}

// withFilledSystem is withSystem with Kafka for commands that make no sense on an empty data directory.
func withFilledSystem(ctx context.Context, o *options, run func(context.Context, *system) error) error {
	cfg, err := o.config()
	if err == nil && cfg.Warehouse.DSN == "" {
		err = cfg.hasData()
	}
	if err != nil {
		return err
	}
	return withSystem(ctx, o, anyPort, run)
}

func (d *deadletters) printReplayed(out io.Writer, done *api.Replayed) error {
	if d.json {
		return printJSON(out, done)
	}
	as := "as it came"
	if done.EventID != "" {
		as = "as event " + printable(done.EventID)
	}
	text := fmt.Sprintf("%s was sent again %s", done.Place, as)
	if done.Stored {
		text += ", and is stored"
	}
	if done.Warning != "" {
		text += "\n" + printable(done.Warning)
	}
	_, err := fmt.Fprintln(out, text)
	return err
}

func printLetters(out io.Writer, a api.LetterList) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PLACE\tREASON\tRECEIVED\tBYTES\tSENT AGAIN\tDETAIL")
	for _, l := range a.Letters {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n",
			l.Place, printable(l.Reason), moment(l.ReceivedAt), l.Size, sentAgain(l), clip(printable(l.Detail), 90))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d of %d dead letters\n", len(a.Letters), a.Total)
	return err
}

func printCounts(out io.Writer, a api.LetterCountList) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TOPIC\tREASON\tLETTERS\tSENT AGAIN")
	for _, c := range a.Counts {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", c.Topic, printable(c.Reason), c.Letters, c.Replayed)
	}
	return w.Flush()
}

func printLetter(out io.Writer, l warehouse.Letter) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	again := sentAgain(l)
	if l.EventID != "" {
		again += " as event " + printable(l.EventID)
	}
	for _, line := range [][2]string{
		{"place", l.String()},
		{"reason", l.Reason},
		{"detail", l.Detail},
		{"received", moment(l.ReceivedAt)},
		{"sent again", again},
		{"key", readable(l.Key)},
		{"bytes", strconv.FormatUint(l.Size, 10)},
	} {
		fmt.Fprintf(w, "%s\t%s\n", line[0], printable(line[1]))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s\n", readable(*l.Raw))
	return err
}

// printRaw writes the bytes as they came, to be kept in a file.
func printRaw(out io.Writer, l warehouse.Letter) error {
	_, err := out.Write(l.Raw.Raw())
	return err
}

func sentAgain(l warehouse.Letter) string {
	switch {
	case l.ReplayedAt == nil:
		return "no"
	case l.Replays == 1:
		return moment(*l.ReplayedAt)
	default:
		return fmt.Sprintf("%s (%d times)", moment(*l.ReplayedAt), l.Replays)
	}
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// readable is bytes for a terminal: text that cannot steer it, or base64.
func readable(b warehouse.Bytes) string {
	if len(b.Base64) > 0 {
		return "base64: " + base64.StdEncoding.EncodeToString(b.Base64)
	}
	lines := strings.Split(b.Text, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// printable replaces what would steer a terminal or break a table.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		if unicode.IsSpace(r) {
			return ' '
		}
		return unicode.ReplacementChar
	}, s)
}

// clip cuts a text for a table, at most n characters long.
func clip(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}
