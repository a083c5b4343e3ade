package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"clew/ingest/event"
	"clew/ingest/source"
	"clew/ingest/source/infer"
)

func sourcesCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sources",
		Short: "List, check, try and propose the mappings that say how files and webhooks become events",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(sourcesList(o), sourcesCheck(o), sourcesPreview(o), sourcesInfer())
	return cmd
}

// listedSource is a mapping as `clew sources list` shows it.
type listedSource struct {
	Name   string            `json:"name"`
	Title  map[string]string `json:"title,omitempty"`
	System string            `json:"system,omitempty"`
	Docs   string            `json:"docs,omitempty"`
	Inputs []string          `json:"inputs"`
}

func sourcesList(o *options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [NAME]...",
		Short: "List the shipped mappings and those in the folder that sources.dir names, or tell all of some",
		RunE: func(cmd *cobra.Command, names []string) error {
			cfg, err := o.config()
			if err != nil {
				return err
			}
			list, faults := listSources(cfg.Sources.Dir, names...)
			show := printSources
			if len(names) > 0 {
				show = printWhole
			}
			if asJSON {
				return errors.Join(printJSON(cmd.OutOrStdout(), list), faults)
			}
			return errors.Join(show(cmd.OutOrStdout(), list), faults)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// listSources returns the mappings that are right, of those named or else of all, and the faults of the others.
func listSources(dir string, names ...string) ([]listedSource, error) {
	list := []listedSource{}
	var faults []error
	if len(names) == 0 {
		names = source.Names(dir)
	}
	for _, name := range names {
		m, err := source.Load(name, dir)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		list = append(list, listedSource{Name: name, Title: m.Title, System: m.System, Docs: m.Docs, Inputs: m.Inputs()})
	}
	return list, errors.Join(faults...)
}

func printSources(w io.Writer, list []listedSource) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tTITLE\t标题") // the last column alone may hold letters of two columns' width
	for _, s := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Name, s.Title["en"], s.Title["zh"])
	}
	return t.Flush()
}

// printWhole tells all that is known of each mapping.
func printWhole(w io.Writer, list []listedSource) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range list {
		fmt.Fprintf(t, "name\t%s\ntitle\t%s\n标题\t%s\n", s.Name, s.Title["en"], s.Title["zh"])
		fmt.Fprintf(t, "system\t%s\ndocs\t%s\ninputs\t%s\n\n", s.System, s.Docs, strings.Join(s.Inputs, "  "))
	}
	return t.Flush()
}

func sourcesCheck(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "check NAME|FILE.yaml...",
		Short: "Tell all faults of mappings, with their lines",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			cfg, err := o.config()
			if err != nil {
				return err
			}
			wrong := 0
			for _, name := range names {
				if _, err := source.Load(name, cfg.Sources.Dir); err != nil {
					wrong++
					fmt.Fprintf(cmd.OutOrStdout(), "✗ %v\n", err)
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "✓ %s\n", name)
			}
			if wrong > 0 {
				return fmt.Errorf("%d of %d mappings are wrong; correct the lines above", wrong, len(names))
			}
			return nil
		},
	}
}

// previewing is what `clew sources preview` was asked for.
type previewing struct {
	mapping string
	payload bool
	events  int
}

func sourcesPreview(o *options) *cobra.Command {
	var p previewing
	cmd := &cobra.Command{
		Use:   "preview FILE",
		Short: "Show the first events of a file as JSON lines, and the rows that are rejected among them",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := o.config()
			if err != nil {
				return err
			}
			return p.run(cmd.Context(), args[0], cfg.Sources.Dir, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&p.mapping, "mapping", "", "name or .yaml file of the mapping (default what infer proposes)")
	flags.BoolVar(&p.payload, "payload", false, "the file is the body of a webhook")
	flags.IntVarP(&p.events, "events", "n", 5, "how many events, and at most as many rejections")
	return cmd
}

func (p previewing) run(ctx context.Context, file, dir string, stdout io.Writer) error {
	switch {
	case p.events < 1:
		return fmt.Errorf("--events is %d; ask for at least 1", p.events)
	case p.payload && p.mapping == "":
		return errors.New("--payload needs --mapping: a mapping is proposed for files alone")
	}
	mapping, err := p.load(file, dir)
	if err != nil {
		return err
	}
	var events iter.Seq2[event.Event, error]
	if p.payload {
		body, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		events = mapping.Payload(body)
	} else {
		r, err := mapping.OpenFile(file)
		if err != nil {
			return err
		}
		events = r.Events(ctx)
	}
	return p.print(events, stdout)
}

func (p previewing) load(file, dir string) (*source.Mapping, error) {
	if p.mapping != "" {
		return source.Load(p.mapping, dir)
	}
	text, err := infer.Propose(file)
	if err != nil {
		return nil, err
	}
	return source.Parse("proposed", text)
}

// print writes each event with its type, and each rejection as an object with the one key rejected.
func (p previewing) print(events iter.Seq2[event.Event, error], stdout io.Writer) error {
	made, rejected := 0, 0
	for e, err := range events {
		var line []byte
		if fault, ok := errors.AsType[*source.RowError](err); ok {
			rejected++
			line, err = json.Marshal(map[string]any{"rejected": fault})
		} else if err == nil {
			made++
			e.Head().Type = e.Kind()
			line, err = event.Encode(e)
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(stdout, "%s\n", line); err != nil {
			return err
		}
		if made == p.events || rejected == p.events {
			return nil
		}
	}
	if made == 0 && rejected == 0 {
		return errors.New("no row makes an event: correct the conditions or the rows of the mapping")
	}
	return nil
}

func sourcesInfer() *cobra.Command {
	return &cobra.Command{
		Use:   "infer FILE",
		Short: "Propose a mapping for a file, with the reason of every choice, to be read and corrected",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := infer.Propose(args[0])
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
