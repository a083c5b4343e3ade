package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"clew/ingest"
)

func verifyCommand(o *options) *cobra.Command {
	var repair, asJSON bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Compare what the tables hold with what Kafka holds, message by message",
		Long: "Compare what the tables hold with what Kafka holds, message by message. The exit code is 1 when a message " +
			"is missing or stored more than once.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withFilledSystem(cmd.Context(), o, func(ctx context.Context, s *system) error {
				return verify(ctx, s, repair, asJSON, cmd.OutOrStdout())
			})
		},
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "store what is missing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// verification is the report of a verify.
type verification struct {
	Right      bool              `json:"right"`
	Missing    int64             `json:"missing"`
	Repaired   int64             `json:"repaired"`
	Doubled    int64             `json:"doubled"`
	Beyond     uint64            `json:"beyond"`
	Lag        int64             `json:"lag"`
	Messages   int64             `json:"messages"`
	Partitions []ingest.Verified `json:"partitions"`
}

func verify(ctx context.Context, s *system, repair, asJSON bool, out io.Writer) error {
	b := newBar("verify", "messages", -1)
	options := ingest.VerifyOptions{Repair: repair, OnProgress: b.set}
	found, err := ingest.Verify(ctx, s.ingestConfig(), s.db.Audit(), options)
	if err != nil {
		return err
	}
	report := sum(found)
	b.done(uint64(report.Messages))
	if asJSON {
		err = printJSON(out, report)
	} else {
		err = printVerification(out, report)
	}
	return errors.Join(err, report.verdict())
}

func sum(found []ingest.Verified) verification {
	r := verification{Right: true, Partitions: found}
	for _, v := range found {
		r.Right = r.Right && v.Right()
		r.Missing += v.Missing
		r.Repaired += v.Repaired
		r.Doubled += v.Doubled
		r.Beyond += v.Beyond
		r.Lag += v.Lag
		r.Messages += v.Messages
	}
	return r
}

// verdict is the error that makes the exit code, with the remedies.
func (r verification) verdict() error {
	var faults []error
	if n := r.Missing - r.Repaired; n > 0 {
		faults = append(faults, fmt.Errorf("verify: %d messages are missing; `clew verify --repair` stores them", n))
	}
	if r.Doubled > 0 {
		faults = append(faults, fmt.Errorf("verify: %d messages are stored more than once; metrics are right all the same, "+
			"for an event_id counts once, and the raw tables are only added to", r.Doubled))
	}
	return errors.Join(faults...)
}

func printVerification(out io.Writer, r verification) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "messages\trows\tmissing\trepaired\tdoubled\tkept\tbeyond\tlag\t  partition")
	for _, v := range r.Partitions {
		if v.Messages == 0 && v.Rows == 0 {
			continue // an empty partition is right, and there may be hundreds
		}
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t  %s/%d\n", v.Messages, v.Rows, v.Missing, v.Repaired, v.Doubled,
			v.Kept, v.Beyond, v.Lag, v.Topic, v.Partition)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, v := range r.Partitions {
		if len(v.Gaps) > 0 {
			fmt.Fprintf(out, "%s/%d missing: %s\n", v.Topic, v.Partition, listed(v.Gaps))
		}
		if len(v.Doubles) > 0 {
			fmt.Fprintf(out, "%s/%d doubled: %s\n", v.Topic, v.Partition, listed(v.Doubles))
		}
		if v.Beyond > 0 {
			fmt.Fprintf(out, "%s/%d has %d rows from after its end at %d: the topic was made again, or the brokers lost "+
				"messages\n", v.Topic, v.Partition, v.Beyond, v.End)
		}
	}
	_, err := fmt.Fprintf(out, "%d messages: %d missing, %d of them repaired, %d doubled, %d not taken in yet\n",
		r.Messages, r.Missing, r.Repaired, r.Doubled, r.Lag)
	return err
}

// listed writes the first ranges of a kind on one line; --json has more.
func listed(ranges []ingest.OffsetRange) string {
	const most = 20
	var texts []string
	for i, r := range ranges {
		switch {
		case i == most:
			return strings.Join(texts, ", ") + fmt.Sprintf(" … (%d ranges in all, see --json)", len(ranges))
		case r.First == r.Last:
			texts = append(texts, fmt.Sprint(r.First))
		default:
			texts = append(texts, fmt.Sprintf("%d-%d", r.First, r.Last))
		}
	}
	return strings.Join(texts, ", ")
}
