package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"clew/transform/feature"
	"clew/transform/warehouse"
)

// featureOptions are the flags of `clew features`.
type featureOptions struct {
	lead, workspace, asOf string
	base, asJSON          bool
}

func featuresCommand(o *options) *cobra.Command {
	var f featureOptions
	cmd := &cobra.Command{
		Use:   "features [ID|NAME]...",
		Short: "List what a score may look at, or with --lead what it sees of a lead",
		Long: "List what a score may look at, or with --lead what it sees of a lead as of a moment.\n" +
			"Without IDs or names all features are meant.",
		RunE: func(cmd *cobra.Command, ids []string) error {
			features, err := f.chosen(ids)
			if err != nil {
				return err
			}
			switch given := cmd.Flags().Changed; {
			case given("lead") && f.lead == "":
				return errors.New("--lead is empty: give the id of a lead, or leave it out for the list")
			case given("as-of") && f.lead == "":
				return errors.New("--as-of is the moment of a vector: say with --lead of whom")
			case f.lead == "":
				return f.list(cmd.OutOrStdout(), features)
			}
			asOf, err := f.moment(time.Now())
			if err != nil {
				return err
			}
			return withSystem(cmd.Context(), o, noKafka, func(ctx context.Context, s *system) error {
				return f.vector(ctx, s, features, asOf, cmd.OutOrStdout())
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.lead, "lead", "", "print the vector of this lead")
	flags.StringVar(&f.workspace, "workspace", "default", "workspace of the lead")
	flags.StringVar(&f.asOf, "as-of", "", "moment of the vector, as 2026-01-31T08:00:00Z (default now)")
	flags.BoolVar(&f.base, "base", false, "leave out windows and decayed forms")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

func (f *featureOptions) chosen(ids []string) ([]feature.Feature, error) {
	switch {
	case len(ids) > 0:
		return feature.Find(ids...)
	case f.base:
		return feature.Base(), nil
	}
	return feature.Catalogue(), nil
}

func (f *featureOptions) moment(now time.Time) (time.Time, error) {
	if f.asOf == "" {
		return now, nil
	}
	t, err := time.Parse(time.RFC3339, f.asOf)
	if err != nil {
		return t, fmt.Errorf("--as-of %s: want a time with a zone such as 2026-01-31T08:00:00Z", f.asOf)
	}
	return t, nil
}

func (f *featureOptions) list(w io.Writer, features []feature.Feature) error {
	if f.asJSON {
		return printJSON(w, features)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tNAME\tTYPE\tKNOWN\tSOURCE\tNAME IN ENGLISH AND CHINESE: DEFINITION")
	for _, x := range features {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s %s: %s\n", x.ID, x.Name, x.Type, x.Availability, x.Source, x.EN, x.ZH, x.Definition)
	}
	return t.Flush()
}

// featureValue is a feature with what a lead has of it: a number, a text or nil.
type featureValue struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// vector prints what the features are for the lead. A lead without a history is an error: its vector says nothing.
func (f *featureOptions) vector(
	ctx context.Context, s *system, features []feature.Feature, asOf time.Time, w io.Writer,
) error {
	known := []struct {
		N uint64 `ch:"n"`
	}{}
	lead := warehouse.Params{"workspace": f.workspace, "lead": f.lead}
	const count = "SELECT count() AS n FROM lead_journeys WHERE workspace = {workspace:String} AND lead_id = {lead:String}"
	if err := s.db.Select(ctx, &known, count, lead); err != nil {
		return err
	}
	if known[0].N == 0 {
		return fmt.Errorf("--lead %s: the workspace %s has no history of this id: a merged lead has another, and a new one waits for "+
			"`clew jobs run`", f.lead, f.workspace)
	}
	values, err := feature.Vector(ctx, s.db, features, f.workspace, f.lead, asOf, s.cfg.Business.Timezone)
	if err != nil {
		return err
	}
	list := make([]featureValue, len(features))
	for i, x := range features {
		list[i] = featureValue{ID: x.ID, Name: x.Name, Value: values[i]}
	}
	if f.asJSON {
		return printJSON(w, list)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range list {
		text := "–"
		if v.Value != nil {
			text = strings.TrimSpace(fmt.Sprint(v.Value))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", v.ID, v.Name, text)
	}
	return t.Flush()
}
